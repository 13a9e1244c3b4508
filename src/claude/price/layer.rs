//! Entries of one origin, and which of them a model name means.
//!
//! The first that fits of: an entry of that name in any spelling, closest first; the longest name this is a variant
//! of; the longest pattern. So a price for a model is never beaten by one for a family.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::Date;

use super::name::is_variant;
use super::tariff::{ModelPrices, PriceRow, Rates};

/// Prices under a name or the start of one.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The model; of a pattern what is before the `*`.
    pub(super) name: String,
    pub(super) prices: ModelPrices,
    /// What each row of `prices` is called in bills.
    pub(super) rules: Vec<Arc<str>>,
}

impl Entry {
    pub(super) fn new(name: &str, title: &str, prices: ModelPrices) -> Self {
        let rules = prices.rows.iter().map(|row| rule(title, row)).collect();
        Self { name: name.to_owned(), prices, rules }
    }

    /// One price for all days and prompts.
    pub(super) fn flat(name: &str, title: &str, rates: Rates) -> Self {
        let row = PriceRow { from: None, prompt_up_to: None, rates, source: title.to_owned() };
        Self::new(name, title, ModelPrices { name: name.to_owned(), us_surcharge: false, rows: vec![row] })
    }

    /// The prices of an answer, and what their row is called.
    pub(super) fn priced(&self, day: Date, prompt_tokens: u64) -> Option<(&Rates, &Arc<str>)> {
        let row = self.prices.row(day, prompt_tokens)?;
        Some((&self.prices.rows.get(row)?.rates, self.rules.get(row)?))
    }
}

fn rule(title: &str, row: &PriceRow) -> Arc<str> {
    let from = row.from.map(|day| format!(" from {day}")).unwrap_or_default();
    let size = row.prompt_up_to.map(|size| format!(", prompts up to {size} tokens")).unwrap_or_default();
    format!("{title}{from}{size}").into()
}

/// Entries of one origin.
#[derive(Clone, Default, Debug)]
pub(super) struct Layer {
    pub(super) named: Vec<Entry>,
    /// Longest first.
    patterns: Vec<Entry>,
}

impl Layer {
    /// Entries by name, and by pattern in any order.
    pub(super) fn new(named: Vec<Entry>, mut patterns: Vec<Entry>) -> Self {
        patterns.sort_by_key(|entry| std::cmp::Reverse(entry.name.len()));
        Self { named, patterns }
    }

    /// The entry for a model with these spellings, closest first.
    pub(super) fn find(&self, names: &[Cow<'_, str>]) -> Option<&Entry> {
        let by_name = names.iter().find_map(|name| self.named.iter().find(|entry| entry.name == *name));
        by_name.or_else(|| self.variant(names)).or_else(|| self.pattern(names))
    }

    fn variant(&self, names: &[Cow<'_, str>]) -> Option<&Entry> {
        let is_one = |entry: &&Entry| names.iter().any(|name| is_variant(name, &entry.name));
        self.named.iter().filter(is_one).max_by_key(|entry| entry.name.len())
    }

    fn pattern(&self, names: &[Cow<'_, str>]) -> Option<&Entry> {
        self.patterns.iter().find(|entry| names.iter().any(|name| name.starts_with(&*entry.name)))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.named.iter().chain(&self.patterns)
    }
}
