//! A request from its JSON form, see [`RequestView`]: what one forwarder writes, another program of the same
//! version reads back without loss. What follows from other columns is left out; names that are new are ignored.

use serde::Deserialize;

use super::{AttemptView, RequestView};
use crate::claude::price::CostLines;
use crate::events::RequestId;
use crate::events::board::Stage;
use crate::store::key::micros;
use crate::store::row::{AttemptRow, BillRow, Row, Tokens};

/// A request that was read. One that has not ended is none.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(try_from = "RequestView")]
pub struct ReadRow(pub Row);

/// The request has not ended: the ledger has nothing of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} has not ended")]
pub struct StillRuns(RequestId);

impl TryFrom<RequestView> for ReadRow {
    type Error = StillRuns;

    fn try_from(read: RequestView) -> Result<Self, StillRuns> {
        let Stage::Ended(state) = read.status else { return Err(StillRuns(read.request_id)) };
        Ok(Self(Row {
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
            state,
            failure: read.failure_reason,
            error: read.error,
            cancel_reason: read.cancel_reason,
            bytes_in: read.bytes_in,
            bytes_out: read.bytes_out,
            price_revision: read.price_revision,
            attempts: read.attempts.into_iter().map(AttemptRow::from).collect(),
        }))
    }
}

impl From<AttemptView> for AttemptRow {
    fn from(read: AttemptView) -> Self {
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

impl AttemptView {
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
