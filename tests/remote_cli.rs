//! Commands over the admin port: the real binary asks and steers a forwarder over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic and spawn"
)]

#[path = "remote_cli/follow.rs"]
mod follow;
#[path = "remote_cli/init.rs"]
mod init;
#[path = "remote_cli/orders.rs"]
mod orders;
#[path = "remote_cli/requests.rs"]
mod requests;
mod support;
#[path = "remote_cli/trouble.rs"]
mod trouble;

use serde_json::Value;
use support::command::{Said, run};
use support::{QUICK, World};
use tempfile::TempDir;

/// A forwarder, and a folder with a configuration that leads to it.
struct Scene {
    world: World,
    folder: TempDir,
}

impl Scene {
    /// Two endpoints in `main`, one in `spare`; every word of the admin port in `web`.
    async fn new(web: &str) -> Self {
        Self::with(web, QUICK).await
    }

    async fn with(web: &str, base: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!(
            "usage_tracking: {{ database_path: '{}', flush_interval: 10ms }}\n",
            folder.path().join("usage.redb").display()
        );
        let base = base
            .replace("web: { enabled: false }", &format!("web: {{ port: 0, {web} }}"))
            .replace("usage_tracking: { enabled: false }\n", &store);
        let endpoints = [("a", "main"), ("b", "main"), ("c", "spare")];
        let world = World::with(&base, &endpoints).await.settled().await;
        let port = world.forwarder.admin_address().unwrap().port();
        let yaml =
            format!("{store}web: {{ port: {port}, {web} }}\nendpoints: [{{ name: a, url: \"http://x\" }}]\n");
        std::fs::write(folder.path().join("my.yaml"), yaml).unwrap();
        Self { world, folder }
    }

    /// Runs a command with the configuration.
    async fn run(&self, line: &str) -> Said {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["--config", "my.yaml"]);
        run(self.folder.path(), &words).await
    }

    /// What it prints, which must be all it says.
    async fn well(&self, line: &str) -> String {
        self.run(line).await.well(line)
    }

    /// The JSON it prints.
    async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.well(&format!("{line} --json")).await).unwrap()
    }

    /// It fails, with this text on stderr and nothing else.
    async fn refused(&self, line: &str, why: &str) {
        let said = self.run(line).await;
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{line}: {said:?}");
        assert!(said.err.contains(why), "{line}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_that_runs_is_shown() {
    let scene = Scene::new("enabled: true").await;
    let status = scene.well("status").await;
    let address = scene.world.forwarder.address();
    for piece in ["Health         can serve", &format!("http://{address}"), "main (best rank", "3 of 3 up"] {
        assert!(status.contains(piece), "{piece}: {status}");
    }
    assert!(!status.contains('\u{1b}') && status.lines().all(|line| line.chars().count() <= 80), "{status}");
    assert_eq!(scene.json("status").await["pid"], std::process::id());
    let groups = scene.well("groups").await;
    assert_eq!(
        groups.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["GROUP", "main", "spare"]
    );
    assert_eq!(scene.json("groups").await["active_group"], "main");
    let endpoints = scene.well("endpoints --group main").await;
    assert!(endpoints.lines().count() == 3 && endpoints.contains("\nb "), "{endpoints}");
    assert_eq!(scene.json("endpoints").await["endpoints"].as_array().unwrap().len(), 3);
    assert_eq!(
        scene.well("suspended").await,
        "No request waits, and none will: request_suspend.enabled is false.\n"
    );
    for sim in &scene.world.sims {
        sim.down().await.unwrap();
    }
    for name in ["a", "b", "c"] {
        assert_eq!(scene.run(&format!("endpoints probe {name}")).await.code, 1);
    }
    let status = scene.run("status --check").await;
    assert!(status.code == 1 && status.out.contains("nothing can serve"), "{status:?}");
    assert!(status.out.contains("connect failed"), "{status:?}");
    assert_eq!(scene.run("status").await.code, 0);
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_forwarder_gets_it() {
    let scene = Scene::new("enabled: true").await;
    let port = scene.world.forwarder.admin_address().unwrap().port();
    scene.world.stop().await;
    let url = format!("http://127.0.0.1:{port}");
    let words = ["status", "--wait", "25", "--url", &url];
    let waiting = run(scene.folder.path(), &words);
    let starting = async {
        let base = QUICK.replace("web: { enabled: false }", &format!("web: {{ port: {port} }}"));
        World::with(&base, &[("a", "main")]).await
    };
    let (said, world) = tokio::join!(waiting, starting);
    assert!(said.code == 0 && said.out.contains("Clients"), "{said:?}");
    world.stop().await;
    let nobody = run(scene.folder.path(), &["status", "--wait", "1", "--url", &url]).await;
    assert!(nobody.code == 1 && nobody.err.contains("Is the forwarder running"), "{nobody:?}");
}
