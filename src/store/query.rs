//! Questions to the store's file: a page of requests, one request, how many, sums over any period.
//!
//! A [`Reader`] sees the file as it was when it was made, whatever is written meanwhile. It never waits for the writer,
//! but it reads the disk: not to be called on a thread that must not wait. One that is kept for long makes the file grow.
//!
//! | question | reads |
//! |---|---|
//! | page, export | the rows of the hours and days that the rollups say hold some of those asked for |
//! | count, sums of a model, endpoint, group or state | day sums, hour sums at the edges, rows of the edges' parts of hours |
//! | count, sums of a session | its day sums, rows of the parts of days at the edges |
//! | what rollups do not tell apart (status, text, state in sums) | rows, as a page does |
//!
//! No question has a cap on rows.

mod cursor;
mod rollup;
mod stats;
mod walk;

use std::ops::ControlFlow;

use redb::{ReadOnlyTable, ReadTransaction, ReadableDatabase};

pub use self::cursor::{Cursor, NotACursor};
pub use self::stats::{By, Key, Stats};
use self::walk::{Order, Sense};
use super::StoreError;
use super::civil::Clock;
use super::codec::Stored;
use super::filter::Filter;
use super::key::RowKey;
use super::row::Row;
use super::schema::{self, DAYS, HOURS, IDS, ROWS, RowKeyBytes, SESSION_DAYS, STORIES};
use crate::events::RequestId;

/// Most rows of a page.
pub const MAX_PAGE: usize = 1_000;

type Bytes = &'static [u8];

/// The store as it was at one instant. Once the database it was made from is dropped, every question fails.
pub struct Reader {
    clock: Clock,
    /// The rollups' hours and days are those of the clock.
    rollups: bool,
    rows: ReadOnlyTable<RowKeyBytes, Bytes>,
    ids: ReadOnlyTable<(u32, u64), ()>,
    stories: ReadOnlyTable<RowKeyBytes, Bytes>,
    hours: ReadOnlyTable<Bytes, Bytes>,
    days: ReadOnlyTable<Bytes, Bytes>,
    session_days: ReadOnlyTable<Bytes, Bytes>,
}

/// Some requests of a list.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<Row>,
    /// Where the list goes on; nothing at its end.
    pub next: Option<Cursor>,
}

impl Reader {
    /// Reads what is committed now. Hours and days of answers are those of `clock`; when the rollups were made for
    /// another zone they are not used, which is slow but right.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(db: &impl ReadableDatabase, clock: Clock) -> Result<Self, StoreError> {
        Self::of(&db.begin_read()?, clock)
    }

    /// As [`Reader::new`], in a transaction that has begun.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(txn: &ReadTransaction, clock: Clock) -> Result<Self, StoreError> {
        let zone = schema::fact(txn, schema::meta::ZONE)?;
        let same = |name: &str| zone.as_deref().is_none_or(|zone| zone == name);
        Ok(Self {
            rollups: clock.zone().iana_name().is_none_or(same),
            clock,
            rows: txn.open_table(ROWS)?,
            ids: txn.open_table(IDS)?,
            stories: txn.open_table(STORIES)?,
            hours: txn.open_table(HOURS)?,
            days: txn.open_table(DAYS)?,
            session_days: txn.open_table(SESSION_DAYS)?,
        })
    }

    /// The clock whose hours and days the answers have.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Up to `limit` requests (1 to [`MAX_PAGE`]), newest first: the first ones, or those after a cursor. Rows that are
    /// written meanwhile do not move the pages that follow.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut keys = filter.keys();
        keys.end = after.map_or(keys.end, |cursor| keys.end.min(cursor.key()));
        let (mut rows, mut more) = (Vec::new(), false);
        self.walk(filter, Sense::Homes, keys, Order::Newest, |bytes| {
            more = rows.len() == limit;
            if more {
                return Ok::<_, StoreError>(ControlFlow::Break(()));
            }
            rows.push(Row::decode(bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        let next = rows.last().filter(|_| more).map(|row| Cursor::after(row.key()));
        Ok(Page { rows, next })
    }

    /// How many requests the filter matches: as many as its pages hold.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self, filter: &Filter) -> Result<u64, StoreError> {
        rollup::count(self, filter)
    }

    /// A request and its story, as lines of text. The newest one if an id was given twice.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn row(&self, id: RequestId) -> Result<Option<(Row, Vec<String>)>, StoreError> {
        let id = id.number();
        let Some(entry) = self.ids.range((id, 0)..=(id, u64::MAX))?.next_back() else { return Ok(None) };
        let (_, at_us) = entry?.0.value();
        let key = RowKey { at_us, id: RequestId::from_number(id) }.to_bytes();
        let Some(row) = self.rows.get(key)? else { return Ok(None) };
        let story = self.stories.get(key)?.map(|story| Vec::decode(story.value())).transpose()?;
        Ok(Some((Row::decode(row.value())?, story.unwrap_or_default())))
    }

    /// True when a request of this id is kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn knows(&self, id: RequestId) -> Result<bool, StoreError> {
        let id = id.number();
        Ok(self.ids.range((id, 0)..=(id, u64::MAX))?.next().transpose()?.is_some())
    }

    /// Shows every request the filter matches, oldest first, one at a time.
    ///
    /// # Errors
    /// When the file cannot be read, and what `visit` says.
    pub fn each<E: From<StoreError>>(
        &self,
        filter: &Filter,
        mut visit: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        self.walk(filter, Sense::Homes, filter.keys(), Order::Oldest, |bytes| {
            visit(Row::decode(bytes).map_err(StoreError::from)?)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Sums over the requests the filter matches, together and told apart. Model, endpoint and group mean the parts of
    /// requests that used tokens there: see [`super::totals`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stats(&self, filter: &Filter, by: By) -> Result<Stats, StoreError> {
        stats::stats(self, filter, by)
    }
}

#[cfg(test)]
mod tests;
