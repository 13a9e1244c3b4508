//! Records for tests.

use std::sync::Arc;

use super::{AttemptRecord, RequestId, RequestRecord, State};
use crate::claude::price::CostLines;
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::outcome::Kind;
use crate::events::Accepted;

/// A `messages` request, just accepted.
pub(crate) fn accepted(number: u32, at: jiff::Timestamp) -> Arc<Accepted> {
    Arc::new(Accepted {
        id: RequestId::from_number(number),
        at,
        class: Class::Messages,
        method: "POST".into(),
        path: "/v1/messages".into(),
        client: None,
        user_agent: None,
        agent: None,
    })
}

/// A `messages` request whose attempts, all at endpoint `a` of group `main`, ended like this.
pub(crate) fn record(attempts: &[Option<Kind>]) -> RequestRecord {
    let (endpoint, group) = (EndpointId::new("a"), GroupId::new("main"));
    let failure = attempts.last().copied().flatten();
    RequestRecord {
        id: RequestId::from_number(0x7f3a_01c2),
        upstream_id: None,
        accepted: "2026-11-23T14:00:00Z".parse().unwrap_or_default(),
        first_byte_ms: failure.is_none().then_some(500.0),
        duration_ms: 1_000.0 * attempts.len() as f64,
        client: None,
        user_agent: None,
        method: "POST".into(),
        path: "/v1/messages".into(),
        class: Class::Messages,
        model: Some("claude-opus-5-5".into()),
        served_model: None,
        session: None,
        agent: None,
        stream: true,
        one_token: false,
        endpoint: Some(endpoint.clone()),
        group: Some(group.clone()),
        route: None,
        trace: Vec::new(),
        status: Some(if failure.is_none() { 200 } else { 529 }),
        state: if failure.is_none() { State::Completed } else { State::Failed },
        failure,
        error: failure.map(|kind| kind.words().to_owned()),
        cancel_reason: None,
        suspended_ms: 0.0,
        bytes_in: 1_000,
        bytes_out: 2_000,
        usage: Usage::default(),
        cost: CostLines::default(),
        unpriced: 0,
        attempts: attempts.iter().zip(1..).map(|(f, n)| attempt(n, *f, &endpoint, &group)).collect(),
        skipped: Vec::new(),
    }
}

fn attempt(number: u32, failure: Option<Kind>, endpoint: &EndpointId, group: &GroupId) -> AttemptRecord {
    AttemptRecord {
        number,
        endpoint: endpoint.clone(),
        group: group.clone(),
        model_sent: Some("claude-opus-5-5".into()),
        model_served: None,
        start_ms: 1_000.0 * f64::from(number - 1),
        connect_ms: None,
        first_byte_ms: Some(500.0),
        duration_ms: 1_000.0,
        status: Some(if failure.is_none() { 200 } else { 529 }),
        failure,
        cancelled: false,
        usage: Usage::default(),
        bill: None,
    }
}
