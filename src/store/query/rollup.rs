//! A period cut into whole days, whole hours and the rest, and what the rollups say about each.

use std::ops::{ControlFlow, Range};

use redb::ReadOnlyTable;

use super::walk::{Order, SECOND, Sense, seconds};
use super::{Bytes, Reader};
use crate::events::{RequestId, State};
use crate::store::StoreError;
use crate::store::civil::Clock;
use crate::store::codec::{CodecError, layout_1};
use crate::store::filter::Filter;
use crate::store::key::{BucketKey, RowKey, bucket_floor, bucket_parts, instant};

/// What answers for a stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// Rows one by one.
    Rows,
    /// Sums per hour.
    Hours,
    /// Sums per day.
    Days,
    /// Sums per day and session.
    SessionDays,
}

/// Which rollups a question can be answered from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Coarsest {
    /// None.
    Rows,
    /// Those of hours.
    Hours,
    /// Those of hours and days.
    Days,
    /// Those of sessions.
    SessionDays,
}

/// A part of a period, in microseconds since 1970, and what answers for it.
pub(super) type Piece = (Range<u64>, Source);

/// Cuts a period so that as little as possible is read.
pub(super) fn cut(period: Range<u64>, coarsest: Coarsest, clock: &Clock) -> Vec<Piece> {
    let days = |at| (seconds(clock.day(at)), seconds(clock.next_day(at)));
    let hours = |at| (seconds(clock.hour(at)), seconds(clock.next_hour(at)));
    let by_hours = |rest: Range<u64>| split(rest, Source::Hours, hours, |edge| vec![(edge, Source::Rows)]);
    match coarsest {
        Coarsest::Rows => vec![(period, Source::Rows)],
        Coarsest::Hours => by_hours(period),
        Coarsest::Days => split(period, Source::Days, days, by_hours),
        Coarsest::SessionDays => split(period, Source::SessionDays, days, |edge| vec![(edge, Source::Rows)]),
    }
}

/// The whole buckets of a period in the middle, and its edges cut further.
fn split(
    period: Range<u64>,
    source: Source,
    bucket: impl Fn(jiff::Timestamp) -> (u64, u64),
    cut_edge: impl Fn(Range<u64>) -> Vec<Piece>,
) -> Vec<Piece> {
    if period.is_empty() {
        return Vec::new();
    }
    let (start, next) = bucket(instant(period.start));
    let first = if start * SECOND >= period.start { start } else { next }.saturating_mul(SECOND);
    let last = match period.end {
        u64::MAX => u64::MAX,
        end => bucket(instant(end)).0 * SECOND,
    };
    if first >= last {
        return cut_edge(period);
    }
    let mut pieces = cut_edge(period.start..first);
    pieces.push((first..last, source));
    pieces.extend(cut_edge(last..period.end));
    pieces.retain(|(range, _)| !range.is_empty());
    pieces
}

/// How many requests of a bucket ended, or ended so. Only the first sums are read: they are the counts of requests.
pub(super) fn ended(totals: &[u8], state: Option<State>) -> Result<u64, CodecError> {
    let (ends, _) = postcard::take_from_bytes::<[u64; 5]>(layout_1(totals)?)?;
    let [requests, completed, failed, cancelled, interrupted] = ends;
    Ok(match state {
        None => requests,
        Some(State::Completed) => completed,
        Some(State::Failed) => failed,
        Some(State::Cancelled) => cancelled,
        Some(State::Interrupted) => interrupted,
    })
}

/// See [`Reader::count`].
pub(super) fn count(reader: &Reader, filter: &Filter) -> Result<u64, StoreError> {
    let keys = filter.keys();
    let coarsest = match filter {
        _ if !reader.rollups || filter.asks_for_rows() => Coarsest::Rows,
        Filter { session: None, .. } => Coarsest::Days,
        _ if filter.names_parts() => Coarsest::Rows,
        _ => Coarsest::SessionDays,
    };
    let mut count = 0;
    for (range, source) in cut(keys.start.at_us..keys.end.at_us, coarsest, &reader.clock) {
        if source == Source::Rows {
            reader.walk(filter, Sense::Homes, keys_of(&range), Order::Oldest, |_| {
                count += 1;
                Ok::<_, StoreError>(ControlFlow::Continue(()))
            })?;
        } else {
            reader.buckets(filter, source, &range, |_, _, totals| {
                count += ended(totals, filter.state)?;
                Ok(())
            })?;
        }
    }
    Ok(count)
}

/// The keys of the rows of a stretch of time.
pub(super) fn keys_of(range: &Range<u64>) -> Range<RowKey> {
    let key = |at_us| RowKey { at_us, id: RequestId::from_number(0) };
    key(range.start)..key(range.end)
}

/// A bucket: its start, the names its sums are about (one of a session; else model, endpoint, group), its sums as stored.
type Bucket<'v> = dyn FnMut(u64, &[&[u8]], &[u8]) -> Result<(), StoreError> + 'v;

impl Reader {
    /// Shows the buckets of a stretch of whole ones that the filter names.
    pub(super) fn buckets(
        &self,
        filter: &Filter,
        source: Source,
        range: &Range<u64>,
        mut visit: impl FnMut(u64, &[&[u8]], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let seconds = range.start / SECOND..range.end.div_ceil(SECOND);
        match (source, &filter.session) {
            (Source::Rows, _) => Ok(()),
            (Source::Hours, _) => named(&self.hours, filter, seconds, &mut visit),
            (Source::Days, _) => named(&self.days, filter, seconds, &mut visit),
            (Source::SessionDays, None) => sessions(&self.session_days, seconds, &mut visit),
            (Source::SessionDays, Some(session)) => self.session(session, seconds, &mut visit),
        }
    }

    /// The days of one session. The days come from the other rollup, which has far fewer entries a day.
    fn session(&self, session: &str, seconds: Range<u64>, visit: &mut Bucket<'_>) -> Result<(), StoreError> {
        let (mut from, to) = (seconds.start, bucket_floor(seconds.end));
        while let Some(entry) = self.days.range(bucket_floor(from).as_slice()..to.as_slice())?.next() {
            let entry = entry?;
            let Some((start, [_, _, _])) = bucket_parts(entry.0.value()) else { break };
            let key = BucketKey { start, names: [session.to_owned()] };
            if let Some(totals) = self.session_days.get(key.to_bytes().as_slice())? {
                visit(start, &[session.as_bytes()], totals.value())?;
            }
            from = start + 1;
        }
        Ok(())
    }
}

fn named(
    table: &ReadOnlyTable<Bytes, Bytes>,
    filter: &Filter,
    seconds: Range<u64>,
    visit: &mut Bucket<'_>,
) -> Result<(), StoreError> {
    each(table, seconds, |start, names: [&[u8]; 3], totals| match filter.fits_names(names) {
        true => visit(start, &names, totals),
        false => Ok(()),
    })
}

fn sessions(
    table: &ReadOnlyTable<Bytes, Bytes>,
    seconds: Range<u64>,
    visit: &mut Bucket<'_>,
) -> Result<(), StoreError> {
    each(table, seconds, |start, name: [&[u8]; 1], totals| visit(start, &name, totals))
}

fn each<const N: usize>(
    table: &ReadOnlyTable<Bytes, Bytes>,
    seconds: Range<u64>,
    mut visit: impl FnMut(u64, [&[u8]; N], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (from, to) = (bucket_floor(seconds.start), bucket_floor(seconds.end));
    for entry in table.range(from.as_slice()..to.as_slice())? {
        let (key, totals) = entry?;
        if let Some((start, names)) = bucket_parts(key.value()) {
            visit(start, names, totals.value())?;
        }
    }
    Ok(())
}
