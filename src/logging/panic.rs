//! Panics as log lines.
//!
//! The standard hook writes to stderr, past the redactor and into the terminal interface's screen. Ours logs instead,
//! so that a panic is written once, masked, to wherever log lines go; without a log the previous hook still speaks.

use std::any::Any;
use std::panic::{self, PanicHookInfo};

/// Logs panics from now on.
pub fn install_panic_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if tracing::enabled!(tracing::Level::ERROR) { log(info) } else { previous(info) }
    }));
}

fn log(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        location,
        thread = thread.name().unwrap_or("unnamed"),
        "panic: {}",
        message(info.payload())
    );
}

/// What `panic!` was given; other payloads have no text.
fn message(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
