//! `completions`: a script that completes commands and options, made from the definition of the command line itself.

use clap::CommandFactory;

use super::run;
use crate::cli::{Cli, CompletionsArgs, EXIT_OK};

/// Prints it.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn run(args: &CompletionsArgs) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cc-forwarder", &mut script);
    run::print(&String::from_utf8_lossy(&script))?;
    Ok(EXIT_OK)
}
