//! The program itself as a child process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Client, PATIENCE};

/// The program in an empty world: no home, no configuration, no variables that steer it.
pub fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cc-forwarder"));
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["HOME", "XDG_CONFIG_HOME", "APPDATA"] {
        command.env(name, dir);
    }
    command.env_remove("CC_FORWARDER_CONFIG");
    command
}

/// A running program; killed if a test fails.
pub struct Program {
    pub child: Child,
    pub address: SocketAddr,
    /// The admin port, if there is one.
    pub admin: Option<SocketAddr>,
    log: mpsc::Receiver<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts it and waits until it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tx, log) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tx.send(line)));
        let mut program = Self { child, address: ([0; 4], 0).into(), admin: None, log };
        let address = |line: &str, before: &str| {
            line.split_once(before).map(|(_, address)| address.trim().parse::<SocketAddr>().unwrap())
        };
        loop {
            let line = program.logged("");
            program.admin = address(&line, "admin port: http://").or(program.admin);
            if let Some(address) = address(&line, "ANTHROPIC_BASE_URL=http://") {
                program.address = address;
                return program;
            }
        }
    }

    /// One that runs already, and whose log nobody reads here.
    pub fn unheard(child: Child, address: SocketAddr) -> Self {
        Self { child, address, admin: None, log: mpsc::channel().1 }
    }

    /// Waits for a line with this text.
    pub fn logged(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("{text:?} in time"));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub fn client(&self) -> Client {
        Client::new(format!("http://{}", self.address))
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Its exit code, once it has ended; `None` when a signal killed it.
    #[cfg(unix)]
    pub async fn code(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it still runs");
    }
}
