//! The folder with kept answers: private files, as many and as old as is wanted.
//!
//! A file is `unread-<UTC time>-<request id>.txt`; the names sort by age. Files of other names are nobody's business here.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};

use crate::config::TokenDebug;
use crate::events::RequestId;
use crate::files;

const PREFIX: &str = "unread-";
const SUFFIX: &str = ".txt";
/// `20261123T120000Z`
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// The folder and its bounds.
pub(super) struct Folder {
    path: PathBuf,
    /// 0 keeps all.
    max_files: usize,
    /// 0 keeps for ever.
    days: u32,
}

impl Folder {
    pub(super) fn new(settings: &TokenDebug) -> Self {
        let max_files = usize::try_from(settings.max_files).unwrap_or(usize::MAX);
        Self { path: settings.path.clone(), max_files, days: settings.cleanup_days }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file. The folder is made if it is missing.
    pub(super) fn write(&self, id: RequestId, at: Timestamp, text: &str) -> io::Result<PathBuf> {
        private_folder().create(&self.path)?;
        let path = self.path.join(format!("{PREFIX}{}-{id}{SUFFIX}", at.strftime(STAMP)));
        files::create(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// Removes what is too old or too many.
    pub(super) fn tidy(&self, now: Timestamp) -> io::Result<()> {
        let mut names = match self.names() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names?,
        };
        names.sort_unstable();
        let limit = if self.max_files == 0 { names.len() } else { self.max_files };
        let too_many = names.len().saturating_sub(limit);
        let oldest = self.oldest(now);
        let too_old = oldest.map_or(0, |oldest| names.partition_point(|name| *name < oldest));
        for name in &names[..too_many.max(too_old)] {
            fs::remove_file(self.path.join(name))?;
        }
        Ok(())
    }

    /// What the name of the oldest file that stays may begin with.
    fn oldest(&self, now: Timestamp) -> Option<String> {
        let hours = i64::from(self.days) * 24;
        let oldest = now.checked_sub(hours.hours()).ok().filter(|_| self.days > 0)?;
        Some(format!("{PREFIX}{}", oldest.strftime(STAMP)))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter(|name| is_ours(name)).collect())
    }
}

fn is_ours(name: &str) -> bool {
    let inner = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    let parts = inner.and_then(|inner| inner.split_once('-'));
    parts.is_some_and(|(stamp, id)| {
        jiff::civil::DateTime::strptime(STAMP, stamp).is_ok() && id.parse::<RequestId>().is_ok()
    })
}

/// Answers hold what people talked about: their folder and files are for their owner only.
fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
