//! Compresses and deletes rotated log files, on a thread of its own, so that neither requests nor the writer of log
//! lines wait for it.
//!
//! Rules:
//! * woken at start and after every rotation; each time it looks at the directory and does what [`rotation::chores`]
//!   says, so that work left over by a crash or an early stop is done at the next start;
//! * an original goes only after its compressed copy is complete on disk and has its final name;
//! * a stop interrupts a compression between two blocks; the original stays.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::rotation::{self, Chore};
use crate::files;

/// Bytes compressed between two looks at the stop flag.
const BLOCK: usize = 64 * 1024;

/// Tells the housekeeper that there may be work. Wishes that come while one is waiting are one wish.
#[derive(Clone)]
pub(super) struct Waker(SyncSender<()>);

impl Waker {
    /// A waker and what it wakes.
    pub(super) fn new() -> (Self, Receiver<()>) {
        let (sender, receiver) = sync_channel(1);
        (Self(sender), receiver)
    }

    /// Never blocks.
    pub(super) fn wake(&self) {
        let _ = self.0.try_send(());
    }
}

/// What is kept, and how.
pub(super) struct Policy {
    /// The live log file.
    pub(super) path: PathBuf,
    /// Rotated files kept; 0 keeps all.
    pub(super) keep: u32,
    /// Compress what is kept.
    pub(super) compress: bool,
}

/// The running thread; dropping it stops and joins it.
pub(super) struct Housekeeper {
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeper {
    /// Starts the thread and a first round.
    pub(super) fn start(policy: Policy, waker: Waker, wakes: Receiver<()>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        waker.wake();
        let thread = std::thread::Builder::new().name("log-housekeeper".into()).spawn(move || {
            while wakes.recv().is_ok() && !seen.load(Ordering::Acquire) {
                tidy(&policy, &seen);
            }
        })?;
        Ok(Self { stop, waker, thread: Some(thread) })
    }
}

impl Drop for Housekeeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One round. Trouble with one file is reported and does not keep the others from their turn.
pub(super) fn tidy(policy: &Policy, stop: &AtomicBool) {
    let base = policy.path.file_name().unwrap_or_default().to_string_lossy();
    let directory = policy.path.parent().unwrap_or(Path::new("."));
    let names = match names_in(directory) {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(directory = %directory.display(), %error, "rotated log files could not be listed");
            return;
        }
    };
    for chore in rotation::chores(names.iter().map(String::as_str), &base, policy.keep, policy.compress) {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let (what, name, result) = match &chore {
            Chore::Remove(name) => ("removed", name, fs::remove_file(directory.join(name))),
            Chore::Compress(name) => ("compressed", name, compress(directory, name, stop)),
        };
        if let Err(error) = result {
            tracing::warn!(file = %directory.join(name).display(), %error, "a rotated log file could not be {what}");
        }
    }
}

fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(directory)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.collect())
}

/// Compresses a file beside itself. On a stop, and on an error, the original stays and the part goes.
fn compress(directory: &Path, name: &str, stop: &AtomicBool) -> io::Result<()> {
    let original = directory.join(name);
    let part = directory.join(rotation::partial_name(name));
    let result = write_compressed(&original, &part, stop).and_then(|complete| {
        if complete {
            fs::rename(&part, directory.join(rotation::compressed_name(name)))?;
            fs::remove_file(&original)?;
        }
        Ok(complete)
    });
    if !matches!(result, Ok(true)) {
        let _ = fs::remove_file(&part);
    }
    result.map(|_| ())
}

/// False when stopped before the end.
fn write_compressed(original: &Path, part: &Path, stop: &AtomicBool) -> io::Result<bool> {
    let mut input = File::open(original)?;
    let output = files::private().write(true).create(true).truncate(true).open(part)?;
    let mut encoder = GzEncoder::new(output, Compression::default());
    let mut block = vec![0; BLOCK];
    loop {
        if stop.load(Ordering::Acquire) {
            return Ok(false);
        }
        match input.read(&mut block)? {
            0 => break,
            n => encoder.write_all(&block[..n])?,
        }
    }
    encoder.finish()?.sync_all()?;
    Ok(true)
}
