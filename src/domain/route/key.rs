//! The rank of one candidate. Counters that other tasks change are read once per decision: a comparison that changed its
//! mind in the middle would be no order at all.

use std::cmp::Ordering;
use std::time::Instant;

use super::{Candidate, Measured, RouteRequest, StrategyKind, Tier};
use crate::domain::endpoint::EndpointId;
use crate::domain::fleet::{EndpointView, FleetView};
use crate::domain::session::Preferred;

/// What all ranks of one decision share.
pub(super) struct Context<'a> {
    view: &'a FleetView,
    strategy: StrategyKind,
    preferred: Option<&'a Preferred>,
    measured: Option<&'a Measured>,
}

/// A rank. Fields in the order in which they decide, smaller first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    tier: Tier,
    /// False for the endpoint of the request's session.
    foreign: bool,
    group_rank: usize,
    /// False for the endpoint of `-p`.
    unpinned: bool,
    /// False for the endpoint of the session where it only leads its equals.
    unequal: bool,
    by_strategy: Weight,
    priority: u32,
    last_turn: u64,
    index: usize,
}

/// What the strategy says.
#[derive(Clone, Copy, Debug)]
enum Weight {
    /// Nothing: numbers decide.
    Same,
    /// Milliseconds that a fast test measured.
    Measured(f64),
    /// Milliseconds of late.
    Recent(f64),
    /// Nobody knows.
    Unknown,
    /// Requests in flight.
    Load(u32),
}

impl<'a> Context<'a> {
    pub(super) fn new(
        view: &'a FleetView,
        strategy: StrategyKind,
        request: &'a RouteRequest,
        now: Instant,
    ) -> Self {
        let preferred = request.preferred.as_ref().filter(|p| p.orders == view.orders);
        let measured = request.measured.as_deref().filter(|m| now < m.until);
        Self { view, strategy, preferred, measured }
    }

    pub(super) fn key(
        &self,
        endpoint: &EndpointView,
        candidate: &Candidate,
        group_rank: usize,
        index: usize,
    ) -> Key {
        let id = &endpoint.spec.id;
        let usable = candidate.tier.is_usable();
        let pinned = self.view.pinned.as_ref() == Some(id);
        let leads = |in_group: bool| {
            usable && self.preferred.is_some_and(|p| p.endpoint == *id && p.in_group == in_group)
        };
        // The pin is an order of a person that holds for every request, as long as its group is the active one.
        let ordered = pinned && usable && group_rank == 0;
        let balanced = self.strategy == StrategyKind::Balanced;
        Key {
            tier: candidate.tier,
            foreign: !(leads(false) || ordered),
            group_rank,
            unpinned: !pinned,
            unequal: !(leads(true) && self.strategy != StrategyKind::Priority),
            by_strategy: self.weight(id, endpoint),
            priority: endpoint.spec.priority,
            last_turn: if balanced { endpoint.permits.last_turn() } else { 0 },
            index,
        }
    }

    fn weight(&self, id: &EndpointId, endpoint: &EndpointView) -> Weight {
        match self.strategy {
            StrategyKind::Priority => Weight::Same,
            StrategyKind::Balanced => Weight::Load(endpoint.permits.in_flight()),
            StrategyKind::Fastest => {
                let measured = self.measured.and_then(|m| m.latency.get(id));
                let measured = measured.map(|d| Weight::Measured(d.as_secs_f64() * 1e3));
                let recent = || endpoint.standing.latency_ms.map(Weight::Recent);
                measured.or_else(recent).unwrap_or(Weight::Unknown)
            }
        }
    }
}

impl Key {
    /// The order of two candidates.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let place =
            |k: &Self| (k.tier, k.foreign, !k.foreign && k.unpinned, k.group_rank, k.unpinned, k.unequal);
        let number = |k: &Self| (k.priority, k.last_turn, k.index);
        place(self)
            .cmp(&place(other))
            .then_with(|| self.by_strategy.compare(other.by_strategy))
            .then_with(|| number(self).cmp(&number(other)))
    }
}

impl Weight {
    /// Measured for this request before measured lately before unmeasured, then less before more.
    fn compare(self, other: Self) -> Ordering {
        let parts = |w: Self| match w {
            Self::Same => (0, 0.0),
            Self::Measured(ms) => (1, ms),
            Self::Recent(ms) => (2, ms),
            Self::Unknown => (3, 0.0),
            Self::Load(n) => (4, f64::from(n)),
        };
        let ((class, value), (other_class, other_value)) = (parts(self), parts(other));
        class.cmp(&other_class).then_with(|| value.total_cmp(&other_value))
    }
}
