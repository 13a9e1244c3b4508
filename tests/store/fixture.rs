//! A file as the first version wrote it, and what has to be in it for ever.
//!
//! `CC_WRITE_FIXTURE=1 cargo test --test store` writes it. It is written once: a later layout gets a file of its own
//! beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use cc_forwarder::claude::money::PicoUsd;
use cc_forwarder::claude::price::{PriceTable, Rates, Tariff};
use cc_forwarder::claude::request::Class;
use cc_forwarder::claude::usage::Usage;
use cc_forwarder::domain::endpoint::EndpointId;
use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::domain::pricebook::PriceBook;
use cc_forwarder::events::hub::Ledger;
use cc_forwarder::events::{RequestRecord, State};
use cc_forwarder::store::civil::Clock;
use cc_forwarder::store::codec::Stored;
use cc_forwarder::store::key::BucketKey;
use cc_forwarder::store::row::Row;
use cc_forwarder::store::totals::{Totals, parts, whole};
use cc_forwarder::store::{Store, schema};
use redb::{ReadableTable, TableDefinition};

use super::records::{accepted, options, record, rows};

const ZONE: &str = "Europe/Berlin";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-v1.redb")
}

/// Prices for every model here but one.
pub(crate) fn prices() -> PriceTable {
    let rates = Rates { input: 3, output: 15, cache_write_5m: 4, cache_write_1h: 6, cache_read: 1 };
    let tariff = Tariff {
        revision: "2026-11-01".parse().unwrap(),
        web_search: PicoUsd::from_micro_usd(10_000),
        batch_ppm: 500_000,
        us_ppm: 1_100_000,
        models: Vec::new(),
        families: Vec::new(),
    };
    PriceTable::new(&tariff, &[("claude-*".to_owned(), rates)], None)
}

/// Requests of all kinds.
fn samples() -> Vec<RequestRecord> {
    const CLASSES: [Class; 6] =
        [Class::Messages, Class::CountTokens, Class::Models, Class::Batches, Class::Files, Class::Other];
    const STATES: [State; 3] = [State::Completed, State::Failed, State::Cancelled];
    let book = PriceBook::new(prices(), []);
    let sample = |n: u32| {
        let mut sample = record(n, i64::from(n) * 97).as_ref().clone();
        sample.class = CLASSES[n as usize % 6];
        sample.state = STATES[n as usize % 3];
        sample.session = (!n.is_multiple_of(4)).then(|| format!("session {}", n % 4).into());
        sample.agent = n.is_multiple_of(5).then(|| "agent \u{1f980}".into());
        sample.stream = n.is_multiple_of(2);
        if sample.state == State::Failed {
            sample.failure = Some(Kind::Overloaded);
            sample.error = Some("main-a: 529".into());
            sample.status = Some(503);
        }
        if sample.state == State::Cancelled {
            sample.cancel_reason = Some("client left".into());
            (sample.status, sample.first_byte_ms) = (None, None);
        }
        vary(&mut sample, n);
        sample.price(&book);
        sample
    };
    (1..=36).map(sample).collect()
}

/// Attempts: none, one, or one that failed elsewhere before; a model nobody prices; all kinds of tokens.
fn vary(sample: &mut RequestRecord, n: u32) {
    let k = u64::from(n);
    if n.is_multiple_of(9) {
        sample.attempts.clear();
        (sample.endpoint, sample.group) = (None, None);
        return;
    }
    let last = &mut sample.attempts[0];
    last.usage = Usage {
        input: 100 * k,
        output: 10 * k,
        cache_read: 1000 * k,
        cache_write_5m: 7 * k,
        cache_write_1h: 11 * k,
        web_search: k % 2,
        estimated: n.is_multiple_of(7),
        service_tier: Some("standard".into()),
        ..Usage::default()
    };
    if n.is_multiple_of(8) {
        last.model_served = Some("glm-5".into());
    }
    if n.is_multiple_of(4) {
        let mut first = last.clone();
        first.endpoint = EndpointId::new("main-b");
        (first.failure, first.status) = (Some(Kind::Overloaded), Some(529));
        first.usage = Usage::default();
        sample.attempts.insert(0, first);
    }
}

fn expected() -> Vec<Row> {
    samples().iter().map(|sample| Row::of_record(sample, jiff::Timestamp::UNIX_EPOCH)).collect()
}

/// The rollups of a store.
#[derive(Default, PartialEq, Debug)]
pub(crate) struct Rollups {
    hours: BTreeMap<BucketKey<3>, Totals>,
    days: BTreeMap<BucketKey<3>, Totals>,
    session_days: BTreeMap<BucketKey<1>, Totals>,
}

/// As stored.
pub(crate) fn rollups(store: &Store) -> Rollups {
    Rollups {
        hours: rollup(store, schema::HOURS),
        days: rollup(store, schema::DAYS),
        session_days: rollup(store, schema::SESSION_DAYS),
    }
}

fn rollup<const N: usize>(
    store: &Store,
    table: TableDefinition<'_, &[u8], &[u8]>,
) -> BTreeMap<BucketKey<N>, Totals> {
    let table = store.disk().begin_read().unwrap().open_table(table).unwrap();
    let entries = table.iter().unwrap().map(Result::unwrap);
    entries
        .map(|(key, sums)| {
            (BucketKey::from_bytes(key.value()).unwrap(), Totals::decode(sums.value()).unwrap())
        })
        .collect()
}

/// As the rows demand.
pub(crate) fn sums(rows: &[Row], clock: &Clock) -> Rollups {
    let seconds = |at: jiff::Timestamp| at.as_second().unsigned_abs();
    let mut sums = Rollups::default();
    for row in rows {
        let (hour, day) = (seconds(clock.hour(row.accepted())), seconds(clock.day(row.accepted())));
        for (part, totals) in parts(row) {
            let names = [part.model, part.endpoint, part.group];
            *sums.hours.entry(BucketKey { start: hour, names: names.clone() }).or_default() += &totals;
            *sums.days.entry(BucketKey { start: day, names }).or_default() += &totals;
        }
        let key = BucketKey { start: day, names: [row.session.clone().unwrap_or_default()] };
        *sums.session_days.entry(key).or_default() += &whole(row);
    }
    sums
}

fn write() {
    let (store, _) = Store::open(options(&path(), ZONE)).unwrap();
    let mut intake = store.intake();
    samples().into_iter().for_each(|sample| intake.settled(&Arc::new(sample)));
    intake.opened(&accepted(99, 5000));
    assert_eq!(store.close(), 0);
}

#[test]
fn the_file_of_the_first_version_opens() {
    if std::env::var_os("CC_WRITE_FIXTURE").is_some() {
        write();
    }
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("usage.redb");
    std::fs::copy(path(), &copy).unwrap();
    let (store, opened) = Store::open(options(&copy, ZONE)).unwrap();
    assert!(!opened.fresh && opened.moved_aside.is_none() && !opened.rebuilding, "{opened:?}");
    assert_eq!(opened.interrupted, 1);
    let mut stored: Vec<Row> = rows(&store).into_iter().map(|row| Row { updated_us: 0, ..row }).collect();
    let interrupted = stored.pop().unwrap();
    assert_eq!((interrupted.id, interrupted.state), (99, State::Interrupted));
    assert_eq!(stored, expected());
    assert_eq!(rollups(&store), sums(&rows(&store), store.clock()));
    let total = stored.iter().map(whole).fold(Totals::default(), |mut sum, one| {
        sum += &one;
        sum
    });
    // Known since the file was written, whatever the code says today.
    assert_eq!((total.requests, total.completed, total.failed, total.cancelled), (36, 12, 12, 12));
    assert_eq!((total.tokens.input, total.tokens.output, total.unpriced), TOKENS);
}

/// Input and output tokens, and attempts without a price.
const TOKENS: (u64, u64, u64) = (57_600, 5_760, 4);
