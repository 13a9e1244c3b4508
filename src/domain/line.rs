//! The order of suspended requests, and the pace at which they are let go.
//!
//! | who waits | goes |
//! |---|---|
//! | an endpoint can be asked for it | in its turn, as the pace allows |
//! | nothing that may be asked will ever be well before its deadline | likewise, to be told so |
//! | neither | when that changes, its deadline comes, or a person says so |
//!
//! First come, first served, as far as a request can be served at all: one whose model is still rate limited does not
//! hold up the others. A request that comes anew and would overtake somebody at the endpoint that both would ask joins
//! the line behind them ([`Line::is_ahead_of`]): who has waited for minutes has the least time left, and an endpoint
//! that has just come back would be run over by those who never waited. One for another model does so only while the
//! endpoint has not answered anybody since it failed: a queue for one model must not hold up another for long.
//!
//! A line that is empty, with nobody on the way, forgets its pace.

mod pace;

use std::time::Instant;

pub use pace::Turn;

use self::pace::Pace;
use super::endpoint::EndpointId;
use super::fleet::FleetView;
use super::plan;
use super::route::{self, RouteRequest, StrategyKind};

/// What the line knows of one who waits.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// When the request was accepted: its place in the line.
    pub accepted: Instant,
    /// It waits no longer than this.
    pub until: Instant,
    /// Where it can go.
    pub route: RouteRequest,
}

/// Those who wait, in order of acceptance. `T` is how they are known and told.
#[derive(Debug)]
pub struct Line<T> {
    waiting: Vec<Place<T>>,
    pace: Pace,
}

#[derive(Debug)]
struct Place<T> {
    ticket: Ticket,
    who: T,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: Vec::new(), pace: Pace::default() }
    }
}

impl<T> Line<T> {
    /// Joins behind everybody who was accepted earlier. The first one starts the pace anew.
    pub fn join(&mut self, ticket: Ticket, who: T) {
        if self.is_empty() {
            self.pace.start_anew();
        }
        let place = self.waiting.partition_point(|w| w.ticket.accepted <= ticket.accepted);
        self.waiting.insert(place, Place { ticket, who });
    }

    /// True when a request that never waited would overtake somebody: one who came earlier waits only for his turn, at
    /// the endpoint that the new one would ask.
    pub fn is_ahead_of(&self, new: &Ticket, view: &FleetView, strategy: StrategyKind, now: Instant) -> bool {
        if self.is_empty() {
            return false;
        }
        let Some(goal) = goal(view, strategy, &new.route, now) else { return false };
        let unproven = view.endpoint(&goal).is_some_and(|e| e.standing.streak > 0);
        self.waiting
            .iter()
            .map(|place| &place.ticket)
            .take_while(|ahead| ahead.accepted <= new.accepted)
            .filter(|ahead| unproven || ahead.route.model == new.route.model)
            .any(|ahead| self::goal(view, strategy, &ahead.route, now).as_ref() == Some(&goal))
    }

    /// The first who may go at `now`; nobody while the current step is full. Every turn has to be followed by
    /// [`Line::committed`], [`Line::failed`] or [`Line::given_back`].
    pub fn next(&mut self, view: &FleetView, strategy: StrategyKind, now: Instant) -> Option<(T, Turn)> {
        let may_go = |place: &Place<T>| {
            let Ticket { until, route, .. } = &place.ticket;
            goal(view, strategy, route, now).is_some() || plan::waits_in_vain(view, route, *until, now)
        };
        let first = self.waiting.iter().position(may_go)?;
        let turn = self.pace.take(now)?;
        Some((self.waiting.remove(first).who, turn))
    }

    /// When the pace allows more by time alone.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        self.pace.next_change(now).filter(|_| !self.is_empty())
    }

    /// Takes one out whatever its turn, and outside the pace.
    pub fn take(&mut self, is_wanted: impl Fn(&T) -> bool) -> Option<T> {
        let place = self.waiting.iter().position(|w| is_wanted(&w.who))?;
        Some(self.waiting.remove(place).who)
    }

    /// Takes everybody out, outside the pace.
    pub fn take_all(&mut self) -> Vec<T> {
        std::mem::take(&mut self.waiting).into_iter().map(|w| w.who).collect()
    }

    /// One who was let go is being answered.
    pub fn committed(&mut self, turn: Turn) {
        self.pace.committed(turn);
        self.rest();
    }

    /// One who was let go was not answered.
    pub fn failed(&mut self, turn: Turn) {
        self.pace.failed(turn);
        self.rest();
    }

    /// One who was let go has left before anything could be learnt from it.
    pub fn given_back(&mut self, turn: Turn) {
        self.pace.given_back(turn);
        self.rest();
    }

    /// One who never waited is being answered: what answers others has room for one more of these, even while somebody
    /// of the current step takes long. False when nobody waits.
    pub fn others_commit(&mut self) -> bool {
        if self.is_empty() {
            return false;
        }
        self.pace.one_more();
        true
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True when nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn rest(&mut self) {
        if self.is_empty() && self.pace.is_idle() {
            self.pace.forget();
        }
    }
}

/// The endpoint that would be asked first, if one may be asked without a second thought.
fn goal(
    view: &FleetView,
    strategy: StrategyKind,
    request: &RouteRequest,
    now: Instant,
) -> Option<EndpointId> {
    let order = route::order(view, strategy, request, now);
    order.candidates.first().filter(|c| c.tier.is_usable()).map(|c| c.spec.id.clone())
}

#[cfg(test)]
mod tests;
