//! What was used and spent today, for the places that show it whatever screen is in front: from the ledger, so that it is
//! the day's whoever ran in it. Without a ledger only what this run has used is known, and is shown as that.

use jiff::SignedDuration;
use jiff::civil::Date;

use super::inquiry::Inquiry;
use super::model::Model;
use super::msg::Effect;
use super::screen::usage::Wanted;
use super::source::{NoUsage, Usage, UsageQuery};
use crate::claude::money::PicoUsd;
use crate::store::query::By;

/// Least time between two questions.
const PACE: SignedDuration = SignedDuration::from_secs(2);

/// What is remembered.
#[derive(Debug)]
pub struct State {
    inquiry: Inquiry<()>,
    known: Option<Result<(Date, Sums), NoUsage>>,
}

impl Default for State {
    fn default() -> Self {
        Self { inquiry: Inquiry::new(PACE), known: None }
    }
}

/// Tokens and money.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sums {
    /// Tokens of prompts, those read from caches included.
    pub prompt: u64,
    /// Tokens of answers.
    pub output: u64,
    /// Tokens of prompts that were read from caches.
    pub cached: u64,
    /// What they cost, as far as prices are known.
    pub cost: PicoUsd,
    /// Attempts that used tokens no price is known for.
    pub unpriced: u64,
}

/// What is known of today.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Today {
    /// The ledger has not answered yet.
    Unknown,
    /// This much, by the ledger.
    Day(Sums),
    /// Nobody keeps days: this much since the program started.
    SinceStart(Sums),
}

/// What is known of today.
pub fn today(model: &Model) -> Today {
    match &model.today.known {
        Some(Ok((day, sums))) if *day == date(model) => Today::Day(*sums),
        Some(Err(_)) => Today::SinceStart(since_start(model)),
        _ => Today::Unknown,
    }
}

/// Nothing is recorded.
pub fn has_no_ledger(model: &Model) -> bool {
    model.today.known == Some(Err(NoUsage::NoLedger))
}

fn date(model: &Model) -> Date {
    model.now.to_zoned(model.facts.zone.clone()).date()
}

fn since_start(model: &Model) -> Sums {
    let totals = &model.snapshot.totals;
    Sums {
        prompt: totals.usage.prompt_tokens(),
        output: totals.usage.output,
        cached: totals.usage.cache_read,
        cost: totals.cost.total(),
        unpriced: totals.unpriced,
    }
}

/// The question to ask now, if there is one. Called after every message.
pub(super) fn asks(model: &mut Model) -> Vec<Effect> {
    if has_no_ledger(model) && model.snapshot.ledger.is_none() {
        return Vec::new();
    }
    let (now, zone) = (model.now, &model.facts.zone);
    let query =
        || UsageQuery { filter: Wanted::default().filter(now, zone), by: By::Nothing, bars: By::Nothing };
    model.today.inquiry.ask(&(), &model.news, now, query)
}

/// Sums are here, or the reason why not; perhaps those of somebody else.
pub(super) fn answered(model: &mut Model, query: &UsageQuery, answer: &Result<Box<Usage>, NoUsage>) {
    let Some(((), at)) = model.today.inquiry.answered(query) else { return };
    let day = at.to_zoned(model.facts.zone.clone()).date();
    let sums = |usage: &Usage| {
        let totals = &usage.table.totals;
        Sums {
            prompt: totals.tokens.prompt(),
            output: totals.tokens.output,
            cached: totals.tokens.cache_read,
            cost: totals.cost.total(),
            unpriced: totals.unpriced,
        }
    };
    model.today.known = Some(answer.as_ref().map(|usage| (day, sums(usage))).map_err(Clone::clone));
    model.dirty = true;
}

#[cfg(test)]
mod tests;
