//! Parses the command line, runs what it asks for, turns errors into one readable line and an exit code.

use std::io::Write;
use std::process::ExitCode;

use cc_forwarder::{app, cli};

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOC: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to do when even the help cannot be written.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(cli::EXIT_USAGE));
        }
    };
    match app::command(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(if error.is::<cli::Misuse>() { cli::EXIT_USAGE } else { cli::EXIT_FAILED })
        }
    }
}
