//! The store's file, opened by a program that only looks.
//!
//! | the file | then |
//! |---|---|
//! | is closed in order | it is opened for reading alone; others may read it too |
//! | was left by a crash | it is repaired first, as the next start would |
//! | is not there | [`OpenError::Missing`]; it is not created |
//! | is in use | [`OpenError::InUse`] |
//! | is anything else | [`OpenError::Unusable`]; it is neither moved nor changed |

use std::io;
use std::path::{Path, PathBuf};

use redb::backends::InMemoryBackend;
use redb::{Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, StorageError};

use crate::domain::budget::{Budget, BudgetReport};
use crate::store::civil::Clock;
use crate::store::query::Reader;
use crate::store::schema::{self, LAYOUT, meta};
use crate::store::{Options, StoreError, spending};

/// Memory for pages of the file: an export reads each page once.
const CACHE: usize = 32 << 20;

/// A store that is read here.
pub(in crate::app) struct Local {
    db: Db,
    clock: Clock,
}

enum Db {
    Reading(ReadOnlyDatabase),
    Repaired(Database),
}

/// Why the file is not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// There is none.
    #[error("there is no {}", .0.display())]
    Missing(PathBuf),
    /// Another process has it.
    #[error("the usage store {} is in use by a forwarder that runs", .0.display())]
    InUse(PathBuf),
    /// It is no store, or the system does not let us.
    #[error("cannot read the usage store {}: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Local {
    /// Opens the store of these options.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(super) fn open(options: &Options) -> Result<Self, OpenError> {
        let path = &options.path;
        let mut opening = Database::builder();
        opening.set_cache_size(CACHE);
        let db = match opening.open_read_only(path) {
            Ok(db) => Db::Reading(db),
            Err(DatabaseError::RepairAborted) => {
                Db::Repaired(opening.open(path).map_err(|error| refused(path, error))?)
            }
            Err(error) => return Err(refused(path, error)),
        };
        let local = Self { db, clock: options.clock.clone() };
        local.check().map_err(|why| OpenError::Unusable { path: path.clone(), why })?;
        Ok(local)
    }

    /// A store without any request, in memory.
    ///
    /// # Errors
    /// Without memory.
    pub(super) fn empty(clock: Clock) -> Result<Self, StoreError> {
        let db = Database::builder().create_with_backend(InMemoryBackend::new())?;
        let txn = db.begin_write()?;
        schema::create(&txn)?;
        txn.commit()?;
        Ok(Self { db: Db::Repaired(db), clock })
    }

    /// What is in it now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn reader(&self) -> Result<Reader, StoreError> {
        Reader::of(&self.begin_read()?, self.clock.clone())
    }

    /// What is spent of these limits.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn spent(&self, budgets: &[Budget]) -> Result<BudgetReport, StoreError> {
        spending::report(&self.begin_read()?, budgets, &self.clock, jiff::Timestamp::now())
    }

    fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        Ok(match &self.db {
            Db::Reading(db) => db.begin_read()?,
            Db::Repaired(db) => db.begin_read()?,
        })
    }

    fn check(&self) -> Result<(), String> {
        let layout = self.begin_read().and_then(|txn| schema::fact(&txn, meta::LAYOUT));
        match layout {
            Ok(Some(layout)) if layout == LAYOUT => Ok(()),
            Ok(Some(layout)) => {
                Err(format!("its layout is {layout}, this program reads {LAYOUT}: a later version wrote it"))
            }
            Ok(None) | Err(_) => Err("no cc-forwarder wrote it".to_owned()),
        }
    }
}

fn refused(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path),
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            OpenError::Missing(path)
        }
        error => OpenError::Unusable { path, why: error.to_string() },
    }
}
