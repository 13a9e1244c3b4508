//! What is measured, and what it is measured by.

use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::load::{Sample, busy, hurried};
use super::party::{Face, Party};
use super::target::{Target, Wanted, median, say};
use super::upstream;

/// Each party is asked in slices, in turn, so that what else the machine does meets both alike.
const SLICES: usize = 20;

/// How much is measured.
pub(crate) struct Extent {
    rounds: usize,
    idle: Duration,
    busy: Duration,
    streams: u32,
    hurried: Duration,
}

impl Extent {
    pub(crate) fn of(quick: bool) -> Self {
        let (seconds, millis) = (Duration::from_secs, Duration::from_millis);
        if quick {
            Self { rounds: 1, idle: millis(300), busy: millis(300), streams: 8, hurried: millis(200) }
        } else {
            Self { rounds: 5, idle: seconds(20), busy: seconds(10), streams: 200, hurried: seconds(2) }
        }
    }
}

/// Everything, then the table of targets.
pub(crate) fn all(extent: &Extent) -> anyhow::Result<()> {
    let stage = Stage::set()?;
    let mut targets = stage.idle(extent)?;
    targets.extend(stage.busy(extent)?);
    targets.extend(stage.stopped(extent)?);
    say("\nTargets");
    targets.iter().for_each(Target::print);
    Ok(())
}

/// An endpoint to ask, and a folder for configurations.
struct Stage {
    runtime: Runtime,
    upstream: SocketAddr,
    folder: TempDir,
}

impl Stage {
    fn set() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (tx, ready) = std::sync::mpsc::channel();
        runtime.spawn(upstream::run(move |address| {
            // The receiver waits for it.
            let _ = tx.send(address);
        }));
        Ok(Self { runtime, upstream: ready.recv()?, folder: tempfile::tempdir()? })
    }

    fn party(&self, face: Face) -> anyhow::Result<Party> {
        Party::start(face, self.upstream, self.folder.path())
    }

    /// Nothing happens but the clock.
    fn idle(&self, extent: &Extent) -> anyhow::Result<Vec<Target>> {
        let screen = self.party(Face::Screen)?;
        std::thread::sleep(extent.idle / 4);
        let (frames, bytes, cpu) = (screen.frames(), screen.bytes(), screen.cpu());
        std::thread::sleep(extent.idle);
        let seconds = extent.idle.as_secs_f64();
        let per_second = (screen.frames() - frames) as f64 / seconds;
        let percent =
            |(after, before): (Duration, Duration)| (after - before).as_secs_f64() / seconds * 100.0;
        let cpu = screen.cpu().zip(cpu).map(percent);
        let bytes = (screen.bytes() - bytes) as f64 / seconds;
        say(&format!("idle: {per_second:.2} frames/s, {bytes:.0} bytes/s, CPU {} % of a core", share(cpu)));
        Ok(vec![
            target(
                "idle: frames a second, its clock's among them",
                Wanted::AtMost(1.2),
                "/s",
                Some(per_second),
            ),
            target("idle: CPU of the whole program", Wanted::AtMost(0.5), "%", cpu),
        ])
    }

    /// Many streams and a steady flow of requests.
    fn busy(&self, extent: &Extent) -> anyhow::Result<Vec<Target>> {
        let (headless, screen) = (self.party(Face::Headless)?, self.party(Face::Screen)?);
        let mut added = Vec::new();
        say(&format!("\n{} open streams and 50 requests/s: CPU in % of a core", extent.streams));
        say(&format!("  {:10}{:>12}{:>12}{:>12}", "", "headless", "screen", "frames/s"));
        for round in 0..extent.rounds {
            let mut shares = [None, None];
            let frames = screen.frames();
            for turn in 0..2 {
                let at = (round + turn) % 2;
                let party = [&headless, &screen][at];
                shares[at] = self.runtime.block_on(busy(party, extent.streams, extent.busy))?;
            }
            let rate = (screen.frames() - frames) as f64 / extent.busy.as_secs_f64();
            say(&format!("  {:10}{:>12}{:>12}{rate:>12.1}", round + 1, share(shares[0]), share(shares[1])));
            added.extend(shares[1].zip(shares[0]).map(|(with, without)| with - without));
        }
        let added = Some(added).filter(|all| !all.is_empty()).map(median);
        let what = "200 streams, 50 requests/s: CPU that the screen adds";
        Ok(vec![target(what, Wanted::AtMost(10.0), "%", added)])
    }

    /// As fast as it goes, with a terminal that stands still.
    fn stopped(&self, extent: &Extent) -> anyhow::Result<Vec<Target>> {
        let (headless, stopped) = (self.party(Face::Headless)?, self.party(Face::Screen)?);
        stopped.stop_reading()?;
        let (mut rates, mut medians, mut tails) = (Vec::new(), Vec::new(), Vec::new());
        say("\n16 connections, 2 KB both ways, as fast as it goes");
        say(&format!("  {:10}{:>12}{:>12}{:>10}{:>10}", "", "headless/s", "stopped/s", "p50", "p99"));
        for round in 0..extent.rounds {
            let mut samples: [Sample; 2] = Default::default();
            for turn in 0..SLICES * 2 {
                let at = (round + turn) % 2;
                let party = [&headless, &stopped][at];
                let window = extent.hurried / SLICES as u32;
                samples[at].add(self.runtime.block_on(hurried(party.address, window))?);
            }
            let [without, with] = &samples;
            let ratio = |quantile| with.delay(quantile) / without.delay(quantile);
            say(&format!(
                "  {:10}{:>12.0}{:>12.0}{:>10.2}{:>10.2}",
                round + 1,
                without.rate(),
                with.rate(),
                ratio(0.5),
                ratio(0.99)
            ));
            rates.push(with.rate() / without.rate() * 100.0);
            medians.push(ratio(0.5));
            tails.push(ratio(0.99));
        }
        Ok(vec![
            target(
                "stopped terminal: requests/s by headless",
                Wanted::AtLeast(90.0),
                "%",
                Some(median(rates)),
            ),
            target(
                "stopped terminal: latency p50 by headless",
                Wanted::AtMost(1.1),
                "",
                Some(median(medians)),
            ),
            target("stopped terminal: latency p99 by headless", Wanted::AtMost(1.3), "", Some(median(tails))),
        ])
    }
}

/// For people; a dash where the system does not tell.
fn share(percent: Option<f64>) -> String {
    percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1}"))
}

fn target(what: &'static str, wanted: Wanted, unit: &'static str, reached: Option<f64>) -> Target {
    Target { what, wanted, unit, reached }
}
