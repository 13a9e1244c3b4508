//! `cc-forwarder`: load, start, serve until told to stop.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal;
use tokio::time::Instant;

use super::hangup::Hangups;
use super::reload::{LogFlags, LogTap, WebFlags};
use super::screen::{self, Closed, Face, Window, Wish};
use super::{Running, Taps, farewell, start, threads};
use crate::cli::{EXIT_OK, RunArgs};
use crate::config::load::{self, Loaded};
use crate::config::watch::Pace;
use crate::config::{Config, Source, System};
use crate::domain::words::counted;
use crate::events::board::Board;
use crate::logging::{self, Console, LogHandle};

/// Runs the forwarder until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration cannot be used, or the port or the log file cannot be opened.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<u8> {
    let loaded = prepare(args)?;
    let config = loaded.config;
    let wish = Wish { tui: args.tui, no_tui: args.no_tui, theme: args.theme.as_deref() };
    let mut face = screen::face(wish, &config)?;
    let console = match &face {
        Face::Screen(_) => Console::None,
        Face::Headless(_) => Console::Stderr,
    };
    let guard = logging::init(&config.logging, console, config.redactor.clone())?;
    logging::install_panic_hook();
    let warnings = loaded.warnings.to_string();
    for warning in warnings.lines() {
        tracing::warn!(target: "cc_forwarder::config", "{warning}");
    }
    if let Face::Screen(plan) = &mut face {
        for notice in &plan.notices {
            tracing::warn!(target: "cc_forwarder::app", "{notice}");
        }
        plan.notices.extend(warnings.lines().map(str::to_owned));
        plan.logs = Some(guard.ring());
    }
    let log = guard.clone();
    let tap = LogTap { handle: log.clone(), flags: log_flags(args) };
    let (runtime, redactor) = (threads::runtime()?, config.redactor.clone());
    let taps = Taps { log: Some(tap), web: web_flags(args), ..Taps::default() };
    // Caught so that its text is seen: with a screen open, log lines are not.
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(serve(Arc::new(config), taps, face, log))));
    ended.unwrap_or_else(|payload| {
        let text = screen::panic_text(&*payload);
        Err(anyhow::anyhow!("internal error ({})", redactor.scrub(text)))
    })?;
    Ok(EXIT_OK)
}

/// What the command line says of log lines.
fn log_flags(args: &RunArgs) -> LogFlags {
    LogFlags { level: args.log_level, format: args.log_format }
}

/// What the command line says of the admin port.
fn web_flags(args: &RunArgs) -> WebFlags {
    WebFlags { on: args.web, port: args.web_port }
}

/// The configuration as this run sees it.
fn prepare(args: &RunArgs) -> anyhow::Result<Loaded> {
    let mut loaded = find(args.config.as_deref())?;
    if let Some(name) = &args.pin {
        loaded.config.pin(name)?;
    }
    log_flags(args).outrank(&mut loaded.config);
    web_flags(args).outrank(&mut loaded.config);
    if let Some(problem) = loaded.config.exposure_problems().first() {
        anyhow::bail!("{problem}");
    }
    Ok(loaded)
}

/// Finds and loads the configuration.
///
/// # Errors
/// When a file was found or named and cannot be used.
pub(super) fn find(explicit: Option<&Path>) -> anyhow::Result<Loaded> {
    Ok(load::load(locate(explicit)?, &System)?)
}

/// Where the configuration is.
///
/// # Errors
/// Without a working directory.
pub(super) fn locate(explicit: Option<&Path>) -> anyhow::Result<Source> {
    let cwd = std::env::current_dir().context("cannot tell the working directory")?;
    Ok(load::locate(explicit, &System, &cwd))
}

async fn serve(config: Arc<Config>, taps: Taps, face: Face, log: LogHandle) -> anyhow::Result<()> {
    let begun = Instant::now();
    let running = start(Arc::clone(&config), taps).await?;
    let (mut interrupts, mut hangups) = (Interrupts::new()?, Hangups::new()?);
    running.follow(config.source.clone(), Pace::default())?;
    announce(&config, &running);
    let mut window = open(&running, face)?;
    until_stopped(&mut window, &log, &mut interrupts, &mut hangups).await?;
    let running_requests = running.pictures().fresh().await.live.len();
    let grace = running.config().server.shutdown_grace;
    tracing::info!(
        target: "cc_forwarder::app",
        "stopping: running answers get {grace:?} to finish, a second signal ends them"
    );
    let tells = match window {
        Some(window) => window.close().await,
        None => false,
    };
    if let Some(text) = farewell::draining(running_requests, grace).filter(|_| tells) {
        // A terminal that has gone meanwhile has nobody to be told anything.
        let _ = print(&text);
    }
    let board = running.stop(interrupts.hurry()).await;
    tracing::info!(target: "cc_forwarder::app", "{}", summary(&board));
    if tells {
        let _ = print(&farewell::summary(board.totals(), begun.elapsed()));
    }
    Ok(())
}

/// Opens the screen, if there is to be one.
fn open(running: &Running, face: Face) -> anyhow::Result<Option<Window>> {
    match face {
        Face::Screen(plan) => {
            let window = Window::open(running, plan).context("cannot start the terminal interface")?;
            Ok(Some(window))
        }
        Face::Headless(Some(why)) => {
            tracing::info!(target: "cc_forwarder::app", "running without the terminal interface: {why}");
            Ok(None)
        }
        Face::Headless(None) => Ok(None),
    }
}

/// Returns when a signal comes, the terminal goes, or a person closes the screen. A screen that fails is told of, and the
/// forwarder goes on without it, its log lines on the terminal as if there had never been one: answers are being passed on.
async fn until_stopped(
    window: &mut Option<Window>,
    log: &LogHandle,
    interrupts: &mut Interrupts,
    hangups: &mut Hangups,
) -> anyhow::Result<()> {
    loop {
        let closed = async {
            match window {
                Some(window) => window.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            interrupted = interrupts.next() => return Ok(interrupted?),
            () = hangups.terminal_gone() => return Ok(()),
            closed = closed => match closed {
                Closed::Well => return Ok(()),
                Closed::Failed(why) => {
                    log.open_console();
                    tracing::error!(
                        target: "cc_forwarder::app",
                        "the terminal interface failed: {why}; the forwarder goes on, Ctrl-C stops it"
                    );
                    *window = None;
                }
            }
        }
    }
}

fn announce(config: &Config, running: &Running) {
    tracing::info!(
        target: "cc_forwarder::app",
        version = crate::cli::version(),
        endpoints = config.endpoints.len(),
        auth = config.auth.is_some(),
        "running with {}",
        config.source
    );
    if let Some(address) = running.admin_address() {
        tracing::info!(target: "cc_forwarder::app", "admin port: http://{address}");
    }
    tracing::info!(
        target: "cc_forwarder::app",
        "listening; set ANTHROPIC_BASE_URL=http://{}",
        running.address()
    );
}

/// One line about what a run did.
pub(super) fn summary(board: &Board) -> String {
    let t = board.totals();
    format!(
        "stopped: {}, {} completed ({} after a failover or retry), {} failed, {} cancelled; \
         {} tokens in, {} out",
        counted(t.accepted, "request"),
        t.completed,
        t.rescued,
        t.failed,
        t.cancelled,
        t.usage.prompt_tokens(),
        t.usage.output
    )
}

/// SIGINT, SIGTERM, or Ctrl-C, heard from the moment this is made: none is lost between two waits.
struct Interrupts {
    #[cfg(unix)]
    terminate: signal::unix::Signal,
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
}

impl Interrupts {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) -> io::Result<()> {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        Ok(())
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> io::Result<()> {
        signal::ctrl_c().await
    }

    /// Resolves with the next one. Without a way to hear it, never: then the grace period decides alone.
    async fn hurry(&mut self) {
        if self.next().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Resolves on SIGINT, SIGTERM, or Ctrl-C.
///
/// # Errors
/// When the system does not let us listen.
pub(super) async fn interrupted() -> io::Result<()> {
    Interrupts::new()?.next().await
}

/// Writes to standard output; a reader that has gone is no error.
///
/// # Errors
/// When the output cannot be written for another reason.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the output")
        }
        _ => Ok(()),
    }
}
