//! The way to a file over symbolic links, and which notices from its folders are about it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};

/// Longer chains of links are loops.
const MOST_LINKS: usize = 40;

/// The folders and names a file is reached by.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Way {
    /// In which a change can lead to another content.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Of the file and the links to it.
    pub(super) names: BTreeSet<OsString>,
}

/// Follows the links from `path`: the folder of each one, and the real folder of the file.
pub(super) fn way(path: &Path) -> Way {
    let mut way = Way::default();
    let mut at = path.to_owned();
    for _ in 0..=MOST_LINKS {
        let folder = folder(&at);
        way.names.extend(at.file_name().map(OsString::from));
        // Under one name only: two watches of one folder end together.
        way.folders.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone()));
        match at.read_link() {
            Ok(target) => at = folder.join(target),
            Err(_) => break,
        }
    }
    if let Ok(real) = path.canonicalize() {
        way.names.extend(real.file_name().map(OsString::from));
        way.folders.insert(folder(&real));
    }
    way
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether a notice is worth a look. What is created, moved and removed may be a link on the way; what is written counts
/// only for the names of the way, so that a log file in the same folder costs nothing; reading never counts, our own
/// looks would wake us.
pub(super) fn matters(event: &notify::Event, names: &BTreeSet<OsString>) -> bool {
    let named = || {
        let known = |path: &PathBuf| path.file_name().is_none_or(|name| names.contains(name));
        event.paths.is_empty() || event.paths.iter().any(known)
    };
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => named(),
        EventKind::Access(_) => false,
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(_) => named(),
        EventKind::Any | EventKind::Other => true,
    }
}
