use jiff::tz::TimeZone;
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::*;
use crate::store::testing::{attempt, batch, database, row};

fn clock() -> Clock {
    Clock::new(TimeZone::UTC)
}

fn sums(db: &redb::Database) -> Vec<(BucketKey<3>, Totals)> {
    let txn = db.begin_read().unwrap();
    let table = txn.open_table(HOURS).unwrap();
    let entries = table.iter().unwrap().map(Result::unwrap);
    entries
        .map(|(k, v)| (BucketKey::from_bytes(k.value()).unwrap(), Totals::decode(v.value()).unwrap()))
        .collect()
}

#[test]
fn writing_twice_counts_once_and_removing_leaves_nothing() {
    let (db, clock) = (database(), clock());
    let first = row(1, "2026-11-23T10:20:30.5Z", "m", "a");
    batch(&db, &clock, |b| b.put(&first, Some(&vec!["story".into()])));
    let once = sums(&db);
    batch(&db, &clock, |b| b.put(&first, None));
    assert_eq!(sums(&db), once);
    assert_eq!(once.len(), 1);
    assert_eq!((once[0].1.requests, once[0].1.tokens.input), (1, 10));
    batch(&db, &clock, |b| b.remove(first.key()));
    assert!(sums(&db).is_empty());
    let txn = db.begin_read().unwrap();
    assert_eq!(txn.open_table(IDS).unwrap().len().unwrap(), 0);
    assert_eq!(txn.open_table(STORIES).unwrap().len().unwrap(), 0);
    assert_eq!(txn.open_table(SESSION_DAYS).unwrap().len().unwrap(), 0);
}

#[test]
fn tokens_count_where_they_were_used() {
    let (db, clock) = (database(), clock());
    let mut failed_over = row(1, "2026-11-23T10:20:30Z", "m", "b");
    let mut before = attempt("a", 7, 0);
    before.failure = Some("overloaded".into());
    failed_over.attempts = vec![before, attempt("b", 7, 3)];
    batch(&db, &clock, |b| b.put(&failed_over, None));
    let by_endpoint: Vec<_> =
        sums(&db).into_iter().map(|(k, t)| (k.names[1].clone(), t.requests, t.tokens.input)).collect();
    assert_eq!(by_endpoint, [("a".to_owned(), 0, 7), ("b".to_owned(), 1, 7)]);
}

#[test]
fn an_ended_request_is_open_no_more() {
    let (db, clock) = (database(), clock());
    let ended = row(1, "2026-11-23T10:20:30Z", "m", "b");
    let open = OpenRow {
        id: 1,
        accepted_us: ended.accepted_us,
        client: None,
        user_agent: None,
        method: "POST".into(),
        path: "/".into(),
        class: ended.class,
        model: None,
        session: None,
        agent: None,
        stream: false,
    };
    batch(&db, &clock, |b| b.note_open(&open));
    batch(&db, &clock, |b| {
        assert_eq!(b.open_requests()?, std::slice::from_ref(&open));
        b.put(&ended, None)
    });
    batch(&db, &clock, |b| {
        assert_eq!(b.open_requests()?, []);
        Ok(())
    });
}
