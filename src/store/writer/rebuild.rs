//! Sums the hours and days up anew, because they are those of another time zone.
//!
//! The old sums stay until the new ones are complete, and go in one transaction with the note of the zone: a crash in
//! between starts the work again. Records committed meanwhile are counted by the new clock into the old sums, which end
//! with them.

use std::time::{Duration, Instant};

use redb::ReadTransaction;

use super::chore::{Chore, Step};
use crate::store::apply::{self, Batch, Sign, Sums};
use crate::store::civil::Clock;
use crate::store::disk::Disk;
use crate::store::key::RowKey;
use crate::store::row::Row;
use crate::store::schema::{self, meta};
use crate::store::{StoreError, codec::Stored, monotonic};

/// Rows summed up in one step.
const STEP: usize = 1000;
/// After a failure.
const AGAIN: Duration = Duration::from_secs(60);

/// Sums up once.
pub(super) struct Rebuild {
    due: Instant,
    pass: Option<Pass>,
}

/// Where it is.
struct Pass {
    /// The rows as they were when it began.
    then: ReadTransaction,
    at: RowKey,
    sums: Sums,
    /// Rows written since.
    written: Vec<RowKey>,
}

impl Rebuild {
    pub(super) fn new() -> Self {
        Self { due: monotonic(), pass: None }
    }
}

impl Pass {
    fn begin(disk: &Disk) -> Result<Self, StoreError> {
        let at = RowKey::first_at(jiff::Timestamp::UNIX_EPOCH);
        Ok(Self { then: disk.begin_read()?, at, sums: Sums::default(), written: Vec::new() })
    }

    /// Sums up some more rows. False when there are none.
    fn walk(&mut self, clock: &Clock) -> Result<bool, StoreError> {
        let rows = apply::rows_from(&self.then, self.at, STEP)?;
        rows.iter().for_each(|row| self.sums.count(row, Sign::More, clock));
        if let Some(last) = rows.last() {
            self.at = last.key().next();
        }
        Ok(!rows.is_empty())
    }

    fn publish(self, disk: &Disk, clock: &Clock) -> Result<(), StoreError> {
        let Self { then, sums, mut written, .. } = self;
        // A row that was written twice is counted once, as it is now.
        written.sort_unstable();
        written.dedup();
        let rows = then.open_table(schema::ROWS)?;
        disk.write(|txn| {
            let mut batch = Batch::new(txn, clock)?;
            batch.replace_rollups(sums)?;
            for key in written {
                let before = rows.get(key.to_bytes())?.map(|row| Row::decode(row.value())).transpose()?;
                batch.recount(key, before.as_ref())?;
            }
            batch.finish()?;
            schema::set_fact(txn, meta::ZONE, &clock.name(jiff::Timestamp::now()))
        })
    }
}

impl Chore for Rebuild {
    fn due(&self) -> Instant {
        self.due
    }

    fn is_alone(&self) -> bool {
        self.pass.is_some()
    }

    fn step(&mut self, disk: &Disk, clock: &Clock) -> Result<Step, StoreError> {
        let mut pass = match self.pass.take() {
            Some(pass) => pass,
            None => Pass::begin(disk)?,
        };
        if pass.walk(clock)? {
            self.pass = Some(pass);
            return Ok(Step::More);
        }
        pass.publish(disk, clock)?;
        Ok(Step::Done)
    }

    fn wrote(&mut self, key: RowKey) {
        if let Some(pass) = &mut self.pass {
            pass.written.push(key);
        }
    }

    fn ended(mut self: Box<Self>, how: Result<(), StoreError>) -> Option<Box<dyn Chore>> {
        let Err(error) = how else {
            tracing::info!(target: "cc_forwarder::store", "hours and days are summed up for the new `timezone`");
            return None;
        };
        tracing::warn!(target: "cc_forwarder::store", "hours and days cannot be summed up anew: {error}");
        (self.pass, self.due) = (None, monotonic() + AGAIN);
        Some(self)
    }
}
