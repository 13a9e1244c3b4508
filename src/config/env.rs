//! What the loader asks of the machine: environment variables and files, behind a trait so that a test brings its own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The outside world as far as a configuration may look at it.
pub trait Env {
    /// The value of an environment variable; `None` when it is unset or not valid text.
    fn var(&self, name: &str) -> Option<String>;

    /// The first `limit` bytes of a file, or all of a shorter one.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// True when a file can be found there.
    fn is_file(&self, path: &Path) -> bool;
}

/// The process environment and the file system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Env for System {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }
}

/// All of a file that must be text and may not be longer than `limit` bytes.
///
/// # Errors
/// When it cannot be read, is longer or is not UTF-8.
pub(super) fn read_text(env: &dyn Env, path: &Path, limit: u64) -> io::Result<String> {
    let bytes = env.read(path, limit + 1)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is longer than {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}
