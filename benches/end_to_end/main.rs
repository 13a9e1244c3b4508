//! The same load three ways, in turn, in one run: straight to the simulator, through a bare relay, through the forwarder.
//!
//! ```text
//! this process: load ──┬──────────────────> simulator (its own process)
//!                      ├──> relay ────────────> "
//!                      └──> cc-forwarder ─────> "
//! ```
//!
//! The forwarder is the real program with its default settings. Every figure is the median of several rounds, and
//! every ratio is taken within a round, so that a busy machine moves all parties alike.
//!
//! `cargo bench --bench end_to_end` takes about five minutes, `… -- --quick` a few seconds (for a look whether it works:
//! its figures mean nothing), `… -- "200 KB"` only the loads with this in their names. CPU time and memory come from `/proc` and are left out where there is none.

mod client;
mod load;
#[path = "../shared/proc.rs"]
mod proc;
mod process;
mod readers;
mod relay;
mod report;
mod slow_disk;
#[path = "../shared/target.rs"]
mod target;
mod upstream;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use load::{Load, Sample};
use process::Service;
use report::{Party, Runs};
use target::{Target, Wanted, median, say};
use upstream::Answer;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--role", "simulator"] => {
            serve(tokio::runtime::Builder::new_current_thread(), upstream::run(announce))
        }
        ["--role", "relay", upstream] => {
            serve(tokio::runtime::Builder::new_multi_thread(), relay::run(upstream.parse()?, announce))
        }
        ["--role", "recorder", upstream, admin, delay, path] => serve(
            tokio::runtime::Builder::new_multi_thread(),
            slow_disk::run([upstream, admin, delay, path], announce),
        ),
        // Without `--bench` somebody only wants to see it run: `cargo test --all-targets` does this.
        _ => {
            let quick = words.contains(&"--quick") || !words.contains(&"--bench");
            let only = words.iter().find(|word| !word.starts_with("--"));
            bench(&Extent::of(quick), only.copied().unwrap_or_default())
        }
    }
}

/// How much is measured.
struct Extent {
    quick: bool,
    rounds: usize,
    starts: usize,
    window: Duration,
    paced_events: usize,
    paced_streams: u32,
}

impl Extent {
    fn of(quick: bool) -> Self {
        let (second, millis) = (Duration::from_secs(1), Duration::from_millis);
        if quick {
            Self { quick, rounds: 1, starts: 1, window: millis(50), paced_events: 20, paced_streams: 16 }
        } else {
            Self { quick, rounds: 7, starts: 5, window: second, paced_events: 150, paced_streams: 256 }
        }
    }
}

/// Runs a role until the parent is gone.
fn serve(
    mut builder: tokio::runtime::Builder,
    role: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    builder.enable_all().build()?.block_on(async {
        tokio::select! {
            ended = role => ended,
            joined = tokio::task::spawn_blocking(process::wait_for_the_parent) => Ok(joined?),
        }
    })
}

fn announce(address: SocketAddr) {
    say(&address.to_string());
}

fn bench(extent: &Extent, only: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let simulator = Service::role(&["--role", "simulator"])?;
    let stage = Stage { simulator: &simulator, folder: &folder };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut targets = stage.starts(extent)?;
    if PACED.contains(only) {
        targets.extend(runtime.block_on(stage.paced(extent))?);
    }
    targets.extend(runtime.block_on(stage.hurried(extent, only))?);
    if slow_disk::NAME.contains(only) {
        targets.extend(runtime.block_on(stage.slow_disk(extent))?);
    }
    if readers::NAME.contains(only) {
        targets.extend(runtime.block_on(stage.readers(extent))?);
    }
    say("\nTargets");
    for target in &targets {
        target.print();
    }
    Ok(())
}

/// Where everything is measured.
struct Stage<'a> {
    simulator: &'a Service,
    folder: &'a TempDir,
}

impl Stage<'_> {
    fn forwarder(&self) -> anyhow::Result<Service> {
        Service::forwarder(self.simulator.address, self.folder.path())
    }

    fn relay(&self) -> anyhow::Result<Service> {
        Service::role(&["--role", "relay", &self.simulator.address.to_string()])
    }

    /// How fast the forwarder starts, and how large it is then.
    fn starts(&self, extent: &Extent) -> anyhow::Result<Vec<Target>> {
        let (mut times, mut sizes) = (Vec::new(), Vec::new());
        for _ in 0..extent.starts {
            let forwarder = self.forwarder()?;
            times.push(forwarder.started_in.as_secs_f64() * 1e3);
            std::thread::sleep(Duration::from_millis(200));
            sizes.extend(forwarder.rss().map(|bytes| bytes as f64 / MIB));
        }
        Ok(vec![
            Target {
                what: "start to serving",
                wanted: Wanted::AtMost(100.0),
                unit: "ms",
                reached: Some(median(times)),
            },
            Target {
                what: "idle memory",
                wanted: Wanted::AtMost(20.0),
                unit: "MiB",
                reached: Some(sizes).filter(|s| !s.is_empty()).map(median),
            },
        ])
    }

    /// Many slow streams, against processes that have served nothing else.
    async fn paced(&self, extent: &Extent) -> anyhow::Result<Vec<Target>> {
        let (relay, forwarder) = (self.relay()?, self.forwarder()?);
        let before = [relay.rss(), forwarder.rss()];
        let mut runs = Runs { load: paced(extent), rounds: Vec::new() };
        for _ in 0..extent.rounds.min(3) {
            self.round(&mut runs, &relay, &forwarder).await?;
        }
        runs.print();
        let streams = f64::from(extent.paced_streams) * 1024.0;
        let each = |party, before: Option<u64>| {
            Some(runs.rss(party)?.saturating_sub(before?) as f64 / streams).filter(|kib| kib.is_finite())
        };
        let (of_relay, of_forwarder) = (each(Party::Relay, before[0]), each(Party::Forwarder, before[1]));
        say(&format!("  memory per open stream: relay {of_relay:.1?} KiB, forwarder {of_forwarder:.1?} KiB"));
        Ok(vec![
            Target {
                what: "memory per open stream (request of 100 KB)",
                wanted: Wanted::AtMost(64.0),
                unit: "KiB",
                reached: of_forwarder,
            },
            Target {
                what: "256 streams of 20 ms events: added delay, p99",
                wanted: Wanted::AtMost(2.0),
                unit: "ms",
                reached: Some(runs.added(0.99) / 1e3),
            },
        ])
    }

    /// Everything that goes as fast as it can. One round of every load, then the next of every load: whatever else
    /// keeps the machine busy for a while spoils a round of each, and not all rounds of one.
    async fn hurried(&self, extent: &Extent, only: &str) -> anyhow::Result<Vec<Target>> {
        let (relay, forwarder) = (self.relay()?, self.forwarder()?);
        let wanted = loads(extent.window).into_iter().filter(|(load, _)| load.name.contains(only));
        let mut all: Vec<_> =
            wanted.map(|(load, judge)| (Runs { load, rounds: Vec::new() }, judge)).collect();
        for _ in 0..extent.rounds {
            for (runs, _) in &mut all {
                self.round(runs, &relay, &forwarder).await?;
            }
        }
        all.iter().for_each(|(runs, _)| runs.print());
        Ok(all.iter().filter_map(|(runs, judge)| judge.map(|judge| judge(runs))).collect())
    }

    /// The same load while records wait for the disk.
    async fn slow_disk(&self, extent: &Extent) -> anyhow::Result<Vec<Target>> {
        let (upstream, folder) = (self.simulator.address, self.folder.path());
        slow_disk::measure(upstream, folder, extent.rounds, extent.window, extent.quick).await
    }

    /// The same requests with and without readers of the event stream.
    async fn readers(&self, extent: &Extent) -> anyhow::Result<Vec<Target>> {
        say(&format!("\n{}", readers::NAME));
        let window = extent.window * if extent.quick { 4 } else { 5 };
        readers::measure(self.simulator.address, self.folder.path(), extent.rounds, window).await
    }

    /// One more round of a load against everybody, in an order that changes from round to round.
    async fn round(&self, runs: &mut Runs, relay: &Service, forwarder: &Service) -> anyhow::Result<()> {
        let mut samples: [Sample; 3] = Default::default();
        for turn in 0..3 {
            let party = Party::ALL[(runs.rounds.len() + turn) % 3];
            let service = match party {
                Party::Direct => self.simulator,
                Party::Relay => relay,
                Party::Forwarder => forwarder,
            };
            let sample = runs.load.run(service.address, Some(service), Some(self.simulator)).await;
            samples[party as usize] = sample.with_context(|| format!("{party:?}"))?;
        }
        runs.rounds.push(samples);
        Ok(())
    }
}

const MIB: f64 = 1024.0 * 1024.0;

const PACED: &str = "256 slow streams, an event every 20 ms each, requests of 100 KB";

fn paced(extent: &Extent) -> Load {
    Load {
        name: PACED,
        body: 100_000,
        answer: Answer::Stream {
            deltas: extent.paced_events,
            bytes: 40,
            interval: Duration::from_millis(20),
            burst: 0,
        },
        connections: extent.paced_streams,
        window: None,
    }
}

/// About one full record of TLS.
const RECORD: usize = 16 * 1024;

type Judge = fn(&Runs) -> Target;

fn loads(window: Duration) -> Vec<(Load, Option<Judge>)> {
    let document = |name, bytes, connections| Load {
        name,
        body: bytes,
        answer: Answer::Document { bytes },
        connections,
        window: Some(window),
    };
    let streams = |name, burst| Load {
        name,
        body: 2_000,
        answer: Answer::Stream { deltas: 2_000, bytes: 40, interval: Duration::ZERO, burst },
        connections: 16,
        window: Some(window),
    };
    vec![
        (document("2 KB both ways, 1 connection", 2_000, 1), Some(added_median as Judge)),
        (
            document("2 KB both ways, 64 connections", 2_000, 64),
            Some(|r| share("2 KB, 64 connections", 80.0, r)),
        ),
        (document("200 KB both ways, 1 connection", 200_000, 1), None),
        (
            document("200 KB both ways, 64 connections", 200_000, 64),
            Some(|r| share("200 KB, 64 connections", 90.0, r)),
        ),
        (document("2 MB both ways, 1 connection", 2_000_000, 1), None),
        (
            document("2 MB both ways, 64 connections", 2_000_000, 64),
            Some(|r| share("2 MB, 64 connections", 90.0, r)),
        ),
        // A write for each event makes the simulator the limit, and each may have to wake a sleeping receiver, which costs
        // the simulator still more. With few writes the parties weigh more.
        (
            streams("16 fast streams, each event in a write of its own", 0),
            Some(|r| share("16 fast streams, a write each event, events/s", 100.0, r)),
        ),
        (
            streams("16 fast streams, 16 KiB of events in a write", RECORD),
            Some(|r| share("16 fast streams, 16 KiB writes, events/s", 100.0, r)),
        ),
    ]
}

fn added_median(runs: &Runs) -> Target {
    Target {
        what: "2 KB, 1 connection: added latency, p50",
        wanted: Wanted::AtMost(150.0),
        unit: "us",
        reached: Some(runs.added(0.5)),
    }
}

fn share(what: &'static str, at_least: f64, runs: &Runs) -> Target {
    Target { what, wanted: Wanted::AtLeast(at_least), unit: "% relay", reached: Some(runs.against_relay()) }
}
