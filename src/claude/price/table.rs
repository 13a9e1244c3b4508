//! The operator's prices, the shipped ones and the default, and the bill they make of a usage.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::layer::{Entry, Layer};
use super::lines::{Bill, CostLines, cache_effects};
use super::name::spellings;
use super::tariff::{Rates, Tariff};
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
    /// The operator's.
    own: Layer,
    shipped: Layer,
    default: Option<Entry>,
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
            own: own_layer(own),
            shipped: shipped_layer(shipped),
            default: default.map(|rates| Entry::flat("", "default_pricing", rates)),
        };
        table.revision = format!("{}.{:08x}", shipped.revision, table.fingerprint()).into();
        table
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
    fn factor(&self, names: &[Cow<'_, str>], usage: &Usage, multiplier_ppm: u64) -> Factor {
        let batch = usage.service_tier.as_deref() == Some("batch");
        let us = usage.inference_geo.as_deref() == Some("us")
            && self.shipped.find(names).is_some_and(|entry| entry.prices.us_surcharge);
        let when = |applies: bool, ppm: u32| if applies { ppm } else { UNCHANGED };
        Factor::product(multiplier_ppm, when(batch, self.batch_ppm), when(us, self.us_ppm))
    }

    /// True when there is a price for `model`.
    pub fn knows(&self, model: &str) -> bool {
        self.find(&spellings(model)).is_some()
    }

    /// The models with a price of their own: the operator's, then the shipped ones, each once, without patterns.
    pub fn recognised_models(&self) -> impl Iterator<Item = &str> {
        let is_own = |name: &str| self.own.named.iter().any(|entry| entry.name == name);
        let shipped = self.shipped.named.iter().filter(move |entry| !is_own(&entry.name));
        self.own.named.iter().chain(shipped).map(|entry| entry.name.as_str())
    }

    /// Names this state of the prices: the day of the shipped list and a fingerprint of everything in the table, so
    /// that another price means another revision.
    pub fn revision(&self) -> &Arc<str> {
        &self.revision
    }

    fn find(&self, names: &[Cow<'_, str>]) -> Option<&Entry> {
        self.own.find(names).or_else(|| self.shipped.find(names)).or(self.default.as_ref())
    }

    /// FNV-1a over every rule with its prices, and all that is not in a rule.
    fn fingerprint(&self) -> u32 {
        let mut text = format!("{} {} {}\n", self.web_search, self.batch_ppm, self.us_ppm);
        for entry in self.own.entries().chain(self.shipped.entries()).chain(&self.default) {
            for (rule, row) in entry.rules.iter().zip(&entry.prices.rows) {
                // Writing to a `String` cannot fail.
                let _ = writeln!(text, "{rule} {} {:?}", entry.prices.us_surcharge, row.rates);
            }
        }
        text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }
}

fn own_layer(own: &[(String, Rates)]) -> Layer {
    let entry = |(name, rates): &(String, Rates)| {
        Entry::flat(name.strip_suffix('*').unwrap_or(name), &format!("{name} of model_pricing"), *rates)
    };
    let (patterns, named): (Vec<_>, Vec<_>) = own.iter().partition(|(name, _)| name.ends_with('*'));
    Layer::new(named.into_iter().map(entry).collect(), patterns.into_iter().map(entry).collect())
}

/// The models of the list; and its families, each with the prices of the model that stands in.
fn shipped_layer(list: &Tariff) -> Layer {
    let named = list.models.iter().map(|prices| Entry::new(&prices.name, &prices.name, prices.clone()));
    let family = |(pattern, model): &(String, String)| {
        let prices = list.models.iter().find(|prices| prices.name == *model)?;
        let start = pattern.strip_suffix('*').unwrap_or(pattern);
        Some(Entry::new(start, &format!("{pattern} as {model}"), prices.clone()))
    };
    Layer::new(named.collect(), list.families.iter().filter_map(family).collect())
}
