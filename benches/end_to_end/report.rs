//! From samples to tables: what each party did under each load, and the targets with what was reached.

use std::time::Duration;

use super::load::{Load, Sample};
use super::target::{median, say};

/// All runs of one load: per round direct, relay, forwarder.
pub(crate) struct Runs {
    pub(crate) load: Load,
    pub(crate) rounds: Vec<[Sample; 3]>,
}

/// Who was asked, as an index into a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Party {
    Direct,
    Relay,
    Forwarder,
}

impl Party {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Relay, Self::Forwarder];

    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
            Self::Forwarder => "forwarder",
        }
    }
}

impl Runs {
    fn samples(&self, party: Party) -> impl Iterator<Item = &Sample> {
        self.rounds.iter().map(move |round| &round[party as usize])
    }

    /// Requests per second, or events if there are any: the median round.
    fn rate(&self, party: Party) -> f64 {
        median(self.samples(party).map(rate).collect())
    }

    /// The forwarder's rate by the relay's, in percent: the median round.
    pub(crate) fn against_relay(&self) -> f64 {
        median(self.ratios().collect())
    }

    /// The same of each round.
    fn ratios(&self) -> impl Iterator<Item = f64> {
        self.rounds.iter().map(|r| rate(&r[2]) / rate(&r[1]) * 100.0)
    }

    /// A quantile of the delays in microseconds: the median round.
    fn delay(&self, party: Party, quantile: f64) -> f64 {
        median(self.samples(party).map(|s| micros(quantile_of(&s.delays, quantile))).collect())
    }

    /// What the forwarder adds to the direct way, in microseconds.
    pub(crate) fn added(&self, quantile: f64) -> f64 {
        self.delay(Party::Forwarder, quantile) - self.delay(Party::Direct, quantile)
    }

    /// CPU milliseconds per request (or per 1,000 events), over all rounds.
    fn cpu(&self, party: Party) -> Option<f64> {
        let total: Option<Duration> = self.samples(party).map(|s| s.cpu).sum();
        let units: u64 = self.samples(party).map(|s| if s.events > 0 { s.events } else { s.requests }).sum();
        Some(total?.as_secs_f64() * 1e3 / units as f64 * if self.is_stream() { 1e3 } else { 1.0 })
    }

    /// The share of one core that the simulator took, in percent: the median round.
    fn source(&self, party: Party) -> Option<f64> {
        let busy = |s: &Sample| Some(s.source?.as_secs_f64() / s.elapsed.as_secs_f64() * 100.0);
        Some(median(self.samples(party).map(busy).collect::<Option<_>>()?))
    }

    /// Memory while the streams were open, first round.
    pub(crate) fn rss(&self, party: Party) -> Option<u64> {
        self.samples(party).next()?.rss
    }

    fn is_stream(&self) -> bool {
        self.samples(Party::Direct).any(|s| s.events > 0)
    }

    /// The table of this load.
    pub(crate) fn print(&self) {
        let unit = if self.is_stream() { "events/s" } else { "requests/s" };
        // Per 1,000 requests in seconds is per request in milliseconds.
        let cpu_unit = if self.is_stream() { "CPU ms/1,000 events" } else { "CPU s/1,000 requests" };
        let head = format!("  {:10}{unit:>12}{:>10}{:>10}{cpu_unit:>24}", "", "p50", "p99");
        say(&format!("\n{}\n{head}{:>14}", self.load.name, "source busy"));
        for party in Party::ALL {
            let cpu = self.cpu(party).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.3}"));
            let source = self.source(party).map_or_else(|| "-".to_owned(), |share| format!("{share:.0} %"));
            let (p50, p99) = (time(self.delay(party, 0.5)), time(self.delay(party, 0.99)));
            let row = format!("  {:10}{:>12.0}{p50:>10}{p99:>10}{cpu:>24}", party.name(), self.rate(party));
            say(&format!("{row}{source:>14}"));
        }
        let (p50, p99) = (time(self.added(0.5)), time(self.added(0.99)));
        let each = self.ratios().map(|ratio| format!("{ratio:.0}")).collect::<Vec<_>>().join(" ");
        let row = format!("  {:10}{:>11.1}%{p50:>10}{p99:>10}", "of relay", self.against_relay());
        say(&format!("{row}   by round: {each}"));
    }
}

fn rate(sample: &Sample) -> f64 {
    let units = if sample.events > 0 { sample.events } else { sample.requests };
    units as f64 / sample.elapsed.as_secs_f64()
}

fn quantile_of(delays: &[Duration], quantile: f64) -> Duration {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * quantile).round() as usize).copied().unwrap_or_default()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn time(micros: f64) -> String {
    if micros.abs() < 10_000.0 { format!("{micros:.0} us") } else { format!("{:.1} ms", micros / 1e3) }
}
