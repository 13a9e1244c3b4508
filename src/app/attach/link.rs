//! The stream of states: follows it, opens it again when it ends, and says how the connection is.
//!
//! | what happens | then |
//! |---|---|
//! | the stream ends, breaks off, or cannot be read; a question in between is not answered | the connection is lost |
//! | it is lost | tried again after 0.25, 0.5, 1, 2, 4, 5, 5 … s, behind the event that was seen last |
//! | what came cannot be read | tried again from the beginning: what was seen before is no use |
//!
//! A question every [`PULSE`] tells how long answers take, and finds a connection dead long before silence would. Its answer
//! says what the forwarder is, which may be another one after a loss.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::clock::Clock;
use super::facts::renew;
use super::mirror::Mirror;
use super::wire::Wire;
use crate::admin::config::ReloadView;
use crate::admin::status::Status;
use crate::app::client::{Event, Events};
use crate::events::board::Snapshot;
use crate::tui::model::Facts;
use crate::tui::source::{Link, LinkState};

/// What is asked for: all that a mirror takes, and reloads.
pub(super) const WANTED: &str = "snapshot,state,settled,config";
/// Between two questions whether it is still there.
const PULSE: Duration = Duration::from_secs(5);
/// How long the answer to that may take.
const PULSE_PATIENCE: Duration = Duration::from_secs(3);
/// Before the first new attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// And at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What is seen of the forwarder, for the screen; clones see the same.
#[derive(Clone)]
pub(super) struct Seen {
    snapshot: watch::Sender<Arc<Snapshot>>,
    link: watch::Sender<Link>,
    facts: watch::Sender<Facts>,
    clock: Arc<Mutex<Clock>>,
}

impl Seen {
    /// Begins with this snapshot, which has just come from `address`, and these facts.
    pub(super) fn new(address: &str, snapshot: Arc<Snapshot>, facts: Facts) -> Self {
        let mut clock = Clock::default();
        clock.saw(snapshot.at, Timestamp::now());
        let link = Link { address: address.to_owned(), state: LinkState::Up { latency: None } };
        Self {
            snapshot: watch::Sender::new(snapshot),
            link: watch::Sender::new(link),
            facts: watch::Sender::new(facts),
            clock: Arc::new(Mutex::new(clock)),
        }
    }

    /// The newest snapshot.
    pub(super) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    /// How the connection is.
    pub(super) fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    /// What the forwarder is.
    pub(super) fn facts(&self) -> watch::Receiver<Facts> {
        self.facts.subscribe()
    }

    /// The time over there.
    pub(super) fn now(&self) -> Timestamp {
        self.clock().there(Timestamp::now())
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, snapshot: Arc<Snapshot>) {
        self.clock().saw(snapshot.at, Timestamp::now());
        self.snapshot.send_replace(snapshot);
    }

    /// It has answered what it is.
    fn hear(&self, status: &Status, base: &str) {
        self.clock().saw(status.at, Timestamp::now());
        self.facts.send_if_modified(|known| renew(known, status, base));
    }

    fn up(&self, latency: Option<Duration>) {
        self.turn(LinkState::Up { latency });
    }

    /// It is lost since it last said something, or goes on to be.
    fn lose(&self, why: String) {
        let since = match &self.link.borrow().state {
            LinkState::Lost { since, .. } => *since,
            LinkState::Up { .. } => self.clock().last(Timestamp::now()),
        };
        self.turn(LinkState::Lost { since, why });
    }

    fn turn(&self, state: LinkState) {
        self.link.send_if_modified(|link| {
            let changed = link.state != state;
            link.state = state;
            changed
        });
    }
}

/// See the module.
pub(super) struct Follower {
    pub(super) wire: Wire,
    pub(super) ear: Ear,
    pub(super) seen: Seen,
}

/// An open stream, and what was made of it so far.
pub(super) struct Ear {
    pub(super) mirror: Mirror,
    pub(super) events: Events,
}

impl Follower {
    /// Follows for ever. `told` is given every reload.
    pub(super) async fn run(mut self, told: impl Fn(&ReloadView)) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            let lost = tokio::select! {
                lost = self.ear.listen(&self.wire, &self.seen, &told, &mut pause) => lost,
                why = pulse(&self.wire, &self.seen) => Lost { why, readable: true },
            };
            self.seen.lose(lost.why);
            let after = self.ear.events.last_id().filter(|_| lost.readable).map(str::to_owned);
            self.ear.events = again(&self.wire, &self.seen, after.as_deref(), &mut pause).await;
            // It goes on where it ended, or begins with a snapshot at once.
            self.seen.up(None);
        }
    }
}

/// Opens the stream again, however long that takes.
async fn again(wire: &Wire, seen: &Seen, after: Option<&str>, pause: &mut Duration) -> Events {
    loop {
        sleep(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        match wire.events(WANTED, after).await {
            Ok(events) => return events,
            Err(error) => seen.lose(error.to_string()),
        }
    }
}

/// Why a stream is no use any more.
struct Lost {
    why: String,
    /// What came until then could be read.
    readable: bool,
}

impl Ear {
    /// Takes events until there is no use in it.
    async fn listen(
        &mut self,
        wire: &Wire,
        seen: &Seen,
        told: &impl Fn(&ReloadView),
        pause: &mut Duration,
    ) -> Lost {
        loop {
            let event = match self.events.next().await {
                Ok(Some(event)) => event,
                Ok(None) => {
                    let why = format!("{} has closed the connection", wire.base());
                    return Lost { why, readable: true };
                }
                Err(error) => return Lost { why: error.to_string(), readable: true },
            };
            match self.take(&event, told) {
                Ok(snapshot) => {
                    *pause = FIRST_PAUSE;
                    snapshot.into_iter().for_each(|snapshot| seen.show(snapshot));
                }
                Err(error) => return Lost { why: unreadable(wire, &error).await, readable: false },
            }
        }
    }

    fn take(
        &mut self,
        event: &Event,
        told: &impl Fn(&ReloadView),
    ) -> Result<Option<Arc<Snapshot>>, serde_json::Error> {
        if event.name == "config" {
            told(&serde_json::from_str(&event.data)?);
        }
        self.mirror.take(&event.name, &event.data)
    }
}

/// It may be another program since the last time it said its version.
pub(super) async fn unreadable(wire: &Wire, error: &serde_json::Error) -> String {
    // Whether that can be read does not matter: its version can.
    let _ = wire.status().await;
    wire.unreadable(error)
}

/// Asks how long an answer takes; the reason when there is none.
async fn pulse(wire: &Wire, seen: &Seen) -> String {
    loop {
        let asked = Instant::now();
        match timeout(PULSE_PATIENCE, wire.status()).await {
            Ok(Ok(status)) => {
                seen.hear(&status, wire.base());
                seen.up(Some(asked.elapsed()));
            }
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return format!("{} does not answer", wire.base()),
        }
        sleep(PULSE).await;
    }
}

#[cfg(test)]
mod tests;
