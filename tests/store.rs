//! The store under pressure: bursts, slow and failing disks, copies, new zones, old files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "helpers of tests: clippy only excuses the tests themselves"
)]

#[path = "store/fixture.rs"]
mod fixture;
#[path = "store/records.rs"]
mod records;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cc_forwarder::domain::pricebook::PriceBook;
use cc_forwarder::events::State;
use cc_forwarder::events::hub::Ledger;
use cc_forwarder::store::backup::BackupError;
use cc_forwarder::store::{Options, Store, StoreError, schema};
use records::{accepted, options, record, rows, until};
use support::disk::TestDisk;

const BURST: u32 = 50_000;

fn on(disk: &TestDisk) -> Store {
    let disk = disk.clone();
    Store::open_on(options(Path::new(""), "UTC"), move || Ok(disk.clone())).unwrap().0
}

fn saved(store: &Store) -> bool {
    store.load().unsaved == 0
}

#[test]
fn a_burst_waits_in_memory_while_the_disk_holds_its_breath() {
    let disk = TestDisk::default();
    let store = on(&disk);
    let mut intake = store.intake();
    disk.hold(true);
    // Handing over ends although no sync does.
    for id in 0..BURST {
        intake.opened(&accepted(id, 0));
        intake.settled(&record(id, 0));
    }
    let load = store.load();
    assert_eq!((load.unsaved, intake.status().unwrap().unsaved), (BURST.into(), BURST.into()));
    assert!(load.oldest_age.is_some());
    assert!(!store.full().load(Ordering::Relaxed), "half of what is too many");
    disk.hold(false);
    until(&store, saved);
    assert_eq!(rows(&store).len(), BURST as usize);
    assert_eq!(store.load().oldest_age, None);
    assert_eq!(store.close(), 0);
}

#[test]
fn too_many_records_close_the_door_and_open_it_again() {
    let disk = TestDisk::default();
    let store = on(&disk);
    let (mut intake, full) = (store.intake(), store.full());
    disk.hold(true);
    let one = record(0, 0);
    (0..100_000).for_each(|_| intake.settled(&one));
    assert!(!full.load(Ordering::Relaxed));
    intake.settled(&one);
    assert!(full.load(Ordering::Relaxed));
    disk.hold(false);
    until(&store, saved);
    assert!(!full.load(Ordering::Relaxed));
    assert_eq!(rows(&store).len(), 1, "the same record every time");
}

#[test]
fn nothing_is_lost_when_the_disk_fails_for_a_while() {
    let disk = TestDisk::default();
    let store = on(&disk);
    let mut intake = store.intake();
    (0..100).for_each(|id| intake.settled(&record(id, 0)));
    until(&store, saved);
    disk.fail(true);
    (100..2000).for_each(|id| intake.settled(&record(id, 0)));
    until(&store, |store| store.load().failing.is_some());
    assert_eq!(store.load().unsaved, 1900);
    let seen = disk.failures();
    until(&store, |_| disk.failures() > seen + 1);
    disk.fail(false);
    until(&store, saved);
    assert_eq!(store.load().failing, None);
    assert_eq!(rows(&store).len(), 2000);
    assert_eq!(store.close(), 0);
    assert_eq!(rows(&on(&disk)).len(), 2000);
}

#[test]
fn a_disk_that_stays_broken_does_not_keep_the_program_from_ending() {
    let disk = TestDisk::default();
    let store = on(&disk);
    disk.fail(true);
    (0..10).for_each(|id| store.intake().settled(&record(id, 0)));
    assert_eq!(store.close(), 10);
    assert!(matches!(store.disk().begin_read(), Err(StoreError::Closed)));
}

#[test]
fn records_are_committed_together() {
    let disk = TestDisk::default();
    let slow = Options { interval: std::time::Duration::from_secs(3600), ..options(Path::new(""), "UTC") };
    let backend = disk.clone();
    let store = Store::open_on(slow, move || Ok(backend.clone())).unwrap().0;
    let mut intake = store.intake();
    // The first commit of a run also notes that the file is in use.
    (0..256).for_each(|id| intake.settled(&record(id, 0)));
    until(&store, saved);
    let before = disk.syncs();
    (0..255).for_each(|id| intake.settled(&record(id, 0)));
    assert_eq!((store.load().unsaved, disk.syncs()), (255, before));
    intake.settled(&record(255, 0));
    until(&store, saved);
    assert_eq!(disk.syncs(), before + 1, "one for all of them");
}

#[test]
fn only_what_outlives_a_commit_is_noted_as_open() {
    let disk = TestDisk::default();
    let store = on(&disk);
    let mut intake = store.intake();
    intake.opened(&accepted(1, 0));
    let noted = |store: &Store| {
        let table = store.disk().begin_read().unwrap().open_table(schema::OPEN).unwrap();
        redb::ReadableTableMetadata::len(&table).unwrap()
    };
    until(&store, |store| noted(store) == 1);
    intake.opened(&accepted(2, 0));
    intake.settled(&record(2, 0));
    until(&store, |store| rows(store).len() == 1);
    assert_eq!(noted(&store), 1);
    drop((intake, store));
    let backend = disk.clone();
    let again = Store::open_on(options(Path::new(""), "UTC"), move || Ok(backend.clone())).unwrap();
    assert_eq!(again.1.interrupted, 1);
    let states: Vec<_> = rows(&again.0).into_iter().map(|row| (row.id, row.state)).collect();
    assert_eq!(states, [(1, State::Interrupted), (2, State::Completed)]);
}

fn filled(path: &Path, zone: &str, count: u32) -> Store {
    let (store, _) = Store::open(options(path, zone)).unwrap();
    let mut intake = store.intake();
    (0..count).for_each(|id| intake.settled(&record(id, i64::from(id) * 10)));
    until(&store, saved);
    store
}

#[test]
fn a_new_zone_is_summed_up_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let store = filled(&path, "UTC", 3000);
    assert_eq!(fixture::rollups(&store), fixture::sums(&rows(&store), store.clock()));
    drop(store);
    let (store, opened) = Store::open(options(&path, "Asia/Kathmandu")).unwrap();
    assert!(opened.rebuilding);
    let mut intake = store.intake();
    (3000..3300).for_each(|id| intake.settled(&record(id, i64::from(id) * 10)));
    until(&store, saved);
    until(&store, |store| fixture::rollups(store) == fixture::sums(&rows(store), store.clock()));
    drop((store, intake));
    assert!(!Store::open(options(&path, "Asia/Kathmandu")).unwrap().1.rebuilding);
}

#[test]
fn old_days_are_deleted_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let now = jiff::Timestamp::now();
    let store = filled(&path, "UTC", 0);
    let mut intake = store.intake();
    for id in 0..1500 {
        let age = jiff::SignedDuration::from_hours(i64::from(id));
        intake.settled(&Arc::new(cc_forwarder::events::RequestRecord {
            accepted: now - age,
            ..record(id, 0).as_ref().clone()
        }));
    }
    until(&store, saved);
    drop((store, intake));
    let keeping = Options { retention_days: 10, ..options(&path, "UTC") };
    let (store, _) = Store::open(keeping).unwrap();
    // Ten whole days and what there is of today, however late it is.
    until(&store, |store| (240..=265).contains(&rows(store).len()));
    assert_eq!(fixture::rollups(&store), fixture::sums(&rows(&store), store.clock()));
}

#[test]
fn a_copy_is_a_store_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("usage.redb"), dir.path().join("copy.redb"));
    let store = filled(&path, "UTC", 1200);
    let mut last = None;
    let copied = store.backup(&copy, |progress| last = Some(progress)).unwrap();
    assert_eq!(copied.records, 1200);
    assert!(last.is_some_and(|p| p.done == p.total && p.total >= 2400), "{last:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(matches!(store.backup(&copy, |_| ()), Err(BackupError::Exists(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no part is left");
    let (other, opened) = Store::open(options(&copy, "UTC")).unwrap();
    assert!(!opened.fresh && opened.moved_aside.is_none());
    assert_eq!(rows(&other), rows(&store));
    assert_eq!(fixture::rollups(&other), fixture::rollups(&store));
    store.close();
    assert!(store.backup(&dir.path().join("late.redb"), |_| ()).is_err());
    assert!(!dir.path().join("late.redb.part").exists());
}

#[test]
fn history_is_priced_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&dir.path().join("usage.redb"), "UTC", 1200);
    let book = Arc::new(PriceBook::new(fixture::prices(), []));
    let (tx, progress) = std::sync::mpsc::channel();
    let since = record(0, 2000).accepted;
    let made = store.recost(Arc::clone(&book), Some(since), move |p| tx.send(p).unwrap()).unwrap();
    assert_eq!((made.records, made.changed, made.unpriced), (1000, 1000, 0));
    assert_eq!(progress.iter().last().map(|p| (p.done, p.total)), Some((1000, 1000)));
    assert_eq!(rows(&store).iter().filter(|row| row.unpriced()).count(), 200);
    assert_eq!(fixture::rollups(&store), fixture::sums(&rows(&store), store.clock()));
    let again = store.recost(Arc::clone(&book), None, |_| ()).unwrap();
    assert_eq!((again.records, again.changed), (1200, 200));
    store.close();
    assert!(matches!(store.recost(book, None, |_| ()), Err(StoreError::Closed)));
}
