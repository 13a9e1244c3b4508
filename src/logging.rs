//! Log lines: where they go, what they look like, and that they never slow a request or show a secret.
//!
//! ```text
//! tracing event -> subscriber (level, request id) -> record (masked) -> render (cut, escaped) -> queue -> stderr
//!                                                                                       \-> queue -> rolling file
//!                                                                                                    -> housekeeper
//!                                           \-> ring, once somebody has asked for it
//! ```
//!
//! Rules:
//! * a line written inside `info_span!("request", id = number)` carries the id of that number;
//! * places are written by threads of their own; a full queue drops lines and says how many;
//! * with the terminal interface on screen nothing goes to stderr ([`Console::None`]), until that has gone for good
//!   ([`LogHandle::open_console`]);
//! * the console always cuts long values at 500 bytes, the file unless `logging.disable_response_limit` is set;
//! * [`LogGuard`] lives until the end of `main`: dropping it writes what is waiting.

pub mod escape;
pub mod ring;

mod capture;
mod housekeeper;
mod panic;
mod queue;
mod record;
mod render;
mod rolling;
mod rotation;
mod subscriber;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::Dispatch;
use tracing_appender::non_blocking::{ErrorCounter, WorkerGuard};

pub use capture::Capture;
pub use panic::install_panic_hook;

use crate::config::{Level, LogFile, LogFormat, Logging};
use crate::domain::secret::Redactor;
use housekeeper::{Housekeeper, Policy, Waker};
use render::{Shape, Style};
use ring::Ring;
use rolling::RollingFile;
use subscriber::{Logger, Output, Shared, Sink};

/// Who owns the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Console {
    /// Log lines may go to stderr.
    Stderr,
    /// The terminal interface does: not one byte to stdout or stderr.
    None,
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log file cannot be opened.
    #[error(
        "cannot write the log file {} (logging.file_path): {source}; choose a file that can be written, or set logging.file_enabled: false",
        path.display()
    )]
    Open {
        /// As configured.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No thread for the upkeep of rotated files.
    #[error("cannot start the thread that looks after rotated log files: {0}")]
    Thread(#[source] io::Error),
    /// A second [`init`] in one process.
    #[error("logging was started twice")]
    Twice,
}

/// Changes logging while it runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogHandle {
    shared: Arc<Shared>,
    dropped: Arc<[ErrorCounter]>,
}

impl LogHandle {
    /// From now on, lines of this level and above.
    pub fn set_level(&self, level: Level) {
        self.shared.set_level(level);
    }

    /// From now on, masks these secrets instead of the earlier ones.
    pub fn set_redactor(&self, redactor: Redactor) {
        self.shared.set_redactor(redactor);
    }

    /// From now on, to stderr too: whoever had the terminal has given it back.
    pub fn open_console(&self) {
        self.shared.open_console();
    }

    /// The newest lines as data, from the first time on that somebody asks for them.
    pub fn ring(&self) -> Ring {
        self.shared.ring()
    }

    /// Lines dropped since the start because a queue was full, over all places.
    pub fn dropped_lines(&self) -> usize {
        self.dropped.iter().map(ErrorCounter::dropped_lines).sum()
    }
}

/// Keeps logging going; a [`LogHandle`] that also writes out what is waiting when it is dropped.
#[must_use = "dropping it ends logging"]
pub struct LogGuard {
    handle: LogHandle,
    // Dropped in this order: lines first, then the upkeep of files.
    _writers: Vec<WorkerGuard>,
    _housekeeper: Option<Housekeeper>,
}

impl Deref for LogGuard {
    type Target = LogHandle;

    fn deref(&self) -> &LogHandle {
        &self.handle
    }
}

/// Starts logging for the whole process.
///
/// # Errors
/// The file cannot be written, or logging was started before.
pub fn init(settings: &Logging, console: Console, redactor: Redactor) -> Result<LogGuard, LogError> {
    let (dispatch, guard) = build(settings, console, redactor)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| LogError::Twice)?;
    Ok(guard)
}

/// As [`init`], for the caller to install: logging for a part of the process.
///
/// # Errors
/// The file cannot be written.
pub fn build(
    settings: &Logging,
    console: Console,
    redactor: Redactor,
) -> Result<(Dispatch, LogGuard), LogError> {
    let mut places = Places::default();
    // The queue's thread flushes whenever it has run empty; until then lines that come together are one write.
    places.add("log-console", BufWriter::new(io::stderr()), console_style(settings.format), true);
    let housekeeper = match &settings.file {
        Some(file) => Some(add_file(&mut places, file, file_style(settings))?),
        None => None,
    };
    let shared = Arc::new(Shared::new(settings.level, redactor, console == Console::Stderr));
    let handle = LogHandle { shared: Arc::clone(&shared), dropped: places.dropped.into() };
    let guard = LogGuard { handle, _writers: places.writers, _housekeeper: housekeeper };
    Ok((Dispatch::new(Logger { shared, sinks: places.sinks }), guard))
}

/// The places collected so far.
#[derive(Default)]
struct Places {
    sinks: Vec<Sink>,
    writers: Vec<WorkerGuard>,
    dropped: Vec<ErrorCounter>,
}

impl Places {
    fn add<W: io::Write + Send + 'static>(&mut self, thread: &str, writer: W, style: Style, console: bool) {
        let (queue, guard) = queue::start(thread, writer, style);
        self.dropped.push(queue.error_counter());
        self.writers.push(guard);
        self.sinks.push(Sink { style, output: Output::Queue(queue), console });
    }
}

fn add_file(places: &mut Places, settings: &LogFile, style: Style) -> Result<Housekeeper, LogError> {
    let (waker, wakes) = Waker::new();
    let file = RollingFile::open(settings, waker.clone())?;
    let path = file.path().to_owned();
    let policy = Policy { path, keep: settings.max_files, compress: settings.compress };
    let housekeeper = Housekeeper::start(policy, waker, wakes).map_err(LogError::Thread)?;
    places.add("log-file", file, style, false);
    Ok(housekeeper)
}

fn console_style(format: LogFormat) -> Style {
    let colour = io::stderr().is_terminal() && wants_colour(|name| std::env::var_os(name));
    Style { shape: shape(format, colour), limit: Some(escape::VALUE_LIMIT) }
}

/// Whether a terminal with this environment should get colours.
pub fn wants_colour(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let refused = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = variable("TERM").is_some_and(|value| value == "dumb");
    // The old Windows console prints escape sequences as they are; these variables tell a newer one.
    let understands = !cfg!(windows) || variable("WT_SESSION").is_some() || variable("TERM").is_some();
    understands && !refused && !dumb
}

fn file_style(settings: &Logging) -> Style {
    let limit = (!settings.disable_response_limit).then_some(escape::VALUE_LIMIT);
    Style { shape: shape(settings.format, false), limit }
}

fn shape(format: LogFormat, colour: bool) -> Shape {
    match format {
        LogFormat::Text => Shape::Text { colour },
        LogFormat::Json => Shape::Json,
    }
}

#[cfg(test)]
mod tests;
