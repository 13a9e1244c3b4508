//! What the terminal interface costs, and whether a terminal can hold up requests: the real program in pseudo-terminals,
//! under the same load in turn, in one run.
//!
//! | party | its terminal |
//! |---|---|
//! | headless | takes its log lines |
//! | screen | shows the interface and is read |
//! | stopped | shows the interface and is read no more: Ctrl-S, a frozen window, a reader that was put to sleep |
//!
//! Every ratio and difference is taken within a round, so that a busy machine moves all parties alike; every figure is the
//! median of several rounds. The simulated endpoint and the clients are threads of this process: the CPU time is that of
//! the forwarders alone.
//!
//! `cargo bench --bench screen` takes about three minutes, `… -- --quick` a few seconds (for a look whether it works: its
//! figures mean nothing). CPU time comes from `/proc` and is left out where there is none.

#[cfg(unix)]
#[path = "../end_to_end/client.rs"]
mod client;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod measure;
#[cfg(unix)]
mod party;
#[cfg(unix)]
#[path = "../shared/proc.rs"]
mod proc;
#[cfg(unix)]
#[path = "../shared/target.rs"]
mod target;
#[cfg(unix)]
#[path = "../end_to_end/upstream.rs"]
mod upstream;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Without `--bench` somebody only wants to see it run: `cargo test --all-targets` does this.
    let quick =
        arguments.iter().any(|word| word == "--quick") || !arguments.iter().any(|word| word == "--bench");
    measure::all(&measure::Extent::of(quick))
}

/// Pseudo-terminals that can be left unread are a thing of Unix.
#[cfg(not(unix))]
fn main() {}
