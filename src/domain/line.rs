//! The order of suspended requests, and the pace at which they are let go.
//!
//! First come, first served, as far as a request can be served at all: one whose model is still rate limited does not
//! hold up the others. After a recovery they are let go in steps of 1, 2, 4, …; the next step opens when everybody of
//! the last one has *committed*, so that an endpoint which has just come back is not run over. A failure starts the
//! steps anew. A line that is empty, with nobody on the way, forgets its pace.

use std::time::Instant;

use super::fleet::FleetView;
use super::route::{self, RouteRequest, StrategyKind};

/// Those who wait, in order of acceptance. `T` is how they are known and told.
#[derive(Debug)]
pub struct Line<T> {
    waiting: Vec<Place<T>>,
    pace: Pace,
}

#[derive(Debug)]
struct Place<T> {
    accepted: Instant,
    route: RouteRequest,
    who: T,
}

/// How many may be on their way without having committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pace {
    step: u32,
    left_in_step: u32,
    uncommitted: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { step: 1, left_in_step: 1, uncommitted: 0 }
    }
}

impl Pace {
    /// Takes one place in the step, if there is one.
    fn take(&mut self) -> bool {
        let free = self.left_in_step > 0;
        self.left_in_step -= u32::from(free);
        self.uncommitted += u32::from(free);
        free
    }

    /// One of the step has committed; the last one opens the next step.
    fn committed(&mut self) {
        self.uncommitted = self.uncommitted.saturating_sub(1);
        if self.uncommitted == 0 && self.left_in_step == 0 {
            self.step = self.step.saturating_mul(2);
            self.left_in_step = self.step;
        }
    }

    /// One of the step has not: the steps start anew once the others are through.
    fn failed(&mut self) {
        self.uncommitted = self.uncommitted.saturating_sub(1);
        self.step = 1;
        self.left_in_step = u32::from(self.uncommitted == 0);
    }
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: Vec::new(), pace: Pace::default() }
    }
}

impl<T> Line<T> {
    /// Joins behind everybody who was accepted earlier.
    pub fn join(&mut self, accepted: Instant, route: RouteRequest, who: T) {
        let place = self.waiting.partition_point(|w| w.accepted <= accepted);
        self.waiting.insert(place, Place { accepted, route, who });
    }

    /// The first who may go at `now`; nobody while the current step is full. Every one of them has to be followed by
    /// [`Line::committed`] or [`Line::failed`].
    pub fn next(&mut self, view: &FleetView, strategy: StrategyKind, now: Instant) -> Option<T> {
        let ready = self.waiting.iter().position(|w| is_ready(view, strategy, &w.route, now))?;
        self.pace.take().then(|| self.waiting.remove(ready).who)
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
    pub fn committed(&mut self) {
        self.pace.committed();
        self.rest();
    }

    /// One who was let go was not answered.
    pub fn failed(&mut self) {
        self.pace.failed();
        self.rest();
    }

    /// One who never waited is being answered: what answers others has room for one more of these, even while somebody
    /// of the current step takes long. False when nobody waits.
    pub fn others_commit(&mut self) -> bool {
        if self.is_empty() {
            return false;
        }
        self.pace.left_in_step = self.pace.left_in_step.saturating_add(1);
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
        if self.is_empty() && self.pace.uncommitted == 0 {
            self.pace = Pace::default();
        }
    }
}

/// True when an endpoint that may be asked without a second thought leads the order.
fn is_ready(view: &FleetView, strategy: StrategyKind, request: &RouteRequest, now: Instant) -> bool {
    route::order(view, strategy, request, now).candidates.first().is_some_and(|c| c.tier.is_usable())
}
