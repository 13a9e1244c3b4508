//! Hours and days of a person's clock, as instants.
//!
//! A bucket is named by the instant at which it starts, so the hour that a clock repeats in autumn is two buckets, a day
//! of a change of clocks has 23 or 25 hours, and zones with odd offsets have their hours where their clocks have them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit, ZonedRound, civil};

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
        let zoned = at.to_zoned(self.zone.clone());
        let round = ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc);
        let start = zoned.round(round).map_or(at, |z| z.timestamp());
        // Cutting off minutes of a clock that was set back resolves to the earlier of the two hours.
        if at.duration_since(start).as_secs() >= 3600 { start + 1.hour() } else { start }
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
}
