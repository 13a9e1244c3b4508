//! Going through rows without reading those that cannot be meant.
//!
//! The rollups name the models, endpoints and groups of each hour and day, and the sessions of each day. A stretch of
//! time whose rollups do not name what is asked for is stepped over; the days first, and the hours of a day only when
//! the walk gets there.

use std::ops::{ControlFlow, Range};

use super::rollup::ended;
use super::{Bytes, Reader};
use crate::events::{RequestId, State};
use crate::store::StoreError;
use crate::store::filter::{Filter, Scan};
use crate::store::key::{BucketKey, RowKey, bucket_floor, bucket_parts, instant};
use redb::ReadOnlyTable;

/// Microseconds in a second.
pub(super) const SECOND: u64 = 1_000_000;

/// Which way to go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Newest,
    Oldest,
}

/// What model, endpoint and group of a filter mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// Those a request ended with.
    Homes,
    /// Those any part of a request used. The filter's other conditions are for the request.
    Parts,
}

/// Seconds since 1970.
type Stretch = Range<u64>;

impl Reader {
    /// Shows the stored rows among `keys` that the filter matches (in the sense of parts: may match by them).
    pub(super) fn walk<E: From<StoreError>>(
        &self,
        filter: &Filter,
        sense: Sense,
        keys: Range<RowKey>,
        order: Order,
        mut visit: impl FnMut(&[u8]) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let of_request = match sense {
            Sense::Homes => filter.clone(),
            Sense::Parts => filter.besides_parts(),
        };
        let scan = Scan::new(&of_request);
        let narrow = filter.names_parts() || filter.session.is_some() || filter.state.is_some();
        if !narrow || !self.rollups {
            return self.rows_of(&scan, keys, order, &mut visit).map(|_| ());
        }
        for day in directed(self.days_with(filter, sense, &keys)?, order) {
            for stretch in directed(self.hours_with(filter, sense, day)?, order) {
                let within = key(stretch.start).max(keys.start)..key(stretch.end).min(keys.end);
                if self.rows_of(&scan, within, order, &mut visit)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn rows_of<E: From<StoreError>>(
        &self,
        scan: &Scan<'_>,
        keys: Range<RowKey>,
        order: Order,
        visit: &mut impl FnMut(&[u8]) -> Result<ControlFlow<()>, E>,
    ) -> Result<ControlFlow<()>, E> {
        if keys.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let mut rows =
            self.rows.range(keys.start.to_bytes()..keys.end.to_bytes()).map_err(StoreError::from)?;
        while let Some(entry) = if order == Order::Newest { rows.next_back() } else { rows.next() } {
            let (_, row) = entry.map_err(StoreError::from)?;
            let matches = scan.matches(row.value()).map_err(StoreError::from)?;
            if matches && visit(row.value())?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The days that hold what is asked for, in order.
    fn days_with(
        &self,
        filter: &Filter,
        sense: Sense,
        keys: &Range<RowKey>,
    ) -> Result<Vec<Stretch>, StoreError> {
        let first = self.clock.day(instant(keys.start.at_us)).as_second();
        let range = u64::try_from(first).unwrap_or(0)..keys.end.at_us.div_ceil(SECOND);
        let mut days = Vec::new();
        for start in starts(&self.days, filter, sense, range)? {
            if self.session_is_in(start, filter.session.as_deref())? {
                days.push(start..seconds(self.clock.next_day(instant(start * SECOND))));
            }
        }
        Ok(days)
    }

    fn session_is_in(&self, day: u64, session: Option<&str>) -> Result<bool, StoreError> {
        let Some(session) = session else { return Ok(true) };
        let key = BucketKey { start: day, names: [session.to_owned()] };
        Ok(self.session_days.get(key.to_bytes().as_slice())?.is_some())
    }

    /// The hours of a day that hold what is asked for, in order, neighbours joined.
    fn hours_with(&self, filter: &Filter, sense: Sense, day: Stretch) -> Result<Vec<Stretch>, StoreError> {
        let mut hours: Vec<Stretch> = Vec::new();
        for start in starts(&self.hours, filter, sense, day)? {
            let end = seconds(self.clock.next_hour(instant(start * SECOND)));
            match hours.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => hours.push(start..end),
            }
        }
        Ok(hours)
    }
}

/// The starts of buckets among `range` that hold what is asked for.
fn starts(
    table: &ReadOnlyTable<Bytes, Bytes>,
    filter: &Filter,
    sense: Sense,
    range: Stretch,
) -> Result<Vec<u64>, StoreError> {
    let state = filter.state.filter(|_| sense == Sense::Homes);
    let mut found = Vec::new();
    let (from, to) = (bucket_floor(range.start), bucket_floor(range.end));
    for entry in table.range(from.as_slice()..to.as_slice())? {
        let (key, totals) = entry?;
        let Some((start, names)) = bucket_parts(key.value()) else { continue };
        if found.last() != Some(&start) && filter.fits_names(names) && holds(totals.value(), sense, state)? {
            found.push(start);
        }
    }
    Ok(found)
}

fn holds(totals: &[u8], sense: Sense, state: Option<State>) -> Result<bool, StoreError> {
    Ok(sense == Sense::Parts || ended(totals, state)? > 0)
}

fn directed(mut stretches: Vec<Stretch>, order: Order) -> Vec<Stretch> {
    if order == Order::Newest {
        stretches.reverse();
    }
    stretches
}

fn key(second: u64) -> RowKey {
    RowKey { at_us: second.saturating_mul(SECOND), id: RequestId::from_number(0) }
}

/// Seconds since 1970.
pub(super) fn seconds(at: jiff::Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}
