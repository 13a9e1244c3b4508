//! A file that a person asked for.
//!
//! It is written beside its path and gets its name when it is whole, so that a file of that name is never half of one. A
//! file that exists is never overwritten. One that is not published leaves nothing.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::files;

/// See the module.
pub(in crate::app) struct NewFile {
    out: BufWriter<File>,
    partial: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Begins it; `~/` is the home directory.
    ///
    /// # Errors
    /// When a file has that name, or none can be made there.
    pub(in crate::app) fn create(path: &Path) -> Result<Self, String> {
        let path = expanded(path, std::env::home_dir());
        let cannot = |error: io::Error| cannot(&path, &error);
        if path.try_exists().map_err(cannot)? {
            return Err(format!("{} exists already; choose another name", path.display()));
        }
        let partial = partial(&path);
        let out = BufWriter::new(files::create(&partial).map_err(cannot)?);
        Ok(Self { out, partial, path })
    }

    /// Its content goes here.
    pub(in crate::app) fn out(&mut self) -> &mut BufWriter<File> {
        &mut self.out
    }

    /// Gives the whole file its name.
    ///
    /// # Errors
    /// When what is left cannot be written, or the name is taken by now.
    pub(in crate::app) fn publish(mut self) -> Result<(), String> {
        let published = self.out.flush().and_then(|()| files::publish(&self.partial, &self.path));
        published.map_err(|error| cannot(&self.path, &error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // What is left of it is of no use, and nothing is left once it has its name.
        let _ = fs::remove_file(&self.partial);
    }
}

fn cannot(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// `~/x` as a shell reads it: no shell stands between the prompt and the file.
fn expanded(path: &Path, home: Option<PathBuf>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_directory() {
        let home = || Some(PathBuf::from("/home/me"));
        assert_eq!(expanded(Path::new("~/x.csv"), home()), Path::new("/home/me/x.csv"));
        assert_eq!(expanded(Path::new("a/~x.csv"), home()), Path::new("a/~x.csv"));
        assert_eq!(expanded(Path::new("~/x.csv"), None), Path::new("~/x.csv"));
    }

    #[test]
    fn what_is_not_published_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let mut file = NewFile::create(&path).unwrap();
        file.out().write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = NewFile::create(&path).unwrap();
        fs::write(&path, "somebody else's").unwrap();
        assert!(file.publish().unwrap_err().starts_with("cannot write "));
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody else's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
