//! A pure reducer from events to what screens and scripts show.

mod live;
mod status;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

pub use self::live::{Live, MAX_TRIED, Phase, Stage, Tried};
pub use self::status::{EndpointStatus, GroupStatus, endpoint_status, group_status};
use self::tally::Tallies;
pub use self::tally::{EndpointStats, Fault};
use super::minutes::{Minute, Minutes};
use super::{Accepted, Described, Event, RequestId, RequestRecord, State, Wait, trace};
use crate::claude::price::CostLines;
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::budget::BudgetStatus;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::fleet::{EndpointView, FleetView};
use crate::domain::outcome::Kind;

/// Ended requests kept, and shown in a snapshot.
pub const RECENT: usize = 200;

/// Counts since the start of the program.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Totals {
    /// Requests accepted.
    pub accepted: u64,
    /// Ended with a whole answer.
    pub completed: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Ended by the client.
    pub cancelled: u64,
    /// Attempts.
    pub attempts: u64,
    /// Requests completed after at least one failed attempt.
    pub rescued: u64,
    /// Times a request went on at another endpoint after one had failed it.
    pub failovers: u64,
    /// Tokens over all requests.
    pub usage: Usage,
    /// What they cost, as far as prices are known.
    pub cost: CostLines,
    /// Attempts that used tokens no price is known for.
    pub unpriced: u64,
}

/// The state behind a snapshot.
#[derive(Debug)]
pub struct Board {
    started: Timestamp,
    totals: Totals,
    /// In boxes, because the map moves what it holds.
    live: BTreeMap<RequestId, Box<Live>>,
    recent: VecDeque<Arc<RequestRecord>>,
    tallies: Tallies,
    minutes: Minutes,
}

/// A picture of everything that is live plus what ended last.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Timestamp,
    /// When the program started.
    pub started: Timestamp,
    /// Counts since then.
    pub totals: Totals,
    /// Requests go here first.
    pub active_group: Option<GroupId>,
    /// The endpoint of `-p`.
    pub pinned: Option<EndpointId>,
    /// In rank order.
    pub groups: Vec<GroupStatus>,
    /// In file order.
    pub endpoints: Vec<EndpointStatus>,
    /// Where spending limits stand, in the order of the configuration.
    pub budgets: Arc<[BudgetStatus]>,
    /// Requests that have not ended, oldest first.
    pub live: Vec<Live>,
    /// Requests that wait in the queue, in the order in which they will go.
    pub queue: Vec<Queued>,
    /// Requests that ended, newest first; each with its story as text where it is serialised.
    #[serde(serialize_with = "explained")]
    pub recent: Vec<Arc<RequestRecord>>,
    /// The last hour by minutes, the oldest first; the last one still runs.
    pub minutes: Vec<Minute>,
    /// How far the store is behind; nothing without one.
    pub ledger: Option<LedgerStatus>,
}

/// How far the ledger is behind what was handed to it.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LedgerStatus {
    /// Records of ended requests that are not on the disk yet.
    pub unsaved: u64,
    /// Age of the oldest of them, seconds.
    pub oldest_age: Option<f64>,
    /// Why they cannot be written, while they cannot.
    pub failing: Option<String>,
    /// The last time something was written.
    pub last_commit: Option<Timestamp>,
}

/// One request in the queue.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = QueuedRequest)]
pub struct Queued {
    /// Ours.
    pub id: RequestId,
    /// Its place, counted from 1.
    pub position: usize,
    /// When it was accepted: its age counts from here.
    pub accepted: Timestamp,
    /// How it waits.
    #[serde(flatten)]
    pub wait: Wait,
    /// What it asks for.
    pub described: Arc<Described>,
    /// The failure of the last attempt that failed.
    pub last_failure: Option<(EndpointId, Kind)>,
}

impl Board {
    /// An empty board.
    pub fn new(started: Timestamp) -> Self {
        Self {
            started,
            totals: Totals::default(),
            live: BTreeMap::new(),
            recent: VecDeque::new(),
            tallies: Tallies::default(),
            minutes: Minutes::new(started),
        }
    }

    /// Counts since the start.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Takes one event.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Accepted(accepted) => self.accept(accepted),
            Event::Described { id, described } => self.on(id, |live| live.described = described),
            Event::AttemptStarted { id, number, endpoint, .. } => self.on(id, |live| {
                live.phase = Phase::Forwarding;
                live.endpoint = Some(endpoint);
                live.attempts = number;
            }),
            Event::AttemptFailed { id, at, endpoint, kind, status } => {
                self.fail(&endpoint, Fault { at, request: id, kind, status });
                self.on(id, |live| live.retry(Tried { endpoint, kind, status }));
            }
            Event::Suspended { id, wait } => self.on(id, |live| {
                live.phase = Phase::Suspended;
                live.wait = Some(wait);
            }),
            Event::Resumed { id } => self.on(id, |live| {
                live.phase = Phase::Pending;
                live.wait = None;
            }),
            Event::Committed { id, status, ttfb_ms, after_ms, progress } => {
                self.measure(id, status, ttfb_ms);
                self.on(id, |live| live.stream(after_ms, progress));
            }
            Event::Settled(record) => self.settle(record),
            Event::Fleet(_) => {}
        }
    }

    fn accept(&mut self, accepted: Arc<Accepted>) {
        self.totals.accepted += 1;
        self.minutes.accepted(accepted.at);
        let id = accepted.id;
        let live = Live {
            accepted,
            described: Arc::default(),
            phase: Phase::Pending,
            endpoint: None,
            attempts: 0,
            wait: None,
            last_failure: None,
            tried: Vec::new(),
            streaming_since: None,
            served_model: None,
            usage: Usage::default(),
            cost: None,
            progress: None,
        };
        self.live.insert(id, Box::new(live));
    }

    fn on(&mut self, id: RequestId, act: impl FnOnce(&mut Live)) {
        if let Some(live) = self.live.get_mut(&id) {
            act(live);
        }
    }

    fn fail(&mut self, endpoint: &EndpointId, fault: Fault) {
        if let Some(live) = self.live.get(&fault.request) {
            self.tallies.failed(endpoint, live.accepted.class, live.attempts, fault);
        }
    }

    fn measure(&mut self, id: RequestId, status: u16, ttfb_ms: f64) {
        let Some(live) = self.live.get(&id) else { return };
        if let Some(endpoint) =
            live.endpoint.as_ref().filter(|_| status < 300 && live.accepted.class == Class::Messages)
        {
            self.tallies.first_byte(endpoint, ttfb_ms);
        }
    }

    /// A request ended.
    pub fn settle(&mut self, record: Arc<RequestRecord>) {
        self.live.remove(&record.id);
        self.tallies.settle(&record);
        self.minutes.ended(&record);
        self.totals.attempts += record.attempts.len() as u64;
        self.totals.failovers += record.failovers();
        self.totals.usage += &record.usage;
        self.totals.cost += record.cost;
        self.totals.unpriced += u64::from(record.unpriced);
        match record.state {
            State::Completed => {
                self.totals.completed += 1;
                self.totals.rescued += u64::from(record.attempts.len() > 1);
            }
            State::Failed | State::Interrupted => self.totals.failed += 1,
            State::Cancelled => self.totals.cancelled += 1,
        }
        self.recent.push_front(record);
        self.recent.truncate(RECENT);
    }

    /// True while a request has not ended: pictures change with time alone.
    pub fn is_busy(&self) -> bool {
        !self.live.is_empty()
    }

    /// The picture at `now`. What running answers cost is for [`Snapshot::price`] to add. Budgets are not kept here: whoever keeps them puts them in.
    pub fn snapshot(&self, view: &FleetView, now: Instant, at: Timestamp) -> Snapshot {
        let mut live: Vec<Live> = self.live.values().map(|live| live.measured()).collect();
        live.sort_by_key(|l| l.accepted.at);
        let endpoint = |e: &EndpointView| EndpointStatus {
            stats: Some(self.tallies.stats(&e.spec.id)),
            ..endpoint_status(e, now)
        };
        Snapshot {
            at,
            started: self.started,
            totals: self.totals.clone(),
            active_group: view.active.clone(),
            pinned: view.pinned.clone(),
            groups: view.groups.iter().map(|g| group_status(view, g, now)).collect(),
            endpoints: view.endpoints.iter().map(endpoint).collect(),
            budgets: Arc::from([]),
            queue: queue(&live),
            live,
            recent: self.recent.iter().cloned().collect(),
            minutes: self.minutes.until(at),
            ledger: None,
        }
    }
}

/// Those of `live`, oldest first, that wait.
fn queue(live: &[Live]) -> Vec<Queued> {
    let waiting = live.iter().filter_map(|l| l.wait.clone().map(|wait| (l, wait)));
    let place = |(position, (live, wait)): (usize, (&Live, Wait))| Queued {
        id: live.accepted.id,
        position,
        accepted: live.accepted.at,
        wait,
        described: Arc::clone(&live.described),
        last_failure: live.last_failure.clone(),
    };
    (1..).zip(waiting).map(place).collect()
}

fn explained<S: Serializer>(recent: &[Arc<RequestRecord>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(recent.iter().map(|record| trace::Explained::of(record)))
}
