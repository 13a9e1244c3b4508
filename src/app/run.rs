//! `cc-forwarder`: load, start, serve until told to stop.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal;

use super::hangup::Hangups;
use super::reload::{LogTap, WebFlags};
use super::{Running, Taps, start};
use crate::cli::{EXIT_OK, RunArgs};
use crate::config::load::{self, Loaded};
use crate::config::watch::Pace;
use crate::config::{Config, Source, System};
use crate::events::board::Board;
use crate::logging::{self, Console};

/// Runs the forwarder until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration cannot be used, or the port or the log file cannot be opened.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<u8> {
    let loaded = prepare(args)?;
    let config = loaded.config;
    let guard = logging::init(&config.logging, Console::Stderr, config.redactor.clone())?;
    logging::install_panic_hook();
    for flag in without_effect(args) {
        tracing::warn!(target: "cc_forwarder::config", "{flag} is accepted, but not acted on by this version");
    }
    for warning in loaded.warnings.to_string().lines() {
        tracing::warn!(target: "cc_forwarder::config", "{warning}");
    }
    let log = LogTap { handle: guard.clone(), level: args.log_level };
    let taps = Taps { log: Some(log), web: web_flags(args), ..Taps::default() };
    runtime()?.block_on(serve(Arc::new(config), taps))?;
    Ok(EXIT_OK)
}

/// Flags of features that are not there yet.
fn without_effect(args: &RunArgs) -> impl Iterator<Item = &'static str> {
    [(args.tui, "--tui")].into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag)
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
    if let Some(level) = args.log_level {
        loaded.config.logging.level = level;
    }
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

/// The runtime all commands share.
///
/// # Errors
/// When the system refuses threads.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    super::memory::keep_what_requests_free();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

async fn serve(config: Arc<Config>, taps: Taps) -> anyhow::Result<()> {
    let running = start(Arc::clone(&config), taps).await?;
    let (mut interrupts, mut hangups) = (Interrupts::new()?, Hangups::new()?);
    running.follow(config.source.clone(), Pace::default())?;
    announce(&config, &running);
    tokio::select! {
        interrupted = interrupts.next() => interrupted?,
        () = hangups.terminal_gone() => {}
    }
    tracing::info!(
        target: "cc_forwarder::app",
        "stopping: running answers get {:?} to finish, a second signal ends them",
        running.config().server.shutdown_grace
    );
    let hurry = async {
        // Without a way to hear a second signal the grace period decides alone.
        if interrupts.next().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let board = running.stop(hurry).await;
    tracing::info!(target: "cc_forwarder::app", "{}", summary(&board));
    Ok(())
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
        "stopped: {} requests, {} completed ({} after a failover or retry), {} failed, {} cancelled; \
         {} tokens in, {} out",
        t.accepted,
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
