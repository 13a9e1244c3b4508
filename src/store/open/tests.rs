use std::path::Path;

use redb::ReadableTableMetadata;

use super::*;
use crate::events::hub::Ledger;
use crate::store::testing::{options, record};
use crate::store::{Store, schema};

fn rows(store: &Store) -> u64 {
    let txn = store.disk().begin_read().unwrap();
    txn.open_table(schema::ROWS).unwrap().len().unwrap()
}

fn fill(path: &Path, count: u32) {
    let (store, _) = Store::open(options(path)).unwrap();
    let mut intake = store.intake();
    (0..count).for_each(|id| intake.settled(&record(id)));
    assert_eq!(store.close(), 0);
}

#[test]
fn what_was_handed_over_is_there_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data").join("usage.redb");
    fill(&path, 300);
    let (store, opened) = Store::open(options(&path)).unwrap();
    assert_eq!(opened, Opened { last_id: Some(RequestId::from_number(299)), ..Opened::default() });
    assert_eq!(rows(&store), 300);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_store_in_use_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let (store, opened) = Store::open(options(&path)).unwrap();
    assert!(opened.fresh && opened.moved_aside.is_none());
    let error = Store::open(options(&path)).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("attach"), "{error}");
    drop(store);
    assert!(!Store::open(options(&path)).unwrap().1.fresh);
}

/// The only file beside the store.
fn aside(path: &Path) -> std::path::PathBuf {
    let names = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let mut others: Vec<_> = names.filter(|name| name != path).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    others.remove(0)
}

/// Opens what `make` put there; it must be moved aside as it was, and the new store must work.
fn is_moved_aside(make: impl FnOnce(&Path), reason: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    make(&path);
    let before = std::fs::read(&path).ok();
    let (store, opened) = Store::open(options(&path)).unwrap();
    let moved = opened.moved_aside.expect(reason);
    assert!(opened.fresh && moved.why.contains(reason), "{reason}: {}", moved.why);
    assert_eq!(aside(&path), moved.to);
    assert!(moved.to.to_str().unwrap().contains("usage.redb.unreadable-20"), "{moved:?}");
    // To look into another database is to repair it.
    let before = before.filter(|bytes| !bytes.starts_with(b"redb") || reason.is_empty());
    assert!(before.is_none_or(|bytes| std::fs::read(&moved.to).unwrap() == bytes), "{reason}");
    store.intake().settled(&record(1));
    assert_eq!(store.close(), 0);
    let (store, opened) = Store::open(options(&path)).unwrap();
    assert!(!opened.fresh && opened.moved_aside.is_none() && rows(&store) == 1);
}

#[test]
fn what_is_no_store_is_moved_aside() {
    let write = |bytes: &'static [u8]| move |path: &Path| std::fs::write(path, bytes).unwrap();
    is_moved_aside(write(b""), "empty");
    is_moved_aside(write(b"hello"), "");
    is_moved_aside(|path| std::fs::write(path, vec![b'x'; 100_000]).unwrap(), "");
    is_moved_aside(
        |path| std::fs::write(path, [b"SQLite format 3\0".as_slice(), &[0; 8000]].concat()).unwrap(),
        "",
    );
    is_moved_aside(|path| std::fs::create_dir(path).unwrap(), "directory");
    let foreign = |path: &Path| {
        let db = redb::Database::create(path).unwrap();
        let txn = db.begin_write().unwrap();
        txn.open_table(redb::TableDefinition::<u8, u8>::new("theirs")).unwrap().insert(1, 1).unwrap();
        txn.commit().unwrap();
    };
    is_moved_aside(foreign, "another program");
    let later = |path: &Path| {
        fill(path, 1);
        let db = redb::Database::open(path).unwrap();
        let txn = db.begin_write().unwrap();
        schema::set_fact(&txn, schema::meta::LAYOUT, "2").unwrap();
        txn.commit().unwrap();
    };
    is_moved_aside(later, "layout 2");
}

#[test]
fn a_cut_or_damaged_store_is_moved_aside() {
    for share in [1, 3, 7] {
        let cut = |path: &Path| {
            fill(path, 500);
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            let len = file.metadata().unwrap().len();
            file.set_len(len * share / 8).unwrap();
        };
        is_moved_aside(cut, "");
    }
    // Behind the head every page is damaged: some of them are in use.
    let damaged = |path: &Path| {
        fill(path, 500);
        let mut bytes = std::fs::read(path).unwrap();
        bytes[8192..].chunks_mut(64).for_each(|chunk| chunk[7] ^= 0x55);
        std::fs::write(path, bytes).unwrap();
    };
    is_moved_aside(damaged, "");
}

#[test]
fn a_file_that_is_moved_aside_twice_keeps_both() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let place = Place::File(path.clone());
    let names: Vec<_> = (0..3)
        .map(|n| {
            std::fs::write(&path, [n]).unwrap();
            place.set_aside("a test").unwrap().to
        })
        .collect();
    assert!(names.iter().enumerate().all(|(n, name)| std::fs::read(name).unwrap() == [n as u8]));
}

#[cfg(unix)]
#[test]
fn what_the_system_forbids_is_told_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "x").unwrap();
    let error = Store::open(options(&blocked.join("usage.redb"))).map(|_| ()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, OpenError::Unusable { .. }) && text.contains("database_path"), "{text}");
    assert!(text.contains("cannot create the directory") && text.contains("/file"), "{text}");
    let denied = OpenError::Unusable {
        action: "open the usage store",
        path: "x.redb".into(),
        source: io::ErrorKind::PermissionDenied.into(),
    };
    assert!(denied.to_string().contains("give this user the right to write there"), "{denied}");
}

#[test]
fn ids_go_on_behind_all_known_ones_although_the_clock_went_back() {
    use crate::events::record::Ids;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let mut known = std::collections::HashSet::new();
    // The second run's clock is two hours behind the first one's, the third one's is between them.
    for hours in [4, 2, 3] {
        let (store, opened) = Store::open(options(&path)).unwrap();
        let ids = opened.last_id.map_or_else(|| Ids::starting_at(7), Ids::after);
        let mut intake = store.intake();
        for _ in 0..200 {
            let id = ids.next_id();
            assert!(known.insert(id), "{id} was given before");
            let mut record = (*record(id.number())).clone();
            record.accepted += jiff::SignedDuration::from_hours(hours);
            intake.settled(&std::sync::Arc::new(record));
        }
        assert_eq!(store.close(), 0);
    }
    let (store, _) = Store::open(options(&path)).unwrap();
    assert_eq!(rows(&store), 600);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_taken_away_while_it_is_written_is_replaced_and_takes_what_follows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let (store, _) = Store::open(options(&path)).unwrap();
    let mut intake = store.intake();
    let saved = |store: &Store| {
        let end = crate::store::monotonic() + std::time::Duration::from_secs(30);
        while store.load().unsaved > 0 {
            assert!(crate::store::monotonic() < end, "saved in time");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    (0..10).for_each(|id| intake.settled(&record(id)));
    saved(&store);
    std::fs::remove_file(&path).unwrap();
    (10..15).for_each(|id| intake.settled(&record(id)));
    saved(&store);
    assert_eq!(rows(&store), 5, "the first ten went with their file");
    let other = dir.path().join("other.redb");
    fill(&other, 3);
    std::fs::rename(&other, &path).unwrap();
    (20..22).for_each(|id| intake.settled(&record(id)));
    assert_eq!(store.close(), 0);
    let (store, _) = Store::open(options(&path)).unwrap();
    assert_eq!(rows(&store), 5, "three of the other file, and two");
}

#[test]
fn ten_thousand_models_and_sessions_are_ten_thousand_sums_that_go_with_their_rows() {
    use crate::store::query::{By, Reader};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let (store, _) = Store::open(options(&path)).unwrap();
    let mut intake = store.intake();
    for id in 0..10_000 {
        let mut record = (*record(id)).clone();
        record.accepted = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(5 * 24);
        (record.model, record.session) =
            (Some(format!("model-{id}").into()), Some(format!("session-{id}").into()));
        intake.settled(&std::sync::Arc::new(record));
    }
    assert_eq!(store.close(), 0);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 10_000 * 4_096, "{size} bytes");
    let (store, _) = Store::open(options(&path)).unwrap();
    let reader = Reader::of(&store.disk().begin_read().unwrap(), store.clock().clone()).unwrap();
    for by in [By::Model, By::Session] {
        let stats = reader.stats(&crate::store::filter::Filter::default(), by).unwrap();
        assert_eq!((stats.groups.len(), stats.totals.requests), (10_000, 10_000));
    }
    drop((reader, store));
    let (store, _) = Store::open(crate::store::Options { retention_days: 1, ..options(&path) }).unwrap();
    let end = crate::store::monotonic() + std::time::Duration::from_secs(60);
    let sums = || {
        let txn = store.disk().begin_read().unwrap();
        let tables = [schema::HOURS, schema::DAYS, schema::SESSION_DAYS];
        tables.map(|table| txn.open_table(table).unwrap().len().unwrap()).iter().sum::<u64>()
    };
    while sums() > 0 {
        assert!(crate::store::monotonic() < end, "old sums go in time");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(rows(&store), 0);
}
