//! The running account: what happened, in lines of 80 columns. Pure.
//!
//! ```text
//!   time request      model      way to the answer         code ttft/total    tokens
//!   1.9s > main-a answers two requests with 529
//!   3.5s req-1f2e3d4c opus-4-8   main-a 529 529 -> main-b   200   0.6/2.1s 10.6k+112
//! ```

use std::time::Duration;

use crate::app::paint::{Line, Span, Tone, span};
use crate::app::text::{cut, width, wrap};
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::fleet::{Change, Condition};
use crate::domain::group::GroupState;
use crate::events::{AttemptRecord, RequestRecord, State};

/// Columns for the way to the answer.
const WAY: usize = 25;
/// Columns in front of it: time, request, model.
const BEFORE: usize = 7 + 13 + 11;
const MODEL: usize = 10;

/// What stands above the columns.
pub(super) fn heads() -> Line {
    let text = format!(
        "{:>6} {:<12} {:<MODEL$} {:<WAY$} {:>4} {:>8} {:>9}",
        "time", "request", "model", "way to the answer", "code", "ttft/all", "tokens"
    );
    vec![span(Tone::Quiet, text)]
}

/// A finished request; its way takes further lines where it was a long one.
pub(super) fn request(record: &RequestRecord, at: Duration) -> Vec<Line> {
    let mut way = way(record).into_iter();
    let first = way.next().unwrap_or_default();
    let tone = match (record.state, record.attempts.len()) {
        (State::Completed, 0 | 1) => Tone::Plain,
        (State::Completed, _) => Tone::Trouble,
        _ => Tone::Bad,
    };
    let mut lines = vec![vec![
        time(at),
        span(Tone::Quiet, format!("{} ", record.id)),
        span(Tone::Plain, format!("{:<MODEL$} ", model(record))),
        span(tone, format!("{first:<WAY$} ")),
        outcome(record),
        span(Tone::Quiet, format!(" {:>8} ", times(record))),
        span(Tone::Plain, format!("{:>9}", tokens(record))),
    ]];
    lines.extend(way.map(|more| vec![span(tone, format!("{:BEFORE$}{more}", ""))]));
    lines
}

/// Something the scenario does.
pub(super) fn cue(who: &str, says: &str, at: Duration) -> Vec<Line> {
    vec![vec![time(at), span(Tone::Story, format!("> {who} {says}"))]]
}

/// A change of the fleet. Not worth a line: that an endpoint answers its first probe, and what another line about the
/// active group says already.
pub(super) fn change(change: &Change, at: Duration) -> Vec<Line> {
    let tone = match change {
        Change::Endpoint { from: Condition::Unknown, to: Condition::Up, .. }
        | Change::Group { to: GroupState::Active | GroupState::Standby, .. } => return Vec::new(),
        Change::Endpoint { to: Condition::Up | Condition::Unknown | Condition::HalfOpen, .. } => Tone::Good,
        Change::Endpoint { .. } => Tone::Trouble,
        Change::Active { .. } | Change::Group { .. } => Tone::Strong,
    };
    let words = match change {
        Change::Group { id, to: GroupState::Cooling, .. } => format!("group {id} rests: all of it failed"),
        other => other.to_string(),
    };
    vec![vec![time(at), span(tone, format!("* {words}"))]]
}

fn time(at: Duration) -> Span {
    span(Tone::Quiet, format!("{:>5.1}s ", at.as_secs_f64()))
}

/// `opus-4-8`
fn model(record: &RequestRecord) -> String {
    let model = record.model.as_deref().unwrap_or("-");
    cut(model.strip_prefix("claude-").unwrap_or(model), MODEL)
}

fn outcome(record: &RequestRecord) -> Span {
    let tone = if record.state == State::Completed { Tone::Good } else { Tone::Bad };
    span(tone, format!("{:>4}", record.status.map_or_else(|| "-".to_owned(), |s| s.to_string())))
}

/// Seconds to the first byte and to the last; for an answer that came whole only the latter.
fn times(record: &RequestRecord) -> String {
    let all = record.duration_ms / 1e3;
    match record.first_byte_ms {
        Some(first) if record.stream => format!("{:.1}/{all:.1}s", first / 1e3),
        _ => format!("{all:.1}s"),
    }
}

fn tokens(record: &RequestRecord) -> String {
    match record.class {
        Class::CountTokens => "counted".to_owned(),
        _ => in_and_out(&record.usage),
    }
}

/// `10.6k+112`
fn in_and_out(usage: &Usage) -> String {
    format!("{}+{}", thousands(usage.prompt_tokens()), thousands(usage.output))
}

/// `950`, `10.6k`, `1.2M`
pub(super) fn thousands(n: u64) -> String {
    // Only for show: what a double loses here nobody sees.
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let n = n as f64;
    match n {
        n if n < 1e3 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.1}k", n / 1e3),
        n => format!("{:.1}M", n / 1e6),
    }
}

/// The endpoints in turn, each with what went wrong there: `main-a 529 529 -> main-b`, in lines of [`WAY`] columns.
fn way(record: &RequestRecord) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for stop in stops(&record.attempts) {
        let arrow = if lines.is_empty() { "" } else { "-> " };
        match lines.last_mut() {
            Some(line) if width(line) + 4 + width(&stop) <= WAY => line.extend([" -> ", &stop]),
            _ => lines.extend(wrap(&format!("{arrow}{stop}"), 3, WAY)),
        }
    }
    lines.extend(waited(record));
    lines
}

/// The time in the queue while no endpoint was available.
fn waited(record: &RequestRecord) -> Option<String> {
    (record.suspended_ms > 0.0).then(|| format!("(waited {:.1}s)", record.suspended_ms / 1e3))
}

/// One entry for each stay at an endpoint, failures behind its name; an attempt that succeeded has its own.
fn stops(attempts: &[AttemptRecord]) -> Vec<String> {
    let mut stops: Vec<(String, String)> = Vec::new();
    for attempt in attempts {
        let endpoint = attempt.endpoint.to_string();
        match (failure(attempt), stops.last_mut()) {
            (Some(word), Some((last, failures))) if *last == endpoint => failures.extend([" ", &word]),
            (Some(word), _) => stops.push((endpoint, format!(" {word}"))),
            (None, _) => stops.push((endpoint, String::new())),
        }
    }
    stops.into_iter().map(|(endpoint, failures)| endpoint + &failures).collect()
}

fn failure(attempt: &AttemptRecord) -> Option<String> {
    Some(attempt.failure?.brief(attempt.status))
}

#[cfg(test)]
mod tests;
