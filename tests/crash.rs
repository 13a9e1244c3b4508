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
use std::path::Path;
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
use support::program::{Program, program};
use support::{Client, PATIENCE};

const INTERVAL: Duration = Duration::from_millis(50);
/// A commit begins within the interval and takes as long as the disk and a busy machine take. The hub and the writer
/// have to get their turn as well.
const SLACK: Duration = Duration::from_millis(1500);
const CLIENTS: usize = 4;

/// What the clients saw of a request.
#[derive(Clone, Copy, Debug)]
struct Seen {
    begun: Instant,
    ended: Option<Instant>,
}

impl Seen {
    /// True when a kill at `killed` must find its end in the file, or that it was open.
    fn is_safe(&self, killed: Instant) -> bool {
        self.ended.unwrap_or(self.begun) + INTERVAL + SLACK < killed
    }
}

type Log = Arc<Mutex<BTreeMap<String, Seen>>>;

/// Starts the program of the configuration in `dir`.
fn start(dir: &Path) -> Program {
    let mut command = program(dir);
    command.args(["--no-tui", "--config", "config.yaml"]);
    Program::start(command)
}

/// Sends one request after the other until the program is gone.
async fn client(client: Client, log: Log, stream: bool) {
    let body = support::messages_body(stream);
    loop {
        let request = client.post("/v1/messages", &body);
        let Ok(Ok(response)) = tokio::time::timeout(PATIENCE, client.try_open(request)).await else {
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

/// Files that the program, or we, could not read.
fn moved_aside(dir: &Path) -> usize {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("unreadable")).count()
}

/// What the store must hold of `log` after a kill at `killed`.
fn check(log: &BTreeMap<String, Seen>, rows: &[Row], killed: Instant) -> (usize, usize) {
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for row in rows {
        let twice = states.insert(row.request_id().to_string(), row.state);
        assert!(twice.is_none(), "{} is there twice", row.request_id());
    }
    let (mut ended, mut open) = (0, 0);
    for (id, seen) in log {
        let state = states.get(id);
        match seen.ended {
            Some(_) if seen.is_safe(killed) => {
                assert_eq!(state, Some(&State::Completed), "{id} {seen:?}");
                ended += 1;
            }
            // The program may have recorded the end of which the client had not heard yet.
            None if seen.is_safe(killed) => {
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

/// Waits until a kill would have something to tell about requests that have ended, or have not.
async fn until_one_is_safe(log: &Log, ended: bool) {
    let end = Instant::now() + PATIENCE;
    let one =
        |now| log.lock().unwrap().values().any(|seen| seen.ended.is_some() == ended && seen.is_safe(now));
    while !one(Instant::now()) {
        assert!(Instant::now() < end, "a request that has ended: {ended}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Lets the program live for a random time. The first round of each kind lives until there is something to check.
async fn live(round: u64, log: &Log, streams: bool) {
    if round < 2 {
        return until_one_is_safe(log, !streams).await;
    }
    let most = if streams { 2500 } else { 2000 };
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..most))).await;
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
        let program = start(dir.path());
        let fresh = Log::default();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| tokio::spawn(client(program.client(), Arc::clone(&fresh), streams || n % 2 == 0)))
            .collect();
        live(round, &fresh, streams).await;
        let killed = Instant::now();
        drop(program);
        for client in clients {
            client.await.unwrap();
        }
        let (found, rows) = rows(&dir.path().join("usage.redb"));
        assert_eq!(moved_aside(dir.path()), 0, "every file could be read");
        // What was safe once stays so.
        let fresh = std::mem::take(&mut *fresh.lock().unwrap());
        let (now_ended, now_open) = check(&fresh, &rows, killed);
        (ended, open, interrupted) = (ended + now_ended, open + now_open, interrupted + found);
        log.extend(fresh.into_iter().filter(|(_, seen)| seen.ended.is_some() && seen.is_safe(killed)));
        let there: std::collections::BTreeSet<String> =
            rows.iter().map(|row| row.request_id().to_string()).collect();
        assert!(log.keys().all(|id| there.contains(id)), "an earlier round is whole");
    }
    println!("{ended} ended and {open} open requests were checked, {interrupted} interrupted");
    assert!(ended > 0 && open > 0, "the load was too small to tell: {ended} ended, {open} open");
}
