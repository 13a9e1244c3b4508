//! The file: found, made, or moved aside.
//!
//! | at the path is | then |
//! |---|---|
//! | nothing | a file is made: whole at its first appearance, readable by its owner only |
//! | a store of this layout | it is opened; after a crash redb repairs it first |
//! | a store in use by another process | [`OpenError::InUse`]; it is not touched |
//! | anything else: a text, a SQLite file, a cut or damaged store, an empty file, a directory, a later layout | it is renamed to `<path>.unreadable-<time>`, loudly, and a file is made |
//! | something that the system does not let us read or write, a link to nowhere | [`OpenError::Unusable`]; it is not touched |
//!
//! Nothing is ever deleted here.

mod file;
mod prepare;

use std::io;
use std::path::PathBuf;

use redb::Database;

pub(super) use self::file::{builder, create_private};
pub(super) use self::prepare::prepare;
use super::StoreError;
use crate::events::RequestId;

/// What opening found.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Opened {
    /// There was no file, or none that could be read.
    pub fresh: bool,
    /// Requests that were open when the last program was killed.
    pub interrupted: u64,
    /// The file that could not be read.
    pub moved_aside: Option<MovedAside>,
    /// The hours and days in the file are those of another time zone and are being summed up anew.
    pub rebuilding: bool,
    /// The newest request in it, or another one behind which ids are free.
    pub last_id: Option<RequestId>,
}

/// A file that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MovedAside {
    /// Its new name.
    pub to: PathBuf,
    /// What was wrong with it.
    pub why: String,
}

/// There is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error(
        "the usage store {} is in use by another cc-forwarder: ask that one, through its admin port or with \
         `cc-forwarder attach`, or give this one its own file (usage_tracking.database_path)", path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let us.
    #[error("cannot {action} {}: {source}; {}", path.display(), advice(source))]
    Unusable {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file was opened, and could not be used then.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "give this user the right to write there, or choose another place (usage_tracking.database_path)"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room, or choose another place (usage_tracking.database_path)"
        }
        _ => "choose another place (usage_tracking.database_path) if this stays so",
    }
}

/// What tells one file from another: device and number.
pub(super) type Identity = (u64, u64);

type Opener = dyn Fn() -> Result<Database, redb::DatabaseError> + Send + Sync;

/// Where the database is.
pub(super) enum Place {
    /// In a file.
    File(PathBuf),
    /// Wherever this says.
    Other(Box<Opener>),
}

/// How a database came to be open.
#[derive(Default)]
pub(super) struct Found {
    /// It is new.
    pub(super) fresh: bool,
    /// What stood in its place.
    pub(super) moved_aside: Option<MovedAside>,
}

impl Place {
    pub(super) fn open(&self) -> Result<(Database, Found), OpenError> {
        match self {
            Self::File(path) => file::open(path),
            Self::Other(open) => Ok((open().map_err(StoreError::from)?, Found::default())),
        }
    }

    /// Which file is there now.
    pub(super) fn identity(&self) -> Option<Identity> {
        match self {
            Self::File(path) => file::identity(path),
            Self::Other(_) => Some((0, 0)),
        }
    }

    /// Gives the file another name, loudly.
    pub(super) fn set_aside(&self, why: &str) -> Result<MovedAside, OpenError> {
        match self {
            Self::File(path) => file::set_aside(path, why),
            Self::Other(_) => Err(StoreError::Damaged(why.to_owned()).into()),
        }
    }
}

#[cfg(test)]
mod tests;
