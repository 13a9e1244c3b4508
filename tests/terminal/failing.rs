//! A screen that fails while it is open: what it draws on goes away, and the terminal it is steered from stays.

use cc_forwarder::simulator::Simulator;
use http::StatusCode;
use portable_pty::{MasterPty, PtySize, native_pty_system};

use super::attach::{TOKEN, configured, daemon, free_port, url};
use super::session::{Session, World};
use crate::support::Client;

/// The program with its output on a terminal of its own, which is closed once the screen is open.
fn open_and_fail(world: &World, args: &[&str]) -> Session {
    let output: Box<dyn MasterPty + Send> = native_pty_system().openpty(PtySize::default()).unwrap().master;
    let session = world.open_elsewhere(&output.tty_name().unwrap(), args);
    session.until_raw();
    // Whether it draws at this moment, waits for a reader, or is idle: from here on every write fails.
    drop(output);
    session.until_text("the terminal interface failed: ");
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forwarder_says_so_and_goes_on_and_the_terminal_is_given_back() {
    let (world, sim) = (World::new(""), Simulator::start("sim").await.unwrap());
    let port = free_port().await;
    configured(&world, [port, 0], &sim.url());
    let mut session = open_and_fail(&world, &["--config", "config.yaml"]);
    session.until_text("the forwarder goes on, Ctrl-C stops it");
    session.assert_restored();
    let client = Client::new(format!("http://127.0.0.1:{port}"));
    assert_eq!(client.messages(true).await.status, StatusCode::OK);
    session.types("\x03");
    assert_eq!(session.code(), Some(0));
    assert!(session.text().contains("stopping: "), "log lines are seen again: {}", session.text());
    sim.shutdown().await;
}

#[test]
fn attach_says_so_and_fails_and_the_terminal_is_given_back() {
    let world = World::new("");
    configured(&world, [0, 0], "http://127.0.0.1:1");
    let daemon = daemon(&world);
    let mut session = open_and_fail(&world, &["attach", &url(&daemon), "--token", TOKEN]);
    assert_eq!(session.code(), Some(1));
    session.assert_restored();
    assert!(!session.text().contains("the forwarder there goes on"), "{}", session.text());
}
