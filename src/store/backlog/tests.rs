//! What people hear of a slow disk.

use jiff::Timestamp;

use super::*;
use crate::config::Level;
use crate::logging::Capture;
use crate::store::key::RowKey;

fn backlog(buffer: u64) -> Backlog {
    Backlog::new(Pace { batch: 1, interval: Duration::from_secs(1), buffer })
}

fn settle(backlog: &Backlog, records: u32) {
    for id in 0..records {
        let key = RowKey { at_us: u64::from(id), id: RequestId::from_number(id) };
        backlog.settle(Settled { key, row: Box::default(), story: None, since: monotonic() });
    }
}

/// The disk writes one transaction.
fn commit(backlog: &Backlog) {
    assert!(matches!(backlog.next(None), Next::Commit(_)));
    backlog.saved(Timestamp::UNIX_EPOCH);
}

#[test]
fn a_slow_disk_is_told_of_once_and_so_is_its_recovery() {
    let log = Capture::start(Level::Info, Default::default());
    let told = |what: &str| log.text().lines().filter(|line| line.contains(what)).count();
    let backlog = backlog(10);
    settle(&backlog, 10);
    assert_eq!(log.text(), "", "as many as may wait");
    settle(&backlog, 30);
    assert_eq!((told("WARN"), told("11 records wait")), (1, 1), "{}", log.text());
    assert!(log.text().contains("usage_tracking.buffer_size (10)"), "{}", log.text());
    commit(&backlog);
    assert_eq!((told("too slow"), told("has caught up: 0 records")), (1, 1), "{}", log.text());
    settle(&backlog, 11);
    assert_eq!((told("too slow"), told("caught up")), (2, 1), "told anew after the recovery");
}

#[test]
fn a_disk_at_its_limit_does_not_chatter() {
    let log = Capture::start(Level::Info, Default::default());
    let backlog = backlog(10);
    for _ in 0..5 {
        settle(&backlog, 11);
        assert!(matches!(backlog.next(None), Next::Commit(_)));
        // As many as were taken come in while those are written.
        settle(&backlog, 11);
        backlog.saved(Timestamp::UNIX_EPOCH);
    }
    assert_eq!(log.text().lines().count(), 1, "{}", log.text());
}
