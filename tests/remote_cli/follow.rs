//! `requests --follow`: every request once, through a restart of the forwarder, until it is told to stop.

use std::process::Stdio;

use cc_forwarder::control::command::Command;
use cc_forwarder::domain::endpoint::EndpointId;
use cc_forwarder::simulator::Behaviour;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::time::timeout;

use super::Scene;
use super::support::command::command;
use super::support::{PATIENCE, QUICK, World};

/// A follower that runs.
struct Follower {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Follower {
    fn start(scene: &Scene, line: &str) -> Self {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["--config", "my.yaml"]);
        let mut command = command(scene.folder.path(), &words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    async fn line(&mut self) -> String {
        timeout(PATIENCE, self.out.next_line()).await.expect("a line in time").unwrap().expect("no end yet")
    }

    async fn told(&mut self, text: &str) {
        loop {
            let line = timeout(PATIENCE, self.err.next_line()).await.expect("a word in time").unwrap();
            if line.expect("no end yet").contains(text) {
                return;
            }
        }
    }

    async fn code(mut self) -> i32 {
        timeout(PATIENCE, self.child.wait()).await.expect("an end in time").unwrap().code().unwrap()
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_printed_as_they_end() {
    let mut scene = Scene::new("enabled: true").await;
    for _ in 0..3 {
        scene.world.client.messages(false).await;
        scene.world.record().await;
    }
    let mut follower = Follower::start(&scene, "requests --follow -n 2");
    assert!(follower.line().await.starts_with("TIME     REQUEST"));
    let before = [follower.line().await, follower.line().await];
    scene.world.client.messages(true).await;
    let record = scene.world.record().await;
    let line = follower.line().await;
    assert!(line.contains(&record.id.to_string()) && line.contains(" 200 "), "{line}");
    assert!(before.iter().all(|before| !before.contains(&record.id.to_string())), "{before:?}");
    #[cfg(unix)]
    {
        follower.interrupt();
        assert_eq!(follower.code().await, 0);
    }
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_forwarder_is_lived_through() {
    let mut scene = Scene::new("enabled: true").await;
    scene.world.client.messages(false).await;
    let first = scene.world.record().await.id.to_string();
    let mut follower = Follower::start(&scene, "requests --follow --json --limit 1 --endpoint a");
    let line: Value = serde_json::from_str(&follower.line().await).unwrap();
    assert_eq!((&line["request_id"], &line["endpoint_name"]), (&first.into(), &"a".into()));
    let port = scene.world.forwarder.admin_address().unwrap().port();
    scene.world.stop().await;
    follower.told("trying again").await;
    let base = QUICK.replace("web: { enabled: false }", &format!("web: {{ port: {port} }}"));
    let mut world = World::with(&base, &[("a", "main"), ("b", "main")]).await;
    assert!(world.forwarder.admin_address().is_some(), "the port is ours again");
    world.client.messages(false).await;
    let record = world.record().await;
    follower.told("connected again").await;
    let line: Value = serde_json::from_str(&follower.line().await).unwrap();
    assert_eq!(line["request_id"], record.id.to_string());
    // What the filter leaves out is not printed; the next line is about the request after it.
    world.sims[0].script(vec![Behaviour::status(401, "authentication_error")]);
    world.client.messages(false).await;
    assert_eq!(&*world.record().await.endpoint.as_ref().unwrap().0, "b");
    world.forwarder.deck().carry_out(Command::Probe(EndpointId::new("a"))).await.unwrap();
    world.client.messages(false).await;
    assert_eq!(&*world.record().await.endpoint.as_ref().unwrap().0, "a");
    let line: Value = serde_json::from_str(&follower.line().await).unwrap();
    assert_eq!(line["endpoint_name"], "a");
    // Nobody reads any more: an end in order, at the next line.
    let Follower { mut child, out, .. } = follower;
    drop(out);
    let ended = async {
        loop {
            world.client.messages(false).await;
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
        }
    };
    assert_eq!(timeout(PATIENCE, ended).await.expect("an end in time"), Some(0));
    world.stop().await;
}
