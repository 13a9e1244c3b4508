//! A request from its JSON form, see [`RowView`](super::RowView): what one forwarder writes, another program of the same
//! version reads back without loss. What follows from other columns is left out; names that are new are ignored.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use crate::claude::money::PicoUsd;
use crate::claude::price::CostLines;
use crate::claude::request::Class;
use crate::events::{RequestId, State};
use crate::store::key::micros;
use crate::store::row::{AttemptRow, BillRow, Row, Tokens};

/// A request that was read.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(from = "Columns")]
pub struct ReadRow(pub Row);

#[derive(Deserialize)]
struct Columns {
    request_id: RequestId,
    client_ip: Option<IpAddr>,
    user_agent: Option<String>,
    method: String,
    path: String,
    start_time: Timestamp,
    duration_ms: Option<f64>,
    endpoint_name: Option<String>,
    group_name: Option<String>,
    status: State,
    http_status_code: Option<u16>,
    updated_at: Timestamp,
    upstream_request_id: Option<String>,
    session_id: Option<String>,
    agent_id: Option<String>,
    request_class: Class,
    is_streaming: bool,
    requested_model: Option<String>,
    served_model: Option<String>,
    route: Option<String>,
    failure_reason: Option<String>,
    error: Option<String>,
    cancel_reason: Option<String>,
    first_byte_ms: Option<f64>,
    suspended_ms: f64,
    bytes_in: u64,
    bytes_out: u64,
    price_revision: Option<String>,
    attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Attempt {
    endpoint_name: String,
    group_name: String,
    model_sent: Option<String>,
    model_served: Option<String>,
    start_ms: f64,
    connect_ms: Option<f64>,
    first_byte_ms: Option<f64>,
    duration_ms: f64,
    http_status_code: Option<u16>,
    failure_reason: Option<String>,
    is_cancelled: bool,
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_5m_tokens: u64,
    cache_creation_1h_tokens: u64,
    cache_read_tokens: u64,
    web_searches: u64,
    web_fetches: u64,
    code_executions: u64,
    is_estimated: bool,
    service_tier: Option<String>,
    inference_geo: Option<String>,
    input_cost_usd: Option<PicoUsd>,
    output_cost_usd: Option<PicoUsd>,
    cache_creation_5m_cost_usd: Option<PicoUsd>,
    cache_creation_1h_cost_usd: Option<PicoUsd>,
    cache_read_cost_usd: Option<PicoUsd>,
    tool_cost_usd: Option<PicoUsd>,
    cache_saved_usd: Option<PicoUsd>,
    cache_premium_usd: Option<PicoUsd>,
    cache_missed_usd: Option<PicoUsd>,
    price_rule: Option<String>,
}

impl From<Columns> for ReadRow {
    fn from(read: Columns) -> Self {
        Self(Row {
            id: read.request_id.number(),
            upstream_id: read.upstream_request_id,
            accepted_us: micros(read.start_time),
            updated_us: micros(read.updated_at),
            first_byte_us: read.first_byte_ms.map(us),
            duration_us: read.duration_ms.map_or(0, us),
            suspended_us: us(read.suspended_ms),
            client: read.client_ip,
            user_agent: read.user_agent,
            method: read.method,
            path: read.path,
            class: read.request_class,
            model: read.requested_model,
            served_model: read.served_model,
            session: read.session_id,
            agent: read.agent_id,
            stream: read.is_streaming,
            endpoint: read.endpoint_name,
            group: read.group_name,
            route: read.route,
            status: read.http_status_code,
            state: read.status,
            failure: read.failure_reason,
            error: read.error,
            cancel_reason: read.cancel_reason,
            bytes_in: read.bytes_in,
            bytes_out: read.bytes_out,
            price_revision: read.price_revision,
            attempts: read.attempts.into_iter().map(AttemptRow::from).collect(),
        })
    }
}

impl From<Attempt> for AttemptRow {
    fn from(read: Attempt) -> Self {
        let (tokens, bill) = (read.tokens(), read.bill());
        Self {
            endpoint: read.endpoint_name,
            group: read.group_name,
            model_sent: read.model_sent,
            model_served: read.model_served,
            start_us: us(read.start_ms),
            connect_us: read.connect_ms.map(us),
            first_byte_us: read.first_byte_ms.map(us),
            duration_us: us(read.duration_ms),
            status: read.http_status_code,
            failure: read.failure_reason,
            cancelled: read.is_cancelled,
            tokens,
            estimated: read.is_estimated,
            service_tier: read.service_tier,
            inference_geo: read.inference_geo,
            bill,
        }
    }
}

impl Attempt {
    fn tokens(&self) -> Tokens {
        Tokens {
            input: self.input_tokens,
            output: self.output_tokens,
            cache_read: self.cache_read_tokens,
            cache_write_5m: self.cache_creation_5m_tokens,
            cache_write_1h: self.cache_creation_1h_tokens,
            web_search: self.web_searches,
            web_fetch: self.web_fetches,
            code_execution: self.code_executions,
        }
    }

    /// Nothing without a price.
    fn bill(&self) -> Option<BillRow> {
        Some(BillRow {
            lines: CostLines {
                input: self.input_cost_usd?,
                output: self.output_cost_usd?,
                cache_write_5m: self.cache_creation_5m_cost_usd?,
                cache_write_1h: self.cache_creation_1h_cost_usd?,
                cache_read: self.cache_read_cost_usd?,
                tools: self.tool_cost_usd?,
            },
            cache_saved: self.cache_saved_usd?,
            cache_premium: self.cache_premium_usd?,
            cache_missed: self.cache_missed_usd?,
            rule: self.price_rule.clone()?,
        })
    }
}

/// Microseconds of what was written as milliseconds with a fraction.
pub(super) fn us(ms: f64) -> u64 {
    (ms * 1e3).round() as u64
}
