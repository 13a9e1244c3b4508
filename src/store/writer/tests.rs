//! Whatever happens to the rows, the rollups are their sums.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::chore::{Chore, Step};
use super::rebuild::Rebuild;
use super::recost::Recost;
use super::retention::remove_before;
use crate::claude::request::Class;
use crate::events::State;
use crate::store::civil::Clock;
use crate::store::disk::Disk;
use crate::store::key::RowKey;
use crate::store::open::prepare;
use crate::store::row::{OpenRow, Row};
use crate::store::testing::{Rollups, attempt, disk, prices, row, rows};

/// Before the night in which the clocks of Berlin are set back.
const START: &str = "2026-10-24T20:00:00Z";

#[derive(Clone, Debug)]
enum Act {
    Put(Row),
    Remove(usize),
    /// Noted as open, and found so after a crash.
    Interrupt(Row),
    Recost(u64),
    /// What is older than so many minutes after the start.
    Retain(i64),
    /// For another zone, while a row is written.
    Rebuild(Row),
}

fn a_row() -> impl Strategy<Value = Row> {
    let parts = (0..6_u32, 0..2_880_i64, 0..3_usize, 0..4_usize, 0..1000_u64);
    parts.prop_map(|(id, minutes, model, endpoint, tokens)| {
        let at: Timestamp = START.parse().unwrap();
        let at = at + SignedDuration::from_mins(minutes - minutes % 15);
        let (model, endpoint) = (["m1", "m2", "other"][model], ["a", "b", "c", ""][endpoint]);
        let mut row = row(id, &at.to_string(), model, endpoint);
        row.session = (id % 3 > 0).then(|| format!("s{}", id % 2));
        row.attempts = vec![attempt("a", tokens, 1), attempt(endpoint, 2 * tokens, tokens)];
        row.attempts.truncate(id as usize % 3);
        if id == 4 {
            row.state = State::Failed;
        }
        row
    })
}

fn an_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => a_row().prop_map(Act::Put),
        1 => any::<usize>().prop_map(Act::Remove),
        1 => a_row().prop_map(Act::Interrupt),
        1 => (1..4_u64).prop_map(Act::Recost),
        1 => (-500..1500_i64).prop_map(Act::Retain),
        1 => a_row().prop_map(Act::Rebuild),
    ]
}

/// The store and what it should hold.
struct World {
    disk: Disk,
    clock: Clock,
    rows: BTreeMap<RowKey, Row>,
}

impl World {
    fn new() -> Self {
        Self { disk: disk(), clock: zone("Europe/Berlin"), rows: BTreeMap::new() }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Put(row) => self.put(row),
            Act::Remove(at) => {
                let key = self.rows.keys().nth(at % self.rows.len().max(1)).copied();
                if let Some(key) = key {
                    self.disk.batch(&self.clock, |batch| batch.remove(key)).unwrap();
                    self.rows.remove(&key);
                }
            }
            Act::Interrupt(row) => self.interrupt(&row),
            Act::Recost(input) => self.recost(input),
            Act::Retain(minutes) => {
                let at: Timestamp = START.parse().unwrap();
                let limit = RowKey::first_at(at + SignedDuration::from_mins(minutes));
                while remove_before(&self.disk, &self.clock, limit).unwrap() > 0 {}
                self.rows.retain(|key, _| *key >= limit);
            }
            Act::Rebuild(row) => self.rebuild(row),
        }
    }

    fn put(&mut self, row: Row) {
        self.disk.batch(&self.clock, |batch| batch.put(&row, None)).unwrap();
        self.rows.insert(row.key(), row);
    }

    fn interrupt(&mut self, row: &Row) {
        let open = open(row);
        self.disk.batch(&self.clock, |batch| batch.note_open(&open)).unwrap();
        let now = Timestamp::now();
        let prepared = self.disk.with(|db| prepare(db, &self.clock, now)).unwrap();
        assert_eq!(prepared.interrupted, 1);
        self.rows.insert(row.key(), Row::interrupted(&open, now));
    }

    fn recost(&mut self, input: u64) {
        let book = prices(input);
        let (done, result) = mpsc::channel();
        run(Box::new(Recost::new(Arc::clone(&book), None, Box::new(|_| ()), done)), &self.disk, &self.clock);
        let made = result.try_recv().unwrap().unwrap();
        let now = Timestamp::now();
        let changed = self.rows.values_mut().map(|row| u64::from(row.reprice(&book, now))).sum::<u64>();
        assert_eq!((made.records, made.changed), (self.rows.len() as u64, changed));
    }

    fn rebuild(&mut self, row: Row) {
        let other = ["Asia/Kathmandu", "Europe/Berlin", "Australia/Lord_Howe"];
        self.clock = zone(other[row.id as usize % 3]);
        let mut chore: Box<dyn Chore> = Box::new(Rebuild::new());
        if matches!(chore.step(&self.disk, &self.clock).unwrap(), Step::More) {
            chore.wrote(row.key());
            self.put(row);
            run(chore, &self.disk, &self.clock);
        }
    }

    fn check(&self) {
        let txn = self.disk.begin_read().unwrap();
        let stored: Vec<Row> = rows(&txn).into_iter().map(undated).collect();
        let expected: Vec<Row> = self.rows.values().cloned().map(undated).collect();
        assert_eq!(stored, expected);
        assert_eq!(Rollups::stored(&txn), Rollups::of(&expected, &self.clock));
    }
}

fn zone(name: &str) -> Clock {
    Clock::new(TimeZone::get(name).unwrap())
}

/// When a row was written depends on the run.
fn undated(row: Row) -> Row {
    Row { updated_us: 0, ..row }
}

fn open(row: &Row) -> OpenRow {
    OpenRow {
        id: row.id,
        accepted_us: row.accepted_us,
        client: None,
        user_agent: None,
        method: "POST".into(),
        path: "/v1/messages".into(),
        class: Class::Messages,
        model: row.model.clone(),
        session: row.session.clone(),
        agent: None,
        stream: true,
    }
}

fn run(mut chore: Box<dyn Chore>, disk: &Disk, clock: &Clock) {
    while matches!(chore.step(disk, clock).unwrap(), Step::More) {}
    assert!(chore.ended(Ok(())).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rollups_are_the_sums_of_the_rows(acts in proptest::collection::vec(an_act(), 1..40)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
            world.check();
        }
    }
}

#[test]
fn each_day_of_a_change_of_clocks_is_one_bucket() {
    let mut world = World::new();
    // 25 hours, of which one is there twice.
    for (id, at) in
        ["2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T22:59:59Z"]
            .into_iter()
            .enumerate()
    {
        world.put(row(u32::try_from(id).unwrap(), at, "m1", "a"));
    }
    world.check();
    let txn = world.disk.begin_read().unwrap();
    let count = |table| redb::ReadableTableMetadata::len(&txn.open_table(table).unwrap()).unwrap();
    assert_eq!((count(crate::store::schema::DAYS), count(crate::store::schema::HOURS)), (1, 4));
}
