//! Sums of what was told, by whatever the ledger tells apart.

use std::collections::BTreeMap;

use cc_forwarder::claude::price::CostLines;
use cc_forwarder::events::State;
use cc_forwarder::store::civil::Clock;
use cc_forwarder::store::query::{By, Key};
use cc_forwarder::store::row::{AttemptRow, Row};
use cc_forwarder::store::totals::Totals;

use crate::expected::{Prices, Told};

/// Tokens and money of a stretch of the ledger.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Sum {
    /// Input, output, cache writes (5 m, 1 h), cache reads, searches, fetches, code executions.
    pub tokens: [u64; 8],
    /// Input, output, cache writes (5 m, 1 h), cache reads, tools: pico-dollars.
    pub cost: [u128; 6],
    pub unpriced: u64,
    pub estimated: u64,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.tokens.iter_mut().zip(other.tokens).for_each(|(sum, more)| *sum += more);
        self.cost.iter_mut().zip(other.cost).for_each(|(sum, more)| *sum += more);
        self.unpriced += other.unpriced;
        self.estimated += other.estimated;
    }

    pub(crate) fn total_cost(&self) -> u128 {
        self.cost.iter().sum()
    }

    /// What the ledger says.
    pub(crate) fn of(totals: &Totals) -> Self {
        let t = &totals.tokens;
        Self {
            tokens: [
                t.input,
                t.output,
                t.cache_write_5m,
                t.cache_write_1h,
                t.cache_read,
                t.web_search,
                t.web_fetch,
                t.code_execution,
            ],
            cost: lines(&totals.cost),
            unpriced: totals.unpriced,
            estimated: totals.estimated,
        }
    }
}

fn lines(c: &CostLines) -> [u128; 6] {
    [c.input, c.output, c.cache_write_5m, c.cache_write_1h, c.cache_read, c.tools].map(|amount| amount.pico())
}

/// One attempt as told, with the output that the ledger estimated where nobody stated one.
pub(crate) struct Part<'a> {
    pub row: &'a Row,
    pub attempt: &'a AttemptRow,
    pub told: &'a Told,
}

impl Part<'_> {
    /// What it has to add to every sum.
    pub(crate) fn sum(&self, prices: &Prices) -> Sum {
        let usage = self.told.usage;
        let output = if self.told.exact { usage.output } else { self.attempt.tokens.output };
        let tokens = [
            usage.input,
            output,
            usage.cache_write_5m,
            usage.cache_write_1h,
            usage.cache_read,
            usage.web_searches,
            usage.web_fetches,
            usage.code_executions,
        ];
        let cost = self.told.cost(prices, output);
        let used = tokens.iter().any(|n| *n > 0);
        Sum {
            tokens,
            cost: cost.unwrap_or_default(),
            unpriced: u64::from(used && cost.is_none()),
            estimated: u64::from(used && !self.told.exact),
        }
    }

    fn key(&self, by: By, clock: &Clock) -> Key {
        let at = self.row.accepted();
        match by {
            By::Model => Key::Name(self.told.model.clone()),
            By::Endpoint => Key::Name(self.told.endpoint.clone()),
            By::Group => Key::Name(if self.told.endpoint == "e" { "backup" } else { "main" }.into()),
            By::Session => Key::Name(self.row.session.clone().unwrap()),
            By::Hour => Key::Start(clock.hour(at)),
            By::Day => Key::Start(clock.day(at)),
            By::Month => Key::Start(clock.month(at)),
            By::Nothing => Key::Name(String::new()),
        }
    }
}

/// Sums by key; keys without any use are left out, as are keys of the ledger that used nothing.
pub(crate) fn by<'a>(
    parts: impl Iterator<Item = &'a Part<'a>>,
    by: By,
    clock: &Clock,
    prices: &Prices,
) -> BTreeMap<Key, Sum> {
    let mut sums = BTreeMap::new();
    for part in parts {
        sums.entry(part.key(by, clock)).or_insert_with(Sum::default).add(&part.sum(prices));
    }
    sums.retain(|_, sum| *sum != Sum::default());
    sums
}

/// Everything together.
pub(crate) fn all<'a>(parts: impl Iterator<Item = &'a Part<'a>>, prices: &Prices) -> Sum {
    parts.fold(Sum::default(), |mut sum, part| {
        sum.add(&part.sum(prices));
        sum
    })
}

/// How many of the rows ended so.
pub(crate) fn ended(rows: &[Row], state: State) -> u64 {
    rows.iter().filter(|row| row.state == state).count() as u64
}
