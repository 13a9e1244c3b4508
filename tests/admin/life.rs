//! The port's beginning and end, and what it says of the program.

use std::sync::Arc;

use cc_forwarder::app::{self, Taps};
use http::Method;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::door::is_error;
use crate::scene::{SAMPLES, Sample, Scene, client};
use crate::support::{PATIENCE, QUICK, World, config, messages_body};

fn with_web(web: &str) -> String {
    QUICK.replace("web: { enabled: false }", &format!("web: {{ {web} }}"))
}

#[tokio::test]
async fn status_tells_what_runs_where() {
    let scene = Scene::with(", token: canary-admin").await;
    let answer = scene.ask(&Method::GET, "/api/v1/status", &[("authorization", "Bearer canary-admin")]).await;
    let status = answer.json();
    assert_eq!(status["status"], "running");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["pid"], std::process::id());
    assert_eq!(status["listen"]["proxy"], scene.world.forwarder.address().to_string());
    assert_eq!(status["config"]["source"], "built_in");
    assert_eq!((&status["store"]["unsaved"], &status["strategy"]), (&0.into(), &"priority".into()));
    assert!(!answer.text().contains("canary") && !answer.text().contains("tok-a"), "{}", answer.text());
    scene.stop().await;
}

#[tokio::test]
async fn health_is_503_only_when_nothing_could_serve() {
    let scene = Scene::new().await;
    assert_eq!(scene.admin.get("/health").await.status, 200);
    let world = World::with(&with_web("port: 0"), &[("a", "main")]).await.settled().await;
    world.sims[0].down().await.unwrap();
    let admin = client(&world);
    let dark = async {
        while admin.get("/health").await.status != 503 {
            world.client.messages(false).await;
        }
    };
    timeout(PATIENCE, dark).await.expect("unhealthy in time");
    assert_eq!(admin.get("/health").await.json()["status"], "unhealthy");
    drop(admin);
    world.stop().await;
    scene.stop().await;
}

#[tokio::test]
async fn a_taken_port_does_not_stop_forwarding() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = World::with(&with_web(&format!("port: {port}")), &[("a", "main")]).await;
    assert_eq!(world.forwarder.admin_address(), None);
    assert_eq!(world.client.messages(true).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn without_a_store_the_ledger_is_503() {
    let world = World::with(&with_web("port: 0"), &[("a", "main")]).await;
    let admin = client(&world);
    let of_the_ledger = |path: &str| path.contains("/usage/") && !path.ends_with("/budget");
    for Sample { method, path, body } in SAMPLES.into_iter().filter(|sample| of_the_ledger(sample.path)) {
        let request = http::Request::builder().method(method).uri(admin.url(path));
        let answer = admin.send(request.body(body.into()).unwrap()).await;
        is_error(&answer, 503, "no_store");
    }
    assert!(admin.get("/api/v1/status").await.json()["store"].is_null());
    drop(admin);
    world.stop().await;
}

#[tokio::test]
async fn it_answers_until_the_last_stream_has_drained() {
    use cc_forwarder::simulator::{Behaviour, Pace};
    let scene = Scene::new().await;
    let steady = Behaviour::healthy().deltas(16, 20).pace(Pace::every(std::time::Duration::from_millis(50)));
    scene.world.sims.iter().for_each(|sim| sim.set(steady.clone()));
    let request = scene.world.client.post("/v1/messages", &messages_body(true));
    let mut stream = scene.world.client.open(request).await;
    assert!(stream.body_mut().frame().await.unwrap().is_ok());
    let proxy = scene.world.forwarder.address();
    let World { forwarder, .. } = scene.world;
    let stop = tokio_util::task::TaskTracker::new().spawn(forwarder.stop(std::future::pending()));
    let closed = async {
        while tokio::net::TcpStream::connect(proxy).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the proxy port closes at once");
    assert_eq!(scene.admin.get("/api/v1/status").await.status, 200, "while the stream drains");
    assert!(!crate::support::read(stream).await.broken);
    let address = scene.admin.url("").trim_start_matches("http://").to_owned();
    timeout(PATIENCE, stop).await.expect("idle admin connections do not hold it up").unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn flags_outrank_the_configuration_in_every_version() {
    let yaml = format!("{QUICK}endpoints:\n  - {{ name: a, url: \"http://127.0.0.1:9\" }}\n");
    let mut first = config(&yaml);
    let web = app::reload::WebFlags { on: true, port: Some(0) };
    web.outrank(&mut first);
    let running = app::start(Arc::new(first), Taps { web, ..Taps::default() }).await.unwrap();
    assert!(running.admin_address().is_some());
    let report = running.reload(config(&yaml)).await.unwrap();
    assert!(report.is_empty(), "{report}");
    timeout(PATIENCE, running.stop(std::future::pending())).await.unwrap();
}
