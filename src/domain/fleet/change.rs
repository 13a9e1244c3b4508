//! What changed between two states of the fleet, in words people can read.

use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Fleet, Member, view};
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::group::GroupState;
use crate::domain::standing::{Availability, Why};

/// One visible change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FleetChange)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Another group is active.
    Active {
        /// The old one.
        from: Option<GroupId>,
        /// The new one.
        to: Option<GroupId>,
    },
    /// A group changed state.
    Group {
        /// Which.
        id: GroupId,
        /// The old state.
        from: GroupState,
        /// The new state.
        to: GroupState,
    },
    /// An endpoint changed condition.
    Endpoint {
        /// Which.
        id: EndpointId,
        /// The old condition.
        from: Condition,
        /// The new condition.
        to: Condition,
    },
}

/// What people see of an endpoint's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EndpointCondition)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Nothing is known yet.
    Unknown,
    /// It works.
    Up,
    /// Its probe failed.
    Down,
    /// It failed and rests for a moment.
    Resting,
    /// Its breaker is open.
    Open,
    /// Its breaker lets one request through.
    HalfOpen,
    /// It said until when it is out of budget.
    RateLimited,
    /// Its credential was refused.
    Credential,
    /// Switched off.
    Disabled,
    /// A spending limit that covers it is used up.
    OverBudget,
}

impl Condition {
    /// The word for tables and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
            Self::Resting => "resting",
            Self::Open => "breaker open",
            Self::HalfOpen => "half-open",
            Self::RateLimited => "rate limited",
            Self::Credential => "credential refused",
            Self::Disabled => "disabled",
            Self::OverBudget => "over budget",
        }
    }
}

impl super::EndpointView {
    /// Its condition at `now`.
    pub fn condition(&self, now: Instant) -> Condition {
        use crate::domain::standing::Health;
        match self.availability(None, now) {
            Availability::Disabled => Condition::Disabled,
            _ if self.overrun.is_some() => Condition::OverBudget,
            Availability::Stated(_) => Condition::RateLimited,
            Availability::HalfOpen => Condition::HalfOpen,
            Availability::Resting(Why::Credential, _) => Condition::Credential,
            Availability::Resting(Why::BreakerOpen, _) => Condition::Open,
            Availability::Resting(Why::ProbeFailed, _) => Condition::Down,
            Availability::Resting(Why::Failed, _) => Condition::Resting,
            Availability::Usable if self.standing.health == Health::Up => Condition::Up,
            Availability::Usable => Condition::Unknown,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |g: &Option<GroupId>| g.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        match self {
            Self::Active { from, to } => write!(f, "active group: {} -> {}", name(from), name(to)),
            Self::Group { id, from, to } => write!(f, "group {id}: {from:?} -> {to:?}"),
            Self::Endpoint { id, from, to } => write!(f, "endpoint {id}: {} -> {}", from.word(), to.word()),
        }
    }
}

/// The comparable essence of a fleet.
#[derive(Default)]
pub(super) struct Summary {
    active: Option<GroupId>,
    groups: Vec<(GroupId, GroupState)>,
    endpoints: Vec<(EndpointId, Condition)>,
}

impl Summary {
    pub(super) fn of(fleet: &Fleet, now: Instant) -> Self {
        let active = fleet.active(now);
        let state = |g: &crate::domain::group::Group| (g.id.clone(), view::state_of(g, active.as_ref(), now));
        let condition = |m: &Member| (m.spec.id.clone(), m.view(&fleet.overruns).condition(now));
        Self {
            groups: fleet.groups.iter().map(state).collect(),
            endpoints: fleet.members.iter().map(condition).collect(),
            active,
        }
    }

    pub(super) fn difference(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.active != new.active {
            changes.push(Change::Active { from: self.active.clone(), to: new.active.clone() });
        }
        for (id, to) in &new.groups {
            if let Some((_, from)) = self.groups.iter().find(|(i, from)| i == id && from != to) {
                changes.push(Change::Group { id: id.clone(), from: *from, to: *to });
            }
        }
        for (id, to) in &new.endpoints {
            if let Some((_, from)) = self.endpoints.iter().find(|(i, from)| i == id && from != to) {
                changes.push(Change::Endpoint { id: id.clone(), from: *from, to: *to });
            }
        }
        changes
    }
}
