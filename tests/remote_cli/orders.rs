//! Orders: what was asked for happens, and what makes no sense is refused in words.

use std::time::Duration;

use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::domain::group::GroupState;
use tokio::time::timeout;

use super::Scene;
use super::support::{PATIENCE, QUICK};

impl Scene {
    fn state(&self, group: &str) -> GroupState {
        self.world.forwarder.control().view().group(&GroupId::new(group)).unwrap().state
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_steered() {
    let scene = Scene::new("enabled: true").await;
    assert_eq!(scene.well("groups pause spare 30m").await, "done: pause group spare for 30m\n");
    assert_eq!(scene.state("spare"), GroupState::Paused);
    assert!(scene.well("groups").await.contains("29 min  paused by a person"));
    scene.well("groups resume spare").await;
    scene.refused("groups resume spare", "neither paused nor cooling").await;
    scene.well("groups activate spare").await;
    assert_eq!((scene.state("spare"), scene.state("main")), (GroupState::Active, GroupState::Standby));
    scene.refused("groups activate spare", "active already").await;
    scene.refused("groups release main", "activated group spare, not main").await;
    assert_eq!(scene.json("groups release spare").await["message"], "done: release the activated group");
    assert_eq!(scene.state("main"), GroupState::Active);
    scene.refused("groups release spare", "nothing to release").await;
    for what in ["activate", "pause", "resume", "release"] {
        scene.refused(&format!("groups {what} a/b%20c"), "there is: main, spare").await;
    }
    scene.well("groups pause main").await;
    assert_eq!((scene.state("spare"), scene.state("main")), (GroupState::Active, GroupState::Paused));
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_steered() {
    let scene = Scene::new("enabled: true").await;
    let spec = |name: &str| {
        let config = scene.world.forwarder.config();
        config.endpoints.iter().find(|spec| spec.id == EndpointId::new(name)).unwrap().clone()
    };
    scene.well("endpoints priority b 7").await;
    assert_eq!(spec("b").priority, 7);
    scene.refused("endpoints priority b 8 --save", "no configuration file").await;
    assert_eq!(spec("b").priority, 7, "both or none");
    scene.well("endpoints disable b").await;
    assert!(!spec("b").enabled && scene.well("endpoints").await.contains("disabled"));
    scene.well("endpoints enable b").await;
    assert!(spec("b").enabled);
    assert!(scene.well("endpoints probe a").await.starts_with("a is up: 200 in "));
    scene.refused("endpoints clear a", "nothing to clear").await;
    scene.world.sims[0].down().await.unwrap();
    let down = scene.run("endpoints probe a").await;
    assert!(down.code == 1 && down.err.is_empty() && down.out.starts_with("a is down: "), "{down:?}");
    let told: serde_json::Value =
        serde_json::from_str(&scene.run("endpoints probe a --json").await.out).unwrap();
    assert_eq!((&told["endpoint"], &told["up"]), (&"a".into(), &false.into()));
    for what in ["priority nope 1", "probe nope", "enable nope", "disable nope", "clear nope"] {
        scene.refused(&format!("endpoints {what}"), "there is: a, b, c").await;
    }
    assert_eq!(scene.well("endpoints --group nope").await, "No endpoints.\n");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_are_told_go_on_and_end() {
    let patient = QUICK
        .replace("request_suspend: { enabled: false }", "request_suspend: { enabled: true, timeout: 60s }")
        .replace("max_attempts: 2", "max_attempts: 1");
    let scene = Scene::with("enabled: true", &patient).await;
    for sim in &scene.world.sims {
        sim.down().await.unwrap();
    }
    assert_eq!(scene.well("suspended").await, "No request waits.\n");
    scene.refused("suspended resume --all", "no request is suspended").await;
    let send = || {
        let client = scene.world.client.clone();
        tokio::spawn(async move { client.messages(false).await })
    };
    let (first, second) = (send(), send());
    scene.world.snapshot(|snapshot| snapshot.queue.len() == 2).await;
    let table = scene.well("suspended").await;
    assert!(table.contains("sonnet-5-5") && table.ends_with("2 of 100 places taken.\n"), "{table}");
    let listed = scene.json("suspended").await;
    let id = listed["queue"][0]["id"].as_str().unwrap().to_owned();
    // Found while it runs, in the list and by its id.
    assert!(scene.well("requests --state suspended").await.contains(&id));
    let story = scene.well(&format!("explain {id}")).await;
    assert!(story.starts_with(&format!("{id}  suspended")) && story.contains("waits for"), "{story}");
    scene.well(&format!("suspended cancel {id}")).await;
    scene.refused(&format!("suspended cancel {id}"), "does not wait").await;
    for sim in &scene.world.sims {
        sim.up().await.unwrap();
    }
    let other = id.replace("req-", "");
    scene.refused(&format!("suspended resume {other}"), &id).await;
    let resumed = scene.run("suspended resume --all").await;
    // The endpoint may have woken it first.
    assert!(resumed.code == 0 || resumed.err.contains("no request is suspended"), "{resumed:?}");
    let ended = async { (first.await.unwrap().status.as_u16(), second.await.unwrap().status.as_u16()) };
    let (one, two) = timeout(PATIENCE + Duration::from_secs(1), ended).await.unwrap();
    assert_eq!([one.min(two), one.max(two)], [200, 503], "one went on, one was ended");
    scene.world.stop().await;
}
