//! Which row prices this model, on this day, for this prompt.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::lines::{Bill, CostLines, cache_effects};
use super::name::{is_variant, spellings};
use super::tariff::{ModelPrices, PriceRow, Rates, Tariff};
use crate::claude::money::{Factor, PicoUsd, UNCHANGED_PPM};
use crate::claude::usage::Usage;

/// The factor that changes nothing.
const UNCHANGED: u32 = UNCHANGED_PPM as u32;

/// All prices: a shipped [`Tariff`] with the operator's prices over it.
#[derive(Clone, Debug)]
pub struct PriceTable {
    revision: Arc<str>,
    web_search: PicoUsd,
    batch_ppm: u32,
    us_ppm: u32,
    /// The operator's, by name.
    own: Vec<Entry>,
    /// The operator's, by pattern, longest first. The `*` is cut off.
    own_patterns: Vec<Entry>,
    shipped: Vec<Entry>,
    /// Longest pattern first. The `*` is cut off.
    families: Vec<Entry>,
    default: Option<Entry>,
}

/// Prices under a name or the start of one.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    prices: ModelPrices,
    /// What each row of `prices` is called in bills.
    rules: Vec<Arc<str>>,
}

impl Entry {
    fn new(name: &str, title: &str, prices: ModelPrices) -> Self {
        let rules = prices.rows.iter().map(|row| rule(title, row)).collect();
        Self { name: name.to_owned(), prices, rules }
    }

    /// One price for all days and prompts.
    fn flat(name: &str, title: &str, rates: Rates) -> Self {
        let row = PriceRow { from: None, prompt_up_to: None, rates, source: title.to_owned() };
        Self::new(name, title, ModelPrices { name: name.to_owned(), us_surcharge: false, rows: vec![row] })
    }

    fn priced(&self, day: Date, prompt_tokens: u64) -> Option<(&Rates, &Arc<str>)> {
        let row = self.prices.row(day, prompt_tokens)?;
        Some((&self.prices.rows.get(row)?.rates, self.rules.get(row)?))
    }
}

fn rule(title: &str, row: &PriceRow) -> Arc<str> {
    let from = row.from.map(|day| format!(" from {day}")).unwrap_or_default();
    let size = row.prompt_up_to.map(|size| format!(", prompts up to {size} tokens")).unwrap_or_default();
    format!("{title}{from}{size}").into()
}

impl PriceTable {
    /// The table of `shipped` prices, with the operator's `own` (model or pattern with a trailing `*`) before them and
    /// the operator's `default` behind them.
    pub fn new(shipped: &Tariff, own: &[(String, Rates)], default: Option<Rates>) -> Self {
        let mut table = Self {
            revision: "".into(),
            web_search: shipped.web_search,
            batch_ppm: shipped.batch_ppm,
            us_ppm: shipped.us_ppm,
            own: Vec::new(),
            own_patterns: Vec::new(),
            shipped: shipped.models.iter().map(|m| Entry::new(&m.name, &m.name, m.clone())).collect(),
            families: families(shipped),
            default: default.map(|rates| Entry::flat("", "default_pricing", rates)),
        };
        for (name, rates) in own {
            table.add_own(name, *rates);
        }
        longest_first(&mut table.own_patterns);
        table.revision = format!("{}.{:08x}", shipped.revision, table.fingerprint()).into();
        table
    }

    fn add_own(&mut self, name: &str, rates: Rates) {
        let title = format!("{name} of model_pricing");
        match name.strip_suffix('*') {
            Some(start) => self.own_patterns.push(Entry::flat(start, &title, rates)),
            None => self.own.push(Entry::flat(name, &title, rates)),
        }
    }

    /// What `usage` of `model` at `at` cost, with the endpoint's own factor in parts per million. `None` when no row
    /// prices the model, unless there is nothing to pay for.
    pub fn bill(&self, model: &str, at: Timestamp, usage: &Usage, multiplier_ppm: u64) -> Option<Bill> {
        let names = spellings(model);
        let Some(entry) = self.find(&names) else {
            return usage.is_empty().then(|| self.empty_bill());
        };
        let (rates, rule) = entry.priced(at.to_zoned(TimeZone::UTC).date(), usage.prompt_tokens())?;
        let factor = self.factor(&names, usage, multiplier_ppm);
        let tools = self.web_search.times(usage.web_search).scaled_ppm(multiplier_ppm);
        let [cache_saved, cache_premium, cache_missed] = cache_effects(usage, rates, factor);
        Some(Bill {
            lines: CostLines { tools, ..CostLines::of_tokens(usage, rates, factor) },
            cache_saved,
            cache_premium,
            cache_missed,
            rule: rule.clone(),
            revision: self.revision.clone(),
        })
    }

    fn empty_bill(&self) -> Bill {
        Bill {
            lines: CostLines::default(),
            cache_saved: PicoUsd::ZERO,
            cache_premium: PicoUsd::ZERO,
            cache_missed: PicoUsd::ZERO,
            rule: "nothing to bill".into(),
            revision: self.revision.clone(),
        }
    }

    /// The factor on token lines. Whether the region costs more is known of shipped models only, and holds for the
    /// operator's prices of them too.
    fn factor(&self, names: &[String], usage: &Usage, multiplier_ppm: u64) -> Factor {
        let batch = usage.service_tier.as_deref() == Some("batch");
        let us = usage.inference_geo.as_deref() == Some("us")
            && self.find_shipped(names).is_some_and(|entry| entry.prices.us_surcharge);
        let when = |applies: bool, ppm: u32| if applies { ppm } else { UNCHANGED };
        Factor::product(multiplier_ppm, when(batch, self.batch_ppm), when(us, self.us_ppm))
    }

    /// True when there is a price for `model`.
    pub fn knows(&self, model: &str) -> bool {
        self.find(&spellings(model)).is_some()
    }

    /// The models with a price of their own: the operator's, then the shipped ones, each once, without patterns.
    pub fn recognised_models(&self) -> impl Iterator<Item = &str> {
        let is_own = |name: &str| self.own.iter().any(|entry| entry.name == name);
        let shipped = self.shipped.iter().filter(move |entry| !is_own(&entry.name));
        self.own.iter().chain(shipped).map(|entry| entry.name.as_str())
    }

    /// Names this state of the prices: the day of the shipped list and a fingerprint of everything in the table, so
    /// that another price means another revision.
    pub fn revision(&self) -> &Arc<str> {
        &self.revision
    }

    fn find(&self, names: &[String]) -> Option<&Entry> {
        by_name(&self.own, names)
            .or_else(|| by_start(&self.own_patterns, names))
            .or_else(|| self.find_shipped(names))
            .or(self.default.as_ref())
    }

    fn find_shipped(&self, names: &[String]) -> Option<&Entry> {
        by_name(&self.shipped, names)
            .or_else(|| self.variant(names))
            .or_else(|| by_start(&self.families, names))
    }

    fn variant(&self, names: &[String]) -> Option<&Entry> {
        let is_one = |entry: &&Entry| names.iter().any(|name| is_variant(name, &entry.name));
        self.shipped.iter().filter(is_one).max_by_key(|entry| entry.name.len())
    }

    /// FNV-1a over every rule with its prices, and all that is not in a rule.
    fn fingerprint(&self) -> u32 {
        let mut text = format!("{} {} {}\n", self.web_search, self.batch_ppm, self.us_ppm);
        let lists = [&self.own, &self.own_patterns, &self.shipped, &self.families];
        for entry in lists.into_iter().flatten().chain(&self.default) {
            for (rule, row) in entry.rules.iter().zip(&entry.prices.rows) {
                // Writing to a `String` cannot fail.
                let _ = writeln!(text, "{rule} {} {:?}", entry.prices.us_surcharge, row.rates);
            }
        }
        text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }
}

/// The families of `shipped`, each with the prices of the model that stands in.
fn families(shipped: &Tariff) -> Vec<Entry> {
    let family = |(pattern, model): &(String, String)| {
        let prices = shipped.models.iter().find(|prices| prices.name == *model)?;
        let start = pattern.strip_suffix('*').unwrap_or(pattern);
        Some(Entry::new(start, &format!("{pattern} as {model}"), prices.clone()))
    };
    let mut families: Vec<Entry> = shipped.families.iter().filter_map(family).collect();
    longest_first(&mut families);
    families
}

fn longest_first(entries: &mut [Entry]) {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.name.len()));
}

/// The entry of the closest spelling.
fn by_name<'e>(entries: &'e [Entry], names: &[String]) -> Option<&'e Entry> {
    names.iter().find_map(|name| entries.iter().find(|entry| entry.name == *name))
}

/// The first entry that any spelling starts with.
fn by_start<'e>(entries: &'e [Entry], names: &[String]) -> Option<&'e Entry> {
    entries.iter().find(|entry| names.iter().any(|name| name.starts_with(&entry.name)))
}
