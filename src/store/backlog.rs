//! What waits for the disk, between those who hand over and the one who writes.
//!
//! A lock that is held for a few moves in memory and never while the disk is asked, so handing over does not wait for
//! the disk. A request that is settled before its opening was taken leaves only its row: one that opens and ends between
//! two commits is never written as open.
//!
//! | what waits | in memory |
//! |---|---|
//! | an ended request | its row and story, encoded |
//! | a request that has not ended | its [`OpenRow`] |
//!
//! | more than [`Pace::buffer`] of them | said once, until no more than half of that wait |
//!
//! What was taken is still unsaved until [`Backlog::saved`]: it counts as such, and nothing else is taken before.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::key::RowKey;
use super::monotonic;
use super::row::OpenRow;
use super::writer::Chore;
use crate::domain::words::counted;
use crate::events::RequestId;
use crate::events::board::LedgerStatus;

/// Unsaved records above which no further request is let in.
pub(super) const FULL: u64 = 100_000;
/// Records written in one transaction at most. Behind a slow disk they are more than a batch.
const TRANSACTION: usize = 4096;

/// An ended request, encoded.
pub(super) struct Settled {
    pub(super) key: RowKey,
    pub(super) row: Box<[u8]>,
    pub(super) story: Option<Box<[u8]>>,
    pub(super) since: Instant,
}

/// What is written in one transaction.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) open: Vec<OpenRow>,
    pub(super) settled: Vec<Settled>,
}

/// What the writer does next.
pub(super) enum Next {
    /// Write this.
    Commit(Taken),
    /// Nothing is due: go on with other work, which is this if it is new.
    Free(Option<Box<dyn Chore>>),
    /// Nothing waits, and nothing will come.
    Ended,
}

/// When a commit is due.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// A commit begins when so many records wait.
    pub(super) batch: usize,
    /// Or when the first has waited this long.
    pub(super) interval: Duration,
    /// With more records than this the disk is too slow, which people are told.
    pub(super) buffer: u64,
}

#[derive(Default)]
struct State {
    open: HashMap<RequestId, OpenRow>,
    settled: VecDeque<Settled>,
    /// Since something waits.
    since: Option<Instant>,
    /// The writer sleeps, and nobody has woken it yet.
    asleep: bool,
    in_flight: u64,
    in_flight_since: Option<Instant>,
    chores: VecDeque<Box<dyn Chore>>,
    /// More wait than should, and people have been told.
    behind: bool,
    failing: Option<String>,
    last_commit: Option<jiff::Timestamp>,
    closing: Option<Instant>,
    abandoned: bool,
}

pub(super) struct Backlog {
    pace: Pace,
    state: Mutex<State>,
    wake: Condvar,
    full: Arc<AtomicBool>,
}

impl State {
    fn unsaved(&self) -> u64 {
        self.settled.len() as u64 + self.in_flight
    }

    fn waiting(&self) -> usize {
        self.settled.len() + self.open.len()
    }

    fn take(&mut self) -> Taken {
        let count = self.settled.len().min(TRANSACTION);
        let settled: Vec<Settled> = self.settled.drain(..count).collect();
        if self.settled.is_empty() && self.settled.capacity() > TRANSACTION {
            self.settled.shrink_to_fit();
        }
        self.in_flight = settled.len() as u64;
        self.in_flight_since = settled.first().map(|s| s.since);
        self.since = self.settled.front().map(|s| s.since);
        Taken { open: self.open.drain().map(|(_, open)| open).collect(), settled }
    }

    fn status(&self) -> LedgerStatus {
        let oldest = self.in_flight_since.or(self.settled.front().map(|s| s.since));
        LedgerStatus {
            unsaved: self.unsaved(),
            oldest_age: oldest.map(|at| at.elapsed().as_secs_f64()),
            failing: self.failing.clone(),
            last_commit: self.last_commit,
        }
    }
}

impl Backlog {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, state: Mutex::default(), wake: Condvar::new(), full: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has not ended.
    pub(super) fn open(&self, open: OpenRow) {
        self.hand_over(|state| {
            state.open.insert(RequestId::from_number(open.id), open);
        });
    }

    /// A request has ended.
    pub(super) fn settle(&self, settled: Settled) {
        self.hand_over(|state| {
            state.open.remove(&settled.key.id);
            state.settled.push_back(settled);
        });
    }

    fn hand_over(&self, act: impl FnOnce(&mut State)) {
        let mut state = self.state();
        if state.abandoned {
            return;
        }
        act(&mut state);
        let unsaved = state.unsaved();
        if unsaved > FULL {
            self.full.store(true, Ordering::Relaxed);
        }
        let late = !state.behind && unsaved > self.pace.buffer;
        state.behind |= late;
        let first = state.since.is_none();
        state.since.get_or_insert_with(monotonic);
        // Waking a thread costs more than handing over; only the first record and a full batch are news.
        if state.asleep && (first || state.waiting() >= self.pace.batch) {
            state.asleep = false;
            self.wake.notify_one();
        }
        drop(state);
        if late {
            self.announce_delay(unsaved);
        }
    }

    fn announce_delay(&self, unsaved: u64) {
        tracing::warn!(
            target: "cc_forwarder::store",
            "the disk is too slow: {unsaved} records wait in memory to be written to the usage store, more than \
             usage_tracking.buffer_size ({}). None is lost; above {FULL} new requests are refused",
            self.pace.buffer
        );
    }

    /// Gives the writer other work. False after [`Self::close`].
    pub(super) fn order(&self, chore: Box<dyn Chore>) -> bool {
        let mut state = self.state();
        let accepted = state.closing.is_none();
        if accepted {
            state.chores.push_back(chore);
            self.wake.notify_one();
        }
        accepted
    }

    /// Waits until something is due: a commit, new work, or `until`.
    pub(super) fn next(&self, until: Option<Instant>) -> Next {
        let pace = self.pace;
        let mut state = self.state();
        loop {
            let now = monotonic();
            let due = state.since.map(|since| since + pace.interval);
            let closing = state.closing.is_some();
            if state.waiting() > 0
                && (closing || state.waiting() >= pace.batch || due.is_some_and(|at| at <= now))
            {
                return Next::Commit(state.take());
            }
            if closing {
                return Next::Ended;
            }
            if let Some(chore) = state.chores.pop_front() {
                return Next::Free(Some(chore));
            }
            if until.is_some_and(|at| at <= now) {
                return Next::Free(None);
            }
            let wake = due.into_iter().chain(until).min();
            state = self.wait(state, wake.map(|at| at.saturating_duration_since(now)));
        }
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, State>, time: Option<Duration>) -> MutexGuard<'a, State> {
        state.asleep = true;
        match time {
            Some(time) => self.wake.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
            None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// What was taken is on the disk.
    pub(super) fn saved(&self, at: jiff::Timestamp) {
        let mut state = self.state();
        state.in_flight = 0;
        state.in_flight_since = None;
        state.failing = None;
        state.last_commit = Some(at);
        let unsaved = state.unsaved();
        if unsaved <= FULL {
            self.full.store(false, Ordering::Relaxed);
        }
        let caught_up = state.behind && unsaved <= self.pace.buffer / 2;
        state.behind &= !caught_up;
        drop(state);
        if caught_up {
            tracing::warn!(
                target: "cc_forwarder::store",
                "the disk has caught up: {} left to be written to the usage store",
                counted(unsaved, "record")
            );
        }
    }

    /// What was taken cannot be written for now.
    pub(super) fn failing(&self, why: String) {
        self.state().failing = Some(why);
    }

    /// Waits for `pause`, or until the store is closed. False when its time is up.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let end = monotonic() + pause;
        let mut state = self.state();
        loop {
            let now = monotonic();
            let closing = state.closing;
            if closing.is_some_and(|deadline| deadline <= now) {
                return false;
            }
            if end <= now {
                return true;
            }
            let wake = closing.into_iter().chain([end]).min();
            state = self.wait(state, wake.map(|at| at.saturating_duration_since(now)));
        }
    }

    /// True once the store is being closed.
    pub(super) fn is_closing(&self) -> bool {
        self.state().closing.is_some()
    }

    /// Nothing is handed over any more. What waits is written until `deadline`.
    pub(super) fn close(&self, deadline: Instant) {
        let mut state = self.state();
        state.closing.get_or_insert(deadline);
        self.wake.notify_all();
    }

    /// Drops what waits and all that still comes. Says how many records that is, and which work was never begun.
    pub(super) fn abandon(&self) -> (u64, VecDeque<Box<dyn Chore>>) {
        let mut state = self.state();
        let closing = state.closing.or(Some(monotonic()));
        let left = std::mem::replace(&mut *state, State { closing, abandoned: true, ..State::default() });
        (left.unsaved(), left.chores)
    }

    pub(super) fn status(&self) -> LedgerStatus {
        self.state().status()
    }

    pub(super) fn full(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.full)
    }
}

#[cfg(test)]
mod tests;
