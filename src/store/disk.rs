//! The open database, for the one who writes and all who read.
//!
//! | event | the database |
//! |---|---|
//! | an operation of the operating system fails | redb refuses everything from then on: it is closed and opened again |
//! | the file is no longer at its path: deleted, moved away or replaced | what is there then is opened, or made |
//! | a value makes no sense, or redb runs into a contradiction | the file is moved aside and a new one begun |
//! | [`Disk::close`] | gone; the file is free for others; reads fail with [`StoreError::Closed`] |

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::StoreError;
use super::apply::Batch;
use super::civil::Clock;
use super::open::{Identity, MovedAside, OpenError, Place};

/// The open database.
pub struct Disk {
    db: RwLock<Option<Database>>,
    place: Place,
    /// Which file is open.
    file: Mutex<Option<Identity>>,
    /// A file was moved aside while running. If the new one fails alike, the fault is not the file's.
    replaced: AtomicBool,
}

impl Disk {
    pub(super) fn new(db: Database, place: Place) -> Self {
        let file = Mutex::new(place.identity());
        Self { db: RwLock::new(Some(db)), place, file, replaced: AtomicBool::new(false) }
    }

    /// A consistent picture of the file as of now. It stays valid while commits go on; long ones make the file grow.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        self.with(|db| Ok(db.begin_read()?))
    }

    /// Does something with the database, which stays open that long.
    ///
    /// # Errors
    /// Those of `act`, or when the store is closed.
    pub fn with<T>(&self, act: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        act(self.guard().as_ref().ok_or(StoreError::Closed)?)
    }

    /// One transaction: written whole, or not at all.
    pub(super) fn write<T>(
        &self,
        act: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        guarded(|| {
            self.with(|db| {
                let txn = db.begin_write()?;
                let made = act(&txn)?;
                txn.commit()?;
                Ok(made)
            })
        })
    }

    /// One transaction on the rows, with their rollups.
    pub(super) fn batch(
        &self,
        clock: &Clock,
        act: impl FnOnce(&mut Batch<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write(|txn| {
            let mut batch = Batch::new(txn, clock)?;
            act(&mut batch)?;
            batch.finish()
        })
    }

    /// Closes the database and opens it again, as `after` demands.
    pub(super) fn reopen(&self, after: &StoreError) -> Result<Option<MovedAside>, OpenError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        *db = None;
        let unusable = matches!(after, StoreError::Value(_) | StoreError::Damaged(_));
        let forced = match unusable && !self.replaced.swap(true, Ordering::Relaxed) {
            true => Some(self.place.set_aside(&after.to_string())?),
            false => None,
        };
        let (opened, found) = self.place.open()?;
        *db = Some(opened);
        *self.file() = self.place.identity();
        Ok(forced.or(found.moved_aside))
    }

    /// False when what was written goes to a file that is not at its path any more: it would vanish with this process.
    pub(super) fn is_in_place(&self) -> bool {
        let now = self.place.identity();
        now.is_some() && now == *self.file()
    }

    fn file(&self) -> MutexGuard<'_, Option<Identity>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn close(&self) {
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn guard(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.db.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// redb takes a file that was closed in order at its word, and panics where that turns out to be wrong.
pub(super) fn guarded<T, E: From<StoreError>>(act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it contradicts itself");
        Err(StoreError::Damaged(text.to_owned()).into())
    })
}
