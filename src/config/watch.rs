//! Notices that the configuration file says something new.
//!
//! What counts is the content. Notices of the system and a slow look of our own only say when to look:
//!
//! | how the file is replaced | noticed by |
//! |---|---|
//! | written in place, or another file renamed over it | a notice from its folder |
//! | a symbolic link swapped: the file itself, or one beside it that it leads through | a notice from the folder of that link |
//! | a link higher up in its path swapped; on a network file system; where the system gives no notices | a look every [`Pace::poll`] |
//!
//! A file is believed when it stands still: two looks [`Pace::settle`] apart that agree, and [`Pace::doubt`] apart when
//! it is missing or empty, as it is for a moment while some editors write. Files that the configuration refers to
//! (`${file:…}`, `tls.extra_ca`) are not watched: SIGHUP reads them anew.
//!
//! Must never: interpret the content, or keep a thread of the runtime waiting for a disk.

mod path;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::env::{Env, System};

/// Bytes of a file that are compared; one more than the longest configuration.
const COMPARED: u64 = super::load::LONGEST_FILE + 1;

/// How eagerly a file is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Between two looks without a notice.
    pub poll: Duration,
    /// How long content must stand still before it is believed.
    pub settle: Duration,
    /// How long the file must be missing or empty before that is believed.
    pub doubt: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(3),
            settle: Duration::from_millis(100),
            doubt: Duration::from_secs(2),
        }
    }
}

/// Watches one file.
pub struct Watcher {
    path: PathBuf,
    pace: Pace,
    /// The content last reported, or seen at the start.
    known: Seen,
    notices: Notices,
}

/// What a look found.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Content(Vec<u8>),
    Missing(io::ErrorKind),
}

impl Seen {
    fn is_doubtful(&self) -> bool {
        match self {
            Self::Content(bytes) => bytes.iter().all(u8::is_ascii_whitespace),
            Self::Missing(_) => true,
        }
    }
}

impl Watcher {
    /// Watches `path` from now on; what it says at this moment is known.
    pub async fn new(path: PathBuf, pace: Pace) -> Self {
        let mut notices = Notices::new();
        // First the folders, then the content: a change in between is noticed.
        notices.follow(&path).await;
        let known = look(&path).await;
        Self { path, pace, known, notices }
    }

    /// Waits until the file says something new and stands still. Dropping the future loses nothing.
    pub async fn changed(&mut self) {
        loop {
            self.notices.follow(&self.path).await;
            let seen = look(&self.path).await;
            if seen == self.known {
                // Elapsed or noticed: both mean a look.
                let _ = timeout(self.pace.poll, self.notices.wake.notified()).await;
                continue;
            }
            sleep(if seen.is_doubtful() { self.pace.doubt } else { self.pace.settle }).await;
            if look(&self.path).await == seen {
                self.known = seen;
                return;
            }
        }
    }
}

async fn look(path: &Path) -> Seen {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || System.read(&path, COMPARED));
    match reading.await {
        Ok(Ok(bytes)) => Seen::Content(bytes),
        Ok(Err(error)) => Seen::Missing(error.kind()),
        Err(_) => Seen::Missing(io::ErrorKind::Other),
    }
}

/// The system's notices about the folders on the way to a file.
struct Notices {
    /// `None` where the system gives none.
    system: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    /// File names whose content counts, of the file and of links on the way to it.
    names: Arc<Mutex<BTreeSet<OsString>>>,
    wake: Arc<Notify>,
}

impl Notices {
    fn new() -> Self {
        let (names, wake) = (Arc::<Mutex<BTreeSet<OsString>>>::default(), Arc::<Notify>::default());
        let (theirs, woken) = (Arc::clone(&names), Arc::clone(&wake));
        let told = move |event: notify::Result<notify::Event>| {
            let names = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            if event.is_ok_and(|event| path::matters(&event, &names)) {
                woken.notify_one();
            }
        };
        let system = notify::recommended_watcher(told).inspect_err(unavailable).ok();
        Self { system, folders: BTreeSet::new(), names, wake }
    }

    /// Watches the folders on the way to the file as the links lead now.
    async fn follow(&mut self, path: &Path) {
        let path = path.to_owned();
        let finding = tokio::task::spawn_blocking(move || path::way(&path));
        let Ok(way) = finding.await else { return };
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = way.names;
        let Some(system) = &mut self.system else { return };
        for gone in self.folders.difference(&way.folders) {
            // A folder that was removed is not watched any more anyway.
            let _ = system.unwatch(gone);
        }
        self.folders.retain(|folder| way.folders.contains(folder));
        for folder in way.folders {
            if !self.folders.contains(&folder) && watch(system, &folder) {
                self.folders.insert(folder);
            }
        }
    }
}

/// A folder that cannot be watched yet is tried again at the next look.
fn watch(system: &mut RecommendedWatcher, folder: &Path) -> bool {
    let watched = system.watch(folder, RecursiveMode::NonRecursive);
    watched.inspect_err(unavailable).is_ok()
}

fn unavailable(error: &notify::Error) {
    tracing::debug!(
        target: "cc_forwarder::config",
        "no notices about the configuration file, it is looked at every few seconds instead: {error}"
    );
}
