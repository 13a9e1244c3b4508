//! Answers whose usage could not be read, kept for study (`logging.token_debug`).
//!
//! A whole answer to a `messages` request from which no prompt tokens or no output tokens could be read is written to a
//! file of its own: who answered, with which headers, and the decoded body as far as it is kept.
//!
//! | bound | is |
//! |---|---|
//! | body | [`MAX_BODY`], as it came and decoded |
//! | files | `max_files` and `auto_cleanup_days`; the oldest go, and no other file is touched |
//! | waiting to be written | [`MAX_WAITING`]; what comes then is dropped and counted |
//!
//! While it is off an answer costs nothing more than the look at one `Option`. While it is on, answers in flight share
//! their bytes with the client's copy; decoding, redacting and writing happen on a thread of its own. Known secrets, and
//! what the client sent as its credential, are masked. The data path never waits for any of it.

mod folder;
mod page;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, response};
use tokio::sync::watch;

use self::folder::Folder;
use super::witness::credentials;
use crate::claude::usage::Usage;
use crate::config::{Config, TokenDebug};
use crate::events::RequestId;

/// Most that is kept of a body, bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// Most answers that wait to be written.
pub const MAX_WAITING: usize = 16;

/// Between two looks for files that are too old.
const TIDY_INTERVAL: Duration = Duration::from_secs(3600);

/// The way to the files; cheap to clone. The default one is switched off.
#[derive(Clone, Debug, Default)]
pub struct Samples(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    way: SyncSender<Message>,
    dropped: AtomicU64,
}

enum Message {
    Write(Box<Sample>),
    Stop,
}

/// The thread that writes.
pub struct Keeper {
    way: SyncSender<Message>,
    thread: JoinHandle<()>,
}

/// One answer on its way.
#[derive(Debug)]
pub struct Sample {
    id: RequestId,
    at: jiff::Timestamp,
    /// Endpoint, group, and the model it was asked for.
    asked: [String; 3],
    head: (http::StatusCode, HeaderMap),
    /// What the client sent to identify itself.
    credentials: Vec<String>,
    pieces: Vec<Bytes>,
    kept: usize,
    seen: u64,
    usage: Usage,
}

/// Starts the thread. Its files are masked by the newest configuration.
///
/// # Errors
/// When the system refuses a thread.
pub fn start(settings: &TokenDebug, config: watch::Receiver<Arc<Config>>) -> io::Result<(Samples, Keeper)> {
    let (way, messages) = sync_channel(MAX_WAITING);
    let inner = Arc::new(Inner { way: way.clone(), dropped: AtomicU64::new(0) });
    let mut writer = Writer {
        folder: Folder::new(settings),
        config,
        counts: Arc::clone(&inner),
        reported: 0,
        failing: false,
    };
    let thread =
        std::thread::Builder::new().name("unread-answers".into()).spawn(move || writer.run(&messages))?;
    Ok((Samples(Some(inner)), Keeper { way, thread }))
}

impl Keeper {
    /// Writes what waits and ends. Blocks until then.
    pub fn stop(self) {
        // An error means that the thread has gone, which the join tells too.
        let _ = self.way.send(Message::Stop);
        let _ = self.thread.join();
    }
}

impl Samples {
    /// True while answers are kept.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Answers that were not kept because too many waited.
    pub fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.dropped.load(Ordering::Relaxed))
    }

    /// The answer has ended as it should and this was read from it. Neither waits nor fails.
    pub fn judge(&self, sample: Option<Box<Sample>>, usage: &Usage) {
        let (Some(inner), Some(mut sample)) = (&self.0, sample) else { return };
        if usage.prompt_tokens() > 0 && usage.output > 0 {
            return;
        }
        sample.usage = usage.clone();
        if inner.way.try_send(Message::Write(sample)).is_err() {
            inner.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Sample {
    /// An answer of which nothing was passed on yet. `client` are the headers of the request.
    pub fn begin(id: RequestId, asked: [String; 3], head: &response::Parts, client: &HeaderMap) -> Box<Self> {
        Box::new(Self {
            id,
            at: jiff::Timestamp::now(),
            asked,
            head: (head.status, head.headers.clone()),
            credentials: credentials(client),
            pieces: Vec::new(),
            kept: 0,
            seen: 0,
            usage: Usage::default(),
        })
    }

    /// Takes the next bytes as they came.
    pub fn take(&mut self, bytes: &Bytes) {
        self.seen += bytes.len() as u64;
        let room = (MAX_BODY - self.kept).min(bytes.len());
        if room > 0 {
            self.pieces.push(bytes.slice(..room));
            self.kept += room;
        }
    }
}

struct Writer {
    folder: Folder,
    config: watch::Receiver<Arc<Config>>,
    counts: Arc<Inner>,
    /// Drops that people know of.
    reported: u64,
    /// The last file could not be written, which people know.
    failing: bool,
}

impl Writer {
    fn run(&mut self, messages: &Receiver<Message>) {
        self.tidy();
        loop {
            match messages.recv_timeout(TIDY_INTERVAL) {
                Ok(Message::Write(sample)) => self.write(&sample),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.tidy();
            self.report_drops();
        }
    }

    fn write(&mut self, sample: &Sample) {
        let redactor = self.config.borrow().redactor.clone();
        let text = page::text(sample, &redactor);
        match self.folder.write(sample.id, sample.at, &text) {
            Ok(path) => {
                self.failing = false;
                tracing::warn!(
                    target: "cc_forwarder::tokens",
                    id = %sample.id, endpoint = sample.asked[0],
                    "the usage of an answer could not be read: kept as {}", path.display()
                );
            }
            Err(error) if !std::mem::replace(&mut self.failing, true) => tracing::warn!(
                target: "cc_forwarder::tokens",
                "an answer whose usage could not be read cannot be kept in {}: {error} (logging.token_debug.save_path)",
                self.folder.path().display()
            ),
            Err(_) => {}
        }
    }

    fn tidy(&self) {
        if let Err(error) = self.folder.tidy(jiff::Timestamp::now()) {
            tracing::debug!(
                target: "cc_forwarder::tokens",
                "{} could not be tidied: {error}", self.folder.path().display()
            );
        }
    }

    fn report_drops(&mut self) {
        let dropped = self.counts.dropped.load(Ordering::Relaxed);
        if dropped > self.reported {
            tracing::warn!(
                target: "cc_forwarder::tokens", dropped = dropped - self.reported,
                "answers whose usage could not be read came faster than they could be kept"
            );
            self.reported = dropped;
        }
    }
}

#[cfg(test)]
mod tests;
