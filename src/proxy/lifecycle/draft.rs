//! The record of a request of which nothing has happened yet.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::Instant;

use crate::claude::price::CostLines;
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::plan::WaitsFor;
use crate::domain::route::Skip;
use crate::events::{RequestId, RequestRecord, State, Wait};

/// What is known when a request is accepted.
pub struct Opening {
    /// Ours.
    pub id: RequestId,
    /// Its class.
    pub class: Class,
    /// HTTP method.
    pub method: Arc<str>,
    /// Path without query.
    pub path: Arc<str>,
    /// Peer address.
    pub client: Option<IpAddr>,
    /// `user-agent`.
    pub user_agent: Option<Arc<str>>,
    /// `x-claude-code-agent-id`.
    pub agent: Option<Arc<str>>,
}

/// Until it is settled, the record of a request says that it was interrupted.
pub(super) fn draft(opening: Opening, at: jiff::Timestamp) -> RequestRecord {
    RequestRecord {
        id: opening.id,
        upstream_id: None,
        accepted: at,
        first_byte_ms: None,
        duration_ms: 0.0,
        client: opening.client,
        user_agent: opening.user_agent,
        method: opening.method,
        path: opening.path,
        class: opening.class,
        model: None,
        served_model: None,
        session: None,
        agent: opening.agent,
        stream: false,
        one_token: false,
        endpoint: None,
        group: None,
        route: None,
        status: None,
        state: State::Interrupted,
        failure: None,
        error: None,
        cancel_reason: None,
        trace: Vec::new(),
        suspended_ms: 0.0,
        bytes_in: 0,
        bytes_out: 0,
        usage: Usage::default(),
        cost: CostLines::default(),
        unpriced: 0,
        attempts: Vec::new(),
        skipped: Vec::new(),
    }
}

/// What screens should know of its wait in the queue, which ends at `until` at the latest.
pub(super) fn wait(until: Instant, waits_for: WaitsFor, skipped: &[Skip]) -> Wait {
    let (since, left) = (jiff::Timestamp::now(), until.saturating_duration_since(Instant::now()));
    let deadline = since.saturating_add(left).unwrap_or(jiff::Timestamp::MAX);
    Wait { since, deadline, waits_for, skipped: Arc::from(skipped) }
}
