//! Logging for a whole process, seen from outside: what reaches stderr, and that a panic is written once.
//!
//! `init` and the panic hook are global, so each scenario runs in a child: this same test binary, told by
//! [`SCENARIO`] what to do.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like the tests")]

use std::path::Path;
use std::process::{Command, Output};

use cc_forwarder::config::{Level, LogFile, LogFormat, Logging};
use cc_forwarder::domain::secret::Redactor;
use cc_forwarder::logging::{self, Console, LogError};

const SCENARIO: &str = "CC_FORWARDER_TEST_LOGGING";
const FILE: &str = "CC_FORWARDER_TEST_LOG_FILE";

fn settings(file: Option<&Path>) -> Logging {
    let file =
        file.map(|path| LogFile { path: path.into(), max_size: 1 << 20, max_files: 3, compress: true });
    Logging {
        level: Level::Info,
        format: LogFormat::Text,
        file,
        disable_response_limit: true,
        token_debug: None,
    }
}

fn run_child(scenario: &str, file: &Path) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(SCENARIO, scenario)
        .env(FILE, file)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

/// Does nothing in the parent.
#[test]
fn child() {
    let Ok(scenario) = std::env::var(SCENARIO) else { return };
    let file = std::path::PathBuf::from(std::env::var_os(FILE).unwrap());
    let console = if scenario.starts_with("screen") { Console::None } else { Console::Stderr };
    logging::install_panic_hook();
    let guard = logging::init(&settings(Some(&file)), console, Redactor::new(["sk-canary-3"])).unwrap();
    assert!(matches!(logging::init(&settings(None), console, Redactor::default()), Err(LogError::Twice)));
    tracing::info!(target: "cc_forwarder::test", body = "b".repeat(900), "started");
    let panicked =
        std::thread::Builder::new().name("worker".into()).spawn(|| panic!("broken by sk-canary-3"));
    assert!(panicked.unwrap().join().is_err());
    if scenario == "screen that fails" {
        guard.open_console();
        tracing::warn!(target: "cc_forwarder::test", "the screen is gone");
    }
    assert_eq!(guard.dropped_lines(), 0);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn headless_lines_and_panics_go_to_stderr_and_file_once_and_masked() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.log");
    let output = run_child("headless", &file);
    assert!(output.status.success(), "{output:?}");
    let (console, file) = (text(&output.stderr), std::fs::read_to_string(file).unwrap());
    for place in [&console, &file] {
        assert_eq!(place.matches("broken by ***").count(), 1, "{place}");
        assert!(
            place.contains("ERROR logging::panic: panic: ") && place.contains("thread=worker"),
            "{place}"
        );
        assert!(place.contains("location=tests/logging.rs:") || cfg!(windows), "{place}");
        assert!(!place.contains("canary") && !place.contains('\x1b'), "{place}");
    }
    assert!(console.contains("… (400 bytes more)"), "the console always cuts: {console}");
    assert!(file.contains(&"b".repeat(900)), "the file does not when told so: {file}");
}

#[test]
fn with_the_screen_taken_not_a_byte_reaches_stderr() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.log");
    let output = run_child("screen", &file);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), "");
    let file = std::fs::read_to_string(file).unwrap();
    assert!(file.contains("started") && file.contains("broken by ***"), "{file}");
}

#[test]
fn once_the_screen_is_gone_lines_reach_stderr_again() {
    let directory = tempfile::tempdir().unwrap();
    let output = run_child("screen that fails", &directory.path().join("app.log"));
    assert!(output.status.success(), "{output:?}");
    let console = text(&output.stderr);
    assert_eq!(console.lines().count(), 1, "{console}");
    assert!(console.contains("WARN test: the screen is gone"), "{console}");
}
