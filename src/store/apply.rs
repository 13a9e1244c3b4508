//! Rows into and out of the file, and the rollups with them: the only place that touches both.

use std::collections::HashMap;

use redb::{ReadTransaction, ReadableTable, Table, WriteTransaction};

use super::StoreError;
use super::civil::Clock;
use super::codec::Stored;
use super::key::{BucketKey, RowKey};
use super::row::{OpenRow, Row};
use super::schema::{DAYS, HOURS, IDS, OPEN, ROWS, RowKeyBytes, SESSION_DAYS, STORIES};
use super::totals::{Part, Totals, parts, whole};
use crate::events::RequestId;

type Bytes = &'static [u8];

/// One write transaction's tables. Rollup changes are gathered and written once, by [`Batch::finish`].
pub struct Batch<'t> {
    rows: Table<'t, RowKeyBytes, Bytes>,
    ids: Table<'t, (u32, u64), ()>,
    stories: Table<'t, RowKeyBytes, Bytes>,
    open: Table<'t, RowKeyBytes, Bytes>,
    hours: Table<'t, Bytes, Bytes>,
    days: Table<'t, Bytes, Bytes>,
    session_days: Table<'t, Bytes, Bytes>,
    clock: &'t Clock,
    changes: Sums,
}

/// Sums to add and sums to take away, by bucket.
#[derive(Default)]
pub(super) struct Sums {
    hours: HashMap<BucketKey<3>, Change>,
    days: HashMap<BucketKey<3>, Change>,
    session_days: HashMap<BucketKey<1>, Change>,
}

#[derive(Default)]
struct Change {
    more: Totals,
    less: Totals,
}

impl Change {
    fn side(&mut self, sign: Sign) -> &mut Totals {
        match sign {
            Sign::More => &mut self.more,
            Sign::Less => &mut self.less,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Sign {
    More,
    Less,
}

impl Sums {
    /// Counts a row in, or out.
    pub(super) fn count(&mut self, row: &Row, sign: Sign, clock: &Clock) {
        let at = row.accepted();
        let seconds = |at: jiff::Timestamp| u64::try_from(at.as_second()).unwrap_or(0);
        let (hour, day) = (seconds(clock.hour(at)), seconds(clock.day(at)));
        for (Part { model, endpoint, group }, totals) in parts(row) {
            let names = [model, endpoint, group];
            let in_hour = BucketKey { start: hour, names: names.clone() };
            *self.hours.entry(in_hour).or_default().side(sign) += &totals;
            *self.days.entry(BucketKey { start: day, names }).or_default().side(sign) += &totals;
        }
        let session = BucketKey { start: day, names: [row.session.clone().unwrap_or_default()] };
        *self.session_days.entry(session).or_default().side(sign) += &whole(row);
    }
}

impl<'t> Batch<'t> {
    /// The tables of a transaction; buckets are those of `clock`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(txn: &'t WriteTransaction, clock: &'t Clock) -> Result<Self, StoreError> {
        Ok(Self {
            rows: txn.open_table(ROWS)?,
            ids: txn.open_table(IDS)?,
            stories: txn.open_table(STORIES)?,
            open: txn.open_table(OPEN)?,
            hours: txn.open_table(HOURS)?,
            days: txn.open_table(DAYS)?,
            session_days: txn.open_table(SESSION_DAYS)?,
            clock,
            changes: Sums::default(),
        })
    }

    /// Writes a row in the place of any older version of it. Writing the same row twice changes nothing.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn put(&mut self, row: &Row, story: Option<&Vec<String>>) -> Result<(), StoreError> {
        let story = story.map(Stored::encode).transpose()?;
        self.put_encoded(row, &row.encode()?, story.as_deref())
    }

    /// [`Self::put`] of a row and a story that are encoded already: `encoded` is `row`.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn put_encoded(&mut self, row: &Row, encoded: &[u8], story: Option<&[u8]>) -> Result<(), StoreError> {
        let key = row.key();
        let bytes = key.to_bytes();
        let older = self.rows.insert(bytes, encoded)?.map(|old| Row::decode(old.value()));
        match older {
            Some(older) => self.count(&older?, Sign::Less),
            None => {
                self.ids.insert((row.id, key.at_us), ())?;
            }
        }
        if let Some(story) = story {
            self.stories.insert(bytes, story)?;
        }
        self.open.remove(bytes)?;
        self.count(row, Sign::More);
        Ok(())
    }

    /// Takes a row out.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remove(&mut self, key: RowKey) -> Result<(), StoreError> {
        let bytes = key.to_bytes();
        let Some(row) = self.rows.remove(bytes)?.map(|old| Row::decode(old.value())) else { return Ok(()) };
        self.ids.remove((key.id.number(), key.at_us))?;
        self.stories.remove(bytes)?;
        self.count(&row?, Sign::Less);
        Ok(())
    }

    /// Notes a request that has not ended.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note_open(&mut self, open: &OpenRow) -> Result<(), StoreError> {
        self.open.insert(open.key().to_bytes(), open.encode()?.as_slice())?;
        Ok(())
    }

    /// Requests noted as not ended.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open_requests(&self) -> Result<Vec<OpenRow>, StoreError> {
        self.open.iter()?.map(|entry| Ok(OpenRow::decode(entry?.1.value())?)).collect()
    }

    /// Where the newest row stands.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last(&self) -> Result<Option<RowKey>, StoreError> {
        Ok(self.rows.last()?.map(|(key, _)| RowKey::from_bytes(&key.value())))
    }

    /// True when a row has this id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has(&self, id: RequestId) -> Result<bool, StoreError> {
        Ok(self.ids.range((id.number(), 0)..=(id.number(), u64::MAX))?.next().is_some())
    }

    /// Throws all rollups away; those written instead are `sums`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn replace_rollups(&mut self, sums: Sums) -> Result<(), StoreError> {
        self.hours.retain(|_, _| false)?;
        self.days.retain(|_, _| false)?;
        self.session_days.retain(|_, _| false)?;
        self.changes = sums;
        Ok(())
    }

    /// Counts the row at `key` as it is now, in the place of what it was when the sums were made.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn recount(&mut self, key: RowKey, then: Option<&Row>) -> Result<(), StoreError> {
        let now = self.rows.get(key.to_bytes())?.map(|row| Row::decode(row.value())).transpose()?;
        then.iter().for_each(|row| self.count(row, Sign::Less));
        now.iter().for_each(|row| self.count(row, Sign::More));
        Ok(())
    }

    fn count(&mut self, row: &Row, sign: Sign) {
        self.changes.count(row, sign, self.clock);
    }

    /// Writes the rollups. To be called once, before the transaction is committed.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn finish(mut self) -> Result<(), StoreError> {
        write(&mut self.hours, &self.changes.hours)?;
        write(&mut self.days, &self.changes.days)?;
        write(&mut self.session_days, &self.changes.session_days)
    }
}

/// Up to `limit` rows from `from` on, in order.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn rows_from(txn: &ReadTransaction, from: RowKey, limit: usize) -> Result<Vec<Row>, StoreError> {
    let rows = txn.open_table(ROWS)?;
    let range = rows.range(from.to_bytes()..)?;
    range.take(limit).map(|entry| Ok(Row::decode(entry?.1.value())?)).collect()
}

/// Applies changes to one rollup. A bucket that is empty then is removed.
fn write<const N: usize>(
    table: &mut Table<'_, Bytes, Bytes>,
    changes: &HashMap<BucketKey<N>, Change>,
) -> Result<(), StoreError> {
    for (key, change) in changes {
        let key = key.to_bytes();
        let before = table.get(key.as_slice())?.map(|old| Totals::decode(old.value())).transpose()?;
        let mut totals = before.unwrap_or_default();
        totals += &change.more;
        totals -= &change.less;
        if totals.is_empty() {
            table.remove(key.as_slice())?;
        } else {
            table.insert(key.as_slice(), totals.encode()?.as_slice())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
