//! The log file: appended to, rotated by size. Used by the writer thread only.
//!
//! Rules:
//! * a rotated file never replaces another one: its name is reserved before the rename;
//! * a failure to rotate never loses lines: writing goes on in the old file, the next try comes a limit later;
//! * a failure to write is reported once when it starts and once when it ends, not per line, and never stops the
//!   writer thread.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::LogError;
use super::housekeeper::Waker;
use super::rotation;
use crate::config::LogFile;
use crate::files;

/// More rotations than this within one second are refused; the file then grows beyond its limit.
const MOST_PER_SECOND: u32 = 1000;

/// See the module.
pub(super) struct RollingFile {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    /// Size at which the next rotation is tried.
    rotate_at: u64,
    /// Lines lost since writing began to fail.
    lost: u64,
    waker: Waker,
}

impl RollingFile {
    /// Opens the file for appending, with its directory; `waker` is told of every rotation.
    pub(super) fn open(settings: &LogFile, waker: Waker) -> Result<Self, LogError> {
        let cannot = |source| LogError::Open { path: settings.path.clone(), source };
        refuse_special(&settings.path).map_err(cannot)?;
        if let Some(directory) = settings.path.parent() {
            fs::create_dir_all(directory).map_err(cannot)?;
        }
        let file = open_append(&settings.path).map_err(cannot)?;
        // Rotating renames what a symbolic link points to, not the link.
        let path = fs::canonicalize(&settings.path).map_err(cannot)?;
        let size = file.metadata().map_err(cannot)?.len();
        let limit = settings.max_size;
        Ok(Self { path, file, size, limit, rotate_at: limit, lost: 0, waker })
    }

    /// The file with symbolic links followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn rotate_if_due(&mut self, incoming: u64) {
        if !rotation::must_rotate(self.size, incoming, self.rotate_at) {
            return;
        }
        match self.rotate() {
            Ok(()) => {
                self.rotate_at = self.limit;
                self.waker.wake();
            }
            Err(error) => {
                self.rotate_at = self.size.saturating_add(self.limit);
                tracing::warn!(path = %self.path.display(), %error, "the log file could not be rotated; it grows on");
            }
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let target = reserve(&self.path)?;
        if let Err(error) = fs::rename(&self.path, &target) {
            let _ = fs::remove_file(&target);
            // Gone already, by someone else's hand: a new file is all that is needed.
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
        }
        self.file = open_append(&self.path)?;
        self.size = self.file.metadata()?.len();
        Ok(())
    }

    fn note_failure(&mut self, error: &io::Error) {
        self.lost += 1;
        if self.lost == 1 {
            tracing::error!(path = %self.path.display(), %error, "the log file cannot be written; its lines are lost");
        }
    }

    fn note_success(&mut self) {
        if self.lost > 0 {
            tracing::warn!(path = %self.path.display(), lost = self.lost, "the log file can be written again");
            self.lost = 0;
        }
    }
}

impl Write for RollingFile {
    /// Takes one line. Always succeeds: the caller could do nothing about an error.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.rotate_if_due(line.len() as u64);
        match self.file.write_all(line) {
            Ok(()) => {
                self.size += line.len() as u64;
                self.note_success();
            }
            Err(error) => self.note_failure(&error),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Devices, pipes and directories can neither be appended to nor rotated like a file.
fn refuse_special(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it exists and is not a regular file"))
        }
        _ => Ok(()),
    }
}

/// Opens for appending; a new file is readable by its owner only, because log lines name models, paths and people.
fn open_append(path: &Path) -> io::Result<File> {
    files::private().append(true).create(true).open(path)
}

/// Creates an empty file under the first free rotated name, so that nobody else takes it.
fn reserve(path: &Path) -> io::Result<PathBuf> {
    let base = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stamp = rotation::stamp(jiff::Timestamp::now());
    for serial in 0..MOST_PER_SECOND {
        let name = rotation::rotated_name(&base, &stamp, serial);
        if path.with_file_name(rotation::compressed_name(&name)).exists() {
            continue;
        }
        let target = path.with_file_name(name);
        match files::create(&target) {
            Ok(_) => return Ok(target),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many rotations in one second; raise logging.max_file_size"))
}
