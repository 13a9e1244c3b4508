//! Idle upstream connections: checked out by one request at a time, parked again at the clean end of its answer.
//!
//! | event | what happens to a connection |
//! |---|---|
//! | parked | kept, unless its key is full ([`MAX_IDLE`]) or the pool is closed: then dropped |
//! | checked out | the one parked last, if it is young enough and still alive; others found stale are dropped |
//! | swept | dropped when idle or in use for too long, or no longer alive |
//! | its key is not retained | dropped |
//!
//! Idle for at most 50 s: load balancers commonly close at 60 s (the AWS default) and nginx at 75 s, and a request on
//! a connection that is being closed costs a retry. Shorter limits are noticed by the check at checkout and the sweep.
//! Used for at most 10 minutes, so that a change of DNS reaches everybody while a handshake per 10 minutes costs nobody.
//!
//! Must never: hand out one connection twice, or await anything while holding its lock.

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Idle connections kept per key. Each costs a socket and about 20 KiB; after a large answer its read buffer may still
/// be as large as those grow (256 KiB).
pub const MAX_IDLE: usize = 256;
/// Longest time between two requests.
pub const MAX_IDLE_AGE: Duration = Duration::from_secs(50);
/// Longest time since the connection was made.
pub const MAX_TOTAL_AGE: Duration = Duration::from_secs(600);

/// What the pool has to know of a connection.
pub trait Reusable {
    /// Tells who may use it.
    type Key: Clone + PartialEq;

    /// Whose it is.
    fn key(&self) -> &Self::Key;
    /// Looks without waiting whether another request could be sent now.
    fn is_reusable(&mut self) -> bool;
    /// When the connection was made.
    fn born(&self) -> Instant;
}

impl<C: Reusable> Reusable for Box<C> {
    type Key = C::Key;

    fn key(&self) -> &C::Key {
        (**self).key()
    }

    fn is_reusable(&mut self) -> bool {
        (**self).is_reusable()
    }

    fn born(&self) -> Instant {
        (**self).born()
    }
}

/// Idle connections by key. All methods are short and never wait for anything but each other.
pub struct Pool<C: Reusable> {
    state: Mutex<State<C>>,
}

struct State<C: Reusable> {
    /// There are about as many as endpoints: fewer than would be worth a hash.
    shelves: Vec<Shelf<C>>,
    closed: bool,
}

/// The connections of one key.
struct Shelf<C: Reusable> {
    key: C::Key,
    idle: Vec<Idle<C>>,
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

impl<C: Reusable> Idle<C> {
    fn is_young(&self, now: Instant) -> bool {
        now.duration_since(self.since) < MAX_IDLE_AGE && is_young(&self.connection, now)
    }
}

impl<C: Reusable> Default for Pool<C> {
    fn default() -> Self {
        Self { state: Mutex::new(State { shelves: Vec::new(), closed: false }) }
    }
}

impl<C: Reusable> Pool<C> {
    /// The connection parked last, under a key that `serves`, that is still good. It is the caller's now.
    pub fn checkout(&self, serves: impl Fn(&C::Key) -> bool, now: Instant) -> Option<C> {
        loop {
            let mut idle = self.take_last(&serves)?;
            if idle.is_young(now) && idle.connection.is_reusable() {
                return Some(idle.connection);
            }
        }
    }

    /// Keeps a connection for the next request. The caller has seen that it is idle.
    pub fn park(&self, connection: C, now: Instant) {
        if !is_young(&connection, now) {
            return;
        }
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return drop(connection);
        }
        let shelf = state.shelf(connection.key());
        if shelf.idle.len() < MAX_IDLE {
            shelf.idle.push(Idle { connection, since: now });
        } else {
            drop(state);
            drop(connection);
        }
    }

    /// Drops what is too old or dead. Called by a housekeeping tick, so that sockets the other side has closed do not
    /// linger when no request comes. The check of a connection does not wait, so it may run under the lock.
    pub fn sweep(&self, now: Instant) {
        self.keep(|_, idle| idle.is_young(now) && idle.connection.is_reusable());
    }

    /// Drops the connections of all keys that are not wanted any more.
    pub fn retain(&self, wanted: impl Fn(&C::Key) -> bool) {
        self.keep(|key, _| wanted(key));
    }

    /// Drops everything, and from now on everything that would be parked.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let shelves = std::mem::take(&mut state.shelves);
        drop(state);
        drop(shelves);
    }

    /// Connections parked at this moment.
    pub fn len(&self) -> usize {
        self.lock().shelves.iter().map(|shelf| shelf.idle.len()).sum()
    }

    /// True when none is parked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take_last(&self, serves: impl Fn(&C::Key) -> bool) -> Option<Idle<C>> {
        let mut state = self.lock();
        let shelf = state.shelves.iter_mut().find(|shelf| !shelf.idle.is_empty() && serves(&shelf.key));
        shelf?.idle.pop()
    }

    fn keep(&self, mut wanted: impl FnMut(&C::Key, &mut Idle<C>) -> bool) {
        let mut unwanted = Vec::new();
        let mut state = self.lock();
        for Shelf { key, idle } in &mut state.shelves {
            unwanted.extend(idle.extract_if(.., |idle| !wanted(key, idle)));
        }
        state.shelves.retain(|shelf| !shelf.idle.is_empty());
        drop(state);
        drop(unwanted);
    }

    /// A panic elsewhere cannot leave the shelves half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Reusable> State<C> {
    /// The shelf of this key, made if there is none.
    fn shelf(&mut self, key: &C::Key) -> &mut Shelf<C> {
        let place = self.shelves.iter().position(|shelf| shelf.key == *key).unwrap_or_else(|| {
            self.shelves.push(Shelf { key: key.clone(), idle: Vec::new() });
            self.shelves.len() - 1
        });
        &mut self.shelves[place]
    }
}

fn is_young<C: Reusable>(connection: &C, now: Instant) -> bool {
    now.duration_since(connection.born()) < MAX_TOTAL_AGE
}
