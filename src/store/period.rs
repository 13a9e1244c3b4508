//! Periods of time as people write them.
//!
//! | text | period |
//! |---|---|
//! | `all` | everything |
//! | `today`, `yesterday` | that day |
//! | `7d`, `30d`, … | so many days, today included |
//! | `24h`, `90m`, … | so many hours or minutes up to now |
//! | `this month`, `last month` | that month; also `month` |
//! | `2026-11` | that month |
//! | `2026-11-20` | that day |
//! | `2026-11-20T10:00`, also with a space, seconds | from then on, on the clock of the configured time zone |
//! | `2026-11-20T10:00:00Z`, `…+02:00` (RFC 3339) | from then on |
//!
//! As a beginning (`--since`) each of them means where it begins. As an end (`--until`) a day or month means its end (so
//! that it is included), `24h` or `2d` where those begin, and an instant itself, which is not included.
//!
//! Days are those of the clock, of 23 or 25 hours if need be; a time that a clock skips is the one after the gap, one
//! that it shows twice is the first. A period up to now has no end: what comes in meanwhile belongs to it.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span, Timestamp};

use super::civil::Clock;
use super::filter::Filter;

/// From an instant up to, not including, another.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Period {
    /// The first instant; nothing for the beginning of all.
    pub since: Option<Timestamp>,
    /// The first instant after it; nothing for an open end.
    pub until: Option<Timestamp>,
}

/// Why a text is not a period.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAPeriod {
    /// It reads like none of the forms.
    #[error(
        "`{0}` is not a time: expected today, yesterday, all, a number of days, hours or minutes (7d, 24h, 90m), \
         this month, last month, a month (2026-11), a date (2026-11-20), a time (2026-11-20T10:00) or RFC 3339 \
         (2026-11-20T10:00:00Z)"
    )]
    Unknown(String),
    /// It reads like one but is beyond the calendar.
    #[error("`{0}` is beyond the calendar")]
    Beyond(String),
    /// Its end is not after its beginning.
    #[error("nothing lies between `{since}` and `{until}`: the end has to be later than the beginning")]
    Empty {
        /// The beginning as written.
        since: String,
        /// The end as written.
        until: String,
    },
}

impl Period {
    /// The period of a text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str, now: Timestamp, clock: &Clock) -> Result<Self, NotAPeriod> {
        read(text, now, clock).map(Form::period)
    }

    /// The period between two texts; one that is not given leaves its side open.
    ///
    /// # Errors
    /// When one of them is no period, or nothing lies between them.
    pub fn between(
        since: Option<&str>,
        until: Option<&str>,
        now: Timestamp,
        clock: &Clock,
    ) -> Result<Self, NotAPeriod> {
        let form = |text: Option<&str>| text.map(|text| read(text, now, clock)).transpose();
        let start = form(since)?.and_then(|form| form.period().since);
        let end = form(until)?.and_then(Form::end);
        match (start, end) {
            (Some(start), Some(end)) if start >= end => Err(NotAPeriod::Empty {
                since: since.unwrap_or_default().to_owned(),
                until: until.unwrap_or_default().to_owned(),
            }),
            _ => Ok(Self { since: start, until: end }),
        }
    }

    /// The filter, for this period instead of its own.
    #[must_use]
    pub fn of(self, filter: Filter) -> Filter {
        Filter { since: self.since, until: self.until, ..filter }
    }
}

/// What was written.
enum Form {
    /// A day, a month, everything: a stretch with its own end.
    Whole(Period),
    /// From an instant up to now.
    From(Timestamp),
}

impl Form {
    fn period(self) -> Period {
        match self {
            Self::Whole(period) => period,
            Self::From(at) => Period { since: Some(at), until: None },
        }
    }

    fn end(self) -> Option<Timestamp> {
        match self {
            Self::Whole(period) => period.until,
            Self::From(at) => Some(at),
        }
    }
}

fn read(text: &str, now: Timestamp, clock: &Clock) -> Result<Form, NotAPeriod> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let today = clock.date(now);
    let found = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["all"] => Some(Form::Whole(Period::default())),
        ["today"] => days(today, 1, clock),
        ["yesterday"] => today.yesterday().ok().and_then(|day| days(day, 1, clock)),
        ["month"] | ["this", "month"] => month(today, clock),
        ["last", "month"] => today.first_of_month().yesterday().ok().and_then(|day| month(day, clock)),
        _ => match length(text.trim()).map(|(count, unit)| back(count, unit, now, clock)) {
            Some(back) => back,
            None => {
                return written(text.trim(), clock).ok_or_else(|| NotAPeriod::Unknown(text.to_owned()));
            }
        },
    };
    found.ok_or_else(|| NotAPeriod::Beyond(text.to_owned()))
}

fn days(first: Date, count: i64, clock: &Clock) -> Option<Form> {
    let after = first.checked_add(Span::new().try_days(count).ok()?).ok()?;
    Some(Form::Whole(Period { since: Some(clock.start_of(first)?), until: Some(clock.start_of(after)?) }))
}

fn month(day: Date, clock: &Clock) -> Option<Form> {
    days(day.first_of_month(), i64::from(day.days_in_month()), clock)
}

/// A count of days, hours or minutes.
fn length(text: &str) -> Option<(i64, char)> {
    let unit = text.chars().last().filter(|unit| "dhm".contains(*unit))?;
    let digits = text.strip_suffix(unit).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let count = digits.parse().ok().filter(|count| *count > 0)?;
    Some((count, unit))
}

/// From so long ago; nothing when that is before the calendar.
fn back(count: i64, unit: char, now: Timestamp, clock: &Clock) -> Option<Form> {
    let seconds = match unit {
        'd' => {
            let first = clock.date(now).checked_sub(Span::new().try_days(count - 1).ok()?).ok()?;
            return clock.start_of(first).map(Form::From);
        }
        'h' => 3_600,
        _ => 60,
    };
    let length = SignedDuration::from_secs(count.checked_mul(seconds)?);
    now.checked_sub(length).ok().map(Form::From)
}

/// A date, a month or an instant.
fn written(text: &str, clock: &Clock) -> Option<Form> {
    let text = text.replace('/', "-");
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(Form::From(instant));
    }
    match text.len() {
        7 => month(format!("{text}-01").parse().ok()?, clock),
        10 => days(text.parse().ok()?, 1, clock),
        _ => {
            let local: DateTime = text.parse().ok().filter(|_| text.len() > 10)?;
            local.to_zoned(clock.zone().clone()).ok().map(|at| Form::From(at.timestamp()))
        }
    }
}

#[cfg(test)]
mod tests;
