//! The price list that comes with the program, and the table it makes with the operator's prices.
//!
//! `config/pricing.yaml` is compiled in. Its prices are read as decimal text, never as floating point. Checked here:
//!
//! | rule | why |
//! |---|---|
//! | no unknown key, no price missing, every `source` explained | a slip must not price anything |
//! | every model once; every family has a pattern and stands on a model of the list | one answer per name |
//! | rows by `from`, then `prompt_up_to`, the last of each `from` without | every day and every prompt has one row |
//!
//! A list that breaks a rule gives nothing at all.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::civil::Date;
use serde::Deserialize;

use super::value::millionths;
use super::{Prices, UsageTracking};
use crate::claude::money::PicoUsd;
use crate::claude::price::PriceTable;
use crate::claude::price::tariff::{ModelPrices, PriceRow, Rates, Tariff};

const SHIPPED: &str = include_str!("../../config/pricing.yaml");

/// The price list that comes with the program.
#[allow(clippy::expect_used, reason = "the list is compiled in, and a test reads it")]
pub fn shipped() -> Arc<Tariff> {
    static TARIFF: LazyLock<Arc<Tariff>> =
        LazyLock::new(|| Arc::new(parse(SHIPPED).expect("the price list of the program is sound")));
    TARIFF.clone()
}

/// The shipped list with the operator's `model_pricing` over it and `default_pricing` behind it.
pub fn table(usage: &UsageTracking) -> PriceTable {
    let own: Vec<_> =
        usage.model_pricing.iter().map(|(name, prices)| (name.clone(), rates(prices))).collect();
    PriceTable::new(&shipped(), &own, usage.default_pricing.as_ref().map(rates))
}

fn rates(prices: &Prices) -> Rates {
    Rates {
        input: prices.input,
        output: prices.output,
        cache_write_5m: prices.cache_creation,
        cache_write_1h: prices.cache_creation_1h.unwrap_or(prices.input.saturating_mul(2)),
        cache_read: prices.cache_read,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTariff {
    revision: Date,
    sources: BTreeMap<String, String>,
    tools: RawTools,
    modifiers: RawModifiers,
    models: Vec<RawModel>,
    families: Vec<RawFamily>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTools {
    web_search: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModifiers {
    batch: String,
    us_inference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    names: Vec<String>,
    #[serde(default)]
    us_surcharge: bool,
    prices: Vec<RawRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    from: Option<Date>,
    prompt_up_to: Option<u64>,
    input: String,
    output: String,
    cache_write_5m: String,
    cache_write_1h: String,
    cache_read: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFamily {
    pattern: String,
    like: String,
}

/// A price list from YAML, or what is wrong with it and where.
fn parse(text: &str) -> Result<Tariff, String> {
    let raw: RawTariff = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    let mut models: Vec<ModelPrices> = Vec::new();
    for model in &raw.models {
        for prices in priced(model, &raw.sources)? {
            if models.iter().any(|known| known.name == prices.name) {
                return Err(format!("`{}` stands in the list twice", prices.name));
            }
            models.push(prices);
        }
    }
    let families = raw.families.into_iter().map(|raw| family(raw, &models)).collect::<Result<_, _>>()?;
    Ok(Tariff {
        revision: raw.revision,
        web_search: PicoUsd::from_micro_usd(decimal("tools.web_search", &raw.tools.web_search)?),
        batch_ppm: factor("modifiers.batch", &raw.modifiers.batch)?,
        us_ppm: factor("modifiers.us_inference", &raw.modifiers.us_inference)?,
        models,
        families,
    })
}

/// One entry of the list, once per name.
fn priced(model: &RawModel, sources: &BTreeMap<String, String>) -> Result<Vec<ModelPrices>, String> {
    let entry = model.names.first().ok_or("an entry of `models` has no names")?;
    let rows =
        model.prices.iter().map(|row| price_row(entry, row, sources)).collect::<Result<Vec<_>, _>>()?;
    check_order(entry, &rows)?;
    let named = |name: &String| ModelPrices {
        name: name.clone(),
        us_surcharge: model.us_surcharge,
        rows: rows.clone(),
    };
    Ok(model.names.iter().map(named).collect())
}

fn price_row(entry: &str, row: &RawRow, sources: &BTreeMap<String, String>) -> Result<PriceRow, String> {
    let price = |key: &str, text: &str| decimal(&format!("{entry}: {key}"), text);
    let source = sources.get(&row.source);
    Ok(PriceRow {
        from: row.from,
        prompt_up_to: row.prompt_up_to,
        rates: Rates {
            input: price("input", &row.input)?,
            output: price("output", &row.output)?,
            cache_write_5m: price("cache_write_5m", &row.cache_write_5m)?,
            cache_write_1h: price("cache_write_1h", &row.cache_write_1h)?,
            cache_read: price("cache_read", &row.cache_read)?,
        },
        source: source
            .cloned()
            .ok_or_else(|| format!("{entry}: source `{}` is not explained", row.source))?,
    })
}

/// Every day and every prompt must have one row.
fn check_order(entry: &str, rows: &[PriceRow]) -> Result<(), String> {
    let open_end = |row: &PriceRow| row.prompt_up_to.is_none();
    if !rows.last().is_some_and(open_end) {
        return Err(format!("{entry}: the last of its prices must be without `prompt_up_to`"));
    }
    let follows = |pair: &[PriceRow]| match pair {
        [a, b] if open_end(a) => a.from < b.from,
        [a, b] => a.from == b.from && (open_end(b) || a.prompt_up_to < b.prompt_up_to),
        _ => true,
    };
    if rows.windows(2).all(follows) {
        return Ok(());
    }
    Err(format!(
        "{entry}: its prices must be in the order of `from`, then of `prompt_up_to`, the last of each `from` without"
    ))
}

fn family(raw: RawFamily, models: &[ModelPrices]) -> Result<(String, String), String> {
    if !raw.pattern.ends_with('*') {
        return Err(format!("family `{}` must end with `*`", raw.pattern));
    }
    if !models.iter().any(|prices| prices.name == raw.like) {
        return Err(format!("family `{}` is like `{}`, which is not in the list", raw.pattern, raw.like));
    }
    Ok((raw.pattern, raw.like))
}

fn decimal(place: &str, text: &str) -> Result<u64, String> {
    millionths(text).map_err(|problem| format!("{place} {problem}"))
}

fn factor(place: &str, text: &str) -> Result<u32, String> {
    u32::try_from(decimal(place, text)?).map_err(|_| format!("{place} must be at most 4000"))
}

#[cfg(test)]
mod tests;
