//! The log lines of a request.

use super::OpenAttempt;
use crate::domain::endpoint::EndpointId;
use crate::domain::outcome::{Blame, Failure, Kind};
use crate::domain::route::RouteReason;
use crate::events::{RequestRecord, State, trace};

/// Where it goes, and why.
pub(super) fn log_route(endpoint: &EndpointId, reason: &RouteReason) {
    tracing::debug!(target: "cc_forwarder::request", endpoint = %endpoint, why = %reason, "routed");
}

/// What is the client's own fault is told once, at the end of the request. That an idle connection had been closed says
/// nothing about anybody.
pub(super) fn log_failure(attempt: &OpenAttempt, failure: &Failure) {
    if matches!(failure.blame, Blame::Client | Blame::Us) || failure.kind == Kind::Stale {
        return;
    }
    tracing::warn!(
        target: "cc_forwarder::request",
        endpoint = %attempt.spec.id,
        attempt = attempt.number,
        status = failure.status,
        kind = failure.kind.words(),
        "attempt failed"
    );
}

/// The one line about how a request ended.
pub(super) fn log_end(record: &RequestRecord) {
    if tracing::enabled!(target: "cc_forwarder::request", tracing::Level::DEBUG) {
        for line in trace::explain(record) {
            tracing::debug!(target: "cc_forwarder::request", "{line}");
        }
    }
    let endpoint = record.endpoint.as_ref().map_or("-", |e| &*e.0);
    let model = record.model.as_deref().unwrap_or("-");
    let (attempts, ms) = (record.attempts.len(), record.duration_ms.round() as u64);
    match record.state {
        State::Completed => tracing::info!(
            target: "cc_forwarder::request",
            endpoint, model, status = record.status, attempts, ms,
            input = record.usage.prompt_tokens(), output = record.usage.output,
            "completed"
        ),
        State::Cancelled => tracing::info!(
            target: "cc_forwarder::request",
            endpoint, model, attempts, ms, reason = record.cancel_reason.as_deref(),
            "cancelled"
        ),
        State::Failed | State::Interrupted => tracing::warn!(
            target: "cc_forwarder::request",
            endpoint, model, status = record.status, attempts, ms, error = record.error.as_deref(),
            "failed"
        ),
    }
}
