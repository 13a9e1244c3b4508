//! What happened in each of the last [`KEPT`] minutes, for charts of rate, failures, tokens and cost.
//!
//! A request counts as accepted in the minute it came in, and as ended, with its tokens and cost, in the minute it ended.
//! Minutes without anything are there, with zeros; minutes before the start of the program are not.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RequestRecord, State};
use crate::claude::money::PicoUsd;

/// Minutes kept, the running one included.
pub const KEPT: usize = 60;

/// One minute.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Minute {
    /// Minutes since 1970.
    pub number: i64,
    /// Requests accepted.
    pub accepted: u32,
    /// Ended with a whole answer.
    pub completed: u32,
    /// Ended with an error.
    pub failed: u32,
    /// Ended by the client.
    pub cancelled: u32,
    /// Tokens of prompts, cached ones included.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Cost, as far as prices are known.
    pub cost: PicoUsd,
    /// Times to the first byte, milliseconds, of requests that ended: their sum.
    pub first_byte_ms: f64,
    /// And how many had one.
    pub first_bytes: u32,
}

impl Minute {
    /// Mean time from acceptance to the first byte, milliseconds; nothing without any.
    pub fn mean_first_byte_ms(&self) -> Option<f64> {
        (self.first_bytes > 0).then(|| self.first_byte_ms / f64::from(self.first_bytes))
    }
}

/// The minute an instant lies in.
pub fn number(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// The last minutes.
#[derive(Debug)]
pub struct Minutes {
    /// The oldest first, none missing between them.
    kept: VecDeque<Minute>,
}

impl Minutes {
    /// Begins with the minute of `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { kept: VecDeque::from([Minute { number: number(start), ..Minute::default() }]) }
    }

    /// A request was accepted.
    pub fn accepted(&mut self, at: Timestamp) {
        self.on(at, |minute| minute.accepted += 1);
    }

    /// A request ended.
    pub fn ended(&mut self, record: &RequestRecord) {
        let lasted = jiff::SignedDuration::try_from_secs_f64(record.duration_ms / 1e3).unwrap_or_default();
        let at = record.accepted.checked_add(lasted).unwrap_or(record.accepted);
        self.on(at, |minute| {
            match record.state {
                State::Completed => minute.completed += 1,
                State::Failed | State::Interrupted => minute.failed += 1,
                State::Cancelled => minute.cancelled += 1,
            }
            minute.input_tokens += record.usage.prompt_tokens();
            minute.output_tokens += record.usage.output;
            minute.cost += record.cost.total();
            if let Some(ms) = record.first_byte_ms {
                minute.first_byte_ms += ms;
                minute.first_bytes += 1;
            }
        });
    }

    /// The minutes until `now`, the oldest first; the last one still runs.
    pub fn until(&self, now: Timestamp) -> Vec<Minute> {
        let last = self.last().max(number(now));
        let first = self.first().max(last + 1 - KEPT as i64);
        let minute = |n| self.find(n).copied().unwrap_or(Minute { number: n, ..Minute::default() });
        (first..=last).map(minute).collect()
    }

    fn first(&self) -> i64 {
        self.kept.front().map_or(0, |minute| minute.number)
    }

    fn last(&self) -> i64 {
        self.kept.back().map_or(0, |minute| minute.number)
    }

    fn find(&self, number: i64) -> Option<&Minute> {
        self.kept.get(usize::try_from(number - self.first()).ok()?)
    }

    /// Counts something in the minute of `at`. What is older than all that is kept (a clock that was set back) counts
    /// in the oldest.
    fn on(&mut self, at: Timestamp, count: impl FnOnce(&mut Minute)) {
        let wanted = number(at);
        if wanted - self.last() >= KEPT as i64 {
            self.kept = VecDeque::from([Minute { number: wanted + 1 - KEPT as i64, ..Minute::default() }]);
        }
        for number in self.last() + 1..=wanted {
            self.kept.push_back(Minute { number, ..Minute::default() });
        }
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        let place = usize::try_from(wanted - self.first()).unwrap_or(0);
        self.kept.get_mut(place).map(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn minutes_follow_each_other_without_gaps() {
        let mut minutes = Minutes::new(at(30));
        minutes.accepted(at(59));
        minutes.accepted(at(61));
        minutes.accepted(at(62));
        minutes.accepted(at(200));
        let shown: Vec<_> = minutes.until(at(310)).iter().map(|m| (m.number, m.accepted)).collect();
        assert_eq!(shown, [(0, 1), (1, 2), (2, 0), (3, 1), (4, 0), (5, 0)]);
    }

    #[test]
    fn an_hour_is_kept() {
        let mut minutes = Minutes::new(at(0));
        for n in 0..100 {
            minutes.accepted(at(n * 60));
        }
        assert_eq!(minutes.kept.len(), KEPT);
        let shown = minutes.until(at(99 * 60));
        assert_eq!((shown.len(), shown[0].number), (KEPT, 40));
        minutes.accepted(at(10_000 * 60));
        let shown = minutes.until(at(10_000 * 60));
        assert_eq!((shown.len(), shown[KEPT - 1].accepted, shown[0].accepted), (KEPT, 1, 0));
        assert_eq!(minutes.until(at(20_000 * 60)).iter().map(|m| m.accepted).sum::<u32>(), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut minutes = Minutes::new(at(600));
        minutes.accepted(at(0));
        assert_eq!(minutes.until(at(0))[0].accepted, 1);
    }
}
