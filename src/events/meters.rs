//! Counts since the start of the program, for monitoring: a pure reducer of terminal records with their prices.
//!
//! | rule | why |
//! |---|---|
//! | no count ever goes down | a scraper takes that for a restart |
//! | a record costs a few look-ups, and allocates only for a name not seen before | every request passes here |
//! | at most [`MAX_MODELS`] names of models; all further ones are [`OTHER`] | clients choose them, and each is kept for ever |
//! | what [`Totals`](super::board::Totals) counts is not counted again | one place for each number |
//!
//! [`text`] writes them down, together with the state of now.

pub mod histogram;
pub mod text;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use self::histogram::Histogram;
use super::board::Snapshot;
use super::{AttemptRecord, RequestRecord, State};
use crate::claude::money::PicoUsd;
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::endpoint::EndpointId;
use crate::domain::outcome::Kind;

/// Names of models kept apart.
pub const MAX_MODELS: usize = 64;
/// Stands for all further models.
pub const OTHER: &str = "other";
/// Stands for a model that nobody named.
const UNKNOWN: &str = "unknown";
/// Longer names of models are cut, bytes.
const MAX_NAME: usize = 128;

/// Log lines dropped since the start, asked of whoever writes them.
pub type LinesDropped = Box<dyn Fn() -> u64 + Send>;

/// Everything that is measured, at one moment.
#[derive(Clone, Debug)]
pub struct Measures {
    /// What is now, and the totals.
    pub snapshot: Arc<Snapshot>,
    /// What is counted further.
    pub meters: Arc<Meters>,
    /// Events that readers of the stream did not get.
    pub events_missed: u64,
    /// Log lines dropped; nothing where nobody counts them.
    pub lines_dropped: Option<u64>,
}

/// The counts.
#[derive(Clone, Debug)]
pub struct Meters {
    classes: BTreeMap<&'static str, Requests>,
    endpoints: BTreeMap<EndpointId, Attempts>,
    retries: u64,
    models: BTreeSet<Arc<str>>,
}

/// Requests of one class that ended.
#[derive(Clone, Default, Debug)]
struct Requests {
    completed: u64,
    failed: u64,
    cancelled: u64,
    first_byte: Histogram,
    duration: Histogram,
}

/// Attempts at one endpoint, of requests that ended.
#[derive(Clone, Default, Debug)]
struct Attempts {
    count: u64,
    failures: HashMap<Kind, u64>,
    models: BTreeMap<Arc<str>, Spent>,
}

/// What one model used at one endpoint.
#[derive(Clone, Default, Debug)]
struct Spent {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    cost: PicoUsd,
}

/// Nothing was counted; messages are expected.
impl Default for Meters {
    fn default() -> Self {
        let classes = BTreeMap::from([(Class::Messages.as_str(), Requests::default())]);
        Self { classes, endpoints: BTreeMap::new(), retries: 0, models: BTreeSet::new() }
    }
}

impl Meters {
    /// Counts a request that ended.
    pub fn count(&mut self, record: &RequestRecord) {
        self.classes.entry(record.class.as_str()).or_default().count(record);
        let again = record.attempts.windows(2).filter(|pair| pair[0].endpoint == pair[1].endpoint);
        self.retries += again.count() as u64;
        for attempt in &record.attempts {
            self.attempt(record, attempt);
        }
    }

    fn attempt(&mut self, record: &RequestRecord, attempt: &AttemptRecord) {
        if !self.endpoints.contains_key(&attempt.endpoint) {
            self.endpoints.insert(attempt.endpoint.clone(), Attempts::default());
        }
        let Some(endpoint) = self.endpoints.get_mut(&attempt.endpoint) else { return };
        endpoint.count += 1;
        if let Some(kind) = attempt.failure {
            *endpoint.failures.entry(kind).or_default() += 1;
        }
        if attempt.usage.is_empty() {
            return;
        }
        let name = attempt.model_served.as_ref().or(attempt.model_sent.as_ref()).or(record.model.as_ref());
        let name = label(name.map_or("", AsRef::as_ref));
        if !endpoint.models.contains_key(&*name) {
            let name = admit(&mut self.models, &name);
            endpoint.models.entry(name).or_default().add(attempt);
        } else if let Some(spent) = endpoint.models.get_mut(&*name) {
            spent.add(attempt);
        }
    }
}

/// The name itself while there is room for it.
fn admit(known: &mut BTreeSet<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(known) = known.get(name) {
        return Arc::clone(known);
    }
    let name = Arc::from(if known.len() < MAX_MODELS { name } else { OTHER });
    if known.len() < MAX_MODELS {
        known.insert(Arc::clone(&name));
    }
    name
}

/// The name of a model as it is kept: never empty, not too long, without what would steer a terminal.
fn label(name: &str) -> Cow<'_, str> {
    let end = (0..=name.len().min(MAX_NAME)).rfind(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let name = &name[..end];
    let steers = |c: char| c.is_control() && c != '\n';
    match name {
        "" => Cow::Borrowed(UNKNOWN),
        name if name.contains(steers) => Cow::Owned(name.replace(steers, "\u{fffd}")),
        name => Cow::Borrowed(name),
    }
}

impl Requests {
    fn count(&mut self, record: &RequestRecord) {
        match record.state {
            State::Completed => self.completed += 1,
            State::Failed | State::Interrupted => self.failed += 1,
            State::Cancelled => self.cancelled += 1,
        }
        self.duration.observe(record.duration_ms / 1e3);
        if let Some(ms) = record.first_byte_ms.filter(|_| record.status.is_some_and(|status| status < 300)) {
            self.first_byte.observe(ms / 1e3);
        }
    }
}

impl Spent {
    fn add(&mut self, attempt: &AttemptRecord) {
        let Usage { input, output, cache_read, cache_write_5m, cache_write_1h, .. } = &attempt.usage;
        let sums = [
            (&mut self.input, input),
            (&mut self.output, output),
            (&mut self.cache_read, cache_read),
            (&mut self.cache_write_5m, cache_write_5m),
            (&mut self.cache_write_1h, cache_write_1h),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(*more);
        }
        self.cost += attempt.bill.as_ref().map_or(PicoUsd::ZERO, |bill| bill.lines.total());
    }

    /// By kind.
    fn tokens(&self) -> [(&'static str, u64); 5] {
        [
            ("input", self.input),
            ("output", self.output),
            ("cache_read", self.cache_read),
            ("cache_write_5m", self.cache_write_5m),
            ("cache_write_1h", self.cache_write_1h),
        ]
    }
}
