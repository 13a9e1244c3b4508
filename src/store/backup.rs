//! A copy of the store while it is written.
//!
//! The copy is the state of one instant, whatever is committed meanwhile. It is a store like the original, without the
//! notes of requests that had not ended. It appears under its name when it is complete; until then it is
//! `<path>.part`, which an interrupted copy leaves nothing of.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, Key, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, Value};

use super::disk::{Disk, guarded};
use super::open::{builder, create_private};
use super::schema::{self, DAYS, HOURS, IDS, META, ROWS, SESSION_DAYS, STORIES};
use super::{Progress, StoreError};
use crate::files;

/// Entries written in one transaction.
const STEP: usize = 10_000;

/// A finished copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Copied {
    /// Records in it.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
}

/// There is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing is overwritten.
    #[error("{} is there already: choose another name, or move it away", .0.display())]
    Exists(PathBuf),
    /// The copy cannot be written.
    #[error("cannot write the copy {}: {source}", path.display())]
    Write {
        /// Its name.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies `disk` to `path`; gives up when `cancelled`.
pub(super) fn copy(
    disk: &Disk,
    path: &Path,
    progress: impl FnMut(Progress),
    cancelled: impl Fn() -> bool,
) -> Result<Copied, BackupError> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let mut part = OsString::from(path);
    part.push(".part");
    let part = PathBuf::from(part);
    // Another copy under way has it.
    let file = create_private(&part, false).map_err(|error| refused(&part, error))?;
    let made = guarded(|| fill(disk, file, progress, cancelled)).map_err(BackupError::Store);
    let made = made.and_then(|records| publish(&part, path, records));
    // Published or not, it has no further use.
    let _ = fs::remove_file(&part);
    made
}

fn refused(path: &Path, source: io::Error) -> BackupError {
    match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(path.to_owned()),
        _ => BackupError::Write { path: path.to_owned(), source },
    }
}

fn publish(part: &Path, path: &Path, records: u64) -> Result<Copied, BackupError> {
    let refused = |error| refused(path, error);
    let bytes = fs::metadata(part).map_err(refused)?.len();
    files::publish(part, path).map_err(refused)?;
    Ok(Copied { records, bytes })
}

fn fill(
    disk: &Disk,
    file: fs::File,
    progress: impl FnMut(Progress),
    cancelled: impl Fn() -> bool,
) -> Result<u64, StoreError> {
    let from = disk.begin_read()?;
    let to = builder().create_with_backend(FileBackend::new(file)?)?;
    let txn = to.begin_write()?;
    schema::create(&txn)?;
    txn.commit()?;
    let records = from.open_table(ROWS)?.len()?;
    let total = records + from.open_table(IDS)?.len()? + from.open_table(STORIES)?.len()?;
    let mut copying = Copying { from, to, progress, cancelled, at: Progress { done: 0, total } };
    copying.table(META)?;
    copying.table(HOURS)?;
    copying.table(DAYS)?;
    copying.table(SESSION_DAYS)?;
    copying.table(IDS)?;
    copying.table(STORIES)?;
    copying.table(ROWS)?;
    copying.to.close()?;
    Ok(records)
}

struct Copying<P, C> {
    from: ReadTransaction,
    to: Database,
    progress: P,
    cancelled: C,
    /// In entries of all tables; the sums are too few to be counted beforehand.
    at: Progress,
}

impl<P: FnMut(Progress), C: Fn() -> bool> Copying<P, C> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        definition: TableDefinition<'_, K, V>,
    ) -> Result<(), StoreError> {
        let source = self.from.open_table(definition)?;
        let mut entries = source.iter()?.peekable();
        while entries.peek().is_some() {
            if (self.cancelled)() {
                return Err(StoreError::Closed);
            }
            let txn = self.to.begin_write()?;
            let mut target = txn.open_table(definition)?;
            let mut count = 0;
            for entry in entries.by_ref().take(STEP) {
                let (key, value) = entry?;
                target.insert(key.value(), value.value())?;
                count += 1;
            }
            drop(target);
            txn.commit()?;
            self.advance(count);
        }
        Ok(())
    }

    fn advance(&mut self, count: u64) {
        self.at.done += count;
        self.at.total = self.at.total.max(self.at.done);
        (self.progress)(self.at);
    }
}
