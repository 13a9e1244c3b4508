//! The real program, killed at random instants under load, and what its store holds then.
//!
//! After every kill: the file opens as it is; every request that a client saw end before the last commit interval is
//! there, once; every one that had been open for longer than that is `interrupted`.
//!
//! `CC_CRASH_ROUNDS=200 cargo test --test crash` for a long run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "helpers of tests: clippy only excuses the tests themselves"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Pace, Simulator};

use cc_forwarder::store::civil::Clock;
use cc_forwarder::store::codec::Stored;
use cc_forwarder::store::row::Row;
use cc_forwarder::store::{Options, Store, schema};
use jiff::tz::TimeZone;
use redb::ReadableTable;
use support::Client;

const INTERVAL: Duration = Duration::from_millis(50);
/// A commit begins within the interval and takes as long as the disk and a busy machine take. The hub and the writer
/// have to get their turn as well.
const SLACK: Duration = Duration::from_millis(1500);
const CLIENTS: usize = 4;

/// The program; killed when dropped.
struct Program {
    child: Child,
    url: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cc-forwarder"))
            .args(["--no-tui", "--config", "config.yaml"])
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut before = Vec::new();
        let url = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it listens: {before:#?}"));
            if let Some((_, url)) = line.split_once("ANTHROPIC_BASE_URL=") {
                break url.trim().to_owned();
            }
            before.push(line);
        };
        assert!(!before.iter().any(|line| line.contains("cannot be read")), "{before:#?}");
        // Read on, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }
}

/// What the clients saw of a request.
#[derive(Clone, Copy, Debug)]
struct Seen {
    begun: Instant,
    ended: Option<Instant>,
}

type Log = Arc<Mutex<BTreeMap<String, Seen>>>;

/// Sends one request after the other until the program is gone.
async fn client(url: String, log: Log, stream: bool) {
    let client = Client::new(url);
    let body = support::messages_body(stream);
    loop {
        let request = client.post("/v1/messages", &body);
        let Ok(Ok(response)) = tokio::time::timeout(support::PATIENCE, client.try_open(request)).await else {
            return;
        };
        let id = response.headers()["x-cc-forwarder-request-id"].to_str().unwrap().to_owned();
        log.lock().unwrap().insert(id.clone(), Seen { begun: Instant::now(), ended: None });
        if support::read(response).await.broken {
            return;
        }
        log.lock().unwrap().insert(id, Seen { begun: Instant::now(), ended: Some(Instant::now()) });
    }
}

fn rows(path: &Path) -> (u64, Vec<Row>) {
    let options = Options {
        path: path.to_owned(),
        buffer: 1000,
        batch: 256,
        interval: INTERVAL,
        max_retry: 3,
        retention_days: 0,
        cleanup_interval: Duration::from_secs(3600),
        clock: Clock::new(TimeZone::UTC),
    };
    let (store, opened) = Store::open(options).unwrap();
    assert!(!opened.fresh && opened.moved_aside.is_none(), "{opened:?}");
    let table = store.disk().begin_read().unwrap().open_table(schema::ROWS).unwrap();
    let rows = table.iter().unwrap().map(|entry| Row::decode(entry.unwrap().1.value()).unwrap()).collect();
    (opened.interrupted, rows)
}

/// What the store must hold of `log` after a kill at `killed`.
fn check(log: &BTreeMap<String, Seen>, rows: &[Row], killed: Instant) -> (usize, usize) {
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for row in rows {
        let twice = states.insert(row.request_id().to_string(), row.state);
        assert!(twice.is_none(), "{} is there twice", row.request_id());
    }
    let safe = |at: Instant| at + INTERVAL + SLACK < killed;
    let (mut ended, mut open) = (0, 0);
    for (id, seen) in log {
        let state = states.get(id);
        match seen.ended {
            Some(at) if safe(at) => {
                assert_eq!(state, Some(&State::Completed), "{id} {seen:?}");
                ended += 1;
            }
            // The program may have recorded the end of which the client had not heard yet.
            None if safe(seen.begun) => {
                assert!(
                    matches!(state, Some(State::Interrupted | State::Completed)),
                    "{id} {seen:?}: {state:?}"
                );
                open += usize::from(state == Some(&State::Interrupted));
            }
            _ => {}
        }
    }
    (ended, open)
}

fn rounds() -> u64 {
    std::env::var("CC_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_committed_is_missing_after_a_kill() {
    let sim = Simulator::start("a").await.unwrap();
    sim.set(Behaviour::healthy().deltas(8, 20).pace(Pace::every(Duration::from_millis(2))));
    let slow = Simulator::start("b").await.unwrap();
    // One stream of each round is open for as long as the program lives.
    slow.set(Behaviour::healthy().deltas(600, 20).pace(Pace::every(Duration::from_millis(100))));
    let dir = tempfile::tempdir().unwrap();
    let config = |url: &str| {
        format!(
            "server: {{ port: 0 }}\nhealth: {{ check_interval: 1h }}\ntimezone: UTC\n\
             web: {{ enabled: false }}\n\
             usage_tracking: {{ database_path: usage.redb, flush_interval: {INTERVAL:?}, retention_days: 0 }}\n\
             endpoints:\n  - {{ name: a, url: \"{url}\", token: t }}\n"
        )
    };
    let (mut ended, mut open, mut interrupted) = (0, 0, 0);
    let mut log = BTreeMap::new();
    for round in 0..rounds() {
        let streams = round % 3 == 0;
        std::fs::write(dir.path().join("config.yaml"), config(&if streams { slow.url() } else { sim.url() }))
            .unwrap();
        let program = Program::start(dir.path());
        let fresh = Log::default();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| tokio::spawn(client(program.url.clone(), Arc::clone(&fresh), streams || n % 2 == 0)))
            .collect();
        let life = Duration::from_millis(fastrand::u64(0..if streams { 2500 } else { 2000 }));
        tokio::time::sleep(life).await;
        let killed = Instant::now();
        drop(program);
        for client in clients {
            client.await.unwrap();
        }
        let (found, rows) = rows(&dir.path().join("usage.redb"));
        // What was safe once stays so.
        let fresh = std::mem::take(&mut *fresh.lock().unwrap());
        let (now_ended, now_open) = check(&fresh, &rows, killed);
        (ended, open, interrupted) = (ended + now_ended, open + now_open, interrupted + found);
        log.extend(
            fresh.into_iter().filter(|(_, seen)| seen.ended.is_some_and(|at| at + INTERVAL + SLACK < killed)),
        );
        let there: std::collections::BTreeSet<String> =
            rows.iter().map(|row| row.request_id().to_string()).collect();
        assert!(log.keys().all(|id| there.contains(id)), "an earlier round is whole");
    }
    println!("{ended} ended and {open} open requests were checked, {interrupted} interrupted");
    assert!(ended > 0 && open > 0, "the load was too small to tell: {ended} ended, {open} open");
}
