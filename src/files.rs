//! Files that hold what is nobody else's business: configurations, records, log lines, answers.
//!
//! | rule | where |
//! |---|---|
//! | a new file can be read by its owner only, from its first moment on; Windows takes the folder's access list | [`private`] |
//! | a file that was written beside its path gets that name whole, and never in the place of another file | [`publish`] |

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Options that make new files readable by their owner only; nothing else is chosen yet.
pub fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "other systems take the folder's access list"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A new private file, to be written.
///
/// # Errors
/// When something has that name, or the system refuses.
pub fn create(path: &Path) -> io::Result<File> {
    private().write(true).create_new(true).open(path)
}

/// Gives a complete file its name. Where links are unknown it is renamed; else `draft` stays a second name of it, to be
/// removed by who made it.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] when something has that name; else what the system says.
pub fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(draft, path),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_file_has_its_name_and_no_other_file_loses_it() {
        let folder = tempfile::tempdir().unwrap();
        let (draft, path) = (folder.path().join("draft"), folder.path().join("file"));
        drop(create(&draft).unwrap());
        assert_eq!(create(&draft).unwrap_err().kind(), ErrorKind::AlreadyExists);
        fs::write(&draft, "new").unwrap();
        publish(&draft, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        fs::write(&path, "theirs").unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "ours").unwrap();
        assert_eq!(publish(&other, &path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = create(&folder.path().join("file")).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
