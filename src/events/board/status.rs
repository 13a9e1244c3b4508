//! Groups and endpoints as they are shown: the view of the fleet with its instants turned into seconds that are left.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::tally::EndpointStats;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::fleet::{Condition, EndpointView, FleetView, GroupView};
use crate::domain::group::{GroupState, Reason};
use crate::domain::order::{self, Allowed, Refused};
use crate::domain::ratelimit::Bucket;

/// One group in a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GroupStatus {
    /// Its name.
    pub name: GroupId,
    /// Lower first.
    pub priority: u32,
    /// Its state.
    pub state: GroupState,
    /// Why it is in that state.
    pub why: Reason,
    /// For how many seconds; nothing since the start.
    pub for_seconds: Option<f64>,
    /// Seconds until its pause or cooldown ends.
    pub ends_in: Option<f64>,
    /// A person made it the active one, and it holds.
    pub activated: bool,
    /// What may be done to it, and why not.
    pub allowed: Allowed,
}

/// One endpoint in a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointStatus {
    /// Its name.
    pub name: EndpointId,
    /// Its group.
    pub group: GroupId,
    /// Where it lives.
    pub url: String,
    /// Rank inside its group.
    pub priority: u32,
    /// Its condition.
    pub condition: Condition,
    /// Its probe was answered with 401 or 403.
    pub credential_problem: bool,
    /// Failures in a row.
    pub failures_in_a_row: u32,
    /// Seconds until something about it changes by itself.
    pub changes_in: Option<f64>,
    /// Recent time to first byte, milliseconds.
    pub latency_ms: Option<f64>,
    /// Requests in flight.
    pub in_flight: u32,
    /// Its budgets as last stated.
    pub budgets: Vec<Bucket>,
    /// The last failure.
    pub last_error: Option<String>,
    /// Why there is nothing to clear about it; nothing when there is.
    pub clear: Option<Refused>,
    /// How its attempts went; nothing where nobody counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<EndpointStats>,
}

fn seconds(until: Option<Instant>, now: Instant) -> Option<f64> {
    until.map(|at| at.saturating_duration_since(now)).filter(|d| *d > Duration::ZERO).map(|d| d.as_secs_f64())
}

/// One group as screens and scripts show it.
pub fn group_status(view: &FleetView, group: &GroupView, now: Instant) -> GroupStatus {
    // A cooldown goes on below a pause, which may be for ever.
    let ends = if group.state == GroupState::Paused { group.paused_until } else { group.cooling_until };
    GroupStatus {
        name: group.id.clone(),
        priority: group.priority,
        state: group.state,
        why: group.why,
        for_seconds: group.since.map(|at| now.saturating_duration_since(at).as_secs_f64()),
        ends_in: seconds(ends, now),
        activated: view.activated.as_ref() == Some(&group.id),
        allowed: order::allowed(view, group, now),
    }
}

/// One endpoint as screens and scripts show it.
pub fn endpoint_status(endpoint: &EndpointView, now: Instant) -> EndpointStatus {
    let standing = &endpoint.standing;
    EndpointStatus {
        name: endpoint.spec.id.clone(),
        group: endpoint.spec.group.clone(),
        url: endpoint.spec.url.to_string(),
        priority: endpoint.spec.priority,
        condition: endpoint.condition(now),
        credential_problem: standing.credential_problem,
        failures_in_a_row: standing.streak,
        changes_in: seconds(standing.next_change(now), now),
        latency_ms: standing.latency_ms,
        in_flight: endpoint.permits.in_flight(),
        budgets: standing.budgets.clone(),
        last_error: standing.last_error.as_ref().map(ToString::to_string),
        clear: order::clearable(endpoint, now).err(),
        stats: None,
    }
}
