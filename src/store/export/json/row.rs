//! One request: an object with the columns of [`crate::store::export::columns`], typed, and its `attempts`.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::claude::money::PicoUsd;
use crate::store::export::columns::{COLUMNS, Facts, Value};
use crate::store::key::instant;
use crate::store::row::{AttemptRow, BillRow, Row};

/// A request. Its JSON is for writing as text.
pub struct RowView<'a>(Facts<'a>);

impl<'a> RowView<'a> {
    /// The view of a row.
    pub fn of(row: &'a Row) -> Self {
        Self(Facts::of(row))
    }
}

impl Serialize for RowView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(COLUMNS.len() + 1))?;
        for column in &COLUMNS {
            object.serialize_entry(column.name, &(column.of)(&self.0))?;
        }
        object.serialize_entry("attempts", &Attempts(self.0.row))?;
        object.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Id(id) => id.serialize(serializer),
            Self::Address(address) => serializer.collect_str(address),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Length(us) => serializer.serialize_f64(ms(*us)),
            Self::Instant(us) => serializer.collect_str(&format_args!("{:.6}", instant(*us))),
            Self::Usd(amount) => amount.serialize(serializer),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

struct Attempts<'a>(&'a Row);

impl Serialize for Attempts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq((1..).zip(&self.0.attempts).map(|(number, a)| AttemptView::of(number, a, self.0)))
    }
}

/// An attempt of a request. Amounts are `null` when no price is known, or nothing was used.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is documented at the field of the same meaning in AttemptRow")]
pub struct AttemptView<'a> {
    /// Counted from 1.
    pub number: u32,
    pub endpoint_name: &'a str,
    pub group_name: &'a str,
    /// The model its tokens are billed for.
    pub model_name: &'a str,
    pub model_sent: Option<&'a str>,
    pub model_served: Option<&'a str>,
    /// From acceptance.
    pub start_ms: f64,
    pub connect_ms: Option<f64>,
    /// From its start.
    pub first_byte_ms: Option<f64>,
    pub duration_ms: f64,
    pub http_status_code: Option<u16>,
    pub failure_reason: Option<&'a str>,
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
    pub service_tier: Option<&'a str>,
    pub inference_geo: Option<&'a str>,
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
    pub price_rule: Option<&'a str>,
}

impl<'a> AttemptView<'a> {
    /// The view of the attempt with this number of a request.
    pub fn of(number: u32, attempt: &'a AttemptRow, row: &'a Row) -> Self {
        let (tokens, bill) = (&attempt.tokens, attempt.bill.as_ref());
        let usd = |of: fn(&BillRow) -> PicoUsd| bill.map(of);
        Self {
            number,
            endpoint_name: &attempt.endpoint,
            group_name: &attempt.group,
            model_name: attempt.billed_model(row),
            model_sent: attempt.model_sent.as_deref(),
            model_served: attempt.model_served.as_deref(),
            start_ms: ms(attempt.start_us),
            connect_ms: attempt.connect_us.map(ms),
            first_byte_ms: attempt.first_byte_us.map(ms),
            duration_ms: ms(attempt.duration_us),
            http_status_code: attempt.status,
            failure_reason: attempt.failure.as_deref(),
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
            service_tier: attempt.service_tier.as_deref(),
            inference_geo: attempt.inference_geo.as_deref(),
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
            price_rule: bill.map(|b| b.rule.as_str()),
        }
    }
}

/// Milliseconds, with a fraction.
pub(super) fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}
