//! The configuration over HTTP: without secrets, read anew, and its priorities written.

use std::path::{Path, PathBuf};

use cc_forwarder::config::{Source, System, load};
use cc_forwarder::simulator::Simulator;
use serde_json::{Value, json};

use crate::door::is_error;
use crate::scene::{SAMPLES, Sample, Scene, client};
use crate::support::{QUICK, World};

/// A forwarder that runs with a file of its own.
async fn over_a_file() -> (Scene, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let sim = Simulator::start("a").await.unwrap();
    let text = format!(
        "{}# mine\nendpoints:\n  - {{ name: a, url: \"{url}\", token: tok-canary, priority: 1 }} # first\n  - {{ name: b, url: \"{url}\", priority: 2 }}\n",
        QUICK.replace("web: { enabled: false }", "web: { port: 0 }"),
        url = sim.url()
    );
    std::fs::write(&path, text).unwrap();
    let config = load::load(Source::File(path.clone()), &System).unwrap().config;
    let world = World::run(config, vec![sim]).await.settled().await;
    (Scene { admin: client(&world), world, folder }, path)
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

fn entry<'v>(view: &'v Value, key: &str) -> &'v Value {
    view["entries"].as_array().unwrap().iter().find(|entry| entry["key"] == key).expect("a key")
}

async fn priorities(scene: &Scene) -> Vec<u64> {
    let view = scene.view("/endpoints").await;
    view["endpoints"].as_array().unwrap().iter().map(|e| e["priority"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_key_is_told_without_its_secret_and_with_its_origin() {
    let (scene, path) = over_a_file().await;
    let view = scene.view("/config").await;
    assert_eq!((&view["source"], &view["path"]), (&"file".into(), &path.display().to_string().into()));
    assert_eq!((&view["reload"], &view["pending"]), (&Value::Null, &json!([])));
    let priority = entry(&view, "endpoints[a].priority");
    assert_eq!((&priority["value"], &priority["from"]), (&"1".into(), &"file".into()), "{priority}");
    assert!(entry(&view, "endpoints[a].token")["value"].is_string());
    assert!(!view.to_string().contains("canary"), "{view}");
    scene.order("/endpoints/a/priority", "{\"priority\": 7}").await;
    let changed = scene.view("/config").await;
    assert_eq!(entry(&changed, "endpoints[a].priority")["from"], "by_hand");
    scene.stop().await;
}

#[tokio::test]
async fn the_file_is_read_anew_or_says_what_is_wrong_with_it() {
    let (scene, path) = over_a_file().await;
    edit(&path, "priority: 2", "priority: 5");
    edit(&path, "logging: { level: warn }", "logging: { level: warn, file_enabled: true, file_path: x.log }");
    let done = scene.order("/config/reload", "").await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(priorities(&scene).await, [1, 5]);
    let view = scene.view("/config").await;
    let outcome = &view["reload"]["outcome"];
    assert_eq!((&outcome["result"], &view["reload"]["number"]), (&"applied".into(), &1.into()), "{view}");
    assert_eq!(outcome["applied"], json!(["endpoints[b].priority"]));
    assert!(view["pending"].as_array().unwrap().iter().any(|key| key == "logging.file_enabled"), "{view}");
    edit(&path, "priority: 5", "priority: tok-canary");
    let refused = scene.order("/config/reload", "").await;
    is_error(&refused, 422, "refused");
    assert!(
        refused.text().contains("endpoints[1].priority") && !refused.text().contains("canary"),
        "{}",
        refused.text()
    );
    let view = scene.view("/config").await;
    assert_eq!(view["reload"]["outcome"]["result"], "refused");
    assert!(
        !view["pending"].as_array().unwrap().is_empty() && !view.to_string().contains("canary"),
        "{view}"
    );
    assert_eq!(priorities(&scene).await, [1, 5], "the running one stays");
    scene.stop().await;
}

#[tokio::test]
async fn priorities_are_reviewed_written_and_in_effect() {
    let (scene, path) = over_a_file().await;
    let before = std::fs::read_to_string(&path).unwrap();
    let wanted = json!({ "priorities": { "a": 4, "b": 2 } }).to_string();
    let review = scene.order("/config/priorities/review", &wanted).await.json();
    assert_eq!(review["written"].as_array().unwrap().len(), 1, "b says so already: {review}");
    assert_eq!((&review["written"][0]["before"], &review["written"][0]["after"]), (&1.into(), &4.into()));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before, "a review writes nothing");
    // Where it is written is not for a client to say.
    let mut elsewhere = review.clone();
    elsewhere["path"] = scene.folder.path().join("other.yaml").display().to_string().into();
    let order = json!({ "priorities": { "a": 4, "b": 2 }, "review": elsewhere }).to_string();
    let saved = scene.order("/config/priorities", &order).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before.replace("priority: 1", "priority: 4"));
    assert!(!scene.folder.path().join("other.yaml").exists());
    assert_eq!(priorities(&scene).await, [4, 2]);
    is_error(&scene.order("/config/priorities", &order).await, 409, "conflict");
    let again = scene.order("/config/priorities", &wanted).await.json();
    assert!(again["message"].as_str().unwrap().ends_with("says all of it already"), "{again}");
    let unknown = json!({ "priorities": { "x": 4 } }).to_string();
    for path in ["/config/priorities", "/config/priorities/review"] {
        is_error(&scene.order(path, &unknown).await, 404, "not_found");
        is_error(&scene.order(path, "{\"priorities\": {}}").await, 400, "bad_request");
    }
    edit(&path, "check_interval: 1h", "check_interval: 2h");
    is_error(&scene.order("/config/priorities", &wanted).await, 409, "conflict");
    edit(&path, "endpoints:", "endpoints: [");
    is_error(&scene.order("/config/priorities", &wanted).await, 422, "refused");
    scene.stop().await;
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read_or_write() {
    let scene = Scene::new().await;
    assert_eq!(scene.view("/config").await["source"], "built_in");
    is_error(&scene.order("/config/reload", "").await, 409, "conflict");
    let wanted = json!({ "priorities": { "a": 4 } }).to_string();
    for path in ["/config/priorities", "/config/priorities/review"] {
        is_error(&scene.order(path, &wanted).await, 422, "refused");
    }
    assert_eq!(priorities(&scene).await, [0, 0], "nothing is in effect that was not written");
    scene.stop().await;
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let mut scene = Scene::with(", token: canary-admin").await;
    assert_eq!(scene.world.client.messages(false).await.status, 200);
    scene.world.record().await;
    // What never ends is looked at by tests of its own.
    for Sample { method, path, body } in
        SAMPLES.into_iter().filter(|sample| !sample.path.ends_with("/stream"))
    {
        let answer = scene.send(&method, path, &[("authorization", "Bearer canary-admin")], body).await;
        let text = answer.text();
        assert!(!text.contains("canary-admin") && !text.contains("tok-a"), "{path}: {text}");
        assert!(!text.contains("client-key"), "{path}: {text}");
    }
    let echoed = "/api/v1/endpoints/tok-a-and-more/clear";
    let answer =
        scene.send(&http::Method::POST, echoed, &[("authorization", "Bearer canary-admin")], "").await;
    is_error(&answer, 404, "not_found");
    assert!(!answer.text().contains("tok-a"), "{}", answer.text());
    scene.stop().await;
}
