//! The queue of suspended requests: who waits, in which order, and how they are let go again.
//!
//! First come, first served, as far as a request can be served at all: one whose model is still rate limited does not
//! hold up the others. After a recovery they are let go in steps of 1, 2, 4, …; the next step opens when everybody of
//! the last one has *committed*, so that an endpoint which has just come back is not run over. A failure starts the
//! steps anew.
//!
//! Capacity is exact: it is checked under the same lock that admits.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::domain::fleet::FleetView;
use crate::domain::route::{self, RouteRequest, StrategyKind};
use crate::events::RequestId;

/// Why a waiting request is woken.
#[derive(Debug)]
pub enum Wake {
    /// Something can be asked again.
    Go(Released),
    /// A person cancelled it.
    Cancelled,
    /// The program stops.
    Stopping,
}

/// The queue; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Queue(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// Somebody joined, or the pace changed.
    changed: Notify,
    /// How many wait.
    population: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    /// In order of acceptance.
    waiting: Vec<Waiter>,
    pace: Pace,
    closed: bool,
}

#[derive(Debug)]
struct Waiter {
    id: RequestId,
    accepted: Instant,
    route: RouteRequest,
    tell: oneshot::Sender<Wake>,
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

impl Queue {
    /// Joins the queue; nothing when `capacity` requests wait already or the program stops.
    pub fn join(
        &self,
        id: RequestId,
        accepted: Instant,
        route: RouteRequest,
        capacity: usize,
    ) -> Option<Waiting> {
        let (tell, told) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.closed || state.waiting.len() >= capacity {
                return None;
            }
            let place = state.waiting.partition_point(|w| w.accepted <= accepted);
            state.waiting.insert(place, Waiter { id, accepted, route, tell });
            self.0.population.send_replace(state.waiting.len());
        }
        self.0.changed.notify_one();
        Some(Waiting { id, queue: self.clone(), told })
    }

    /// Lets one request go whatever its turn; false when it does not wait.
    pub fn resume(&self, id: RequestId) -> bool {
        let Some(waiter) = self.lock().remove(id) else { return false };
        self.release(waiter, false);
        true
    }

    /// Lets everybody go; how many that were.
    pub fn resume_all(&self) -> usize {
        let all = std::mem::take(&mut self.lock().waiting);
        let count = all.len();
        for waiter in all {
            self.release(waiter, false);
        }
        count
    }

    /// Ends one request's wait with an error; false when it does not wait.
    pub fn cancel(&self, id: RequestId) -> bool {
        let Some(waiter) = self.lock().remove(id) else { return false };
        // A waiter that has just left needs no telling.
        let _ = waiter.tell.send(Wake::Cancelled);
        true
    }

    /// Ends every wait and admits nobody any more.
    pub fn close(&self) {
        let all = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        for waiter in all {
            let _ = waiter.tell.send(Wake::Stopping);
        }
    }

    /// Follows how many wait.
    pub fn population(&self) -> watch::Receiver<usize> {
        self.0.population.subscribe()
    }

    /// A request that never waited has just committed: what answers others has room for one more of ours, even while
    /// somebody of the current step takes long.
    pub fn others_commit(&self) {
        {
            let mut state = self.lock();
            if state.waiting.is_empty() {
                return;
            }
            state.pace.left_in_step = state.pace.left_in_step.saturating_add(1);
        }
        self.0.changed.notify_one();
    }

    /// Something that no view of the fleet tells of may let somebody go.
    pub fn look_again(&self) {
        self.0.changed.notify_one();
    }

    /// Requests that wait.
    pub fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// True when nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, waiter: Waiter, paced: bool) {
        let released = Released { queue: self.clone(), open: true, paced };
        // One that has just left drops its token, which frees its place in the step.
        let _ = waiter.tell.send(Wake::Go(released));
    }

    /// Lets go whoever may go at `now`.
    fn let_go(&self, view: &FleetView, strategy: StrategyKind, now: Instant) {
        while let Some(waiter) = self.lock().next(view, strategy, now) {
            self.release(waiter, true);
        }
    }

    fn settle(&self, act: impl FnOnce(&mut Pace)) {
        {
            let mut state = self.lock();
            act(&mut state.pace);
            if state.waiting.is_empty() && state.pace.uncommitted == 0 {
                state.pace = Pace::default();
            }
        }
        self.0.changed.notify_one();
    }
}

impl State {
    fn remove(&mut self, id: RequestId) -> Option<Waiter> {
        let place = self.waiting.iter().position(|w| w.id == id)?;
        Some(self.waiting.remove(place))
    }

    fn next(&mut self, view: &FleetView, strategy: StrategyKind, now: Instant) -> Option<Waiter> {
        let ready = self.waiting.iter().position(|w| is_ready(view, strategy, &w.route, now))?;
        self.pace.take().then(|| self.waiting.remove(ready))
    }
}

fn is_ready(view: &FleetView, strategy: StrategyKind, request: &RouteRequest, now: Instant) -> bool {
    route::order(view, strategy, request, now).candidates.first().is_some_and(|c| c.tier.is_usable())
}

/// One request's place in the queue; dropping it leaves the queue.
#[derive(Debug)]
pub struct Waiting {
    id: RequestId,
    queue: Queue,
    told: oneshot::Receiver<Wake>,
}

impl Future for Waiting {
    type Output = Wake;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Wake> {
        Pin::new(&mut self.told).poll(cx).map(|told| told.unwrap_or(Wake::Stopping))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Both in one statement would hold the lock while the sender drops.
        let mut state = self.queue.lock();
        let left = state.remove(self.id);
        self.queue.0.population.send_replace(state.waiting.len());
        drop(state);
        drop(left);
    }
}

/// The right of a released request to be on its way. Dropping it uncommitted counts as a failure.
#[derive(Debug)]
pub struct Released {
    queue: Queue,
    open: bool,
    paced: bool,
}

impl Released {
    /// The request's answer is being passed on.
    pub fn committed(mut self) {
        self.open = false;
        if self.paced {
            self.queue.settle(Pace::committed);
        }
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        if self.open && self.paced {
            self.queue.settle(Pace::failed);
        }
    }
}

/// Wakes waiting requests as the fleet allows, until `stop`.
pub async fn run(
    queue: Queue,
    mut fleet: watch::Receiver<Arc<FleetView>>,
    strategy: impl Fn() -> StrategyKind,
    stop: CancellationToken,
) {
    loop {
        let view = Arc::clone(&fleet.borrow_and_update());
        queue.let_go(&view, strategy(), tokio::time::Instant::now().into_std());
        tokio::select! {
            () = stop.cancelled() => return,
            changed = fleet.changed() => if changed.is_err() { return },
            () = queue.0.changed.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests;
