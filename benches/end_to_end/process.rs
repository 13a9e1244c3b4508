//! The processes under load, and what the system says about them.
//!
//! Each party runs in a process of its own, so that the CPU time and the memory read are its own. They end with their
//! [`Service`]. `/proc` exists on Linux only; elsewhere [`Service::cpu`] and [`Service::rss`] are `None`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

use super::proc;

/// Longest start of any process.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at a starting forwarder.
const LOOK: Duration = Duration::from_micros(500);

/// A process that serves on a port.
pub(crate) struct Service {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start to its first answer; only measured for the forwarder.
    pub(crate) started_in: Duration,
}

impl Service {
    /// This very program in another role.
    pub(crate) fn role(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the bench cannot start itself in another role")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{arguments:?} did not start"))?;
        Ok(Self { child, address, started_in: Duration::ZERO })
    }

    /// The forwarder itself, with its default settings, in front of `upstream`. Its log goes nowhere.
    pub(crate) fn forwarder(upstream: SocketAddr, folder: &Path) -> anyhow::Result<Self> {
        Self::of(upstream, folder, "{ enabled: false }")
    }

    /// The same with its admin port at `admin`.
    pub(crate) fn watched(upstream: SocketAddr, folder: &Path, admin: SocketAddr) -> anyhow::Result<Self> {
        Self::of(upstream, folder, &format!("{{ host: 127.0.0.1, port: {} }}", admin.port()))
    }

    fn of(upstream: SocketAddr, folder: &Path, web: &str) -> anyhow::Result<Self> {
        let address = free_port()?;
        let config = folder.join("config.yaml");
        std::fs::write(&config, configuration(upstream, address, web))?;
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_cc-forwarder"))
            .arg("--no-tui")
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the forwarder cannot be started")?;
        let mut service = Self { child, address, started_in: Duration::ZERO };
        while !answers(address) {
            if began.elapsed() > PATIENCE || service.child.try_wait()?.is_some() {
                bail!("the forwarder did not start; try it with {}", config.display());
            }
            std::thread::sleep(LOOK);
        }
        service.started_in = began.elapsed();
        Ok(service)
    }

    /// CPU time used so far, see [`proc::cpu`].
    pub(crate) fn cpu(&self) -> Option<Duration> {
        proc::cpu(self.child.id())
    }

    /// Resident memory in bytes.
    pub(crate) fn rss(&self) -> Option<u64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib * 1024)
    }

    fn proc(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).ok()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Blocks until the parent is gone, which closes our standard input.
pub(crate) fn wait_for_the_parent() {
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

fn configuration(upstream: SocketAddr, address: SocketAddr, web: &str) -> String {
    let port = address.port();
    format!(
        "server: {{ host: 127.0.0.1, port: {port} }}\n\
         web: {web}\n\
         usage_tracking: {{ enabled: false }}\n\
         endpoints:\n  - {{ name: bench, url: \"http://{upstream}\", token: bench-token }}\n"
    )
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> io::Result<bool> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
