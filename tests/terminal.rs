//! The terminal interface of the real program in a real terminal: a pty, and a reader that understands what it is told.
//!
//! Every wait is for something on screen or for an end; none is for a time.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "helpers of tests: clippy only excuses the tests themselves"
)]

#[path = "terminal/attach.rs"]
mod attach;
#[path = "terminal/control.rs"]
mod control;
#[cfg(target_os = "linux")]
#[path = "terminal/failing.rs"]
mod failing;
#[path = "terminal/panics.rs"]
mod panics;
#[path = "terminal/screens.rs"]
mod screens;
#[path = "terminal/session.rs"]
mod session;
mod support;

use std::time::Duration;

use cc_forwarder::simulator::{Behaviour, Pace, Simulator};
use session::World;
use support::Client;

const TITLES: [&str; 7] = ["Overview", "Endpoints", "Requests", "Suspended", "Usage", "Logs", "Config"];

#[test]
fn a_walk_through_every_screen_and_out() {
    let world = World::new("");
    let mut session = world.open(&[]);
    session.until("the first-run card", |screen| screen.contents().contains("Nothing has come in yet"));
    assert!(session.address().ip().is_loopback());
    for (digit, title) in (1..).zip(TITLES) {
        session.types(&digit.to_string());
        session.until_tab(title);
    }
    for title in TITLES {
        session.types("\t");
        session.until_tab(title);
    }
    session.types("1?");
    session.until_text("┌ Keys");
    session.types("\x1b");
    session.until("no dialog", |screen| !screen.contents().contains("┌ Keys"));
    session.types(":theme");
    session.until_text("next theme");
    session.types("\r");
    session.until_text("theme: light");
    session.resize(40, 12);
    session.until_text("40x12 is too small");
    session.resize(80, 24);
    session.until_text("Nothing has come in yet");
    session.types("q");
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
    assert!(session.text().contains("cc-forwarder ran for"), "{}", session.text());
    assert!(session.text().contains("no request came in"), "{}", session.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_seen_and_summed_up() {
    let sim = Simulator::start("a").await.unwrap();
    let world = World::with_endpoint("", &sim.url());
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    let client = Client::new(format!("http://{}", session.address()));
    let answer = client.messages(true).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    session.until("the request", |screen| {
        let text = screen.contents();
        text.contains("┌ Recent") && text.lines().any(|line| line.contains(" 200 ") && line.contains("│"))
    });
    session.types("q");
    assert_eq!(session.code(), Some(0));
    let text = session.text();
    assert!(text.contains("1: 1 completed, 0 failed, 0 cancelled"), "{text}");
    sim.shutdown().await;
}

/// A person quits in the middle of an answer: the screen asks, then the answer is finished in plain sight.
#[tokio::test(flavor = "multi_thread")]
async fn quitting_lets_a_running_answer_finish() {
    let sim = Simulator::start("a").await.unwrap();
    let pace = Pace::every(Duration::from_millis(100));
    sim.set(Behaviour::healthy().deltas(35, 60).pace(pace));
    let world = World::with_endpoint("", &sim.url());
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    let client = Client::new(format!("http://{}", session.address()));
    let answer = tokio::spawn(async move { client.messages(true).await });
    session.until("its tokens", |screen| screen.contents().contains("tok/s"));
    session.types("q");
    session.until_text("Quit while 1 request is running?");
    session.types("y");
    session.until_text("stopping: 1 running request gets 5.0s to finish");
    assert!(answer.await.unwrap().text().contains("message_stop"));
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
    assert!(session.text().contains("1: 1 completed, 0 failed, 0 cancelled"), "{}", session.text());
    sim.shutdown().await;
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let world = World::new("");
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    session.signal("TERM");
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
    assert!(session.text().contains("cc-forwarder ran for"), "{}", session.text());
}

#[test]
fn a_terminal_that_is_closed_ends_the_program() {
    let world = World::new("");
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    session.hang_up();
    assert_eq!(session.code(), Some(0));
}

/// Nobody reads what the screen draws, as in a terminal that was stopped with Ctrl-S: the forwarder answers and stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_stands_still_holds_up_nothing() {
    let sim = Simulator::start("a").await.unwrap();
    let world = World::with_endpoint("", &sim.url());
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    session.stop_reading();
    // Each draws every cell anew; together far more than a terminal takes unread.
    session.types(&"\x0c".repeat(200));
    let client = Client::new(format!("http://{}", session.address()));
    for _ in 0..20 {
        assert_eq!(client.messages(false).await.status, 200);
    }
    session.signal("TERM");
    assert_eq!(session.code(), Some(0));
    sim.shutdown().await;
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_z_asks_first_and_the_screen_comes_back() {
    let world = World::new("");
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    session.types("\x1a");
    session.until_text("Put the program to sleep?");
    session.types("y");
    session.until_stopped();
    session.assert_restored();
    session.wake();
    session.until_text("Nothing has come in yet");
    session.types("q");
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
}

#[test]
fn an_idle_screen_draws_with_its_clock_and_no_more() {
    let world = World::new("tui: { update_interval: 1s }");
    let session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    // What happens at the start (first probes, the file's watcher) is over when the clock alone moves.
    let clock = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let mut ticks = Vec::new();
    for _ in 0..7 {
        let before = clock(&session.text());
        session.until("another second", |screen| clock(&screen.contents()) != before);
        ticks.push(session.frames());
    }
    let frames = ticks[6] - ticks[3];
    assert!(frames <= 4, "{frames} frames in three seconds: {ticks:?}");
}

#[test]
fn themes_of_the_user_are_there_and_broken_ones_are_named() {
    let world = World::new("tui: { theme: mine }");
    world.file("themes/mine.yaml", "base: nord\n");
    world.file("themes/broken.yaml", "okay: red\n");
    let mut session = world.open(&[]);
    session.until_text("there is no role `okay`");
    session.types("T");
    session.until_text("theme: dark");
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[test]
fn a_changed_file_is_told_of_whether_it_is_used_or_not() {
    let world = World::new("");
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    world.file("config.yaml", "endpoints: 1\n");
    session.until_text("configuration not reloaded, the running one stays");
    world.file(
        "config.yaml",
        "server: { port: 1 }\nendpoints:\n  - { name: b, url: \"http://127.0.0.1:1\" }\n",
    );
    session.until_text("configuration reloaded: ");
    session.until("the other endpoint", |screen| screen.contents().contains(" b "));
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[test]
fn a_theme_that_does_not_exist_is_bad_usage() {
    let world = World::new("");
    let mut session = world.open(&["--theme", "solar"]);
    assert_eq!(session.code(), Some(2));
    let text = session.text().replace(['\n', '\r'], "");
    assert!(text.contains("there is no theme \"solar\"; there is: dark, light"), "{text}");
}

#[test]
fn without_a_terminal_it_says_so() {
    let world = World::new("");
    let (code, error) = world.without_terminal(&["--tui"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--tui: standard input is no terminal"), "{error}");
}

#[test]
fn the_demo_opens_the_screen_and_tells_the_truth_at_the_end() {
    let world = World::new("");
    let mut session = world.open_with(&["demo"]);
    session.until("a request that went elsewhere", |screen| screen.contents().contains(" -> "));
    session.types("q");
    session.until("the question, or the end", |screen| {
        screen.contents().contains("Quit while") || !screen.alternate_screen()
    });
    session.types("y");
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
    assert!(session.text().contains("0 failures"), "{}", session.text());
}
