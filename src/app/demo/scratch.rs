//! A ledger for the show: in a folder of its own, gone with it. What was played must never be mixed up with what was
//! paid.

use std::io;
use std::path::PathBuf;

use anyhow::Context;

use crate::config::Config;

/// The folder; removed when dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder that only its owner may read.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new() -> anyhow::Result<Self> {
        let name = format!("cc-forwarder-demo-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(name);
        create(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    /// Lets the forwarder keep its ledger here.
    pub(super) fn keep_ledger_of(&self, config: &mut Config) {
        config.usage.enabled = true;
        config.usage.database_path = self.0.join("usage.redb");
    }
}

fn create(path: &std::path::Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder of temporary files is swept by the system, too.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_new_and_leaves_nothing() {
        let (one, other) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        let mut config = Config::built_in();
        one.keep_ledger_of(&mut config);
        assert!(config.usage.enabled && config.usage.database_path.starts_with(&one.0));
        assert_ne!(one.0, other.0);
        let path = one.0.clone();
        std::fs::write(&config.usage.database_path, "rows").unwrap();
        drop(one);
        assert!(!path.exists());
    }
}
