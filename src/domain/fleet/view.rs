//! The immutable picture of the fleet that requests, probes and screens read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Fleet, Member};
use crate::domain::budget::{Overrun, Overruns};
use crate::domain::endpoint::{EndpointId, EndpointSpec, GroupId};
use crate::domain::group::{Group, GroupState, Pause, Reason};
use crate::domain::standing::{Availability, Breaker, Standing};

/// The fleet at one revision. Deadlines are instants, so that a reader can judge at its own `now`.
#[derive(Clone, Debug)]
pub struct FleetView {
    /// Grows with every change.
    pub revision: u64,
    /// Grows with every order of a person that decides where all sessions go. A pause needs none: what is paused is not
    /// usable.
    pub orders: u64,
    /// Groups are switched automatically.
    pub auto_switch: bool,
    /// Requests go here first.
    pub active: Option<GroupId>,
    /// Made active by a person and holding.
    pub activated: Option<GroupId>,
    /// The endpoint of `-p`.
    pub pinned: Option<EndpointId>,
    /// In rank order.
    pub groups: Vec<GroupView>,
    /// In file order.
    pub endpoints: Vec<EndpointView>,
}

/// One group.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// Its name.
    pub id: GroupId,
    /// Lower first.
    pub priority: u32,
    /// What people see.
    pub state: GroupState,
    /// Why.
    pub why: Reason,
    /// Since when; `None` since the start.
    pub since: Option<Instant>,
    /// End of a pause that ends by itself.
    pub paused_until: Option<Instant>,
    /// End of the cooldown.
    pub cooling_until: Option<Instant>,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct EndpointView {
    /// Its configuration.
    pub spec: Arc<EndpointSpec>,
    /// Its state.
    pub standing: Standing,
    /// Permits and counters shared by everybody who holds a view.
    pub permits: Arc<Permits>,
    /// The spending limit that covers it and is used up.
    pub overrun: Option<Arc<Overrun>>,
}

/// What many tasks share about one endpoint between two views.
#[derive(Debug, Default)]
pub struct Permits {
    half_open: AtomicBool,
    in_flight: AtomicU32,
    /// The place of its last request among all requests; zero before the first.
    last_turn: AtomicU64,
}

/// Requests counted in so far, at all endpoints together: only the order of the numbers means anything.
static TURNS: AtomicU64 = AtomicU64::new(0);

/// The one half-open permit of an endpoint; returned on drop.
#[derive(Debug)]
pub struct Permit(Arc<Permits>);

/// Counts a request as in flight at an endpoint until dropped.
#[derive(Debug)]
pub struct InFlight(Arc<Permits>);

impl Permits {
    /// The permit, if nobody has it.
    pub fn try_half_open(self: &Arc<Self>) -> Option<Permit> {
        let free = self.half_open.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).is_ok();
        free.then(|| Permit(Arc::clone(self)))
    }

    /// True while somebody has the permit.
    pub fn half_open_taken(&self) -> bool {
        self.half_open.load(Ordering::Acquire)
    }

    /// Counts one request in.
    pub fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.last_turn.store(TURNS.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Compares as "was asked longer ago" between endpoints.
    pub fn last_turn(&self) -> u64 {
        self.last_turn.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.half_open.store(false, Ordering::Release);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl EndpointView {
    /// Whether a request for `model` may go here at `now`.
    pub fn availability(&self, model: Option<&str>, now: Instant) -> Availability {
        if !self.spec.enabled {
            return Availability::Disabled;
        }
        self.standing.availability(model, now)
    }

    /// False when it is configured not to count tokens, or has said so recently.
    pub fn may_count_tokens(&self, now: Instant) -> bool {
        self.spec.supports_count_tokens != Some(false) && self.standing.counts_tokens(now)
    }

    /// Its circuit breaker at `now`.
    pub fn breaker(&self, now: Instant) -> Breaker {
        self.standing.breaker(now)
    }

    /// Recent time to first byte.
    pub fn latency(&self) -> Option<Duration> {
        self.standing.latency_ms.map(|ms| Duration::from_secs_f64(ms / 1e3))
    }
}

impl FleetView {
    /// The endpoint of that name.
    pub fn endpoint(&self, id: &EndpointId) -> Option<&EndpointView> {
        self.endpoints.iter().find(|e| e.spec.id == *id)
    }

    /// The group of the endpoint of `-p`.
    pub fn pinned_group(&self) -> Option<&GroupId> {
        self.endpoint(self.pinned.as_ref()?).map(|e| &e.spec.group)
    }

    /// The group of that name.
    pub fn group(&self, id: &GroupId) -> Option<&GroupView> {
        self.groups.iter().find(|g| g.id == *id)
    }
}

pub(super) fn build(fleet: &Fleet, now: Instant) -> FleetView {
    let active = fleet.active(now);
    FleetView {
        revision: fleet.revision,
        orders: fleet.orders,
        auto_switch: fleet.settings.auto_switch,
        activated: fleet.activated.clone(),
        pinned: fleet.settings.pinned.clone(),
        groups: fleet.groups.iter().map(|g| group_view(fleet, g, active.as_ref(), now)).collect(),
        endpoints: fleet.members.iter().map(|m| m.view(&fleet.overruns)).collect(),
        active,
    }
}

impl Member {
    pub(super) fn view(&self, overruns: &Overruns) -> EndpointView {
        EndpointView {
            spec: Arc::clone(&self.spec),
            standing: self.standing.clone(),
            permits: Arc::clone(&self.permits),
            overrun: overruns.covering(&self.spec.id, &self.spec.group).cloned(),
        }
    }
}

fn group_view(fleet: &Fleet, group: &Group, active: Option<&GroupId>, now: Instant) -> GroupView {
    let state = state_of(group, active, now);
    let paused_until = match group.paused {
        Some(Pause::Until(until)) if now < until => Some(until),
        _ => None,
    };
    GroupView {
        id: group.id.clone(),
        priority: group.priority,
        state,
        why: reason(fleet, group, state, now),
        since: group.since,
        paused_until,
        cooling_until: group.cooling_until.filter(|until| now < *until),
    }
}

fn reason(fleet: &Fleet, group: &Group, state: GroupState, now: Instant) -> Reason {
    match state {
        GroupState::Paused => Reason::PausedByPerson,
        GroupState::Cooling => Reason::Failed,
        GroupState::Standby if fleet.usable(&group.id, now) => Reason::OtherServes,
        GroupState::Standby => Reason::NothingUsable,
        GroupState::Active if fleet.activated.as_ref() == Some(&group.id) => Reason::Activated,
        GroupState::Active if fleet.pinned_group() == Some(&group.id) => Reason::Pinned,
        GroupState::Active if !fleet.settings.auto_switch => Reason::Chosen,
        GroupState::Active if !fleet.usable(&group.id, now) => Reason::BestOfUnusable,
        GroupState::Active if group.is_cooling(now) => Reason::BestOfCooling,
        GroupState::Active => Reason::BestRank,
    }
}

pub(super) fn state_of(group: &Group, active: Option<&GroupId>, now: Instant) -> GroupState {
    if group.is_paused(now) {
        GroupState::Paused
    } else if active == Some(&group.id) {
        GroupState::Active
    } else if group.is_cooling(now) {
        GroupState::Cooling
    } else {
        GroupState::Standby
    }
}
