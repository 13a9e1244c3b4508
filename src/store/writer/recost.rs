//! Prices history anew.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use jiff::Timestamp;

use super::chore::{Chore, Step};
use crate::domain::pricebook::PriceBook;
use crate::store::civil::Clock;
use crate::store::disk::Disk;
use crate::store::key::RowKey;
use crate::store::row::Row;
use crate::store::schema::ROWS;
use crate::store::{StoreError, apply, monotonic};

/// Rows priced in one transaction.
const STEP: usize = 500;

/// How far long work has come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// Parts done: records priced, or entries copied.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// What pricing anew did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct Recosted {
    /// Records looked at.
    pub records: u64,
    /// Of them: with other amounts, or by other prices.
    pub changed: u64,
    /// Without a price for all they used, also now.
    pub unpriced: u64,
}

/// Prices once.
pub(in crate::store) struct Recost {
    book: Arc<PriceBook>,
    due: Instant,
    at: RowKey,
    total: Option<u64>,
    made: Recosted,
    progress: Box<dyn FnMut(Progress) + Send>,
    done: Sender<Result<Recosted, StoreError>>,
}

impl Recost {
    /// From `since` on. The result goes to `done`.
    pub(in crate::store) fn new(
        book: Arc<PriceBook>,
        since: Option<Timestamp>,
        progress: Box<dyn FnMut(Progress) + Send>,
        done: Sender<Result<Recosted, StoreError>>,
    ) -> Self {
        let at = RowKey::first_at(since.unwrap_or(Timestamp::UNIX_EPOCH));
        Self { book, due: monotonic(), at, total: None, made: Recosted::default(), progress, done }
    }

    fn total(&mut self, disk: &Disk) -> Result<u64, StoreError> {
        if let Some(total) = self.total {
            return Ok(total);
        }
        let rows = disk.begin_read()?.open_table(ROWS)?;
        let total = rows.range(self.at.to_bytes()..)?.count() as u64;
        self.total = Some(total);
        Ok(total)
    }

    /// Prices a row. True when that changed it.
    fn price(&mut self, row: &mut Row, now: Timestamp) -> bool {
        let changed = row.reprice(&self.book, now);
        self.made.records += 1;
        self.made.changed += u64::from(changed);
        self.made.unpriced += u64::from(row.unpriced());
        changed
    }
}

impl Chore for Recost {
    fn due(&self) -> Instant {
        self.due
    }

    fn step(&mut self, disk: &Disk, clock: &Clock) -> Result<Step, StoreError> {
        let total = self.total(disk)?;
        let mut rows = apply::rows_from(&disk.begin_read()?, self.at, STEP)?;
        let Some(last) = rows.last().map(Row::key) else { return Ok(Step::Done) };
        let now = Timestamp::now();
        rows.retain_mut(|row| self.price(row, now));
        if !rows.is_empty() {
            disk.batch(clock, |batch| rows.iter().try_for_each(|row| batch.put(row, None)))?;
        }
        self.at = last.next();
        (self.progress)(Progress { done: self.made.records, total: total.max(self.made.records) });
        Ok(Step::More)
    }

    fn ended(self: Box<Self>, how: Result<(), StoreError>) -> Option<Box<dyn Chore>> {
        // Whoever asked may have gone.
        let _ = self.done.send(how.map(|()| self.made));
        None
    }
}
