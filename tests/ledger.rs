//! A forwarder and its store: what is kept, who may have the file, and what happens when it cannot be written.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may unwrap like the tests")]

mod support;

#[cfg(unix)]
#[path = "ledger/case.rs"]
mod case;
#[cfg(unix)]
#[path = "ledger/checks.rs"]
mod checks;
#[cfg(unix)]
#[path = "ledger/expected.rs"]
mod expected;
#[cfg(unix)]
#[path = "ledger/hostile.rs"]
mod hostile;
#[cfg(unix)]
#[path = "ledger/lines.rs"]
mod lines;
#[cfg(unix)]
#[path = "ledger/play.rs"]
mod play;
#[cfg(unix)]
#[path = "ledger/sums.rs"]
mod sums;
#[cfg(unix)]
#[path = "ledger/truth.rs"]
mod truth;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cc_forwarder::app::{self, StartError, Taps};
use cc_forwarder::config::Level;
use cc_forwarder::events::State;
use cc_forwarder::events::board::Snapshot;
use cc_forwarder::logging::Capture;
use cc_forwarder::simulator::Simulator;
use cc_forwarder::store::codec::Stored;
use cc_forwarder::store::row::Row;
use cc_forwarder::store::{OpenError, Options, Store, schema};
use redb::ReadableTable;
use support::disk::TestDisk;
use support::{PATIENCE, QUICK, World};

fn yaml(path: &Path, url: &str) -> String {
    let base = QUICK.replace(
        "usage_tracking: { enabled: false }",
        &format!(
            "usage_tracking: {{ database_path: \"{}\", flush_interval: 20ms }}\ntimezone: UTC",
            path.display()
        ),
    );
    format!("{base}\nendpoints:\n{}", support::endpoint("a", "main", 1, url))
}

async fn world(path: &Path) -> World {
    let sim = Simulator::start("a").await.unwrap();
    let yaml = yaml(path, &sim.url());
    World::over(&yaml, vec![sim]).await
}

fn rows(store: &Store) -> Vec<Row> {
    let table = store.disk().begin_read().unwrap().open_table(schema::ROWS).unwrap();
    table.iter().unwrap().map(|entry| Row::decode(entry.unwrap().1.value()).unwrap()).collect()
}

#[tokio::test]
async fn what_was_asked_is_in_the_file_after_the_stop() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let mut world = world(&path).await;
    let mut expected = Vec::new();
    for stream in [true, false, true] {
        assert_eq!(world.client.messages(stream).await.status, 200);
        let record = world.record().await;
        expected.push((record.id.number(), State::Completed, record.usage.output, record.cost));
    }
    world.stop().await;
    let options = Options::of(&support::config(&yaml(&path, "http://127.0.0.1:9")));
    let (store, opened) = Store::open(options).unwrap();
    assert_eq!((opened.interrupted, opened.last_id.map(|id| id.number())), (0, expected.last().map(|e| e.0)));
    let stored: Vec<_> = rows(&store).iter().map(|r| (r.id, r.state, r.tokens().output, r.cost())).collect();
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn a_second_forwarder_does_not_start_with_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let world = world(&path).await;
    let config = support::config(&yaml(&path, &world.sims[0].url()));
    let error = app::start(Arc::new(config.clone()), Taps::default()).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, StartError::Store(OpenError::InUse { .. })), "{error}");
    assert!(error.to_string().contains("usage_tracking.database_path"), "{error}");
    world.stop().await;
    let again = app::start(Arc::new(config), Taps::default()).await.expect("the file is free");
    again.stop(std::future::pending()).await;
}

#[tokio::test]
async fn a_store_that_cannot_be_made_does_not_prevent_forwarding() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "x").unwrap();
    let mut world = world(&blocked.join("usage.redb")).await;
    assert!(world.forwarder.store().is_none());
    assert_eq!(world.client.messages(true).await.status, 200);
    assert_eq!(world.record().await.state, State::Completed);
    world.stop().await;
}

#[tokio::test]
async fn while_too_many_records_wait_nothing_further_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = world(&dir.path().join("usage.redb")).await;
    let full = world.forwarder.store().unwrap().full();
    full.store(true, Ordering::Relaxed);
    let answer = world.client.messages(true).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["type"]), (503, &"api_error".into()));
    assert!(answer.text().contains("usage store") && !answer.text().contains("overloaded_error"));
    assert_eq!(world.client.get("/health").await.status, 200);
    assert!(world.has_no_record(), "its record would have no place");
    full.store(false, Ordering::Relaxed);
    assert_eq!(world.client.messages(true).await.status, 200);
    world.record().await;
    world
        .snapshot(|snapshot| {
            snapshot.ledger.as_ref().is_some_and(|l| l.unsaved == 0 && l.last_commit.is_some())
        })
        .await;
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_store_is_moved_aside_and_forwarding_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    std::fs::write(&path, "SQLite format 4, or so").unwrap();
    let mut world = world(&path).await;
    assert_eq!(world.client.messages(true).await.status, 200);
    world.record().await;
    let store = world.forwarder.store().unwrap().clone();
    world.stop().await;
    assert!(store.disk().begin_read().is_err(), "closed with the forwarder");
    let aside = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.filter(|file| *file != path).collect::<Vec<_>>();
    assert!(matches!(&aside[..], [file] if std::fs::read(file).unwrap().starts_with(b"SQLite")), "{aside:?}");
    let options = Options::of(&support::config(&yaml(&path, "http://127.0.0.1:9")));
    assert_eq!(rows(&Store::open(options).unwrap().0).len(), 1);
}

#[tokio::test]
async fn a_forwarder_waits_for_a_command_that_reads_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    world(&path).await.stop().await;
    let reading = redb::ReadOnlyDatabase::open(&path).unwrap();
    let log = Capture::start(Level::Info, Default::default());
    let config = Arc::new(support::config(&yaml(&path, "http://127.0.0.1:9")));
    let starting = app::start(config, Taps::default());
    let waits = async {
        while !log.text().contains("is in use: waiting up to 3s") {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let ends = async {
        tokio::time::timeout(PATIENCE, waits).await.expect("it says that it waits");
        drop(reading);
    };
    let (started, ()) = tokio::join!(starting, ends);
    let forwarder = started.expect("the file is free in time");
    assert!(forwarder.store().is_some());
    forwarder.stop(std::future::pending()).await;
}

#[tokio::test]
async fn a_disk_that_holds_its_breath_does_not_hold_up_requests() {
    let disk = TestDisk::default();
    let backend = disk.clone();
    let options = Options::of(&support::config(&yaml(Path::new("unused"), "http://127.0.0.1:9")));
    let store = Store::open_on(options, move || Ok(backend.clone())).unwrap();
    let sim = Simulator::start("a").await.unwrap();
    let yaml = yaml(Path::new("unused"), &sim.url());
    let (tx, records) = tokio::sync::mpsc::unbounded_channel();
    let taps = Taps { records: Some(tx), store: Some(store), ..Taps::default() };
    let mut world = World::tapped(support::config(&yaml), vec![sim], taps, records).await;
    disk.hold(true);
    for n in 0..40 {
        assert_eq!(world.client.messages(n % 2 == 0).await.status, 200);
        world.record().await;
    }
    let waiting = |n| move |s: &Arc<Snapshot>| s.ledger.as_ref().is_some_and(|ledger| ledger.unsaved == n);
    world.snapshot(waiting(40)).await;
    disk.hold(false);
    world.snapshot(waiting(0)).await;
    let store = world.forwarder.store().unwrap().clone();
    assert_eq!(rows(&store).len(), 40);
    world.stop().await;
}
