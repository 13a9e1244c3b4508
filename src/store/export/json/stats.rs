//! Sums: `{"totals": {…}, "groups": [{"key": "…", "totals": {…}}]}`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::read::us;
use super::row::ms;
use crate::claude::money::PicoUsd;
use crate::claude::price::CostLines;
use crate::store::civil::Clock;
use crate::store::query::{By, Stats};
use crate::store::row::Tokens;
use crate::store::totals::Totals;

/// Sums together and told apart.
#[derive(Serialize, Deserialize)]
pub struct StatsView {
    /// All together.
    pub totals: TotalsView,
    /// Told apart, in the order of [`Stats::groups`].
    pub groups: Vec<GroupView>,
}

/// The sums of one group.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct GroupView {
    /// See [`Key::label`](crate::store::query::Key::label).
    pub key: String,
    /// Of an hour, day or month: its first instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Its sums.
    pub totals: TotalsView,
}

impl StatsView {
    /// The view of an answer to a question told apart `by`.
    pub fn of(stats: &Stats, by: By, clock: &Clock) -> Self {
        let group = |(key, totals): &(crate::store::query::Key, Totals)| GroupView {
            key: key.label(by, clock),
            start: key.start(),
            totals: TotalsView::from(totals),
        };
        Self { totals: TotalsView::from(&stats.totals), groups: stats.groups.iter().map(group).collect() }
    }
}

/// Sums over requests and what follows from them. Rates are shares from 0 to 1; what there is nothing to say about is
/// `null`.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[expect(missing_docs, reason = "each is documented at the field of the same meaning in Totals")]
pub struct TotalsView {
    pub requests: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub interrupted: u64,
    pub rescued: u64,
    pub streams: u64,
    pub attempts: u64,
    pub failed_attempts: u64,
    pub success_rate: Option<f64>,
    pub avg_duration_ms: Option<f64>,
    pub avg_first_byte_ms: Option<f64>,
    /// Durations added up.
    pub duration_ms: f64,
    /// Requests that got a first byte.
    pub answered: u64,
    /// Times to their first bytes added up.
    pub first_byte_ms: f64,
    pub suspended_ms: f64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_creation_tokens: u64,
    pub cache_creation_5m_tokens: u64,
    pub cache_creation_1h_tokens: u64,
    pub cache_read_tokens: u64,
    /// Input, output, written to and read from the cache.
    pub total_tokens: u64,
    pub web_searches: u64,
    pub web_fetches: u64,
    pub code_executions: u64,
    pub input_cost_usd: PicoUsd,
    pub output_cost_usd: PicoUsd,
    pub cache_creation_cost_usd: PicoUsd,
    pub cache_creation_5m_cost_usd: PicoUsd,
    pub cache_creation_1h_cost_usd: PicoUsd,
    pub cache_read_cost_usd: PicoUsd,
    pub tool_cost_usd: PicoUsd,
    pub total_cost_usd: PicoUsd,
    pub cache_hit_rate: Option<f64>,
    pub cache_saved_usd: PicoUsd,
    pub cache_premium_usd: PicoUsd,
    pub cache_missed_usd: PicoUsd,
    pub unpriced_attempts: u64,
    pub unpriced_tokens: u64,
    pub estimated_attempts: u64,
}

impl From<&Totals> for TotalsView {
    fn from(totals: &Totals) -> Self {
        let (tokens, cost) = (&totals.tokens, &totals.cost);
        Self {
            requests: totals.requests,
            completed: totals.completed,
            failed: totals.failed,
            cancelled: totals.cancelled,
            interrupted: totals.interrupted,
            rescued: totals.rescued,
            streams: totals.streams,
            attempts: totals.attempts,
            failed_attempts: totals.failed_attempts,
            success_rate: totals.success_rate(),
            avg_duration_ms: totals.mean_duration_ms(),
            avg_first_byte_ms: totals.mean_first_byte_ms(),
            duration_ms: ms(totals.duration_us),
            answered: totals.answered,
            first_byte_ms: ms(totals.first_byte_us),
            suspended_ms: ms(totals.suspended_us),
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_creation_tokens: tokens.cache_write(),
            cache_creation_5m_tokens: tokens.cache_write_5m,
            cache_creation_1h_tokens: tokens.cache_write_1h,
            cache_read_tokens: tokens.cache_read,
            total_tokens: tokens.prompt().saturating_add(tokens.output),
            web_searches: tokens.web_search,
            web_fetches: tokens.web_fetch,
            code_executions: tokens.code_execution,
            input_cost_usd: cost.input,
            output_cost_usd: cost.output,
            cache_creation_cost_usd: cost.cache_write(),
            cache_creation_5m_cost_usd: cost.cache_write_5m,
            cache_creation_1h_cost_usd: cost.cache_write_1h,
            cache_read_cost_usd: cost.cache_read,
            tool_cost_usd: cost.tools,
            total_cost_usd: cost.total(),
            cache_hit_rate: totals.cache_hit_rate(),
            cache_saved_usd: totals.cache_saved,
            cache_premium_usd: totals.cache_premium,
            cache_missed_usd: totals.cache_missed,
            unpriced_attempts: totals.unpriced,
            unpriced_tokens: totals.unpriced_tokens,
            estimated_attempts: totals.estimated,
        }
    }
}

impl From<&TotalsView> for Totals {
    /// The sums behind a view; what follows from them is left out.
    fn from(view: &TotalsView) -> Self {
        Self {
            requests: view.requests,
            completed: view.completed,
            failed: view.failed,
            cancelled: view.cancelled,
            interrupted: view.interrupted,
            rescued: view.rescued,
            streams: view.streams,
            attempts: view.attempts,
            failed_attempts: view.failed_attempts,
            tokens: Tokens {
                input: view.input_tokens,
                output: view.output_tokens,
                cache_read: view.cache_read_tokens,
                cache_write_5m: view.cache_creation_5m_tokens,
                cache_write_1h: view.cache_creation_1h_tokens,
                web_search: view.web_searches,
                web_fetch: view.web_fetches,
                code_execution: view.code_executions,
            },
            cost: CostLines {
                input: view.input_cost_usd,
                output: view.output_cost_usd,
                cache_write_5m: view.cache_creation_5m_cost_usd,
                cache_write_1h: view.cache_creation_1h_cost_usd,
                cache_read: view.cache_read_cost_usd,
                tools: view.tool_cost_usd,
            },
            cache_saved: view.cache_saved_usd,
            cache_premium: view.cache_premium_usd,
            cache_missed: view.cache_missed_usd,
            unpriced: view.unpriced_attempts,
            unpriced_tokens: view.unpriced_tokens,
            estimated: view.estimated_attempts,
            duration_us: us(view.duration_ms),
            answered: view.answered,
            first_byte_us: us(view.first_byte_ms),
            suspended_us: us(view.suspended_ms),
        }
    }
}
