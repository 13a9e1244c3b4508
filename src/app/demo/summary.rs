//! The words before and after: what runs where, and what came of it. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::account::thousands;
use super::client::Seen;
use crate::app::paint::{Line, Tone, span};
use crate::app::text::{WIDTH, wrap};
use crate::claude::usage::Usage;
use crate::domain::words::counted;
use crate::events::{AttemptRecord, RequestRecord, State};

/// What runs where. `bill` is group, name and port of each endpoint.
pub(super) fn header(
    forwarder: SocketAddr,
    clients: usize,
    bill: &[(&str, &str, u16)],
    seconds: u32,
) -> Vec<Line> {
    let mut lines = vec![
        vec![span(Tone::Strong, "cc-forwarder demo"), span(Tone::Plain, ": all of it in this process")],
        Vec::new(),
        vec![span(
            Tone::Plain,
            format!(
                "  {} -> the forwarder on {forwarder} -> {}:",
                counted(clients as u64, "client"),
                counted(groups(bill).len() as u64, "group")
            ),
        )],
    ];
    for group in groups(bill) {
        let of_group = bill.iter().filter(|(of, ..)| *of == group);
        let names: Vec<String> = of_group.map(|(_, name, port)| format!("{name} on :{port}")).collect();
        lines.push(vec![span(Tone::Plain, format!("    {group:<7} {}", names.join(", then ")))]);
    }
    let explanation = format!(
        "The endpoints are simulated and fail on schedule (lines with >). The clients send what Claude Code and the \
         SDKs send, never repeat anything, and compare each answer byte for byte with that of an endpoint without \
         trouble. {seconds} s, or until Ctrl-C."
    );
    lines.push(Vec::new());
    lines.extend(plain(&explanation));
    lines.push(Vec::new());
    lines
}

fn groups<'a>(bill: &[(&'a str, &str, u16)]) -> Vec<&'a str> {
    let mut groups: Vec<&str> = bill.iter().map(|(group, ..)| *group).collect();
    groups.dedup();
    groups
}

fn plain(text: &str) -> Vec<Line> {
    wrap(text, 0, WIDTH).into_iter().map(|line| vec![span(Tone::Plain, line)]).collect()
}

/// What the forwarder's records add up to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Tally {
    /// Records, which is requests that ended.
    records: usize,
    /// Records of requests that did not end with a whole answer.
    failed: usize,
    /// Failed attempts, by what they looked like.
    failures: BTreeMap<String, usize>,
    /// Attempts at the endpoint of the attempt before.
    retries: usize,
    /// Attempts at another endpoint of the same group.
    failovers: usize,
    /// Attempts in another group.
    group_changes: usize,
    /// Requests that waited while no endpoint was available.
    waits: usize,
    usage: Usage,
}

impl Tally {
    /// Adds a record.
    pub(super) fn add(&mut self, record: &RequestRecord) {
        self.records += 1;
        self.failed += usize::from(record.state != State::Completed);
        self.waits += usize::from(record.suspended_ms > 0.0);
        self.usage += &record.usage;
        for attempt in &record.attempts {
            if let Some(kind) = attempt.failure {
                *self.failures.entry(kind.brief(attempt.status)).or_default() += 1;
            }
        }
        record.attempts.windows(2).for_each(|pair| self.step(pair));
    }

    fn step(&mut self, pair: &[AttemptRecord]) {
        match pair {
            [from, to] if from.endpoint == to.endpoint => self.retries += 1,
            [from, to] if from.group == to.group => self.failovers += 1,
            _ => self.group_changes += 1,
        }
    }

    /// Every request the clients sent has exactly one record, and it agrees with what they saw.
    fn agrees_with(&self, seen: &Seen) -> bool {
        self.records == seen.asked && self.records - self.failed == seen.whole
    }
}

/// True when every client got every answer whole, and the records say the same.
pub(super) fn is_success(tally: &Tally, seen: &Seen) -> bool {
    seen.asked > 0 && seen.whole == seen.asked && tally.agrees_with(seen)
}

/// What came of it.
pub(super) fn closing(tally: &Tally, seen: &Seen) -> Vec<Line> {
    let failures: usize = tally.failures.values().sum();
    let kinds: Vec<String> = tally.failures.iter().map(|(word, n)| format!("{word} ({n})")).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
    let wrong = seen.asked - seen.whole;
    let mut lines = vec![Vec::new(), vec![span(Tone::Strong, "Summary")]];
    let failures = counted(failures as u64, "failure");
    lines.extend(row("endpoints", Tone::Trouble, &format!("{failures}{kinds}")));
    lines.extend(row("forwarder", Tone::Plain, &deeds(tally)));
    let tone = if wrong == 0 { Tone::Good } else { Tone::Bad };
    lines.extend(row("clients", tone, &clients(seen, wrong)));
    let (input, output) = (thousands(tally.usage.prompt_tokens()), thousands(tally.usage.output));
    lines.extend(row("tokens", Tone::Plain, &format!("{input} in, {output} out")));
    lines.extend(complaints(tally, seen));
    lines.push(Vec::new());
    lines.extend(next_steps(is_success(tally, seen)));
    lines
}

/// What the forwarder had to do.
fn deeds(tally: &Tally) -> String {
    let deeds = [
        (tally.retries, "retry", "at the same endpoint"),
        (tally.failovers, "failover", "inside a group"),
        (tally.group_changes, "failover", "to another group"),
        (tally.waits, "wait", "while nothing was available"),
    ];
    let done: Vec<String> = deeds
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, deed, how)| format!("{} {how}", counted(*n as u64, deed)))
        .collect();
    if done.is_empty() { "nothing to repair".to_owned() } else { done.join(", ") }
}

fn clients(seen: &Seen, wrong: usize) -> String {
    format!(
        "{}: {}, {} whole and byte for byte as from an endpoint without trouble",
        counted(wrong as u64, "failure"),
        counted(seen.asked as u64, "request"),
        counted(seen.whole as u64, "answer")
    )
}

fn complaints(tally: &Tally, seen: &Seen) -> Vec<Line> {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for wrong in &seen.wrong {
        *words.entry(wrong).or_default() += 1;
    }
    let mut lines: Vec<Line> =
        words.iter().flat_map(|(word, n)| row("", Tone::Bad, &format!("{n} x {word}"))).collect();
    if !tally.agrees_with(seen) {
        let text = format!(
            "{} for {}, {} failed",
            counted(tally.records as u64, "record"),
            counted(seen.asked as u64, "request"),
            tally.failed
        );
        lines.extend(row("records", Tone::Bad, &text));
    }
    lines
}

fn row(label: &str, tone: Tone, text: &str) -> Vec<Line> {
    const INDENT: usize = 13;
    let lines = wrap(text, 0, WIDTH - INDENT).into_iter().enumerate();
    let label = |first: bool| format!("  {:<11}", if first { label } else { "" });
    lines.map(|(i, line)| vec![span(Tone::Quiet, label(i == 0)), span(tone, line)]).collect()
}

fn next_steps(success: bool) -> Vec<Line> {
    if !success {
        return plain("The demo failed: not every client got a whole answer.");
    }
    plain(
        "To use it: run `cc-forwarder`, then `ANTHROPIC_BASE_URL=http://localhost:8088 claude`. With endpoints of \
         your own: see config/minimal.yaml, and `cc-forwarder check`.",
    )
}

#[cfg(test)]
mod tests;
