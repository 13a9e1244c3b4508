//! What every request cost, durably: the ledger.
//!
//! One file (redb), one thread that writes it, any number of readers. A record is handed over without waiting and is on
//! the disk with the next commit: at most [`Options::interval`] later, or as soon as [`Options::batch`] records wait.
//!
//! ```text
//! hub --Intake--> backlog in memory --writer thread--> file <--Reader-- queries, exports
//! ```
//!
//! | state of the disk | records |
//! |---|---|
//! | well | written together, rollups in the same transaction |
//! | slow or failing | wait in memory, are never dropped, and are tried again; [`Store::load`] shows how many |
//! | killed at any instant | the file holds every commit whole; what was open is `interrupted` at the next start |
//!
//! What must never happen: a record dropped, a rollup that is not the sum of its rows, a wait on the data path.

pub mod apply;
mod backlog;
pub mod backup;
pub mod codec;
mod disk;
pub mod engine;
pub mod export;
pub mod filter;
pub mod intake;
pub mod key;
pub mod open;
pub mod options;
pub mod period;
pub mod query;
pub mod row;
pub mod schema;
pub mod spending;
#[cfg(test)]
pub(crate) mod testing;
pub mod totals;
mod writer;

pub use self::backup::{BackupError, Copied};
pub use self::disk::Disk;
pub use self::engine::Store;
pub use self::intake::Intake;
pub use self::open::{MovedAside, OpenError, Opened};
pub use self::options::Options;
pub use self::writer::{Progress, Recosted};
pub use crate::domain::civil;

/// The clock of a thread that waits with the timers of the operating system.
#[allow(
    clippy::disallowed_methods,
    reason = "the paused clock of a test runtime does not move such a thread"
)]
fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}

/// The store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file as a whole.
    #[error(transparent)]
    Database(#[from] redb::Error),
    /// One value in it.
    #[error("the usage store holds {0}")]
    Value(#[from] codec::CodecError),
    /// It holds what no program of ours wrote there.
    #[error("the usage store is damaged: {0}")]
    Damaged(String),
    /// What was written is nowhere to be found.
    #[error("the usage store is gone from its place: it was deleted, moved or replaced")]
    Gone,
    /// Its program ends, or its file is being opened again after a failure.
    #[error("the usage store is closed")]
    Closed,
}

/// redb has an error type per operation; all mean that the file could not be used.
macro_rules! from_redb {
    ($($error:ty),+) => { $(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(error.into())
            }
        }
    )+ };
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError
);
