//! `attach` in a terminal, on a forwarder that is another process: what is seen, what is ordered, what is lost and found.

use cc_forwarder::simulator::Simulator;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::session::{Session, World};
use crate::support::program::{Program, program};

pub const TOKEN: &str = "a-token-for-the-admin-port";

/// Two endpoints of one group and a spare one, the first two of them `url`.
pub fn configured(world: &World, [proxy, admin]: [u16; 2], url: &str) {
    world.file(
        "config.yaml",
        &format!(
            "server: {{ port: {proxy}, shutdown_grace: 1s }}\nweb: {{ port: {admin}, token: {TOKEN} }}\n\
             health: {{ check_interval: 1h }}\ntimezone: UTC\nrequest_suspend: {{ timeout: 200s }}\n\
             retry: {{ max_attempts: 1, base_delay: 5ms, max_delay: 20ms }}\n\
             usage_tracking: {{ database_path: data/usage.redb, flush_interval: 10ms }}\nendpoints:\n\
             \x20 - {{ name: main-a, url: \"{url}\", priority: 1, group: main, group-priority: 1, token: tok-a }}\n\
             \x20 - {{ name: main-b, url: \"{url}\", priority: 2, token: tok-b }}\n"
        ),
    );
}

pub fn daemon(world: &World) -> Program {
    let mut command = program(world.folder());
    command.args(["--no-tui", "--config", "config.yaml"]);
    Program::start(command)
}

pub fn url(daemon: &Program) -> String {
    format!("http://{}", daemon.admin.unwrap())
}

fn attached(world: &World, daemon: &Program, more: &[&str]) -> Session {
    let url = url(daemon);
    let session = world.open_with(&[&["attach", &url, "--token", TOKEN], more].concat());
    session.until_text("attached");
    session
}

/// The endpoints' rows on screen, by name, in its order.
fn order(text: &str) -> Vec<&str> {
    let rows =
        text.lines().skip(3).filter(|line| !line.contains("last error") && !line.contains("no failure"));
    rows.filter_map(|line| ["main-a", "main-b"].into_iter().find(|name| line.contains(name))).collect()
}

/// A port of this machine that nobody uses.
pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_seen_and_steered_from_elsewhere() {
    let (world, sim) = (World::new(""), Simulator::start("sim").await.unwrap());
    configured(&world, [0, 0], &sim.url());
    let daemon = daemon(&world);
    let mut session = attached(&world, &daemon, &[]);
    session.until_text("Nothing has come in yet");
    assert_eq!(daemon.client().messages(true).await.status, StatusCode::OK);
    session.until("the request that ended", |screen| screen.contents().contains(" 200 "));
    session.types("2\r5\x13");
    session.until_text("Apply these priorities?");
    session.types("y");
    session.until_text("applied and saved");
    session.until("the new order", |screen| order(&screen.contents()) == ["main-b", "main-a"]);
    assert!(world.read("config.yaml").contains("priority: 5, group: main"), "{}", world.read("config.yaml"));
    session.types("p");
    session.until_text("Pause group main");
    session.types("10m\r");
    session.until_text("paused by a person");
    session.types("r");
    session.until_text("Resume group main?");
    session.types("y");
    session.until("no pause", |screen| !screen.contents().contains("paused by a person"));
    session.types("q");
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
    session.until_text("; the forwarder there goes on");
    assert_eq!(daemon.client().get("/health").await.status, StatusCode::OK, "leaving stops nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_has_what_it_has_in_the_forwarders_own_terminal() {
    let (world, sim) = (World::new(""), Simulator::start("sim").await.unwrap());
    configured(&world, [0, 0], &sim.url());
    let daemon = daemon(&world);
    for _ in 0..3 {
        assert_eq!(daemon.client().messages(true).await.status, StatusCode::OK);
    }
    let mut session = attached(&world, &daemon, &["--theme", "nord"]);
    session.types("3\r");
    session.until_text("first in order");
    session.types(" ");
    session.until_text("Headers of the request");
    session.until_text("x-api-key: ***");
    session.types("\x1b");
    session.until("the list", |screen| !screen.contents().contains("first in order"));
    session.types("5");
    session.until("the sums of the ledger", |screen| screen.contents().contains("3 requests"));
    session.types("6");
    session.until_text("listening; set ANTHROPIC_BASE_URL");
    session.types("7/priority\r");
    session.until_text("main-b].priority");
    session.types("5x");
    session.until_text("Export to which file");
    session.types("\x15out.csv\r");
    session.until_text("exported 3 requests to ");
    assert_eq!(world.read("out.csv").lines().count(), 4);
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_goes_on_when_a_person_says_so() {
    let (world, sim) = (World::new(""), Simulator::start("sim").await.unwrap());
    // Its probe fails at the start, and the next one is an hour away.
    sim.down().await.unwrap();
    configured(&world, [0, 0], &sim.url());
    let daemon = daemon(&world);
    let mut session = attached(&world, &daemon, &[]);
    session.until_text("0/2 up");
    let [first, second] = [(); 2].map(|()| {
        let client = daemon.client();
        tokio::spawn(async move { client.messages(true).await.status })
    });
    session.types("4");
    session.until_text("2 suspended");
    session.types("x");
    session.until_text("Cancel req-");
    session.types("y");
    session.until_text("1 suspended");
    session.types("r");
    session.until_text("Resume req-");
    sim.up().await.unwrap();
    session.types("y");
    let mut statuses = [first.await.unwrap(), second.await.unwrap()];
    statuses.sort();
    assert_eq!(statuses[0], StatusCode::OK);
    assert!(!statuses[1].is_success(), "{statuses:?}");
    session.until("an empty queue", |screen| !screen.contents().contains("1 suspended"));
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_that_dies_is_missed_and_found_again_when_it_is_back() {
    let (world, sim) = (World::new(""), Simulator::start("sim").await.unwrap());
    configured(&world, [free_port().await, free_port().await], &sim.url());
    let mut first = daemon(&world);
    let mut session = attached(&world, &first, &[]);
    assert_eq!(first.client().messages(false).await.status, StatusCode::OK);
    session.until("the request that ended", |screen| screen.contents().contains(" 200 "));
    first.signal("KILL");
    first.code().await;
    session.until_text("connection lost ");
    session.until_text("trying again   as of ");
    session.types("2p");
    session.until_text("the connection is lost");
    let second = daemon(&world);
    session.until_text("connected again");
    session.until("the connection", |screen| !screen.contents().contains("connection lost"));
    assert_eq!(second.client().messages(false).await.status, StatusCode::OK);
    session.types("1");
    session.until("a request of the second one", |screen| screen.contents().contains(" 200 "));
    session.types("2p");
    session.until_text("Pause group main");
    session.types("\x1b");
    session.until("no question", |screen| !screen.contents().contains("Pause group main"));
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_changes_nothing() {
    let world = World::new("");
    configured(&world, [0, 0], "http://127.0.0.1:1");
    let daemon = daemon(&world);
    let mut session = attached(&world, &daemon, &["--readonly"]);
    session.until_text("attached read-only");
    session.types("2p");
    session.until_text("read-only: this screen may look, not change");
    configured(&world, [0, 0], "http://127.0.0.1:2");
    session.until_text("configuration reloaded: ");
    session.types("6");
    session.until_text("reloaded: applied: ");
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

/// A way to this forwarder on which it says it is of another version.
async fn disguised(daemon: &Program) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (here, there) = (listener.local_addr().unwrap(), daemon.admin.unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(passed_on(client, TcpStream::connect(there).await.unwrap()));
        }
    });
    format!("http://{here}")
}

async fn passed_on(client: TcpStream, server: TcpStream) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let asked = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let own = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
        // As long as the true one, so that lengths stay right; an answer as short as this comes in one piece.
        let text = String::from_utf8_lossy(&buffer[..read]).replace(&own, &other(&own));
        if to_client.write_all(text.as_bytes()).await.is_err() {
            break;
        }
    }
    asked.abort();
}

/// The same with other digits.
fn other(version: &str) -> String {
    version.chars().map(|c| if c.is_ascii_digit() { '7' } else { c }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_of_another_version_is_shown_and_both_versions_are_named() {
    let world = World::new("");
    configured(&world, [0, 0], "http://127.0.0.1:1");
    let daemon = daemon(&world);
    let url = disguised(&daemon).await;
    let mut session = world.open_with(&["attach", &url, "--token", TOKEN]);
    let ours = env!("CARGO_PKG_VERSION");
    session.until_text(&format!("the forwarder is version {}, this screen is version {ours}", other(ours)));
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[test]
fn whoever_cannot_be_reached_or_does_not_know_us_is_told_before_a_screen_opens() {
    let world = World::new("");
    configured(&world, [0, 0], "http://127.0.0.1:1");
    let daemon = daemon(&world);
    let url = url(&daemon);
    let refused = |args: &[&str], expected: &str| {
        let mut session = world.open_with(args);
        assert_eq!(session.code(), Some(1), "{}", session.text());
        let text = session.text().replace(['\n', '\r'], "");
        assert!(text.contains(expected), "{text}");
    };
    refused(&["attach", &url], "or name the configuration that has it with --config");
    refused(&["attach", &url, "--token", "another"], "give it with --token or in CC_FORWARDER_ADMIN_TOKEN");
    refused(&["attach", "http://127.0.0.1:1"], "nobody answers at http://127.0.0.1:1");
    refused(&["attach", "ftp://127.0.0.1"], "expected http://HOST:PORT");
    refused(&["attach", "--config", "config.yaml"], "web.port: 0");
    let (code, error) = world.without_terminal(&["attach"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("attach is a screen, and standard input is no terminal"), "{error}");
}
