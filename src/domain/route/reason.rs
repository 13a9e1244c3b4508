//! Why a request was sent where it was sent, for the record and for people.
//!
//! The reason belongs to the endpoint asked last: a request that had to go on to another one has another reason then.

use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{RouteRequest, SkipReason, Tier};
use crate::domain::endpoint::EndpointId;
use crate::domain::fleet::FleetView;
use crate::domain::group::GroupState;
use crate::domain::outcome::{Failure, Kind};
use crate::domain::session::Affinity;

/// Why a request went to an endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum RouteReason {
    /// It was the first in order.
    Best,
    /// It is the endpoint of `-p`.
    Pinned,
    /// A person made its group the active one.
    Activated,
    /// Nothing better was left, though it rests or its group cools.
    LastResort,
    /// Another endpoint failed this request before.
    Failover {
        /// The one that failed last.
        from: EndpointId,
        /// How.
        kind: Kind,
    },
    /// It serves the request's session.
    SessionStays,
    /// The session had been idle for long enough to go where new ones go.
    SessionReturned {
        /// Where it was.
        from: EndpointId,
        /// For how long it had been idle, whole seconds.
        idle: u64,
    },
    /// The session goes where new ones go, because a person gave an order.
    SessionOrdered {
        /// Where it was.
        from: EndpointId,
    },
    /// The endpoint of the session could not serve it.
    SessionMoved {
        /// Where it was.
        from: EndpointId,
        /// Why it could not stay.
        why: Unfit,
    },
}

/// Why an endpoint could not serve a session any longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = UnfitReason)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// It failed this request.
    Failed(Kind),
    /// Routing left it out.
    Skipped(SkipReason),
    /// It rests by our own decision.
    Resting,
    /// It still answers, but a budget of it is used up and another one's is not.
    UsedUp,
    /// Its group cools.
    GroupCools,
    /// The configuration does not have it any more.
    Gone,
}

/// Why this request goes to `chosen`. `failures` are its failures so far, in the order they happened.
pub fn reason(
    view: &FleetView,
    request: &RouteRequest,
    affinity: &Affinity,
    chosen: &EndpointId,
    failures: &[(&EndpointId, &Failure)],
    now: Instant,
) -> RouteReason {
    let Some(from) = affinity.last() else { return without_session(view, request, chosen, failures, now) };
    if from == chosen {
        return RouteReason::SessionStays;
    }
    let from = from.clone();
    let failed = failures.iter().rev().find(|(id, _)| **id == from).map(|(_, f)| Unfit::Failed(f.kind));
    if let Some(why) = failed.or_else(|| unfit(view, request, &from, now)) {
        return RouteReason::SessionMoved { from, why };
    }
    match affinity {
        _ if view.pinned.as_ref() == Some(chosen) => RouteReason::Pinned,
        Affinity::Leans(_, idle) | Affinity::Idle(_, idle) => {
            RouteReason::SessionReturned { from, idle: idle.as_secs() }
        }
        // One that would stay at a usable endpoint leaves only if an order came while the request was on its way.
        Affinity::Ordered(_) | Affinity::New | Affinity::Stays(_) => RouteReason::SessionOrdered { from },
    }
}

fn without_session(
    view: &FleetView,
    request: &RouteRequest,
    chosen: &EndpointId,
    failures: &[(&EndpointId, &Failure)],
    now: Instant,
) -> RouteReason {
    let elsewhere = failures.iter().rev().find(|(id, _)| *id != chosen);
    if let Some((from, failure)) = elsewhere {
        return RouteReason::Failover { from: (*from).clone(), kind: failure.kind };
    }
    if matches!(unfit(view, request, chosen, now), Some(Unfit::Resting | Unfit::GroupCools)) {
        return RouteReason::LastResort;
    }
    if view.pinned.as_ref() == Some(chosen) {
        return RouteReason::Pinned;
    }
    let group = view.endpoint(chosen).map(|e| &e.spec.group);
    if group.is_some() && view.activated.as_ref() == group {
        return RouteReason::Activated;
    }
    RouteReason::Best
}

/// Why an endpoint is not among the usable ones; `None` when it is.
fn unfit(view: &FleetView, request: &RouteRequest, id: &EndpointId, now: Instant) -> Option<Unfit> {
    let Some(endpoint) = view.endpoint(id) else { return Some(Unfit::Gone) };
    match super::judge(view, endpoint, request, now) {
        Ok((candidate, _)) if candidate.tier == Tier::Usable => None,
        // Who is low for what a probe was answered is asked by one at a time.
        Ok((candidate, _)) if candidate.tier == Tier::Low && !candidate.needs_permit => Some(Unfit::UsedUp),
        Ok(_) if view.group(&endpoint.spec.group).is_some_and(|g| g.state == GroupState::Cooling) => {
            Some(Unfit::GroupCools)
        }
        Ok(_) => Some(Unfit::Resting),
        Err(reason) => Some(Unfit::Skipped(reason)),
    }
}

impl fmt::Display for RouteReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("first in order"),
            Self::Pinned => f.write_str("the endpoint of -p"),
            Self::Activated => f.write_str("its group was activated by a person"),
            Self::LastResort => f.write_str("nothing better was left"),
            Self::Failover { from, kind } => write!(f, "after {from} failed: {}", kind.words()),
            Self::SessionStays => f.write_str("the session stays"),
            Self::SessionReturned { from, idle } => {
                write!(f, "the session left {from} after {idle} s without an answer")
            }
            Self::SessionOrdered { from } => write!(f, "the session left {from} by a person's order"),
            Self::SessionMoved { from, why } => write!(f, "the session left {from}: {why}"),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(kind) => write!(f, "it failed: {}", kind.words()),
            Self::Skipped(reason) => reason.fmt(f),
            Self::Resting => f.write_str("it rests after failures"),
            Self::UsedUp => f.write_str("a budget of it is used up"),
            Self::GroupCools => f.write_str("its group cools"),
            Self::Gone => f.write_str("it is not configured any more"),
        }
    }
}

#[cfg(test)]
mod tests;
