//! Amounts line by line: what tokens cost at given rates, and what the prompt cache changed about it.

use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::tariff::Rates;
use crate::claude::money::{Factor, PicoUsd};
use crate::claude::usage::Usage;

/// What an answer cost, by kind; or what several cost together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct CostLines {
    /// Uncached input.
    pub input: PicoUsd,
    /// Output.
    pub output: PicoUsd,
    /// Writes to the prompt cache for five minutes.
    pub cache_write_5m: PicoUsd,
    /// Writes to the prompt cache for one hour.
    pub cache_write_1h: PicoUsd,
    /// Reads from the prompt cache.
    pub cache_read: PicoUsd,
    /// Server tool calls.
    pub tools: PicoUsd,
}

impl CostLines {
    /// The sum of all lines.
    pub fn total(&self) -> PicoUsd {
        self.input + self.output + self.cache_write() + self.cache_read + self.tools
    }

    /// Cache writes of both lifetimes.
    pub fn cache_write(&self) -> PicoUsd {
        self.cache_write_5m + self.cache_write_1h
    }

    /// The token lines of `usage` at `rates`, each times `factor`.
    pub(super) fn of_tokens(usage: &Usage, rates: &Rates, factor: Factor) -> Self {
        let line = |tokens: u64, rate: u64| per_token(rate).times(tokens).scaled(factor);
        Self {
            input: line(usage.input, rates.input),
            output: line(usage.output, rates.output),
            cache_write_5m: line(usage.cache_write_5m, rates.cache_write_5m),
            cache_write_1h: line(usage.cache_write_1h, rates.cache_write_1h),
            cache_read: line(usage.cache_read, rates.cache_read),
            tools: PicoUsd::ZERO,
        }
    }
}

impl Add for CostLines {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            output: self.output + other.output,
            cache_write_5m: self.cache_write_5m + other.cache_write_5m,
            cache_write_1h: self.cache_write_1h + other.cache_write_1h,
            cache_read: self.cache_read + other.cache_read,
            tools: self.tools + other.tools,
        }
    }
}

impl AddAssign for CostLines {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for CostLines {
    fn sum<I: Iterator<Item = Self>>(lines: I) -> Self {
        lines.fold(Self::default(), Add::add)
    }
}

impl<'a> Sum<&'a Self> for CostLines {
    fn sum<I: Iterator<Item = &'a Self>>(lines: I) -> Self {
        lines.copied().sum()
    }
}

/// One answer priced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Bill {
    /// What it cost.
    pub lines: CostLines,
    /// What cache reads saved against the same tokens as uncached input.
    pub cache_saved: PicoUsd,
    /// What cache writes cost above the same tokens as uncached input.
    pub cache_premium: PicoUsd,
    /// What misses cost: uncached input and cache writes, above the same tokens read from the cache.
    pub cache_missed: PicoUsd,
    /// The row of the table that priced it, such as `claude-sonnet-5-5 from 2026-10-07`.
    pub rule: Arc<str>,
    /// The revision of the table, the operator's prices included.
    pub revision: Arc<str>,
}

/// What the cache changed: saved, premium, missed. Each is rounded once.
pub(super) fn cache_effects(usage: &Usage, rates: &Rates, factor: Factor) -> [PicoUsd; 3] {
    let above = |rate: u64, base: u64, tokens: u64| per_token(rate.saturating_sub(base)).times(tokens);
    let writes = |base: u64| {
        above(rates.cache_write_5m, base, usage.cache_write_5m)
            + above(rates.cache_write_1h, base, usage.cache_write_1h)
    };
    let saved = above(rates.input, rates.cache_read, usage.cache_read);
    let missed = above(rates.input, rates.cache_read, usage.input) + writes(rates.cache_read);
    [saved, writes(rates.input), missed].map(|amount| amount.scaled(factor))
}

fn per_token(rate: u64) -> PicoUsd {
    PicoUsd::from_pico(u128::from(rate))
}
