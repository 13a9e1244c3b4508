//! Where screens get what they show, and where orders go: the forwarder in this process, or one elsewhere.
//!
//! Snapshots come by themselves. Everything else is asked for and answered later, so a slow answer never holds up a key.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use crate::config::edit::Review;
use crate::control::command::Command;
use crate::domain::endpoint::EndpointId;
use crate::events::board::Snapshot;

/// Something asked for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Do this.
    Command(Command),
    /// What saving these priorities to the configuration file would do.
    ReviewPriorities(Edits),
    /// Save them, to the version of the file that was reviewed.
    SavePriorities(Edits, Review),
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
}

/// An answer to come.
pub type Coming = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// See the module.
pub trait Source: Send + Sync {
    /// What is live, at most ten times a second.
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>>;

    /// Asks for something.
    fn ask(&self, ask: Ask) -> Coming;
}
