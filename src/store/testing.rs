//! Rows, files and sums for the tests of this module.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadTransaction, ReadableTable, TableDefinition};

use super::apply::Batch;
use super::civil::Clock;
use super::codec::Stored;
use super::disk::Disk;
use super::key::{BucketKey, micros};
use super::open::Place;
use super::row::{AttemptRow, BillRow, Row, Tokens};
use super::totals::{Totals, parts, whole};
use super::{Options, StoreError, schema};
use crate::claude::money::PicoUsd;
use crate::claude::price::{CostLines, PriceTable, Rates, Tariff};
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::pricebook::PriceBook;
use crate::events::{RequestId, RequestRecord, State};

/// An empty store in memory.
pub(crate) fn database() -> Database {
    let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
    let txn = db.begin_write().unwrap();
    schema::create(&txn).unwrap();
    txn.commit().unwrap();
    db
}

/// The same as the writer has it.
pub(crate) fn disk() -> Disk {
    Disk::new(database(), Place::Other(Box::new(|| Ok(database()))))
}

/// Everything stored about requests, in order.
pub(crate) fn rows(txn: &ReadTransaction) -> Vec<Row> {
    let table = txn.open_table(schema::ROWS).unwrap();
    table.iter().unwrap().map(|entry| Row::decode(entry.unwrap().1.value()).unwrap()).collect()
}

/// All rollups: of each table, by its keys.
#[derive(Default, PartialEq, Debug)]
pub(crate) struct Rollups {
    hours: BTreeMap<BucketKey<3>, Totals>,
    days: BTreeMap<BucketKey<3>, Totals>,
    session_days: BTreeMap<BucketKey<1>, Totals>,
}

impl Rollups {
    /// As stored.
    pub(crate) fn stored(txn: &ReadTransaction) -> Self {
        Self {
            hours: rollup(txn, schema::HOURS),
            days: rollup(txn, schema::DAYS),
            session_days: rollup(txn, schema::SESSION_DAYS),
        }
    }

    /// As the rows demand.
    pub(crate) fn of(rows: &[Row], clock: &Clock) -> Self {
        let seconds = |at: Timestamp| at.as_second().unsigned_abs();
        let mut sums = Self::default();
        for row in rows {
            let (hour, day) = (seconds(clock.hour(row.accepted())), seconds(clock.day(row.accepted())));
            for (part, totals) in parts(row) {
                let key = |start| BucketKey {
                    start,
                    names: [part.model.clone(), part.endpoint.clone(), part.group.clone()],
                };
                *sums.hours.entry(key(hour)).or_default() += &totals;
                *sums.days.entry(key(day)).or_default() += &totals;
            }
            let key = BucketKey { start: day, names: [row.session.clone().unwrap_or_default()] };
            *sums.session_days.entry(key).or_default() += &whole(row);
        }
        sums
    }
}

fn rollup<const N: usize>(
    txn: &ReadTransaction,
    table: TableDefinition<'_, &[u8], &[u8]>,
) -> BTreeMap<BucketKey<N>, Totals> {
    let table = txn.open_table(table).unwrap();
    let entries = table.iter().unwrap().map(Result::unwrap);
    entries
        .map(|(key, sums)| {
            (BucketKey::from_bytes(key.value()).unwrap(), Totals::decode(sums.value()).unwrap())
        })
        .collect()
}

/// Prices for models that begin with `m`, so much per input token.
pub(crate) fn prices(input: u64) -> Arc<PriceBook> {
    let rates = Rates { input, output: 5 * input, ..Rates::default() };
    let tariff = Tariff {
        revision: "2026-11-01".parse().unwrap(),
        web_search: PicoUsd::ZERO,
        batch_ppm: 500_000,
        us_ppm: 1_100_000,
        models: Vec::new(),
        families: Vec::new(),
    };
    Arc::new(PriceBook::new(PriceTable::new(&tariff, &[("m*".to_owned(), rates)], None), []))
}

/// Applies one batch.
pub(crate) fn batch(
    db: &Database,
    clock: &Clock,
    act: impl FnOnce(&mut Batch<'_>) -> Result<(), StoreError>,
) {
    let txn = db.begin_write().unwrap();
    let mut batch = Batch::new(&txn, clock).unwrap();
    act(&mut batch).unwrap();
    batch.finish().unwrap();
    txn.commit().unwrap();
}

/// A completed stream of one attempt at `endpoint`, accepted at `at`.
pub(crate) fn row(id: u32, at: &str, model: &str, endpoint: &str) -> Row {
    let at: Timestamp = at.parse().unwrap();
    Row {
        id,
        upstream_id: Some(format!("req_{id}")),
        accepted_us: micros(at),
        updated_us: micros(at),
        first_byte_us: Some(1_000),
        duration_us: 2_000,
        suspended_us: 0,
        client: Some("127.0.0.1".parse().unwrap()),
        user_agent: Some("claude-cli/2.1".into()),
        method: "POST".into(),
        path: "/v1/messages".into(),
        class: Class::Messages,
        model: Some(model.into()),
        served_model: Some(model.into()),
        session: Some("s1".into()),
        agent: None,
        stream: true,
        endpoint: Some(endpoint.into()),
        group: Some("main".into()),
        route: Some("first in order".into()),
        status: Some(200),
        state: State::Completed,
        failure: None,
        error: None,
        cancel_reason: None,
        bytes_in: 100,
        bytes_out: 200,
        price_revision: Some("2026-11-01".into()),
        attempts: vec![attempt(endpoint, 10, 5)],
    }
}

/// An attempt that used so many tokens, at a pico-dollar each.
pub(crate) fn attempt(endpoint: &str, input: u64, output: u64) -> AttemptRow {
    let (pico, none) = (|n: u64| PicoUsd::from_pico(n.into()), PicoUsd::ZERO);
    let lines = CostLines { input: pico(input), output: pico(output), ..CostLines::default() };
    let rule = "a price".to_owned();
    AttemptRow {
        endpoint: endpoint.into(),
        group: "main".into(),
        model_sent: None,
        model_served: None,
        start_us: 0,
        connect_us: Some(100),
        first_byte_us: Some(900),
        duration_us: 2_000,
        status: Some(200),
        failure: None,
        cancelled: false,
        tokens: Tokens { input, output, ..Tokens::default() },
        estimated: false,
        service_tier: Some("standard".into()),
        inference_geo: None,
        bill: Some(BillRow {
            lines,
            cache_saved: none,
            cache_premium: none,
            cache_missed: pico(input),
            rule,
        }),
    }
}

/// A store at `path` that keeps everything for ever, by UTC.
pub(crate) fn options(path: &Path) -> Options {
    Options {
        path: path.to_owned(),
        buffer: 1000,
        batch: 256,
        interval: Duration::from_millis(20),
        max_retry: 2,
        retention_days: 0,
        cleanup_interval: Duration::from_secs(3600),
        clock: Clock::new(TimeZone::UTC),
    }
}

/// A request that ended with a whole answer of no endpoint.
pub(crate) fn record(id: u32) -> Arc<RequestRecord> {
    Arc::new(RequestRecord {
        id: RequestId::from_number(id),
        upstream_id: None,
        accepted: "2026-11-23T10:20:30Z".parse().unwrap(),
        first_byte_ms: Some(1.0),
        duration_ms: 2.0,
        client: None,
        user_agent: Some("claude-cli/2.1".into()),
        method: "POST".into(),
        path: "/v1/messages".into(),
        class: Class::Messages,
        model: Some("m".into()),
        served_model: None,
        session: Some("s1".into()),
        agent: None,
        stream: true,
        one_token: false,
        endpoint: None,
        group: None,
        route: None,
        trace: Vec::new(),
        status: Some(200),
        state: State::Completed,
        failure: None,
        error: None,
        cancel_reason: None,
        suspended_ms: 0.0,
        bytes_in: 100,
        bytes_out: 200,
        usage: Usage::default(),
        cost: CostLines::default(),
        unpriced: 0,
        attempts: Vec::new(),
        skipped: Vec::new(),
    })
}
