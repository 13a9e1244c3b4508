//! Orders over HTTP: what they do is seen at once, and what cannot be done is refused with the right status.

use cc_forwarder::simulator::{Behaviour, Class};
use serde_json::{Value, json};

use crate::door::is_error;
use crate::scene::{Scene, client};
use crate::support::{Answer, QUICK, World};

fn is_done(answer: &Answer) -> String {
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(!message.is_empty(), "{text}");
    message
}

fn find<'v>(list: &'v Value, name: &str) -> &'v Value {
    list.as_array().unwrap().iter().find(|item| item["name"] == name).expect("one of that name")
}

#[tokio::test]
async fn priorities_change_one_by_one_and_all_at_once() {
    let scene = Scene::new().await;
    is_done(&scene.order("/endpoints/a/priority", "{\"priority\": 7}").await);
    is_done(&scene.order("/endpoints/priorities", "{\"priorities\": {\"a\": 5, \"b\": 2}}").await);
    let view = scene.view("/endpoints").await;
    let priority = |name| find(&view["endpoints"], name)["priority"].as_u64();
    assert_eq!((priority("a"), priority("b")), (Some(5), Some(2)));
    let refused = scene.order("/endpoints/priorities", "{\"priorities\": {\"a\": 1, \"x\": 2}}").await;
    is_error(&refused, 404, "not_found");
    assert!(refused.text().contains("there is: a, b"), "{}", refused.text());
    assert_eq!(find(&scene.view("/endpoints").await["endpoints"], "a")["priority"], 5, "all or none");
    for body in
        ["", "{}", "{\"priority\": -1}", "{\"priority\": \"1\"}", "[1]", "null", "{\"priority\": 4294967296}"]
    {
        is_error(&scene.order("/endpoints/a/priority", body).await, 400, "bad_request");
    }
    is_error(&scene.order("/endpoints/priorities", "{\"priorities\": {}}").await, 400, "bad_request");
    assert_eq!(scene.view("/endpoints?group=nobody").await["endpoints"], json!([]));
    scene.stop().await;
}

#[tokio::test]
async fn endpoints_are_probed_switched_and_cleared() {
    let mut scene = Scene::new().await;
    let up = scene.order("/endpoints/a/health-check", "").await.json();
    assert_eq!(
        (&up["up"], &up["status"], &up["credential_problem"]),
        (&true.into(), &200.into(), &false.into())
    );
    scene.world.sims[0].set_for(Class::Models, Behaviour::status(401, "authentication_error"));
    let refused = scene.order("/endpoints/a/health-check", "{}").await.json();
    assert_eq!((&refused["up"], &refused["credential_problem"]), (&true.into(), &true.into()), "{refused}");
    scene.world.sims[1].down().await.unwrap();
    let down = scene.order("/endpoints/b/health-check", "").await;
    assert_eq!((down.status.as_u16(), &down.json()["up"]), (200, &false.into()), "{}", down.text());
    assert!(!down.text().contains("tok-b") && down.json()["status"].is_null(), "{}", down.text());
    is_done(&scene.order("/endpoints/b/clear", "").await);
    is_error(&scene.order("/endpoints/b/clear", "").await, 409, "conflict");
    for (order, enabled) in [("disable", false), ("enable", true)] {
        is_done(&scene.order(&format!("/endpoints/a/{order}"), "").await);
        let view = scene.view("/endpoints?group=main").await;
        assert_eq!(find(&view["endpoints"], "a")["condition"] != "disabled", enabled, "{view}");
    }
    for order in ["priority", "health-check", "enable", "disable", "clear"] {
        let body = if order == "priority" { "{\"priority\": 1}" } else { "" };
        is_error(&scene.order(&format!("/endpoints/x/{order}"), body).await, 404, "not_found");
    }
    assert!(scene.world.has_no_record());
    scene.stop().await;
}

#[tokio::test]
async fn groups_are_activated_released_paused_and_resumed() {
    let world = World::with(
        &QUICK.replace("web: { enabled: false }", "web: { port: 0 }"),
        &[("a", "main"), ("b", "spare")],
    )
    .await
    .settled()
    .await;
    let scene = Scene { admin: client(&world), world, folder: tempfile::tempdir().unwrap() };
    assert_eq!(scene.view("/groups").await["active_group"], "main");
    is_error(&scene.order("/groups/main/release", "").await, 409, "conflict");
    is_done(&scene.order("/groups/spare/activate", "").await);
    let view = scene.view("/groups").await;
    assert_eq!(view["active_group"], "spare");
    assert_eq!(find(&view["groups"], "spare")["activated"], true);
    is_error(&scene.order("/groups/spare/activate?force=true", "").await, 409, "conflict");
    let other = scene.order("/groups/main/release", "").await;
    is_error(&other, 409, "conflict");
    assert!(other.text().contains("spare"), "{}", other.text());
    is_done(&scene.order("/groups/spare/release", "").await);
    assert_eq!(scene.view("/groups").await["active_group"], "main");
    is_done(&scene.order("/groups/main/pause", "{\"duration\": \"30m\"}").await);
    let view = scene.view("/groups").await;
    let paused = find(&view["groups"], "main");
    assert_eq!((&paused["state"], &view["active_group"]), (&"paused".into(), &"spare".into()));
    assert!((1700.0..=1800.0).contains(&paused["ends_in"].as_f64().unwrap()), "{paused}");
    is_done(&scene.order("/groups/main/pause", "{}").await);
    assert!(find(&scene.view("/groups").await["groups"], "main")["ends_in"].is_null(), "for ever");
    is_done(&scene.order("/groups/main/resume", "").await);
    is_error(&scene.order("/groups/main/resume", "").await, 409, "conflict");
    for order in ["activate", "release", "pause", "resume"] {
        is_error(&scene.order(&format!("/groups/x/{order}"), "").await, 404, "not_found");
    }
    is_error(&scene.order("/groups/main/pause", "[]").await, 400, "bad_request");
    is_done(&scene.order("/groups/main/pause", "null").await);
    for wrong in ["30", "0s", "-1m", "soon", "100000h"] {
        let body = json!({ "duration": wrong }).to_string();
        is_error(&scene.order("/groups/main/pause", &body).await, 400, "bad_request");
    }
    is_error(&scene.order("/groups/main/activate?force=maybe", "").await, 400, "bad_request");
    scene.stop().await;
}

#[tokio::test]
async fn names_in_a_path_may_hold_anything() {
    let sim = cc_forwarder::simulator::Simulator::start("odd").await.unwrap();
    let yaml = format!(
        "{}\nendpoints:\n  - {{ name: 'a/b c?d', url: '{}', group: '50% grün' }}\n",
        QUICK.replace("web: { enabled: false }", "web: { port: 0 }"),
        sim.url()
    );
    let world = World::over(&yaml, vec![sim]).await;
    let scene = Scene { admin: client(&world), world, folder: tempfile::tempdir().unwrap() };
    is_done(&scene.order("/endpoints/a%2Fb%20c%3Fd/priority", "{\"priority\": 4}").await);
    let view = scene.view("/endpoints?group=50%25%20gr%C3%BCn").await;
    assert_eq!(view["endpoints"][0]["priority"], 4, "{view}");
    is_done(&scene.order("/groups/50%25%20gr%C3%BCn/pause", "").await);
    is_error(&scene.order("/groups/%FF/pause", "").await, 400, "bad_request");
    scene.stop().await;
}

#[tokio::test]
async fn the_suspended_go_on_or_end_at_a_persons_word() {
    let base = QUICK
        .replace("web: { enabled: false }", "web: { port: 0 }")
        .replace("request_suspend: { enabled: false }", "request_suspend: { enabled: true, timeout: 60s }")
        .replace("global_timeout: 700ms", "global_timeout: 60s");
    let world = World::with(&base, &[("a", "main")]).await.settled().await;
    let scene = Scene { admin: client(&world), world, folder: tempfile::tempdir().unwrap() };
    is_error(&scene.order("/suspended/resume-all", "").await, 409, "conflict");
    scene.world.sims[0].set(Behaviour::status(503, ""));
    let ask = || {
        let client = scene.world.client.clone();
        tokio_util::task::TaskTracker::new().spawn(async move { client.messages(false).await })
    };
    let first = ask();
    scene.world.snapshot(|snapshot| snapshot.queue.len() == 1).await;
    let view = scene.view("/suspended").await;
    assert_eq!((&view["enabled"], &view["capacity"]), (&true.into(), &100.into()), "{view}");
    let id = view["queue"][0]["id"].as_str().unwrap().to_owned();
    let open = scene.view("/connections").await;
    assert_eq!(
        (&open["active"], &open["suspended"], &open["live"][0]["id"]),
        (&1.into(), &1.into(), &id.as_str().into())
    );
    is_done(&scene.order(&format!("/suspended/{id}/cancel"), "").await);
    assert!(first.await.unwrap().status.is_server_error());
    is_error(&scene.order(&format!("/suspended/{id}/cancel"), "").await, 404, "not_found");
    is_error(&scene.order("/suspended/nonsense/resume", "").await, 400, "bad_request");
    let (second, third) = (ask(), ask());
    let waiting = scene.world.snapshot(|snapshot| snapshot.queue.len() == 2).await;
    scene.world.sims[0].set(Behaviour::healthy());
    is_done(&scene.order(&format!("/suspended/{}/resume", waiting.queue[0].id), "").await);
    let _ = scene.order("/suspended/resume-all", "").await;
    assert_eq!((second.await.unwrap().status.as_u16(), third.await.unwrap().status.as_u16()), (200, 200));
    scene.stop().await;
}
