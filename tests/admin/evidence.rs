//! What a request's detail tells of its headers and of the answers that failed it, and what it never tells.

use cc_forwarder::events::evidence::{Evidence, Extent, MAX_BODY};
use cc_forwarder::simulator::{Behaviour, Coding, Encoding};
use http::Request;
use http_body_util::Full;
use serde_json::Value;

use crate::scene::Scene;
use crate::support::messages_body;

/// What a client and endpoints say that nobody may read.
const CANARIES: [&str; 6] =
    ["canary-bearer", "canary-key", "canary-cookie", "canary-proxy", "canary-fresh", "tok-a"];

/// A request with a secret in every place for one.
fn request(scene: &Scene) -> Request<Full<bytes::Bytes>> {
    Request::post(scene.world.client.url("/v1/messages"))
        .header("content-type", "application/json")
        .header("anthropic-beta", "one-2026-01-01,two-2026-01-01")
        .header("authorization", "Bearer canary-bearer")
        .header("x-api-key", "canary-key")
        .header("cookie", "theme=dark; session=canary-cookie")
        .header("proxy-authorization", "Basic canary-proxy")
        .body(Full::new(messages_body(false).into()))
        .unwrap()
}

/// An answer of the endpoint that repeats secrets: those of the client, one of its own, and that of the configuration.
fn talkative(status: u16) -> Behaviour {
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"tok-a, canary-bearer and canary-cookie: Überlastet"}}"#;
    Behaviour::fixed(status, "application/json", body)
        .header("retry-after", "0")
        .header("x-seen", "canary-key")
        .header("strict-transport-security", "max-age=1")
        .header("set-cookie", "x=canary-fresh")
}

async fn detail(scene: &Scene, id: &str) -> (Value, Evidence) {
    let detail = scene.view(&format!("/requests/{id}")).await;
    let text = detail.to_string();
    let told: Vec<&str> = CANARIES.into_iter().filter(|canary| text.contains(canary)).collect();
    assert!(told.is_empty(), "{told:?} in {text}");
    let evidence = serde_json::from_value(detail["evidence"].clone()).unwrap();
    (detail, evidence)
}

fn header<'a>(headers: &'a cc_forwarder::events::evidence::Head, name: &str) -> Vec<&'a str> {
    headers.headers.iter().filter(|header| header.name == name).map(|header| header.value.as_str()).collect()
}

#[tokio::test]
async fn an_attempt_that_failed_shows_what_it_was_told_and_no_secret_is_shown() {
    let mut scene = Scene::new().await;
    scene.world.sims[0].script(vec![talkative(529), talkative(529)]);
    let answer = scene.world.client.send(request(&scene)).await;
    assert_eq!(answer.status, 200);
    let id = scene.world.record().await.id.to_string();
    scene.saved(1).await;
    let (detail, evidence) = detail(&scene, &id).await;
    assert_eq!(header(&evidence.request, "anthropic-beta"), ["one-2026-01-01,two-2026-01-01"]);
    for masked in ["authorization", "x-api-key", "cookie", "proxy-authorization"] {
        assert_eq!(header(&evidence.request, masked), ["***"], "{masked}");
    }
    let attempts = detail["request"]["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), evidence.refusals.len(), evidence.forgotten), (3, 2, 0), "{detail}");
    for (n, refusal) in (1..).zip(&evidence.refusals) {
        assert_eq!((refusal.attempt, refusal.status, refusal.passed_on), (n, 529, false));
        assert_eq!(refusal.extent, Extent::Whole);
        assert_eq!(
            refusal.body,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"***, *** and ***: Überlastet"}}"#
        );
        assert_eq!(
            (header(&refusal.head, "retry-after"), header(&refusal.head, "x-seen")),
            (vec!["0"], vec!["***"])
        );
        assert_eq!(header(&refusal.head, "set-cookie"), ["***"]);
        assert!(header(&refusal.head, "strict-transport-security").is_empty());
    }
    // The endpoints got and the client gets everything as it was: only the copy is masked.
    let stored = std::fs::read(scene.folder.path().join("usage.redb")).unwrap();
    let stored = String::from_utf8_lossy(&stored);
    assert!(!stored.contains("Überlastet") && !stored.contains("one-2026-01-01"), "not in the store");
    scene.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_passed_on_is_seen_as_it_passes() {
    let mut scene = Scene::new().await;
    let long = format!("{}{}", "<p>".repeat(MAX_BODY), "end");
    for (behaviour, extent) in [
        (Behaviour::status(400, "invalid_request_error"), Extent::Whole),
        (Behaviour::fixed(422, "text/html", long.clone()), Extent::Beginning),
        (Behaviour::status(413, "request_too_large").encoding(Encoding::Forced(Coding::Gzip)), Extent::Whole),
    ] {
        scene.world.sims[0].set(behaviour);
        let mut request = request(&scene);
        request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
        let answer = scene.world.client.send(request).await;
        let record = scene.world.record().await;
        scene.world.snapshot(|snapshot| snapshot.recent.iter().any(|r| r.id == record.id)).await;
        let (_, evidence) = detail(&scene, &record.id.to_string()).await;
        let [refusal] = evidence.refusals.as_slice() else { panic!("{evidence:?}") };
        assert_eq!((refusal.status, refusal.passed_on), (answer.status.as_u16(), true));
        assert_eq!((refusal.extent, refusal.bytes), (extent, answer.body.len() as u64));
        match extent {
            Extent::Beginning => assert_eq!(refusal.body, long[..MAX_BODY]),
            _ => assert!(refusal.body.starts_with(r#"{"type":"error""#), "{}", refusal.body),
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_read_before_it_was_passed_on_is_marked() {
    let mut scene = Scene::new().await;
    scene.world.sims.iter().for_each(|sim| sim.set(Behaviour::rate_limited()));
    assert_eq!(scene.world.client.messages(true).await.status, 429);
    let id = scene.world.record().await.id.to_string();
    scene.saved(1).await;
    let (_, evidence) = detail(&scene, &id).await;
    let passed: Vec<bool> = evidence.refusals.iter().map(|refusal| refusal.passed_on).collect();
    assert_eq!(passed.iter().filter(|passed| **passed).count(), 1, "{passed:?}");
    assert!(evidence.refusals.iter().all(|refusal| refusal.extent == Extent::Whole), "{evidence:?}");
    scene.stop().await;
}

#[tokio::test]
async fn a_two_hundred_that_was_none_shows_what_it_was() {
    let mut scene = Scene::new().await;
    scene.world.sims[0].set(Behaviour::html(200));
    assert_eq!(scene.world.client.messages(false).await.status, 200);
    let id = scene.world.record().await.id.to_string();
    scene.saved(1).await;
    let (_, evidence) = detail(&scene, &id).await;
    let refusal = &evidence.refusals[0];
    assert_eq!(refusal.status, 200);
    assert!(refusal.body.to_lowercase().contains("<html"), "{}", refusal.body);
    // The other way to say no with a 200.
    scene.world.sims.iter().for_each(|sim| sim.set(Behaviour::error_object_in_200()));
    assert_eq!(scene.world.client.messages(false).await.status, 503);
    let id = scene.world.record().await.id.to_string();
    scene.saved(2).await;
    let (_, evidence) = detail(&scene, &id).await;
    assert_eq!(evidence.refusals.len(), 4);
    for refusal in &evidence.refusals {
        assert!(
            refusal.status == 200 && refusal.body.contains(r#""type":"overloaded_error""#),
            "{refusal:?}"
        );
        assert!(!refusal.passed_on, "the client got words of the forwarder");
    }
    scene.stop().await;
}

#[tokio::test]
async fn without_anybody_who_could_look_nothing_is_kept() {
    let mut world = crate::support::World::pair().await.settled().await;
    assert!(world.forwarder.admin_address().is_none());
    assert_eq!(world.client.messages(false).await.status, 200);
    let before = world.record().await.id;
    // Whoever asks opens it: from now on there may be somebody.
    let ring = world.forwarder.evidence();
    assert!(ring.find(before).is_none());
    assert_eq!(world.client.messages(false).await.status, 200);
    let after = world.record().await.id;
    assert_eq!(header(&ring.find(after).unwrap().request, "x-api-key"), ["***"]);
    world.stop().await;
}
