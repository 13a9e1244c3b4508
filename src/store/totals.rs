//! Sums over requests: what a rollup row holds, and what one request adds to it.
//!
//! Every field is a sum, so taking a request away is as exact as adding it, and the sum of two stretches of time is the
//! sum of their rows. A request is counted where it ended; its attempts, tokens and costs are counted at the endpoint and
//! model that used them. So the totals of one endpoint are what its provider bills, also for requests that another
//! endpoint finished.

use std::ops::{AddAssign, SubAssign};

use serde::{Deserialize, Serialize};

use super::row::{AttemptRow, Row, Tokens};
use crate::claude::money::PicoUsd;
use crate::claude::price::CostLines;
use crate::events::State;

/// Sums over requests.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Totals {
    /// Requests that ended here.
    pub requests: u64,
    /// Of them: with a whole answer.
    pub completed: u64,
    /// With an error.
    pub failed: u64,
    /// By the client.
    pub cancelled: u64,
    /// By the end of this program.
    pub interrupted: u64,
    /// Completed after at least one failed attempt.
    pub rescued: u64,
    /// Streams.
    pub streams: u64,
    /// Attempts made here.
    pub attempts: u64,
    /// Of them: failed.
    pub failed_attempts: u64,
    /// Tokens used here.
    pub tokens: Tokens,
    /// What they cost.
    pub cost: CostLines,
    /// What reading from the cache saved against uncached input.
    pub cache_saved: PicoUsd,
    /// What writing to the cache cost more than uncached input.
    pub cache_premium: PicoUsd,
    /// What prompt tokens that were not read from the cache cost more than if they had been.
    pub cache_missed: PicoUsd,
    /// Attempts that used tokens no price is known for.
    pub unpriced: u64,
    /// The tokens of those, prompt and output.
    pub unpriced_tokens: u64,
    /// Attempts whose output count is an estimate.
    pub estimated: u64,
    /// Durations of requests added up, microseconds.
    pub duration_us: u64,
    /// Requests that got a first byte.
    pub answered: u64,
    /// Times to their first bytes added up, microseconds.
    pub first_byte_us: u64,
    /// Times in the queue added up, microseconds.
    pub suspended_us: u64,
}

impl Totals {
    /// True when nothing is counted; such a rollup row is removed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Share of prompt tokens that were read from the cache; nothing without prompt tokens.
    pub fn cache_hit_rate(&self) -> Option<f64> {
        let prompt = self.tokens.prompt();
        (prompt > 0).then(|| self.tokens.cache_read as f64 / prompt as f64)
    }

    /// Share of ended requests that got a whole answer, those that clients ended left out; nothing without any.
    pub fn success_rate(&self) -> Option<f64> {
        let judged = self.completed + self.failed + self.interrupted;
        (judged > 0).then(|| self.completed as f64 / judged as f64)
    }

    /// Mean duration in milliseconds; nothing without requests.
    pub fn mean_duration_ms(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.duration_us as f64 / self.requests as f64 / 1e3)
    }

    /// Mean time to the first byte in milliseconds; nothing when no request got one.
    pub fn mean_first_byte_ms(&self) -> Option<f64> {
        (self.answered > 0).then(|| self.first_byte_us as f64 / self.answered as f64 / 1e3)
    }
}

impl AddAssign<&Totals> for Totals {
    fn add_assign(&mut self, other: &Self) {
        self.combine(other, u64::saturating_add, |a, b| a + b);
    }
}

impl SubAssign<&Totals> for Totals {
    /// Takes away what was added before.
    fn sub_assign(&mut self, other: &Self) {
        self.combine(other, u64::saturating_sub, PicoUsd::saturating_sub);
    }
}

impl Totals {
    fn combine(&mut self, other: &Self, count: fn(u64, u64) -> u64, money: fn(PicoUsd, PicoUsd) -> PicoUsd) {
        let mut other = other.clone();
        let ((counts, amounts), (more_counts, more_amounts)) = (self.sums(), other.sums());
        for (mine, theirs) in counts.into_iter().zip(more_counts) {
            *mine = count(*mine, *theirs);
        }
        for (mine, theirs) in amounts.into_iter().zip(more_amounts) {
            *mine = money(*mine, *theirs);
        }
    }

    /// Every field, taken apart without a rest so that none can be forgotten.
    fn sums(&mut self) -> ([&mut u64; 24], [&mut PicoUsd; 9]) {
        let Self {
            requests,
            completed,
            failed,
            cancelled,
            interrupted,
            rescued,
            streams,
            attempts,
            failed_attempts,
            tokens,
            cost,
            cache_saved,
            cache_premium,
            cache_missed,
            unpriced,
            unpriced_tokens,
            estimated,
            duration_us,
            answered,
            first_byte_us,
            suspended_us,
        } = self;
        let Tokens {
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            web_search,
            web_fetch,
            code_execution,
        } = tokens;
        let CostLines {
            input: input_cost,
            output: output_cost,
            cache_write_5m: write_5m_cost,
            cache_write_1h: write_1h_cost,
            cache_read: read_cost,
            tools,
        } = cost;
        let counts = [
            requests,
            completed,
            failed,
            cancelled,
            interrupted,
            rescued,
            streams,
            attempts,
            failed_attempts,
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            web_search,
            web_fetch,
            code_execution,
            unpriced,
            unpriced_tokens,
            estimated,
            duration_us,
            answered,
            first_byte_us,
            suspended_us,
        ];
        let amounts = [
            input_cost,
            output_cost,
            write_5m_cost,
            write_1h_cost,
            read_cost,
            tools,
            cache_saved,
            cache_premium,
            cache_missed,
        ];
        (counts, amounts)
    }
}

/// What the sums of a stretch of time are told apart by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Part {
    /// The model that used the tokens: as the answer names it, else as asked for; empty when unknown.
    pub model: String,
    /// The endpoint; empty when none was asked.
    pub endpoint: String,
    /// Its group.
    pub group: String,
}

/// What a request adds to the sums of each part it touches. Each part occurs once.
pub fn parts(row: &Row) -> Vec<(Part, Totals)> {
    let mut parts: Vec<(Part, Totals)> = Vec::with_capacity(1);
    let home = Part {
        model: row.billed_model().to_owned(),
        endpoint: row.endpoint.clone().unwrap_or_default(),
        group: row.group.clone().unwrap_or_default(),
    };
    parts.push((home, request(row)));
    for attempt in &row.attempts {
        let part = Part {
            model: attempt.billed_model(row).to_owned(),
            endpoint: attempt.endpoint.clone(),
            group: attempt.group.clone(),
        };
        let sums = of_attempt(attempt);
        match parts.iter_mut().find(|(p, _)| *p == part) {
            Some((_, totals)) => *totals += &sums,
            None => parts.push((part, sums)),
        }
    }
    parts
}

/// What a request adds to sums that are not told apart.
pub fn whole(row: &Row) -> Totals {
    row.attempts.iter().fold(request(row), |mut totals, attempt| {
        totals += &of_attempt(attempt);
        totals
    })
}

fn request(row: &Row) -> Totals {
    let is = |state: State| u64::from(row.state == state);
    let rescued = row.state == State::Completed && row.attempts.len() > 1;
    Totals {
        requests: 1,
        completed: is(State::Completed),
        failed: is(State::Failed),
        cancelled: is(State::Cancelled),
        interrupted: is(State::Interrupted),
        rescued: u64::from(rescued),
        streams: u64::from(row.stream),
        duration_us: row.duration_us,
        answered: u64::from(row.first_byte_us.is_some()),
        first_byte_us: row.first_byte_us.unwrap_or(0),
        suspended_us: row.suspended_us,
        ..Totals::default()
    }
}

fn of_attempt(attempt: &AttemptRow) -> Totals {
    let tokens = attempt.tokens.clone();
    let mut totals = Totals {
        attempts: 1,
        failed_attempts: u64::from(attempt.failure.is_some()),
        estimated: u64::from(attempt.estimated),
        ..Totals::default()
    };
    match &attempt.bill {
        Some(bill) => {
            totals.cost = bill.lines;
            totals.cache_saved = bill.cache_saved;
            totals.cache_premium = bill.cache_premium;
            totals.cache_missed = bill.cache_missed;
        }
        None if !tokens.is_empty() => {
            totals.unpriced = 1;
            totals.unpriced_tokens = tokens.prompt().saturating_add(tokens.output);
        }
        None => {}
    }
    totals.tokens = tokens;
    totals
}
