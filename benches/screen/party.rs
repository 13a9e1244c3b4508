//! The forwarder in a pseudo-terminal that somebody reads, or no longer reads.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::time::Instant;

use super::proc;

/// Longest start, and longest wait for a terminal that is full.
const PATIENCE: Duration = Duration::from_secs(10);
/// Begins a frame: a synchronized update.
const FRAME: &[u8] = b"\x1b[?2026h";

/// How it shows itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// By log lines.
    Headless,
    /// By the terminal interface.
    Screen,
}

/// What was read of its terminal.
#[derive(Default)]
struct Seen {
    frames: AtomicU64,
    bytes: AtomicU64,
    /// Nobody is to read any more.
    stopped: AtomicBool,
}

/// A running forwarder; it ends with this.
pub(crate) struct Party {
    child: Box<dyn Child + Send + Sync>,
    /// Keeps the terminal open.
    _master: Box<dyn MasterPty + Send>,
    seen: Arc<Seen>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Drop for Party {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Party {
    /// Starts it and waits until it answers. It has a ledger, and its default settings otherwise.
    pub(crate) fn start(face: Face, upstream: SocketAddr, folder: &Path) -> anyhow::Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let name = format!("{}", address.port());
        let config = folder.join(format!("{name}.yaml"));
        std::fs::write(
            &config,
            format!(
                "server: {{ port: {} }}\nweb: {{ enabled: false }}\n\
                 usage_tracking: {{ database_path: \"{}/{name}.redb\" }}\n\
                 endpoints:\n  - {{ name: bench, url: \"http://{upstream}\", token: bench-token }}\n",
                address.port(),
                folder.display()
            ),
        )?;
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_cc-forwarder"));
        command.args([if face == Face::Headless { "--no-tui" } else { "--tui" }, "--config"]);
        command.arg(&config);
        command.env("TERM", "xterm-256color");
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let child = pair.slave.spawn_command(command)?;
        let reader = pair.master.try_clone_reader()?;
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || read(reader, &shared));
        let mut party = Self { child, _master: pair.master, seen, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() || (face == Face::Screen && party.frames() == 0) {
            if began.elapsed() > PATIENCE || party.child.try_wait()?.is_some() {
                bail!("the forwarder did not start; try it with {}", config.display());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(party)
    }

    /// Frames drawn so far.
    pub(crate) fn frames(&self) -> u64 {
        self.seen.frames.load(Ordering::Relaxed)
    }

    /// Bytes written to the terminal so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.seen.bytes.load(Ordering::Relaxed)
    }

    /// CPU time so far.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        proc::cpu(self.child.process_id()?)
    }

    /// From now on nobody reads its terminal; returns once that has been noticed.
    pub(crate) fn stop_reading(&self) -> anyhow::Result<()> {
        self.seen.stopped.store(true, Ordering::Release);
        let (began, mut before) = (Instant::now(), self.bytes());
        loop {
            // Longer than its clock takes to draw again.
            std::thread::sleep(Duration::from_millis(1_500));
            let now = self.bytes();
            if now == before {
                return Ok(());
            }
            before = now;
            (began.elapsed() < PATIENCE).then_some(()).context("the terminal is read on")?;
        }
    }
}

fn read(mut reader: Box<dyn Read + Send>, seen: &Seen) {
    let (mut buffer, mut tail) = ([0; 8192], Vec::new());
    while !seen.stopped.load(Ordering::Acquire) {
        let Ok(read @ 1..) = reader.read(&mut buffer) else { return };
        seen.bytes.fetch_add(read as u64, Ordering::Relaxed);
        tail.extend_from_slice(&buffer[..read]);
        let frames = tail.windows(FRAME.len()).filter(|window| *window == FRAME).count();
        seen.frames.fetch_add(frames as u64, Ordering::Relaxed);
        let keep = tail.len().saturating_sub(FRAME.len() - 1);
        tail.drain(..keep);
    }
    // Not dropped: the terminal is to stand still, not to be closed.
    loop {
        std::thread::park();
    }
}
