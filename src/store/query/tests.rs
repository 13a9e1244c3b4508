use jiff::tz::TimeZone;
use proptest::prelude::*;
use redb::Database;

use super::*;
use crate::events::State;
use crate::store::row::AttemptRow;
use crate::store::testing::{attempt, batch, database, row};
use crate::store::totals::{Part, Totals, parts};

const ZONES: [&str; 5] =
    ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"];

fn clock(zone: &str) -> Clock {
    Clock::new(TimeZone::get(zone).unwrap())
}

fn filled(rows: &[Row], clock: &Clock) -> Database {
    let db = database();
    batch(&db, clock, |b| rows.iter().try_for_each(|row| b.put(row, None)));
    db
}

fn three_days() -> Vec<Row> {
    let at = [
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:59:59.999999Z",
        "2026-11-21T11:00:00Z",
        "2026-11-23T00:00:00Z",
    ];
    at.iter().zip(1..).map(|(at, id)| row(id, at, "m", if id == 3 { "b" } else { "a" })).collect()
}

#[test]
fn pages_go_back_in_time_and_stay_when_rows_are_added() {
    let (clock, mut rows) = (clock("UTC"), three_days());
    let db = filled(&rows, &clock);
    let only_a = Filter { endpoint: Some("a".into()), ..Filter::default() };
    let ids = |page: &Page| page.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let first = Reader::new(&db, clock.clone()).unwrap().page(&only_a, None, 2).unwrap();
    assert_eq!(ids(&first), [4, 2]);
    rows.push(row(9, "2026-11-24T00:00:00Z", "m", "a"));
    batch(&db, &clock, |b| b.put(rows.last().unwrap(), None));
    let reader = Reader::new(&db, clock).unwrap();
    let second = reader.page(&only_a, first.next, 2).unwrap();
    assert_eq!((ids(&second), second.next), (vec![1], None));
    assert_eq!(reader.count(&only_a).unwrap(), 4);
    assert_eq!(reader.page(&only_a, None, 4).unwrap().next, None);
    assert_eq!(ids(&reader.page(&Filter::default(), None, 0).unwrap()), [9]);
}

#[test]
fn a_reader_sees_what_was_committed_before_it() {
    let (clock, rows) = (clock("UTC"), three_days());
    let db = filled(&rows[..2], &clock);
    let reader = Reader::new(&db, clock.clone()).unwrap();
    batch(&db, &clock, |b| b.put(&rows[2], None));
    assert_eq!(reader.count(&Filter::default()).unwrap(), 2);
    assert_eq!(reader.stats(&Filter::default(), By::Nothing).unwrap().totals.requests, 2);
}

#[test]
fn a_row_comes_with_its_story_and_the_newest_of_its_id() {
    let (db, clock) = (database(), clock("UTC"));
    let (old, new) = (row(1, "2026-11-20T10:00:00Z", "m", "a"), row(1, "2026-11-21T10:00:00Z", "m", "b"));
    batch(&db, &clock, |b| {
        b.put(&new, Some(&vec!["0 ms: chose b".into()]))?;
        b.put(&old, None)
    });
    let reader = Reader::new(&db, clock).unwrap();
    let found = reader.row(RequestId::from_number(1)).unwrap();
    assert_eq!(found, Some((new, vec!["0 ms: chose b".to_owned()])));
    assert_eq!(reader.row(RequestId::from_number(2)).unwrap(), None);
}

#[test]
fn rollups_of_another_zone_are_not_used() {
    let (db, utc) = (filled(&three_days(), &clock("UTC")), clock("UTC"));
    let txn = db.begin_write().unwrap();
    txn.open_table(schema::META).unwrap().insert(schema::meta::ZONE, "UTC").unwrap();
    txn.commit().unwrap();
    let reader = Reader::new(&db, clock("Asia/Kathmandu")).unwrap();
    assert!(!reader.rollups && Reader::new(&db, utc).unwrap().rollups);
    let days = reader.stats(&Filter::default(), By::Day).unwrap().groups;
    let starts: Vec<_> = days.iter().map(|(key, totals)| (key.clone(), totals.requests)).collect();
    let start = |text: &str| Key::Start(text.parse().unwrap());
    assert_eq!(starts[0], (start("2026-11-19T18:15:00Z"), 2));
    assert_eq!(starts.len(), 3);
}

#[test]
fn text_is_found_whatever_the_case() {
    let mut found = row(0xab, "2026-11-20T10:00:00Z", "Claude-Å", "a");
    found.error = Some("Overloaded by Ångström".into());
    let matches = |text: &str| Filter { text: Some(text.into()), ..Filter::default() }.matches(&found);
    for text in ["overLOADED", "LAUDE-", "åNGST", "REQ-000000AB", "", "/v1/mess"] {
        assert!(matches(text), "{text}");
    }
    assert!(!matches("overloaded  by") && !matches("angst") && !matches("claude-åå"));
}

/// What the answers have to be: every row looked at, nothing clever.
fn naive(rows: &[Row], filter: &Filter, by: By, clock: &Clock) -> (Totals, Vec<(Key, Totals)>) {
    let (mut all, mut groups) = (Totals::default(), std::collections::BTreeMap::<Key, Totals>::new());
    for row in rows.iter().filter(|row| filter.besides_parts().matches(row)) {
        for (Part { model, endpoint, group }, totals) in parts(row) {
            if !filter.fits_names([model.as_bytes(), endpoint.as_bytes(), group.as_bytes()]) {
                continue;
            }
            all += &totals;
            let at = row.accepted();
            let key = match by {
                By::Nothing => continue,
                By::Model => Key::Name(model),
                By::Endpoint => Key::Name(endpoint),
                By::Group => Key::Name(group),
                By::Session => Key::Name(row.session.clone().unwrap_or_default()),
                By::Hour => Key::Start(clock.hour(at)),
                By::Day => Key::Start(clock.day(at)),
                By::Month => Key::Start(clock.month(at)),
            };
            *groups.entry(key).or_default() += &totals;
        }
    }
    (all, groups.into_iter().collect())
}

/// Instants of four days around the night in which these zones set their clocks back or forward.
fn instants() -> impl Strategy<Value = jiff::Timestamp> {
    let first = prop::sample::select(vec![1_774_569_600_i64, 1_775_174_400, 1_790_812_800, 1_792_713_600]);
    (first, 0..96_i64 * 3_600, prop_oneof![Just(0), 0..1_000_000_000_i32])
        .prop_map(|(first, second, nanos)| jiff::Timestamp::new(first + second / 900 * 900, nanos).unwrap())
}

fn attempts() -> impl Strategy<Value = Vec<AttemptRow>> {
    let one = ("[ab]", "[gh]", prop::option::of("m[12]"), 0..50_u64, any::<bool>());
    let one = one.prop_map(|(endpoint, group, model_served, tokens, failed)| AttemptRow {
        group,
        model_served,
        failure: failed.then(|| "overloaded".to_owned()),
        bill: attempt("a", tokens, 1).bill.filter(|_| tokens % 3 > 0),
        ..attempt(&endpoint, tokens, 1)
    });
    prop::collection::vec(one, 0..3)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let state =
        prop::sample::select(vec![State::Completed, State::Failed, State::Cancelled, State::Interrupted]);
    let one = (instants(), attempts(), prop::option::of("s[123]"), state, prop::option::of("m[12]"));
    let one = one.prop_map(|(at, attempts, session, state, model)| Row {
        accepted_us: crate::store::key::micros(at),
        endpoint: attempts.last().map(|a: &AttemptRow| a.endpoint.clone()),
        group: attempts.last().map(|a| a.group.clone()),
        status: (state == State::Completed).then_some(200),
        failure: (state == State::Failed).then(|| "overloaded".to_owned()),
        attempts,
        session,
        state,
        model,
        ..row(0, "2026-11-20T10:00:00Z", "m", "a")
    });
    prop::collection::vec(one, 0..40).prop_map(|mut rows| {
        for (row, id) in rows.iter_mut().zip(1..) {
            row.id = id;
        }
        rows.sort_by_key(Row::key);
        rows
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    let state = prop::sample::select(vec![State::Completed, State::Failed, State::Interrupted]);
    let names = (
        prop::option::weighted(0.3, "m[12*]"),
        prop::option::weighted(0.3, "[ab]"),
        prop::option::weighted(0.2, "[gh]"),
        prop::option::weighted(0.3, "s[12]"),
    );
    let ends = (
        prop::option::weighted(0.2, state),
        prop::option::weighted(0.1, Just(200_u16)),
        prop::option::weighted(
            0.2,
            prop::sample::select(vec!["OVERLOADED", "Q-0000001", "de-CLI/", "é", ""]),
        ),
    );
    let times = (prop::option::of(instants()), prop::option::of(instants()));
    (names, ends, times).prop_map(
        |((model, endpoint, group, session), (state, status, text), (since, until))| Filter {
            since,
            until,
            model,
            endpoint,
            group,
            session,
            state,
            status,
            text: text.map(str::to_owned),
        },
    )
}

const BY: [By; 8] =
    [By::Nothing, By::Model, By::Endpoint, By::Group, By::Session, By::Hour, By::Day, By::Month];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn rollups_and_rows_give_the_sums_that_adding_up_gives(
        rows in rows(), filter in filters(), zone in prop::sample::select(ZONES.to_vec()),
        by in prop::sample::select(BY.to_vec()),
    ) {
        let clock = clock(zone);
        let db = filled(&rows, &clock);
        let wanted = naive(&rows, &filter, by, &clock);
        let mut reader = Reader::new(&db, clock).unwrap();
        for rollups in [true, false] {
            reader.rollups = rollups;
            let mut stats = reader.stats(&filter, by).unwrap();
            let costs: Vec<_> = stats.groups.iter().map(|(_, totals)| totals.cost.total()).collect();
            prop_assert!(matches!(by, By::Hour | By::Day | By::Month) || costs.is_sorted_by(|a, b| a >= b));
            stats.groups.sort_by(|(a, _), (b, _)| a.cmp(b));
            prop_assert_eq!(&stats.totals, &wanted.0);
            prop_assert_eq!(&stats.groups, &wanted.1);
        }
    }

    #[test]
    fn lists_counts_and_walks_hold_what_the_filter_matches(
        rows in rows(), filter in filters(), zone in prop::sample::select(ZONES.to_vec()), limit in 1..9_usize,
    ) {
        let db = filled(&rows, &clock(zone));
        let wanted: Vec<Row> = rows.iter().filter(|row| filter.matches(row)).cloned().collect();
        let mut reader = Reader::new(&db, clock(zone)).unwrap();
        for rollups in [true, false] {
            reader.rollups = rollups;
            prop_assert_eq!(reader.count(&filter).unwrap(), wanted.len() as u64);
            let mut walked = Vec::new();
            reader.each(&filter, |row| { walked.push(row); Ok::<_, StoreError>(()) }).unwrap();
            prop_assert_eq!(&walked, &wanted);
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let page = reader.page(&filter, after, limit).unwrap();
                prop_assert!(page.rows.len() == limit || page.next.is_none());
                listed.extend(page.rows);
                after = page.next;
                if after.is_none() { break }
            }
            listed.reverse();
            prop_assert_eq!(&listed, &wanted);
        }
    }
}
