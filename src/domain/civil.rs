//! Hours and days of a person's clock, as instants.
//!
//! A bucket is named by the instant at which it starts:
//!
//! | the clock | buckets |
//! |---|---|
//! | runs | hours start on full hours, days at midnight, also in zones 30 or 45 minutes off |
//! | is set forward | the hour it jumps out of ends early; one starts where it lands |
//! | is set back | an hour starts at that instant, so a repeated hour is two of them |
//!
//! Every instant is in exactly one hour and one day, and a day is made of whole hours.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, civil};

/// Seconds in an hour.
const HOUR: i64 = 3600;

/// A time zone that can tell where hours and days begin.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
}

impl Clock {
    /// The clock of `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// Its zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The zone's name, by which a change of zone is noticed; its offset now when it has none.
    pub fn name(&self, now: Timestamp) -> String {
        match self.zone.iana_name() {
            Some(name) => name.to_owned(),
            None => self.zone.to_offset(now).to_string(),
        }
    }

    /// The date at an instant.
    pub fn date(&self, at: Timestamp) -> civil::Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Start of the hour that `at` falls in.
    pub fn hour(&self, at: Timestamp) -> Timestamp {
        let offset = self.zone.to_offset(at);
        let start = earlier(at, past_hour(at, offset), at.subsec_nanosecond());
        if self.zone.to_offset(start) == offset {
            return start;
        }
        // The clock was set within this hour: it starts there. The step looks at what is before it.
        let after = at.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(at);
        self.zone.preceding(after).next().map_or(start, |set| set.timestamp())
    }

    /// Start of the hour after the one `at` falls in.
    pub fn next_hour(&self, at: Timestamp) -> Timestamp {
        let start = self.hour(at);
        let offset = self.zone.to_offset(start);
        let left = SignedDuration::from_secs(HOUR - past_hour(start, offset));
        let next = start.saturating_add(left).unwrap_or(Timestamp::MAX);
        if self.zone.to_offset(next) == offset {
            return next;
        }
        self.zone.following(start).next().map_or(next, |set| set.timestamp().min(next))
    }

    /// Start of the day that `at` falls in.
    pub fn day(&self, at: Timestamp) -> Timestamp {
        let zoned = at.to_zoned(self.zone.clone());
        zoned.start_of_day().map_or(at, |z| z.timestamp())
    }

    /// Start of the month that `at` falls in.
    pub fn month(&self, at: Timestamp) -> Timestamp {
        self.start_of(self.date(at).first_of_month()).unwrap_or(at)
    }

    /// Start of a date; nothing when it is beyond the calendar.
    pub fn start_of(&self, date: civil::Date) -> Option<Timestamp> {
        date.to_zoned(self.zone.clone()).ok().map(|z| z.timestamp())
    }

    /// Start of the day after the one `at` falls in.
    pub fn next_day(&self, at: Timestamp) -> Timestamp {
        self.date(at).tomorrow().ok().and_then(|d| self.start_of(d)).unwrap_or(Timestamp::MAX)
    }

    /// Start of the month after the one `at` falls in.
    pub fn next_month(&self, at: Timestamp) -> Timestamp {
        let last = self.date(at).last_of_month();
        last.tomorrow().ok().and_then(|d| self.start_of(d)).unwrap_or(Timestamp::MAX)
    }

    /// An instant for people, to the minute and with its offset: `2026-03-29 00:00 +01:00`.
    pub fn show(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
    }
}

/// Seconds that a clock at `offset` shows past the full hour.
fn past_hour(at: Timestamp, offset: Offset) -> i64 {
    // Whole seconds are counted down, so that an instant before 1970 is not ahead of its own.
    let seconds = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    (seconds + i64::from(offset.seconds())).rem_euclid(HOUR)
}

fn earlier(at: Timestamp, seconds: i64, nanos: i32) -> Timestamp {
    let whole = at.as_second() - i64::from(nanos < 0);
    Timestamp::from_second(whole - seconds).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
