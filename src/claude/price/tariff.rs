//! Prices as data: what a [`PriceTable`](super::PriceTable) is built from.

use jiff::civil::Date;

use crate::claude::money::PicoUsd;

/// Prices in pico-dollars per token, which is micro-dollars per million tokens.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rates {
    /// Uncached input.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// Writes to the prompt cache for five minutes.
    pub cache_write_5m: u64,
    /// Writes to the prompt cache for one hour.
    pub cache_write_1h: u64,
    /// Reads from the prompt cache.
    pub cache_read: u64,
}

/// A whole price list.
#[derive(Clone, PartialEq, Debug)]
pub struct Tariff {
    /// The day it was last changed.
    pub revision: Date,
    /// One web search.
    pub web_search: PicoUsd,
    /// Factor on token lines of answers with `service_tier: batch`, in parts per million.
    pub batch_ppm: u32,
    /// Factor on token lines of answers with `inference_geo: us`, where [`ModelPrices::us_surcharge`] says so.
    pub us_ppm: u32,
    /// The models it knows, each name once.
    pub models: Vec<ModelPrices>,
    /// For names it does not know: pattern with a trailing `*`, and the model whose prices stand in.
    pub families: Vec<(String, String)>,
}

/// The prices of one model.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelPrices {
    /// The model, without date or provider.
    pub name: String,
    /// Inference in the US costs more.
    pub us_surcharge: bool,
    /// By `from`, then by `prompt_up_to`, both ascending; of each `from` the last row has no `prompt_up_to`.
    pub rows: Vec<PriceRow>,
}

/// One row of the price list.
#[derive(Clone, PartialEq, Debug)]
pub struct PriceRow {
    /// The first day (UTC) it applies; `None` since the model exists.
    pub from: Option<Date>,
    /// The largest prompt in tokens it applies to; `None` for all above the rows before.
    pub prompt_up_to: Option<u64>,
    /// The prices.
    pub rates: Rates,
    /// Where they were seen, and when.
    pub source: String,
}

impl ModelPrices {
    /// The row for an answer on `day` to a prompt of so many tokens: of the newest `from` that has come, before the
    /// first one of the first, because a price of a day near by beats none.
    pub(super) fn row(&self, day: Date, prompt_tokens: u64) -> Option<usize> {
        let begun = self.rows.iter().map(|row| row.from).filter(|from| from.is_none_or(|from| from <= day));
        let start = begun.max().or_else(|| self.rows.iter().map(|row| row.from).min())?;
        self.rows.iter().position(|row| {
            row.from == start && row.prompt_up_to.is_none_or(|largest| prompt_tokens <= largest)
        })
    }
}
