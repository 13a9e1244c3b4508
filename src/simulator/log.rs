//! What the simulator saw and what it told: the other side of every accounting and routing test.
//!
//! A request is logged when its head has arrived and then moves through
//! `Reading -> Answering -> Answered | Broken | ClientLeft | Stopped`; the last four are final and each request reaches
//! exactly one of them.
//!
//! Bounded: the newest 20,000 requests, and bodies up to a budget (the oldest lose their bodies first, length and hash
//! stay). Counters and usage sums cover everything since the start.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use super::http::Headers;
use super::usage::{Told, Usage};

/// Requests kept.
const MAX_ROWS: usize = 20_000;
/// Bytes of bodies kept unless told otherwise.
const BODY_BUDGET: usize = 256 * 1024 * 1024;

/// What kind of request it was, by method and path alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `GET /v1/models` and `GET /v1/models/{id}`
    Models,
    /// `HEAD` of anything
    Head,
    /// Everything else
    Other,
}

impl Class {
    pub(super) fn of(method: &str, target: &str) -> Self {
        let path = target.split('?').next().unwrap_or_default();
        match (method, path) {
            ("HEAD", _) => Self::Head,
            ("POST", "/v1/messages") => Self::Messages,
            ("POST", "/v1/messages/count_tokens") => Self::CountTokens,
            ("GET", "/v1/models") => Self::Models,
            ("GET", path) if path.starts_with("/v1/models/") => Self::Models,
            _ => Self::Other,
        }
    }
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The head has arrived, the body has not.
    Reading,
    /// An answer is under way, or is being withheld.
    Answering,
    /// Answered to the end.
    Answered,
    /// Broken off by the simulator, as its behaviour said.
    Broken,
    /// The client left before the end.
    ClientLeft,
    /// The simulator went down or was shut down.
    Stopped,
}

/// One request as it arrived, and what became of it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Number of the request, from 0, in the order heads arrived.
    pub id: u64,
    /// Number of its connection, from 0.
    pub connection: u64,
    /// When its head had arrived.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// Path and query exactly as sent.
    pub target: String,
    /// Headers as sent.
    pub headers: Headers,
    /// The kind of request.
    pub class: Class,
    /// The body without its transfer coding; empty once the body budget is used up by newer ones.
    pub body: Bytes,
    /// Length of the body.
    pub body_bytes: usize,
    /// FNV-1a hash (64 bits) of the body.
    pub body_hash: u64,
    /// Status answered, if a response head was chosen.
    pub status: Option<u16>,
    /// Usage told to the client so far: what it can have seen, not what an uncut answer would have said.
    pub told: Usage,
    /// The output in it is what the answer says it is, not only what `message_start` began with.
    pub output_told: bool,
    /// How far it got.
    pub outcome: Outcome,
}

impl Received {
    /// Whether the client left before the end.
    pub fn aborted(&self) -> bool {
        self.outcome == Outcome::ClientLeft
    }

    /// Whether nothing more will happen.
    pub fn is_final(&self) -> bool {
        !matches!(self.outcome, Outcome::Reading | Outcome::Answering)
    }
}

/// The log: requests kept, and counters.
#[derive(Debug)]
pub struct Log {
    rows: VecDeque<Received>,
    next_id: u64,
    body_budget: usize,
    body_bytes: usize,
    /// No request before this one has a body left.
    oldest_body: u64,
    open_connections: usize,
    total_connections: u64,
    in_flight: usize,
    peak_in_flight: usize,
    told: Usage,
}

impl Log {
    /// The requests kept, oldest first.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &Received> {
        self.rows.iter()
    }

    /// The messages requests kept, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Received> {
        self.of(Class::Messages)
    }

    /// The requests of one class kept, oldest first.
    pub fn of(&self, class: Class) -> impl DoubleEndedIterator<Item = &Received> {
        self.rows.iter().filter(move |row| row.class == class)
    }

    /// How many requests came since the start.
    pub fn total_requests(&self) -> u64 {
        self.next_id
    }

    /// Connections open now.
    pub fn open_connections(&self) -> usize {
        self.open_connections
    }

    /// Connections accepted since the start.
    pub fn total_connections(&self) -> u64 {
        self.total_connections
    }

    /// Requests that are not final.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The most requests there were in flight at once.
    pub fn peak_in_flight(&self) -> usize {
        self.peak_in_flight
    }

    /// Usage told to clients since the start, summed over requests.
    pub fn reported_usage(&self) -> Usage {
        self.told
    }

    fn row(&mut self, id: u64) -> Option<&mut Received> {
        let oldest = self.rows.front()?.id;
        self.rows.get_mut(usize::try_from(id.checked_sub(oldest)?).ok()?)
    }

    fn drop_oldest_rows(&mut self) {
        while self.rows.len() > MAX_ROWS {
            self.body_bytes -= self.rows.pop_front().map_or(0, |row| row.body.len());
        }
    }

    fn store_body(&mut self, id: u64, body: Bytes, hash: u64) {
        let length = body.len();
        let Some(row) = self.row(id) else { return };
        (row.body_bytes, row.body_hash, row.body, row.outcome) = (length, hash, body, Outcome::Answering);
        self.body_bytes += length;
        self.oldest_body = self.oldest_body.min(id);
        self.drop_oldest_bodies();
    }

    fn drop_oldest_bodies(&mut self) {
        while self.body_bytes > self.body_budget && self.oldest_body < self.next_id {
            let dropped = self.row(self.oldest_body).map(|row| std::mem::take(&mut row.body).len());
            self.body_bytes -= dropped.unwrap_or(0);
            self.oldest_body += 1;
        }
    }
}

/// The log behind its lock, with a signal at each change.
#[derive(Debug)]
pub(super) struct Recorder {
    log: Mutex<Log>,
    changes: watch::Sender<()>,
}

impl Default for Recorder {
    fn default() -> Self {
        let log = Log {
            rows: VecDeque::new(),
            next_id: 0,
            body_budget: BODY_BUDGET,
            body_bytes: 0,
            oldest_body: 0,
            open_connections: 0,
            total_connections: 0,
            in_flight: 0,
            peak_in_flight: 0,
            told: Usage::default(),
        };
        Self { log: Mutex::new(log), changes: watch::channel(()).0 }
    }
}

impl Recorder {
    pub(super) fn read(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let result = change(&mut self.read());
        self.changes.send_replace(());
        result
    }

    pub(super) fn keep_bodies(&self, budget: usize) {
        self.change(|log| {
            log.body_budget = budget;
            log.drop_oldest_bodies();
        });
    }

    /// Counts a connection; it counts as open until the result is dropped.
    pub(super) fn connection(&self) -> ConnectionEntry<'_> {
        let id = self.change(|log| {
            log.open_connections += 1;
            log.total_connections += 1;
            log.total_connections - 1
        });
        ConnectionEntry { recorder: self, id }
    }

    /// Logs a request; it is in flight until the result is dropped.
    pub(super) fn request(&self, row: Received) -> RequestEntry<'_> {
        let id = self.change(|log| {
            let id = log.next_id;
            log.next_id += 1;
            log.in_flight += 1;
            log.peak_in_flight = log.peak_in_flight.max(log.in_flight);
            log.rows.push_back(Received { id, ..row });
            log.drop_oldest_rows();
            id
        });
        RequestEntry { recorder: self, id, told: Usage::default(), outcome: Outcome::Stopped }
    }
}

/// An open connection in the log.
pub(super) struct ConnectionEntry<'a> {
    recorder: &'a Recorder,
    pub(super) id: u64,
}

impl Drop for ConnectionEntry<'_> {
    fn drop(&mut self) {
        self.recorder.change(|log| log.open_connections -= 1);
    }
}

/// A request in flight. Dropping it writes its final outcome, which is `Stopped` unless something better was set.
pub(super) struct RequestEntry<'a> {
    recorder: &'a Recorder,
    id: u64,
    told: Usage,
    outcome: Outcome,
}

impl RequestEntry<'_> {
    fn update(&self, update: impl FnOnce(&mut Received)) {
        self.recorder.change(|log| log.row(self.id).map(update));
    }

    /// The body is there.
    pub(super) fn body(&self, body: Bytes, hash: u64) {
        self.recorder.change(|log| log.store_body(self.id, body, hash));
    }

    /// A response head was chosen.
    pub(super) fn status(&self, status: u16) {
        self.update(|row| (row.status, row.outcome) = (Some(status), Outcome::Answering));
    }

    /// The client has been told these numbers; they replace what it was told before (usage is cumulative).
    pub(super) fn told(&mut self, Told { usage, output_stated }: Told) {
        let before = std::mem::replace(&mut self.told, usage);
        self.recorder.change(|log| {
            log.told = log.told - before + usage;
            if let Some(row) = log.row(self.id) {
                (row.told, row.output_told) = (usage, output_stated);
            }
        });
    }

    /// Sets the outcome that will be written at the end.
    pub(super) fn ends(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for RequestEntry<'_> {
    fn drop(&mut self) {
        self.recorder.change(|log| {
            log.in_flight -= 1;
            if let Some(row) = log.row(self.id) {
                row.outcome = self.outcome;
            }
        });
    }
}
