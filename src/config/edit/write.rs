//! Exchanges a file for a new version at one instant: whoever reads it gets the old one or the new one, whole.
//!
//! The new version is written beside the file, synced, and renamed over it. A symbolic link stays one: what it points to
//! is exchanged. Mode and owner stay; access lists beyond the mode do not.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::EditError;
use crate::files;

/// Puts `new` in the place of `old`.
///
/// # Errors
/// When the file is not `old` (any more), is read-only, or the disk refuses; then it is left as it is.
pub(super) fn replace(path: &Path, old: &[u8], new: &[u8]) -> Result<(), EditError> {
    let failed = |error| EditError::Write { path: path.to_owned(), error };
    let target = fs::canonicalize(path).map_err(failed)?;
    let metadata = fs::metadata(&target).map_err(failed)?;
    if metadata.permissions().readonly() {
        return Err(EditError::ReadOnly { path: path.to_owned() });
    }
    let beside = Beside::write(&target, &metadata, new).map_err(failed)?;
    if fs::read(&target).map_err(failed)? != old {
        return Err(EditError::ChangedMeanwhile { path: path.to_owned() });
    }
    beside.rename(&target).map_err(failed)
}

/// A file beside the target; removed unless it takes the target's place.
struct Beside {
    path: PathBuf,
    stays: bool,
}

impl Beside {
    fn write(target: &Path, like: &Metadata, content: &[u8]) -> io::Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{}-{:08x}", std::process::id(), fastrand::u32(..)));
        let mut file = files::create(&path)?;
        let beside = Self { path, stays: false };
        file.write_all(content)?;
        own(&beside.path, like)?;
        file.set_permissions(like.permissions())?;
        file.sync_all()?;
        Ok(beside)
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.stays = true;
        sync_folder(target);
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.stays {
            // It is of no use to anybody, and hidden.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Gives the new file the owner of the old one; an error when it is somebody else's and cannot be.
#[cfg(unix)]
fn own(path: &Path, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mine = fs::metadata(path)?;
    let differs = |old: u32, new: u32| (old != new).then_some(old);
    let (user, group) = (differs(like.uid(), mine.uid()), differs(like.gid(), mine.gid()));
    if user.is_none() && group.is_none() { Ok(()) } else { std::os::unix::fs::chown(path, user, group) }
}

#[cfg(not(unix))]
fn own(_: &Path, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// The rename outlives a loss of power once its folder is on disk. Not every file system can; the file is whole anyway.
fn sync_folder(target: &Path) {
    #[cfg(unix)]
    if let Some(folder) = target.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = target;
}
