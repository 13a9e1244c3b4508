//! Answers whose usage cannot be read, end to end.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

mod support;

use std::path::Path;

use cc_forwarder::simulator::{Behaviour, Reply};
use support::{QUICK, World, messages_body};
use tempfile::TempDir;

const STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"canary-token canary-client\"}}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},",
    "\"usage\":{\"output_tokens\":\"many\"}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const JSON: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn"}"#;

fn fixed(content_type: &'static str, body: &'static str) -> Behaviour {
    Behaviour::healthy().reply(Reply::Fixed {
        status: 200,
        content_type: content_type.into(),
        body: body.into(),
    })
}

/// One endpoint, whose token is `canary-token`, with these settings.
async fn world(folder: &Path, enabled: bool, max_files: u32) -> World {
    let debug = format!(
        "logging: {{ level: warn, token_debug: {{ enabled: {enabled}, save_path: {:?}, max_files: {max_files} }} }}",
        folder.display().to_string()
    );
    let sim = cc_forwarder::simulator::Simulator::start("a").await.unwrap();
    let yaml = format!(
        "{}\nendpoints:\n  - {{ name: a, url: \"{}\", token: canary-token }}\n",
        QUICK.replace("logging: { level: warn }", &debug),
        sim.url()
    );
    World::over(&yaml, vec![sim]).await
}

async fn ask(world: &World, stream: bool) -> String {
    let mut request = world.client.post("/v1/messages", &messages_body(stream));
    request.headers_mut().insert("x-api-key", "canary-client".parse().unwrap());
    let answer = world.client.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

fn pages(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn folder(root: &TempDir) -> std::path::PathBuf {
    root.path().join("kept")
}

#[tokio::test]
async fn a_stream_and_a_body_without_usage_are_kept_for_study_without_secrets() {
    let root = tempfile::tempdir().unwrap();
    let mut world = world(&folder(&root), true, 50).await;
    world.sims[0].set(fixed("text/event-stream", STREAM).header("set-cookie", "canary-cookie=1"));
    assert_eq!(ask(&world, true).await, STREAM, "the client gets it untouched");
    world.sims[0].set(fixed("application/json", JSON));
    assert_eq!(ask(&world, false).await, JSON);
    let ids = [world.record().await.id.to_string(), world.record().await.id.to_string()];
    world.stop().await;
    let pages = pages(&folder(&root));
    assert_eq!(pages.len(), 2, "{pages:?}");
    let (streams, bodies): (Vec<_>, Vec<_>) =
        pages.iter().partition(|page| page.contains("text/event-stream"));
    assert!(streams[0].starts_with(&format!("request: {}\n", ids[0])), "{streams:?}");
    let masked = STREAM.replace("canary-token canary-client", "*** ***");
    assert!(streams[0].ends_with(&format!("\nbody:\n{masked}")), "{streams:?}");
    assert!(bodies[0].starts_with(&format!("request: {}\n", ids[1])), "{bodies:?}");
    assert!(bodies[0].contains("\nendpoint: a\n") && bodies[0].ends_with(JSON), "{bodies:?}");
    assert!(pages.iter().all(|page| !page.contains("canary")), "{pages:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder(&root)), 0o700);
        let files = std::fs::read_dir(folder(&root)).unwrap();
        files.for_each(|file| assert_eq!(mode(&file.unwrap().path()), 0o600));
    }
}

#[tokio::test]
async fn readable_answers_other_requests_and_failures_are_not_kept() {
    let root = tempfile::tempdir().unwrap();
    let world = world(&folder(&root), true, 50).await;
    ask(&world, true).await;
    ask(&world, false).await;
    let count = world.client.post("/v1/messages/count_tokens", &messages_body(false));
    assert_eq!(world.client.send(count).await.status, 200);
    assert_eq!(world.client.get("/v1/models").await.status, 200);
    world.sims[0].set(Behaviour::overloaded());
    assert_ne!(world.client.messages(true).await.status, 200);
    world.stop().await;
    assert_eq!(pages(&folder(&root)), [""; 0]);
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let world = world(&folder(&root), false, 50).await;
    world.sims[0].set(fixed("application/json", JSON));
    ask(&world, false).await;
    world.stop().await;
    assert!(!folder(&root).exists());
}

#[tokio::test]
async fn no_more_are_kept_than_wanted() {
    let root = tempfile::tempdir().unwrap();
    let world = world(&folder(&root), true, 3).await;
    world.sims[0].set(fixed("application/json", JSON));
    for _ in 0..8 {
        ask(&world, false).await;
    }
    world.stop().await;
    assert_eq!(pages(&folder(&root)).len(), 3);
}
