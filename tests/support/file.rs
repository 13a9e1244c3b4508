//! A configuration file on disk, and the ways people and tools replace one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cc_forwarder::app::reload::Last;
use cc_forwarder::config::watch::Pace;
use cc_forwarder::config::{Source, System, load};
use cc_forwarder::simulator::Simulator;
use tempfile::TempDir;
use tokio::time::timeout;

use super::{PATIENCE, World};

/// Quick to believe a new content, slow to believe that there is none: a test that is interrupted between opening a file
/// and writing it has not emptied it.
const QUICK: Pace = Pace {
    poll: Duration::from_millis(100),
    settle: Duration::from_millis(5),
    doubt: Duration::from_secs(10),
};

/// A file in a folder of its own.
pub struct ConfigFile {
    folder: TempDir,
    written: std::cell::Cell<u32>,
}

impl ConfigFile {
    pub fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.yaml"), text).unwrap();
        Self { folder, written: std::cell::Cell::new(0) }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("config.yaml")
    }

    /// As `cp` does.
    pub fn write_in_place(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    /// As careful editors do.
    pub fn rename_over(&self, text: &str) {
        std::fs::rename(self.next(text), self.path()).unwrap();
    }

    /// As container platforms do; a rename where there are no links.
    pub fn swap_link(&self, text: &str) {
        let target = self.next(text);
        #[cfg(unix)]
        {
            let link = self.folder.path().join("link");
            std::os::unix::fs::symlink(target.file_name().unwrap(), &link).unwrap();
            std::fs::rename(link, self.path()).unwrap();
        }
        #[cfg(not(unix))]
        std::fs::rename(target, self.path()).unwrap();
    }

    fn next(&self, text: &str) -> PathBuf {
        self.written.set(self.written.get() + 1);
        let path = self.folder.path().join(format!("version-{}", self.written.get()));
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl World {
    /// A forwarder that follows this file; `pin` is its `-p`.
    pub async fn following(file: &ConfigFile, pin: Option<&str>, sims: Vec<Simulator>) -> Self {
        let source = Source::File(file.path());
        let mut config = load::load(source.clone(), &System).unwrap().config;
        if let Some(name) = pin {
            config.pin(name).unwrap();
        }
        let world = Self::run(config, sims).await;
        world.forwarder.follow(source, QUICK).unwrap();
        world.reloaded(1).await;
        world
    }

    /// Reloads so far.
    pub fn reloads(&self) -> u64 {
        self.forwarder.reloads().last().borrow().as_ref().map_or(0, |last| last.number)
    }

    /// Waits for the reload of this number, which must be the last one.
    pub async fn reloaded(&self, number: u64) -> Arc<Last> {
        let mut last = self.forwarder.reloads().last();
        let there = last.wait_for(|last| last.as_ref().is_some_and(|last| last.number >= number));
        let last =
            timeout(PATIENCE, there).await.expect("a reload in time").expect("it runs").clone().unwrap();
        assert_eq!(last.number, number, "{last:?}");
        last
    }

    /// What comes of an edit of the file.
    pub async fn edit(&self, edit: impl FnOnce()) -> Arc<Last> {
        let before = self.reloads();
        edit();
        self.reloaded(before + 1).await
    }
}

/// The name of the file as problems show it.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}
