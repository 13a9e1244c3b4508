//! What runs and what ended, in one list; one request with its story; log lines; the last hour.

use std::collections::BTreeSet;

use cc_forwarder::admin::requests::RequestDetail;
use cc_forwarder::admin::usage::ask::RequestsView;
use cc_forwarder::app::Taps;
use cc_forwarder::app::reload::{LogFlags, LogTap};
use cc_forwarder::config::{Level, LogFormat, Logging};
use cc_forwarder::domain::secret::Redactor;
use cc_forwarder::events::board::Snapshot;
use cc_forwarder::logging::ring::Line;
use cc_forwarder::logging::{self, Console};
use cc_forwarder::simulator::{Behaviour, Pace};
use serde_json::Value;

use crate::door::is_error;
use crate::scene::{Scene, client};
use crate::support::{QUICK, World, config, read};

fn ids(page: &Value) -> Vec<String> {
    let requests = page["requests"].as_array().unwrap();
    requests.iter().map(|request| request["request_id"].as_str().unwrap().to_owned()).collect()
}

/// An answer that goes on until its client leaves.
fn steady() -> Behaviour {
    Behaviour::healthy().deltas(10_000, 20).pace(Pace::every(std::time::Duration::from_millis(50)))
}

/// All pages of so many, one after the other.
async fn walk(scene: &Scene, query: &str, limit: usize) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.view(&format!("/requests?limit={limit}&{query}{cursor}")).await;
        let found = ids(&page);
        assert!(found.len() <= limit, "{page}");
        all.extend(found);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Without a store.
async fn bare() -> Scene {
    let base = QUICK.replace("web: { enabled: false }", "web: { port: 0 }");
    let world = World::with(&base, &[("a", "main")]).await.settled().await;
    Scene { admin: client(&world), world, folder: tempfile::tempdir().unwrap() }
}

#[tokio::test]
async fn what_runs_stands_before_what_ended_and_every_page_goes_on() {
    let mut scene = Scene::new().await;
    scene.traffic(5).await;
    for sim in &scene.world.sims {
        sim.set(steady());
    }
    let mut open = Vec::new();
    let streaming = |snapshot: &Snapshot, n| {
        snapshot.live.len() == n && snapshot.live.iter().all(|live| live.streaming_since.is_some())
    };
    for n in 1..=3 {
        open.push(
            scene
                .world
                .client
                .open(scene.world.client.post("/v1/messages", &crate::support::messages_body(true)))
                .await,
        );
        scene.world.snapshot(|snapshot| streaming(snapshot, n)).await;
    }
    let page = scene.view("/requests").await;
    assert_eq!((&page["total"], &page["next"]), (&8.into(), &Value::Null), "{page}");
    let live: Vec<bool> = page["requests"].as_array().unwrap().iter().map(|r| r["live"] == true).collect();
    assert_eq!(live, [true, true, true, false, false, false, false, false]);
    assert_eq!(page["requests"][0]["status"], "streaming", "{page}");
    let typed: RequestsView = serde_json::from_value(page.clone()).unwrap();
    assert_eq!(typed.requests.len(), 8);
    for limit in [1, 2, 3, 5, 8] {
        assert_eq!(walk(&scene, "", limit).await, ids(&page), "{limit} a page");
    }
    for (query, total) in [
        ("state=live", 3),
        ("state=streaming", 3),
        ("state=suspended", 0),
        ("state=completed", 5),
        ("state=failed", 0),
        ("endpoint=a", 8),
        ("group=main", 8),
        ("group=nobody", 0),
        ("model=claude-*", 8),
        ("search=V1%2FMESSAGES", 8),
        ("until=2000-01-01", 0),
        ("status=200", 5),
    ] {
        let found = scene.view(&format!("/requests?{query}")).await;
        assert_eq!((&found["total"], ids(&found).len()), (&total.into(), total), "{query}: {found}");
        assert_eq!(walk(&scene, query, 2).await.len(), total, "{query}");
    }
    drop(open);
    scene.stop().await;
}

#[tokio::test]
async fn what_ended_is_never_nowhere() {
    let mut scene = Scene::with_store("flush_interval: 30s, batch_size: 1000").await;
    for n in 1..=3_usize {
        assert_eq!(scene.world.client.messages(false).await.status, 200);
        let id = scene.world.record().await.id;
        scene.world.snapshot(|snapshot| snapshot.recent.len() == n).await;
        let page = scene.view("/requests?state=completed&limit=2").await;
        assert_eq!((&page["total"], &ids(&page)[0]), (&n.into(), &id.to_string()), "{page}");
    }
    assert_eq!(walk(&scene, "", 1).await.iter().collect::<BTreeSet<_>>().len(), 3);
    scene.stop().await;
}

#[tokio::test]
async fn without_a_store_the_last_ones_are_told_all_the_same() {
    let mut scene = bare().await;
    for status in [200, 400, 200] {
        scene.world.sims[0].set(if status == 200 {
            Behaviour::healthy()
        } else {
            Behaviour::status(400, "invalid_request_error")
        });
        assert_eq!(scene.world.client.messages(false).await.status, status);
        scene.world.record().await;
    }
    scene.world.snapshot(|snapshot| snapshot.recent.len() == 3).await;
    let page = scene.view("/requests?limit=2").await;
    assert_eq!((&page["total"], ids(&page).len()), (&3.into(), 2), "{page}");
    assert_eq!(walk(&scene, "", 2).await.len(), 3);
    let failed = scene.view("/requests?status=400").await;
    assert_eq!((&failed["total"], &failed["requests"][0]["status"]), (&1.into(), &"failed".into()));
    let one = scene.view(&format!("/requests/{}", ids(&failed)[0])).await;
    assert_eq!((&one["request"]["http_status_code"], &one["live"]), (&400.into(), &Value::Null), "{one}");
    assert!(
        one["trace"][0]["endpoint"] == "a" && one["explain"][0].as_str().unwrap().contains("chose a"),
        "{one}"
    );
    scene.stop().await;
}

#[tokio::test]
async fn one_request_is_told_while_it_runs_and_from_every_place_afterwards() {
    let mut scene = Scene::new().await;
    scene.world.sims[0]
        .script(vec![Behaviour::status(529, "overloaded_error"), Behaviour::status(529, "overloaded_error")]);
    scene.world.sims[1].set(steady());
    let request = scene.world.client.post("/v1/messages", &crate::support::messages_body(true));
    let stream = scene.world.client.open(request).await;
    let live =
        scene.world.snapshot(|snapshot| snapshot.live.iter().any(|l| l.streaming_since.is_some())).await;
    let path = format!("/requests/{}", live.live[0].accepted.id);
    let running = scene.view(&path).await;
    assert_eq!(
        (&running["request"]["live"], &running["request"]["endpoint_name"]),
        (&true.into(), &"b".into())
    );
    assert_eq!(running["live"]["tried"][0]["status"], 529, "{running}");
    let story = running["explain"].as_array().unwrap();
    assert!(story[0].as_str().unwrap().starts_with("#1 a: 529 "), "{story:?}");
    assert_eq!(story.last().unwrap(), "streaming at b");
    let typed: RequestDetail = serde_json::from_str(&running.to_string()).unwrap();
    assert_eq!(typed.live.unwrap().attempts, 3);
    drop(stream);
    scene.world.record().await;
    scene.world.snapshot(|snapshot| snapshot.recent.len() == 1).await;
    let ended = scene.view(&path).await;
    assert_eq!((&ended["request"]["status"], &ended["live"]), (&"cancelled".into(), &Value::Null), "{ended}");
    assert_eq!(ended["request"]["attempts"].as_array().unwrap().len(), 3);
    assert!(ended["trace"].is_array(), "{ended}");
    is_error(&scene.admin.get("/api/v1/requests/req-00000000").await, 404, "not_found");
    is_error(&scene.admin.get("/api/v1/requests/7").await, 400, "bad_request");
    for query in ["state=happy", "limit=0", "limit=1001", "cursor=live-", "cursor=live-xy", "status=x"] {
        is_error(&scene.admin.get(&format!("/api/v1/requests?{query}")).await, 400, "bad_request");
    }
    scene.stop().await;
}

#[tokio::test]
async fn log_lines_are_told_where_they_are_collected() {
    let scene = bare().await;
    is_error(&scene.admin.get("/api/v1/logs").await, 503, "no_logs");
    scene.stop().await;
    let settings = Logging {
        level: Level::Info,
        format: LogFormat::Text,
        disable_response_limit: false,
        file: None,
        token_debug: None,
    };
    let (_, guard) = logging::build(&settings, Console::None, Redactor::default()).unwrap();
    let (tx, records) = tokio::sync::mpsc::unbounded_channel();
    let log = Some(LogTap { handle: guard.clone(), flags: LogFlags::default() });
    let yaml = format!(
        "{}endpoints:\n  - {{ name: a, url: \"http://127.0.0.1:9\" }}\n",
        QUICK.replace("web: { enabled: false }", "web: { port: 0 }")
    );
    let taps = Taps { log, records: Some(tx), ..Taps::default() };
    let world = World::tapped(config(&yaml), Vec::new(), taps, records).await;
    let scene = Scene { admin: client(&world), world, folder: tempfile::tempdir().unwrap() };
    let line = |message: &str| Line {
        seq: 0,
        at: jiff::Timestamp::UNIX_EPOCH,
        level: Level::Warn,
        target: "test".to_owned(),
        message: message.to_owned(),
        fields: Vec::new(),
        request: None,
    };
    let before = scene.view("/logs").await["next"].as_u64().unwrap();
    ["one", "two"].iter().for_each(|text| guard.ring().push(line(text)));
    let view = scene.view(&format!("/logs?after={before}&level=warn&limit=1")).await;
    assert_eq!((&view["lines"][0]["message"], &view["missed"]), (&"one".into(), &0.into()), "{view}");
    let view = scene.view(&format!("/logs?after={}&search=TWO", view["next"])).await;
    assert_eq!(view["lines"][0]["message"], "two", "{view}");
    for query in ["level=loud", "after=-1", "limit=0", "limit=1001"] {
        is_error(&scene.admin.get(&format!("/api/v1/logs?{query}")).await, 400, "bad_request");
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_last_hour_adds_up() {
    let mut scene = bare().await;
    for stream in [true, false, true] {
        let answer = scene
            .world
            .client
            .open(scene.world.client.post("/v1/messages", &crate::support::messages_body(stream)));
        read(answer.await).await;
        scene.world.record().await;
    }
    scene.world.snapshot(|snapshot| snapshot.recent.len() == 3).await;
    let view = scene.view("/metrics/history?minutes=60").await;
    assert_eq!((&view["totals"]["accepted"], &view["totals"]["completed"]), (&3.into(), &3.into()), "{view}");
    assert_eq!((&view["duration"]["over"], &view["first_byte"]["over"]), (&3.into(), &3.into()), "{view}");
    assert!(view["duration"]["p50_ms"].as_f64() <= view["duration"]["p99_ms"].as_f64());
    let minutes = view["minutes"].as_array().unwrap();
    let sum: u64 = minutes.iter().map(|minute| minute["sums"]["completed"].as_u64().unwrap()).sum();
    assert_eq!(sum, 3);
    assert_eq!(scene.view("/metrics/history?minutes=1").await["minutes"].as_array().unwrap().len(), 1);
    is_error(&scene.admin.get("/api/v1/metrics/history?minutes=61").await, 400, "bad_request");
    scene.stop().await;
}
