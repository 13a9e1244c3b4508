//! A command of the program that ends by itself: what it says where, and its exit code.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use super::PATIENCE;

/// What a command said.
#[derive(PartialEq, Eq, Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Its output, which must have been all it said.
    pub fn well(self, asked: &str) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{asked}: {self:?}");
        self.out
    }
}

/// The command, in a folder that is all it knows of the machine.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cc-forwarder"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    for name in ["HOME", "XDG_CONFIG_HOME", "APPDATA"] {
        command.env(name, folder);
    }
    command.env_remove("CC_FORWARDER_CONFIG").env_remove("CC_FORWARDER_ADMIN_TOKEN");
    command
}

/// Runs it to its end.
pub async fn run(folder: &Path, arguments: &[&str]) -> Said {
    let output =
        timeout(PATIENCE, command(folder, arguments).output()).await.expect("an end in time").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}
