//! Where screens get what they show, and where orders go: the forwarder in this process, or one elsewhere.
//!
//! Snapshots come by themselves. Everything else is asked for and answered later, so a slow answer never holds up a key.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::config::diff::Report;
use crate::config::edit::Review;
use crate::config::listing::Entry;
use crate::control::command::Command;
use crate::domain::endpoint::EndpointId;
use crate::events::RequestId;
use crate::events::board::Snapshot;
use crate::events::evidence::Evidence;
use crate::logging::ring::Ring;
use crate::store::export::Format;
use crate::store::filter::Filter;
use crate::store::query::{By, Stats};

use super::filter;
use super::model::Facts;
use super::request::Detail;
use super::screen::requests::history::{Cursor, Page};

/// Something asked for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Do this.
    Command(Command),
    /// What saving these priorities to the configuration file would do.
    ReviewPriorities(Edits),
    /// Save them, to the version of the file that was reviewed.
    SavePriorities(Edits, Review),
    /// Requests that ended, behind this one; from the newest on without one.
    History {
        /// The last one that is known.
        before: Option<Cursor>,
    },
    /// All that is kept of this request.
    Request(RequestId),
    /// The headers of this request, and the answers that failed it.
    Evidence(RequestId),
    /// The configuration in effect.
    Config,
    /// Sums of the ledger.
    Usage(UsageQuery),
    /// Write requests of the ledger to a file.
    Export(ExportJob),
}

/// Other priorities, by name of the endpoint.
pub type Edits = Vec<(EndpointId, u32)>;

/// What came back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A command was carried out, or not; the text is for people.
    Done(Command, Result<String, String>),
    /// What saving these priorities would do, or why it cannot be done.
    Reviewed(Edits, Result<Review, String>),
    /// What was written, or why nothing was.
    Saved(Result<Review, String>),
    /// Requests that ended, or why there are none to be had.
    History(Result<Page, String>),
    /// All that is kept of this request, or why nothing is known.
    Request(RequestId, Result<Arc<Detail>, String>),
    /// The headers of this request and the answers that failed it, if they are kept; or why they are not known.
    Evidence(RequestId, Result<Option<Arc<Evidence>>, String>),
    /// The configuration in effect, or why it is not known.
    Config(Result<ConfigView, String>),
    /// The sums that were asked for, or why there are none.
    Usage(UsageQuery, Result<Box<Usage>, NoUsage>),
    /// How many requests were written to the file, or why not all were.
    Exported(ExportJob, Result<u64, String>),
}

/// The configuration in effect, without its secrets.
#[derive(Clone, PartialEq, Debug)]
pub struct ConfigView {
    /// Every key.
    pub entries: Arc<[Entry]>,
    /// How the last reload ended; nothing before the first.
    pub reload: Option<Arc<ReloadView>>,
}

/// How a reload ended.
#[derive(Clone, PartialEq, Debug)]
pub struct ReloadView {
    /// Counts reloads from 1.
    pub number: u64,
    /// When it ended.
    pub at: Timestamp,
    /// What changed; or every problem of what was refused.
    pub outcome: Result<Report, Vec<String>>,
    /// Keys whose value in the file waits for a restart, by the last version that could be used.
    pub pending: Vec<String>,
}

/// Which sums.
#[derive(Clone, PartialEq, Debug)]
pub struct UsageQuery {
    /// Over these requests.
    pub filter: Filter,
    /// Told apart by this in the table.
    pub by: By,
    /// Told apart by this in the chart.
    pub bars: By,
}

/// Sums of the ledger.
#[derive(Clone, PartialEq, Debug)]
pub struct Usage {
    /// All together, and told apart for the table.
    pub table: Stats,
    /// Told apart for the chart: times in order, those without a request left out.
    pub bars: Stats,
}

/// Why there are no sums.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoUsage {
    /// Nothing is kept: the ledger is off, or could not be opened.
    NoLedger,
    /// It cannot be read.
    Failed(String),
}

/// Which requests of the ledger: those that both fit.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Selection {
    /// A filter that the ledger knows.
    pub filter: Filter,
    /// One of the request log, of which the ledger knows nothing: each request is looked at. Who cannot do that has to
    /// refuse one that is not empty.
    pub log: filter::Filter,
}

/// What to write where.
#[derive(Clone, Debug)]
pub struct ExportJob {
    /// These requests.
    pub what: Box<Selection>,
    /// How.
    pub format: Format,
    /// To this file, which must not exist yet.
    pub path: PathBuf,
    /// How far it is.
    pub progress: Arc<ExportProgress>,
}

/// How far an export is, written by who exports and read by who draws; and the other way round, whether to go on.
#[derive(Default, Debug)]
pub struct ExportProgress {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl ExportProgress {
    /// So many rows of so many have been looked at.
    pub fn report(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// Rows looked at, and rows there are; zero of zero until they are counted.
    pub fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Nobody wants it any more.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// True when nobody wants it any more: who exports stops, and takes away what it has written.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// The way to a forwarder that is elsewhere.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// Its admin port, such as `http://127.0.0.1:8010`.
    pub address: String,
    /// How the way is.
    pub state: LinkState,
}

/// How the way to a forwarder is.
#[derive(Clone, PartialEq, Debug)]
pub enum LinkState {
    /// What is shown is what there is.
    Up {
        /// From a question to its answer, once that was measured.
        latency: Option<Duration>,
    },
    /// What is shown is how it was.
    Lost {
        /// When the forwarder said something for the last time, by [`Source::now`].
        since: Timestamp,
        /// What went wrong.
        why: String,
    },
}

/// An answer to come.
pub type Coming = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// See the module.
pub trait Source: Send + Sync {
    /// What is live, at most ten times a second.
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>>;

    /// The program's own log lines; nothing where they cannot be had.
    fn logs(&self) -> Option<Ring> {
        None
    }

    /// The way to the forwarder, where it is another process.
    fn link(&self) -> Option<watch::Receiver<Link>> {
        None
    }

    /// What the forwarder is, where it is another process and may be another one after a while.
    fn facts(&self) -> Option<watch::Receiver<Facts>> {
        None
    }

    /// The time by the forwarder's clock, to which all other times belong.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Asks for something.
    fn ask(&self, ask: Ask) -> Coming;
}
