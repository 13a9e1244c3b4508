//! The queue of suspended requests: how they wait, and every way out.
//!
//! Who goes when is decided by [`crate::domain::line`]; this is the lock around it, and the messages to those who wait.
//!
//! Capacity is exact: it is checked under the same lock that admits.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::domain::fleet::FleetView;
use crate::domain::line::{Line, Ticket, Turn};
use crate::domain::route::StrategyKind;
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
    /// How many stand in the line, for those who only want to know whether anybody does: every request.
    waiting: AtomicUsize,
    /// Somebody joined, or the pace changed.
    changed: Notify,
    /// How many wait.
    population: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    line: Line<Waiter>,
    closed: bool,
}

#[derive(Debug)]
struct Waiter {
    id: RequestId,
    tell: oneshot::Sender<Wake>,
}

impl Queue {
    /// Joins the queue; nothing when `capacity` requests wait already or the program stops.
    pub fn join(&self, id: RequestId, ticket: Ticket, capacity: usize) -> Option<Waiting> {
        self.join_if(id, ticket, capacity, |_, _| true)
    }

    /// As [`Queue::join`], for a request that need not wait: only when it would overtake somebody else.
    pub fn join_behind(
        &self,
        id: RequestId,
        ticket: Ticket,
        capacity: usize,
        view: &FleetView,
        strategy: StrategyKind,
        now: Instant,
    ) -> Option<Waiting> {
        self.join_if(id, ticket, capacity, |line, new| line.is_ahead_of(new, view, strategy, now))
    }

    fn join_if(
        &self,
        id: RequestId,
        ticket: Ticket,
        capacity: usize,
        wanted: impl FnOnce(&Line<Waiter>, &Ticket) -> bool,
    ) -> Option<Waiting> {
        let (tell, told) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.closed || state.line.len() >= capacity || !wanted(&state.line, &ticket) {
                return None;
            }
            state.line.join(ticket, Waiter { id, tell });
            self.0.population.send_replace(state.line.len());
        }
        self.0.changed.notify_one();
        Some(Waiting { id, queue: self.clone(), told })
    }

    /// Lets one request go whatever its turn; false when it does not wait.
    pub fn resume(&self, id: RequestId) -> bool {
        let Some(waiter) = self.lock().remove(id) else { return false };
        self.release(waiter, None);
        true
    }

    /// Lets everybody go; how many that were.
    pub fn resume_all(&self) -> usize {
        let all = self.lock().line.take_all();
        let count = all.len();
        for waiter in all {
            self.release(waiter, None);
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
            state.line.take_all()
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
        if !self.is_empty() && self.lock().line.others_commit() {
            self.0.changed.notify_one();
        }
    }

    /// Something that no view of the fleet tells of may let somebody go.
    pub fn look_again(&self) {
        self.0.changed.notify_one();
    }

    /// Requests that wait.
    pub fn len(&self) -> usize {
        self.0.waiting.load(Ordering::Acquire)
    }

    /// True when nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> Locked<'_> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { state, waiting: &self.0.waiting }
    }

    fn release(&self, waiter: Waiter, turn: Option<Turn>) {
        // One that has just left drops this, which gives its turn back.
        let _ = waiter.tell.send(Wake::Go(Released { queue: self.clone(), turn }));
    }

    /// Lets go whoever may go at `now`.
    fn let_go(&self, view: &FleetView, strategy: StrategyKind, now: Instant) {
        loop {
            // A statement of its own: the lock must not be held while somebody is told.
            let next = self.lock().line.next(view, strategy, now);
            let Some((waiter, turn)) = next else { return };
            self.release(waiter, Some(turn));
        }
    }

    fn settle(&self, act: impl FnOnce(&mut Line<Waiter>)) {
        act(&mut self.lock().line);
        self.0.changed.notify_one();
    }
}

/// The state, and a note of what became of it at the end.
struct Locked<'q> {
    state: MutexGuard<'q, State>,
    waiting: &'q AtomicUsize,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.waiting.store(self.state.line.len(), Ordering::Release);
    }
}

impl State {
    fn remove(&mut self, id: RequestId) -> Option<Waiter> {
        self.line.take(|w| w.id == id)
    }
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
        self.queue.0.population.send_replace(state.line.len());
        drop(state);
        drop(left);
    }
}

/// The right of a released request to be on its way. Dropping it, as when its client leaves, says nothing about any
/// endpoint and lets somebody else go instead.
#[derive(Debug)]
pub struct Released {
    queue: Queue,
    /// Nothing for one that a person let go.
    turn: Option<Turn>,
}

impl Released {
    /// The request's answer is being passed on.
    pub fn committed(mut self) {
        if let Some(turn) = self.turn.take() {
            self.queue.settle(|line| line.committed(turn));
        }
    }

    /// True for one that a person let go.
    pub fn is_order(&self) -> bool {
        self.turn.is_none()
    }

    /// The request was not answered.
    pub fn failed(mut self) {
        if let Some(turn) = self.turn.take() {
            self.queue.settle(|line| line.failed(turn));
        }
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.queue.settle(|line| line.given_back(turn));
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
        let now = now();
        queue.let_go(&view, strategy(), now);
        let later = queue.lock().line.next_change(now);
        tokio::select! {
            () = stop.cancelled() => return,
            changed = fleet.changed() => if changed.is_err() { return },
            () = queue.0.changed.notified() => {}
            () = at(later) => {}
        }
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests;
