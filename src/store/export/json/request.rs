//! One request as the admin API tells it, whether it runs or has ended: the columns of
//! [`crate::store::export::columns`], typed, with names for whoever reads them back.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::AttemptView;
use super::row::ms;
use crate::claude::money::PicoUsd;
use crate::claude::request::Class;
use crate::events::RequestId;
use crate::events::board::Stage;
use crate::store::key::instant;
use crate::store::row::Row;
use crate::store::totals::whole;

/// A request. What is missing is null.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(missing_docs, reason = "those without a line of their own are explained by the one before")]
pub struct RequestView {
    /// Ours.
    pub request_id: RequestId,
    /// It has not ended: what follows is what is known by now.
    #[serde(default)]
    pub live: bool,
    /// Peer address.
    #[schema(value_type = Option<String>)]
    pub client_ip: Option<IpAddr>,
    /// As received.
    pub user_agent: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Without its query.
    pub path: String,
    /// When it was accepted.
    #[serde(serialize_with = "micros")]
    pub start_time: Timestamp,
    /// When it ended; nobody saw that of an interrupted one.
    #[serde(serialize_with = "known_micros")]
    pub end_time: Option<Timestamp>,
    /// Between the two.
    pub duration_ms: Option<f64>,
    /// Where the last attempt was made.
    pub endpoint_name: Option<String>,
    /// Its group.
    pub group_name: Option<String>,
    /// The model it is billed for: as the answer names it, else as asked for.
    pub model_name: Option<String>,
    /// Where it is, or how it ended.
    pub status: Stage,
    /// What the client got.
    pub http_status_code: Option<u16>,
    /// Attempts after the first.
    pub retry_count: u64,
    /// Over all attempts, those read from or written to the cache not included.
    pub input_tokens: u64,
    /// Over all attempts.
    pub output_tokens: u64,
    /// Written to the cache.
    pub cache_creation_tokens: u64,
    /// Read from the cache.
    pub cache_read_tokens: u64,
    /// Over all attempts that have a price, like every amount; null when only unpriced ones used tokens.
    pub input_cost_usd: Option<PicoUsd>,
    pub output_cost_usd: Option<PicoUsd>,
    pub cache_creation_cost_usd: Option<PicoUsd>,
    pub cache_read_cost_usd: Option<PicoUsd>,
    pub total_cost_usd: Option<PicoUsd>,
    /// When it was accepted.
    #[serde(serialize_with = "micros")]
    pub created_at: Timestamp,
    /// When this was last written.
    #[serde(serialize_with = "micros")]
    pub updated_at: Timestamp,
    /// The endpoint's `request-id`.
    pub upstream_request_id: Option<String>,
    /// Of Claude Code.
    pub session_id: Option<String>,
    /// Of Claude Code.
    pub agent_id: Option<String>,
    /// What kind of request.
    pub request_class: Class,
    /// A streaming request.
    pub is_streaming: bool,
    /// As asked for.
    pub requested_model: Option<String>,
    /// As the last answer names it.
    pub served_model: Option<String>,
    /// Why that endpoint.
    pub route: Option<String>,
    /// Attempts made.
    pub attempt_count: u64,
    /// The kind of the failure.
    pub failure_reason: Option<String>,
    /// The failure in words.
    pub error: Option<String>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// Until the first byte passed on.
    pub first_byte_ms: Option<f64>,
    /// In the queue.
    pub suspended_ms: f64,
    /// Of the request's body.
    pub bytes_in: u64,
    /// Of the response's body, passed on.
    pub bytes_out: u64,
    /// Part of `cache_creation_tokens`.
    pub cache_creation_5m_tokens: u64,
    /// Likewise.
    pub cache_creation_1h_tokens: u64,
    /// Server tool calls.
    pub web_searches: u64,
    pub web_fetches: u64,
    pub code_executions: u64,
    /// Their cost, part of `total_cost_usd`.
    pub tool_cost_usd: Option<PicoUsd>,
    /// What cache reads saved.
    pub cache_saved_usd: Option<PicoUsd>,
    /// What cache writes cost above plain input.
    pub cache_premium_usd: Option<PicoUsd>,
    /// What misses cost.
    pub cache_missed_usd: Option<PicoUsd>,
    /// Attempts that used tokens no price is known for.
    pub unpriced_attempts: u64,
    /// At least one output count is an estimate.
    pub is_estimated: bool,
    /// The price table that was used.
    pub price_revision: Option<String>,
    /// In order; of a request that has not ended there are none yet.
    pub attempts: Vec<AttemptView>,
}

impl From<&Row> for RequestView {
    fn from(row: &Row) -> Self {
        let (totals, ended) = (whole(row), row.ended());
        let (tokens, cost) = (&totals.tokens, &totals.cost);
        let priced = totals.unpriced == 0 || row.attempts.iter().any(|attempt| attempt.bill.is_some());
        let usd = |amount: PicoUsd| priced.then_some(amount);
        Self {
            request_id: row.request_id(),
            live: false,
            client_ip: row.client,
            user_agent: row.user_agent.clone(),
            method: row.method.clone(),
            path: row.path.clone(),
            start_time: row.accepted(),
            end_time: ended,
            duration_ms: ended.map(|_| ms(row.duration_us)),
            endpoint_name: row.endpoint.clone(),
            group_name: row.group.clone(),
            model_name: Some(row.billed_model().to_owned()).filter(|name| !name.is_empty()),
            status: Stage::Ended(row.state),
            http_status_code: row.status,
            retry_count: totals.attempts.saturating_sub(1),
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_creation_tokens: tokens.cache_write(),
            cache_read_tokens: tokens.cache_read,
            input_cost_usd: usd(cost.input),
            output_cost_usd: usd(cost.output),
            cache_creation_cost_usd: usd(cost.cache_write()),
            cache_read_cost_usd: usd(cost.cache_read),
            total_cost_usd: usd(cost.total()),
            created_at: row.accepted(),
            updated_at: instant(row.updated_us),
            upstream_request_id: row.upstream_id.clone(),
            session_id: row.session.clone(),
            agent_id: row.agent.clone(),
            request_class: row.class,
            is_streaming: row.stream,
            requested_model: row.model.clone(),
            served_model: row.served_model.clone(),
            route: row.route.clone(),
            attempt_count: totals.attempts,
            failure_reason: row.failure.clone(),
            error: row.error.clone(),
            cancel_reason: row.cancel_reason.clone(),
            first_byte_ms: row.first_byte_us.map(ms),
            suspended_ms: ms(row.suspended_us),
            bytes_in: row.bytes_in,
            bytes_out: row.bytes_out,
            cache_creation_5m_tokens: tokens.cache_write_5m,
            cache_creation_1h_tokens: tokens.cache_write_1h,
            web_searches: tokens.web_search,
            web_fetches: tokens.web_fetch,
            code_executions: tokens.code_execution,
            tool_cost_usd: usd(cost.tools),
            cache_saved_usd: usd(totals.cache_saved),
            cache_premium_usd: usd(totals.cache_premium),
            cache_missed_usd: usd(totals.cache_missed),
            unpriced_attempts: totals.unpriced,
            is_estimated: row.estimated(),
            price_revision: row.price_revision.clone(),
            attempts: (1..).zip(&row.attempts).map(|(n, attempt)| AttemptView::of(n, attempt, row)).collect(),
        }
    }
}

/// With microseconds, as exports have it.
fn micros<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.6}"))
}

fn known_micros<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => micros(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::export::json::{ReadRow, RowView};
    use crate::store::testing::{attempt, row};

    #[test]
    fn it_says_what_exports_say() {
        let mut some = row(7, "2026-11-23T10:20:30Z", "m", "a");
        some.attempts.push(attempt("b", 1, 2));
        let mut none = row(8, "2026-11-23T10:20:30.123456Z", "m", "a");
        (none.attempts, none.endpoint, none.state) = (Vec::new(), None, crate::events::State::Interrupted);
        none.duration_us = 0;
        for row in [some, none] {
            let view = RequestView::from(&row);
            let text = serde_json::to_string(&view).unwrap();
            let exported = serde_json::to_string(&RowView::of(&row)).unwrap();
            assert_eq!(text.replacen("\"live\":false,", "", 1), exported);
            assert_eq!(serde_json::from_str::<RequestView>(&text).unwrap(), view);
            assert_eq!(serde_json::from_str::<ReadRow>(&text).unwrap().0, row);
        }
    }
}
