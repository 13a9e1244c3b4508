//! Deletes what is older than `usage_tracking.retention_days`: rows, their stories, their share of the sums.
//!
//! The limit is the start of a day of the person's clock, so a day is there whole or not at all.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};

use super::chore::{Chore, Step};
use crate::domain::words::counted;
use crate::store::civil::Clock;
use crate::store::disk::Disk;
use crate::store::key::RowKey;
use crate::store::{StoreError, apply, monotonic};

/// Rows deleted in one transaction.
const STEP: usize = 500;

/// Cleans up now and then, for ever.
pub(super) struct Retention {
    days: u32,
    interval: Duration,
    due: Instant,
    removed: u64,
}

impl Retention {
    pub(super) fn new(days: u32, interval: Duration) -> Self {
        Self { days, interval, due: monotonic(), removed: 0 }
    }

    fn rest(&mut self) {
        if self.removed > 0 {
            tracing::info!(
                target: "cc_forwarder::store",
                "removed {} older than {} (usage_tracking.retention_days)",
                counted(self.removed, "record"),
                counted(u64::from(self.days), "day")
            );
        }
        self.removed = 0;
        self.due = monotonic() + self.interval;
    }
}

impl Chore for Retention {
    fn due(&self) -> Instant {
        self.due
    }

    fn step(&mut self, disk: &Disk, clock: &Clock) -> Result<Step, StoreError> {
        let removed = match limit(clock, Timestamp::now(), self.days) {
            Some(limit) => remove_before(disk, clock, RowKey::first_at(limit))?,
            None => 0,
        };
        self.removed += removed as u64;
        if removed < STEP {
            self.rest();
        }
        Ok(Step::More)
    }

    fn ended(mut self: Box<Self>, how: Result<(), StoreError>) -> Option<Box<dyn Chore>> {
        match how {
            // The next start goes on with it.
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => {
                tracing::warn!(target: "cc_forwarder::store", "old records are not removed for now: {error}");
            }
        }
        self.rest();
        Some(self)
    }
}

/// What was accepted before this instant goes. Nothing when the calendar does not reach that far.
fn limit(clock: &Clock, now: Timestamp, days: u32) -> Option<Timestamp> {
    let day = clock.date(now).checked_sub(i64::from(days).days()).ok()?;
    clock.start_of(day)
}

/// Removes some rows before `limit` and says how many.
pub(super) fn remove_before(disk: &Disk, clock: &Clock, limit: RowKey) -> Result<usize, StoreError> {
    let start = RowKey::first_at(Timestamp::UNIX_EPOCH);
    let mut old = apply::rows_from(&disk.begin_read()?, start, STEP)?;
    old.retain(|row| row.key() < limit);
    if !old.is_empty() {
        disk.batch(clock, |batch| old.iter().try_for_each(|row| batch.remove(row.key())))?;
    }
    Ok(old.len())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn the_limit_is_the_start_of_a_day_on_the_persons_clock() {
        let clock = Clock::new(TimeZone::get("Europe/Berlin").unwrap());
        let limit = |now: &str, days| limit(&clock, now.parse().unwrap(), days).unwrap().to_string();
        assert_eq!(limit("2026-11-23T10:00:00Z", 1), "2026-11-21T23:00:00Z");
        // Across the end of summer time, and shortly after a local midnight.
        assert_eq!(limit("2026-10-26T23:30:00Z", 2), "2026-10-24T22:00:00Z");
        assert!(super::limit(&clock, Timestamp::MIN, 36_500).is_none());
    }
}
