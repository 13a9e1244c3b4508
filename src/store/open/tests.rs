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
