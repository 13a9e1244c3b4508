//! What of an answer is shown to people.

use serde::Deserialize;

use crate::claude::money::PicoUsd;

/// The part of [`StatsView`](crate::admin::usage::ask::StatsView) that a table needs.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub(super) struct Shown {
    pub(super) period: Period,
    pub(super) totals: Sums,
    pub(super) groups: Vec<Group>,
}

/// When.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
pub(super) struct Period {
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    pub(super) timezone: String,
}

/// One line.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub(super) struct Group {
    pub(super) key: String,
    pub(super) totals: Sums,
}

/// Sums.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Sums {
    pub(super) requests: u64,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    pub(super) interrupted: u64,
    pub(super) rescued: u64,
    pub(super) attempts: u64,
    pub(super) avg_duration_ms: Option<f64>,
    pub(super) avg_first_byte_ms: Option<f64>,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cache_creation_tokens: u64,
    pub(super) cache_read_tokens: u64,
    pub(super) total_cost_usd: PicoUsd,
    pub(super) cache_hit_rate: Option<f64>,
    pub(super) cache_saved_usd: PicoUsd,
    pub(super) cache_missed_usd: PicoUsd,
    pub(super) unpriced_attempts: u64,
    pub(super) unpriced_tokens: u64,
    pub(super) estimated_attempts: u64,
}
