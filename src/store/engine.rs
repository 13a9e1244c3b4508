//! The store as the rest of the program holds it: [`Store`].

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use redb::StorageBackend;

use super::backlog::{Backlog, Pace};
use super::backup::{self, BackupError, Copied};
use super::civil::Clock;
use super::disk::{Disk, guarded};
use super::intake::Intake;
use super::open::{OpenError, Opened, Place, builder, prepare};
use super::writer::{Progress, Recost, Recosted, Writer};
use super::{Options, StoreError, monotonic};
use crate::domain::pricebook::PriceBook;
use crate::domain::words::counted;
use crate::events::board::LedgerStatus;

/// Time for the last commit on a disk that fails.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// An open store; cheap to clone. The last clone that is dropped closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("load", &self.load()).finish_non_exhaustive()
    }
}

struct Inner {
    disk: Arc<Disk>,
    backlog: Arc<Backlog>,
    clock: Clock,
    writer: Mutex<Option<JoinHandle<u64>>>,
}

impl Store {
    /// Opens the store of these options, or makes one. Blocks: after a crash as long as the repair takes.
    ///
    /// # Errors
    /// When another process writes the file, or the system does not let us. A file that cannot be read is moved aside.
    pub fn open(options: Options) -> Result<(Self, Opened), OpenError> {
        let place = Place::File(options.path.clone());
        Self::open_at(place, options)
    }

    /// [`Self::open`] with the bytes elsewhere: on a disk that is slow or fails, as tests need it. `backend` gives a way
    /// to the same bytes each time.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on<B: StorageBackend>(
        options: Options,
        backend: impl Fn() -> io::Result<B> + Send + Sync + 'static,
    ) -> Result<(Self, Opened), OpenError> {
        let open = move || builder().create_with_backend(backend()?);
        Self::open_at(Place::Other(Box::new(open)), options)
    }

    fn open_at(place: Place, options: Options) -> Result<(Self, Opened), OpenError> {
        let (mut db, mut found) = place.open()?;
        let now = jiff::Timestamp::now();
        let prepared = match guarded(|| prepare(&db, &options.clock, now)) {
            Err(error @ (StoreError::Value(_) | StoreError::Damaged(_))) => {
                drop(db);
                let aside = place.set_aside(&error.to_string())?;
                (db, found) = place.open()?;
                found.moved_aside = Some(aside);
                prepare(&db, &options.clock, now)?
            }
            prepared => prepared?,
        };
        let opened = Opened {
            fresh: found.fresh,
            interrupted: prepared.interrupted,
            moved_aside: found.moved_aside,
            rebuilding: prepared.rebuild,
            last_id: prepared.last_id,
        };
        let pace = Pace { batch: options.batch, interval: options.interval, buffer: options.buffer };
        let (disk, backlog) = (Arc::new(Disk::new(db, place)), Arc::new(Backlog::new(pace)));
        let writer = Writer::new(Arc::clone(&disk), Arc::clone(&backlog), &options, prepared.rebuild);
        let thread = thread::Builder::new().name("cc-store".into()).spawn(move || writer.run());
        let thread = thread.map_err(|source| OpenError::Unusable {
            action: "start the thread that writes",
            path: options.path,
            source,
        })?;
        let inner = Inner { disk, backlog, clock: options.clock, writer: Mutex::new(Some(thread)) };
        Ok((Self { inner: Arc::new(inner) }, opened))
    }

    /// The hub's way in. One at a time: it knows the requests that are open.
    pub fn intake(&self) -> Intake {
        Intake::new(Arc::clone(&self.inner.backlog))
    }

    /// For those who read.
    pub fn disk(&self) -> &Arc<Disk> {
        &self.inner.disk
    }

    /// Whose hours and days its sums are.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Prices all records accepted at `since` or later anew, in small transactions between those of new records. Blocks
    /// until that is done; `progress` is called on the writer's thread.
    ///
    /// # Errors
    /// When the file cannot be read or written, or the store is closed meanwhile. What was done so far stays.
    pub fn recost(
        &self,
        book: Arc<PriceBook>,
        since: Option<Timestamp>,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Recosted, StoreError> {
        let (done, result) = mpsc::channel();
        let ordered = self.inner.backlog.order(Box::new(Recost::new(book, since, Box::new(progress), done)));
        if !ordered {
            return Err(StoreError::Closed);
        }
        result.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Writes a consistent copy to `path`, where nothing may be yet. Blocks until that is done, in the caller's thread;
    /// new records are committed meanwhile.
    ///
    /// # Errors
    /// When something is there already, one of the files cannot be used, or the store is closed meanwhile.
    pub fn backup(&self, path: &Path, progress: impl FnMut(Progress)) -> Result<Copied, BackupError> {
        let closing = || self.inner.backlog.is_closing();
        backup::copy(&self.inner.disk, path, progress, closing)
    }

    /// How far it is behind.
    pub fn load(&self) -> LedgerStatus {
        self.inner.backlog.status()
    }

    /// True while more than 100,000 records wait for the disk.
    pub fn full(&self) -> Arc<AtomicBool> {
        self.inner.backlog.full()
    }

    /// Commits what waits and closes the file. Returns how many records are lost: none, unless the disk fails, which is
    /// waited for a few seconds at most. To be called when the last record was handed over.
    pub fn close(&self) -> u64 {
        self.inner.close()
    }
}

impl Inner {
    fn close(&self) -> u64 {
        self.backlog.close(monotonic() + LAST_WORDS);
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The thread catches what panics in its work.
        let lost = thread.and_then(|thread| thread.join().ok()).unwrap_or(0);
        if lost > 0 {
            tracing::error!(
                target: "cc_forwarder::store",
                "lost: {} could not be written to the usage store before the end",
                counted(lost, "record")
            );
        }
        lost
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
