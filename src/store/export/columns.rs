//! The columns of a request in files and in the admin API: their names, order and meaning, in one place.
//!
//! Those of the program this one replaces come first, in its order; scripts that read them keep working.
//!
//! | column | meaning |
//! |---|---|
//! | `request_id` | ours: `req-` and eight hex digits |
//! | `client_ip`, `user_agent`, `method`, `path` | as received; the path without its query |
//! | `start_time`, `end_time` | acceptance and end, RFC 3339 in UTC with microseconds; an interrupted request has no end |
//! | `duration_ms` | between the two, with fraction |
//! | `endpoint_name`, `group_name` | where the last attempt was made; empty when none was |
//! | `model_name` | the model the request is billed for: as the answer names it, else as asked for |
//! | `status` | `completed`, `failed`, `cancelled`, `interrupted` |
//! | `http_status_code` | what the client got |
//! | `retry_count` | attempts after the first |
//! | `input_tokens`, `output_tokens`, `cache_creation_tokens`, `cache_read_tokens` | over all attempts; input without the cached |
//! | `input_cost_usd` … `total_cost_usd` | over all attempts that have a price, exact; nothing when only unpriced ones used tokens |
//! | `created_at`, `updated_at` | acceptance; when the row was last written |
//! | `upstream_request_id` | the endpoint's `request-id` |
//! | `session_id`, `agent_id` | of Claude Code |
//! | `request_class` | `messages`, `count_tokens`, … |
//! | `is_streaming` | a streaming request |
//! | `requested_model`, `served_model` | as asked for, as the last answer names it |
//! | `route` | why that endpoint |
//! | `attempt_count` | attempts made |
//! | `failure_reason`, `error` | the kind of the failure, the failure in words |
//! | `cancel_reason` | why it was cancelled |
//! | `first_byte_ms`, `suspended_ms` | until the first byte passed on; in the queue |
//! | `bytes_in`, `bytes_out` | of the request's and the response's body |
//! | `cache_creation_5m_tokens`, `cache_creation_1h_tokens` | the parts of `cache_creation_tokens` |
//! | `web_searches`, `web_fetches`, `code_executions` | server tool calls |
//! | `tool_cost_usd` | their cost, part of `total_cost_usd` |
//! | `cache_saved_usd`, `cache_premium_usd`, `cache_missed_usd` | what cache reads saved, cache writes cost above plain input, misses cost |
//! | `unpriced_attempts` | attempts that used tokens no price is known for |
//! | `is_estimated` | at least one output count is an estimate |
//! | `price_revision` | the price table that was used |
//!
//! What is missing is empty in CSV and `null` in JSON. What an interrupted request used is not known and stands as 0.

use std::net::IpAddr;

use crate::claude::money::PicoUsd;
use crate::events::RequestId;
use crate::store::row::Row;
use crate::store::totals::{Totals, whole};

/// A request with its sums.
pub(super) struct Facts<'a> {
    pub(super) row: &'a Row,
    totals: Totals,
    /// It cost nothing, or at least one price is known.
    priced: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn of(row: &'a Row) -> Self {
        let totals = whole(row);
        let priced = totals.unpriced == 0 || row.attempts.iter().any(|attempt| attempt.bill.is_some());
        Self { row, totals, priced }
    }

    fn usd(&self, amount: PicoUsd) -> Value<'static> {
        if self.priced { Value::Usd(amount) } else { Value::Missing }
    }
}

/// What a column holds.
pub(super) enum Value<'a> {
    Missing,
    Text(&'a str),
    Id(RequestId),
    Address(IpAddr),
    Count(u64),
    /// A length of time in microseconds, shown in milliseconds.
    Length(u64),
    /// An instant, microseconds since 1970.
    Instant(u64),
    Usd(PicoUsd),
    Flag(bool),
}

impl<'a> Value<'a> {
    fn text(text: Option<&'a String>) -> Self {
        text.map_or(Self::Missing, |text| Self::Text(text))
    }

    /// A name that is empty when it is not known.
    fn name(text: &'a str) -> Self {
        if text.is_empty() { Self::Missing } else { Self::Text(text) }
    }
}

/// One column.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) of: for<'a> fn(&'a Facts<'_>) -> Value<'a>,
}

const fn column(name: &'static str, of: for<'a> fn(&'a Facts<'_>) -> Value<'a>) -> Column {
    Column { name, of }
}

/// All columns in order.
pub(super) static COLUMNS: [Column; 53] = [
    column("request_id", |f| Value::Id(f.row.request_id())),
    column("client_ip", |f| f.row.client.map_or(Value::Missing, Value::Address)),
    column("user_agent", |f| Value::text(f.row.user_agent.as_ref())),
    column("method", |f| Value::Text(&f.row.method)),
    column("path", |f| Value::Text(&f.row.path)),
    column("start_time", |f| Value::Instant(f.row.accepted_us)),
    column("end_time", |f| match f.row.ended() {
        Some(_) => Value::Instant(f.row.accepted_us.saturating_add(f.row.duration_us)),
        None => Value::Missing,
    }),
    column("duration_ms", |f| match f.row.ended() {
        Some(_) => Value::Length(f.row.duration_us),
        None => Value::Missing,
    }),
    column("endpoint_name", |f| Value::text(f.row.endpoint.as_ref())),
    column("group_name", |f| Value::text(f.row.group.as_ref())),
    column("model_name", |f| Value::name(f.row.billed_model())),
    column("status", |f| Value::Text(f.row.state.as_str())),
    column("http_status_code", |f| f.row.status.map_or(Value::Missing, |s| Value::Count(s.into()))),
    column("retry_count", |f| Value::Count(f.totals.attempts.saturating_sub(1))),
    column("input_tokens", |f| Value::Count(f.totals.tokens.input)),
    column("output_tokens", |f| Value::Count(f.totals.tokens.output)),
    column("cache_creation_tokens", |f| Value::Count(f.totals.tokens.cache_write())),
    column("cache_read_tokens", |f| Value::Count(f.totals.tokens.cache_read)),
    column("input_cost_usd", |f| f.usd(f.totals.cost.input)),
    column("output_cost_usd", |f| f.usd(f.totals.cost.output)),
    column("cache_creation_cost_usd", |f| f.usd(f.totals.cost.cache_write())),
    column("cache_read_cost_usd", |f| f.usd(f.totals.cost.cache_read)),
    column("total_cost_usd", |f| f.usd(f.totals.cost.total())),
    column("created_at", |f| Value::Instant(f.row.accepted_us)),
    column("updated_at", |f| Value::Instant(f.row.updated_us)),
    column("upstream_request_id", |f| Value::text(f.row.upstream_id.as_ref())),
    column("session_id", |f| Value::text(f.row.session.as_ref())),
    column("agent_id", |f| Value::text(f.row.agent.as_ref())),
    column("request_class", |f| Value::Text(f.row.class.as_str())),
    column("is_streaming", |f| Value::Flag(f.row.stream)),
    column("requested_model", |f| Value::text(f.row.model.as_ref())),
    column("served_model", |f| Value::text(f.row.served_model.as_ref())),
    column("route", |f| Value::text(f.row.route.as_ref())),
    column("attempt_count", |f| Value::Count(f.totals.attempts)),
    column("failure_reason", |f| Value::text(f.row.failure.as_ref())),
    column("error", |f| Value::text(f.row.error.as_ref())),
    column("cancel_reason", |f| Value::text(f.row.cancel_reason.as_ref())),
    column("first_byte_ms", |f| f.row.first_byte_us.map_or(Value::Missing, Value::Length)),
    column("suspended_ms", |f| Value::Length(f.row.suspended_us)),
    column("bytes_in", |f| Value::Count(f.row.bytes_in)),
    column("bytes_out", |f| Value::Count(f.row.bytes_out)),
    column("cache_creation_5m_tokens", |f| Value::Count(f.totals.tokens.cache_write_5m)),
    column("cache_creation_1h_tokens", |f| Value::Count(f.totals.tokens.cache_write_1h)),
    column("web_searches", |f| Value::Count(f.totals.tokens.web_search)),
    column("web_fetches", |f| Value::Count(f.totals.tokens.web_fetch)),
    column("code_executions", |f| Value::Count(f.totals.tokens.code_execution)),
    column("tool_cost_usd", |f| f.usd(f.totals.cost.tools)),
    column("cache_saved_usd", |f| f.usd(f.totals.cache_saved)),
    column("cache_premium_usd", |f| f.usd(f.totals.cache_premium)),
    column("cache_missed_usd", |f| f.usd(f.totals.cache_missed)),
    column("unpriced_attempts", |f| Value::Count(f.totals.unpriced)),
    column("is_estimated", |f| Value::Flag(f.row.estimated())),
    column("price_revision", |f| Value::text(f.row.price_revision.as_ref())),
];
