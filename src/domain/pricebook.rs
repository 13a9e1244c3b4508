//! What an answer of an endpoint cost: the price table with each endpoint's own factor.
//!
//! One [`PriceBook`] belongs to one version of the configuration and is replaced whole on reload. An endpoint it does
//! not know (one that is gone when history is priced again) has no factor of its own: list price.

use std::collections::HashMap;

use jiff::Timestamp;

use super::endpoint::{EndpointId, EndpointSpec};
use crate::claude::money::UNCHANGED_PPM;
use crate::claude::price::{Bill, PriceTable};
use crate::claude::usage::Usage;

/// Prices per endpoint.
#[derive(Clone, Debug)]
pub struct PriceBook {
    table: PriceTable,
    /// Parts per million, of endpoints with a factor other than one.
    multipliers: HashMap<EndpointId, u64>,
}

impl PriceBook {
    /// The prices of `table` at these endpoints.
    pub fn new<'e>(table: PriceTable, endpoints: impl IntoIterator<Item = &'e EndpointSpec>) -> Self {
        let factors = endpoints.into_iter().map(|spec| (spec.id.clone(), spec.price_multiplier_ppm));
        Self { table, multipliers: factors.filter(|(_, ppm)| *ppm != UNCHANGED_PPM).collect() }
    }

    /// What `usage` of `model` at `endpoint` cost; `None` when nothing prices the model. `model` is the one that
    /// answered, `at` when the attempt began.
    pub fn bill(&self, endpoint: &EndpointId, model: &str, at: Timestamp, usage: &Usage) -> Option<Bill> {
        self.table.bill(model, at, usage, self.multiplier_ppm(endpoint))
    }

    /// The factor of `endpoint` on the list price, in parts per million.
    pub fn multiplier_ppm(&self, endpoint: &EndpointId) -> u64 {
        self.multipliers.get(endpoint).copied().unwrap_or(UNCHANGED_PPM)
    }

    /// The table without factors.
    pub fn table(&self) -> &PriceTable {
        &self.table
    }
}

#[cfg(test)]
mod tests;
