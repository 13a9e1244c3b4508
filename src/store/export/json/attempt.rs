//! One attempt of a request.

use serde::{Deserialize, Serialize};

use super::row::ms;
use crate::claude::money::PicoUsd;
use crate::store::row::{AttemptRow, BillRow, Row};

/// An attempt of a request. Amounts are `null` when no price is known, or nothing was used.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(missing_docs, reason = "each is documented at the field of the same meaning in AttemptRow")]
pub struct AttemptView {
    /// Counted from 1.
    pub number: u32,
    pub endpoint_name: String,
    pub group_name: String,
    /// The model its tokens are billed for.
    pub model_name: String,
    pub model_sent: Option<String>,
    pub model_served: Option<String>,
    /// From acceptance.
    pub start_ms: f64,
    pub connect_ms: Option<f64>,
    /// From its start.
    pub first_byte_ms: Option<f64>,
    pub duration_ms: f64,
    pub http_status_code: Option<u16>,
    pub failure_reason: Option<String>,
    pub is_cancelled: bool,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_creation_5m_tokens: u64,
    pub cache_creation_1h_tokens: u64,
    pub cache_read_tokens: u64,
    pub web_searches: u64,
    pub web_fetches: u64,
    pub code_executions: u64,
    pub is_estimated: bool,
    pub service_tier: Option<String>,
    pub inference_geo: Option<String>,
    pub input_cost_usd: Option<PicoUsd>,
    pub output_cost_usd: Option<PicoUsd>,
    pub cache_creation_5m_cost_usd: Option<PicoUsd>,
    pub cache_creation_1h_cost_usd: Option<PicoUsd>,
    pub cache_read_cost_usd: Option<PicoUsd>,
    pub tool_cost_usd: Option<PicoUsd>,
    pub total_cost_usd: Option<PicoUsd>,
    pub cache_saved_usd: Option<PicoUsd>,
    pub cache_premium_usd: Option<PicoUsd>,
    pub cache_missed_usd: Option<PicoUsd>,
    /// The entry of the price table that was used.
    pub price_rule: Option<String>,
}

impl AttemptView {
    /// The attempt with this number of a request.
    pub fn of(number: u32, attempt: &AttemptRow, row: &Row) -> Self {
        let (tokens, bill) = (&attempt.tokens, attempt.bill.as_ref());
        let usd = |of: fn(&BillRow) -> PicoUsd| bill.map(of);
        Self {
            number,
            endpoint_name: attempt.endpoint.clone(),
            group_name: attempt.group.clone(),
            model_name: attempt.billed_model(row).to_owned(),
            model_sent: attempt.model_sent.clone(),
            model_served: attempt.model_served.clone(),
            start_ms: ms(attempt.start_us),
            connect_ms: attempt.connect_us.map(ms),
            first_byte_ms: attempt.first_byte_us.map(ms),
            duration_ms: ms(attempt.duration_us),
            http_status_code: attempt.status,
            failure_reason: attempt.failure.clone(),
            is_cancelled: attempt.cancelled,
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_creation_5m_tokens: tokens.cache_write_5m,
            cache_creation_1h_tokens: tokens.cache_write_1h,
            cache_read_tokens: tokens.cache_read,
            web_searches: tokens.web_search,
            web_fetches: tokens.web_fetch,
            code_executions: tokens.code_execution,
            is_estimated: attempt.estimated,
            service_tier: attempt.service_tier.clone(),
            inference_geo: attempt.inference_geo.clone(),
            input_cost_usd: usd(|b| b.lines.input),
            output_cost_usd: usd(|b| b.lines.output),
            cache_creation_5m_cost_usd: usd(|b| b.lines.cache_write_5m),
            cache_creation_1h_cost_usd: usd(|b| b.lines.cache_write_1h),
            cache_read_cost_usd: usd(|b| b.lines.cache_read),
            tool_cost_usd: usd(|b| b.lines.tools),
            total_cost_usd: usd(|b| b.lines.total()),
            cache_saved_usd: usd(|b| b.cache_saved),
            cache_premium_usd: usd(|b| b.cache_premium),
            cache_missed_usd: usd(|b| b.cache_missed),
            price_rule: bill.map(|b| b.rule.clone()),
        }
    }
}
