//! Requests as rows of a table.
//!
//! RESULT is the HTTP status of an answer, or what became of the request (`failed 200`: it broke off; `cancelled`), or
//! where it is (`streaming`). `+2` behind it: two attempts before had failed.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::admin::usage::ask::RequestsView;
use crate::app::figures::{count, duration, exact, money};
use crate::app::paint::{Line, Span, Tone, span};
use crate::app::remote::model;
use crate::app::table::{Stand, Table, plain};
use crate::events::State;
use crate::events::board::Stage;
use crate::store::export::json::RequestView;

/// The columns.
pub(super) const COLUMNS: [(&str, Stand); 8] = [
    ("TIME", Stand::Left),
    ("REQUEST", Stand::Left),
    ("MODEL", Stand::Flexible),
    ("ENDPOINT", Stand::Flexible),
    ("RESULT", Stand::Left),
    ("TOOK", Stand::Right),
    ("TOKENS", Stand::Right),
    ("COST", Stand::Right),
];

/// A page of requests; `now` says which day needs no date, on which clock.
pub(in crate::app::remote) fn render(view: &RequestsView, now: &Zoned) -> Vec<Line> {
    if view.requests.is_empty() {
        return vec![vec![plain("No requests.")]];
    }
    let today = |request: &RequestView| zoned(request.start_time, now.time_zone()).date() == now.date();
    let format = if view.requests.iter().all(today) { "%H:%M:%S" } else { "%m-%d %H:%M" };
    let mut table = Table::new(&COLUMNS);
    for request in &view.requests {
        let time = zoned(request.start_time, now.time_zone()).strftime(format).to_string();
        table.add(cells(request, time));
    }
    let mut lines = table.lines();
    let shown = view.requests.len() as u64;
    if view.total > shown {
        lines.push(vec![span(Tone::Quiet, format!("{} of {} (--limit)", exact(shown), exact(view.total)))]);
    }
    lines
}

/// An instant on the clock of a zone.
pub(in crate::app::remote) fn zoned(at: Timestamp, zone: &TimeZone) -> Zoned {
    at.to_zoned(zone.clone())
}

/// A request's cells in [`COLUMNS`], behind what stands for its time.
pub(super) fn cells(request: &RequestView, time: String) -> Vec<Span> {
    let dash = || "-".to_owned();
    vec![
        span(Tone::Quiet, time),
        span(Tone::Strong, request.request_id.to_string()),
        plain(model(request.model_name.as_deref())),
        plain(request.endpoint_name.as_deref().unwrap_or("-")),
        result(request),
        plain(request.duration_ms.map_or_else(dash, duration)),
        plain(tokens(request)),
        plain(cost(request)),
    ]
}

/// How it ended, or where it is.
pub(in crate::app::remote) fn result(request: &RequestView) -> Span {
    let status = request.http_status_code.map(|status| status.to_string());
    let (tone, text) = match request.status {
        Stage::Live(phase) => (Tone::Story, phase.as_str().to_owned()),
        Stage::Ended(State::Completed) => (Tone::Good, status.unwrap_or_else(|| "completed".to_owned())),
        // A status that is no failure does not say that the answer broke off.
        Stage::Ended(state @ State::Failed) => match (request.http_status_code, status) {
            (Some(400..), Some(status)) => (Tone::Bad, status),
            (_, Some(status)) => (Tone::Bad, format!("{} {status}", state.as_str())),
            (_, None) => (Tone::Bad, state.as_str().to_owned()),
        },
        Stage::Ended(state) => (Tone::Trouble, state.as_str().to_owned()),
    };
    match request.retry_count {
        0 => span(tone, text),
        n => span(tone, format!("{text} +{n}")),
    }
}

/// `4.5k+88`: what went in, the cache included, and what came out.
pub(in crate::app::remote) fn tokens(request: &RequestView) -> String {
    let input = request.input_tokens + request.cache_creation_tokens + request.cache_read_tokens;
    match (input, request.output_tokens) {
        (0, 0) => "-".to_owned(),
        (input, output) => format!("{}+{}", count(input), count(output)),
    }
}

/// Its cost; a `+` where some of it is not known.
pub(in crate::app::remote) fn cost(request: &RequestView) -> String {
    match request.total_cost_usd {
        None if request.unpriced_attempts > 0 => "unpriced".to_owned(),
        None => "-".to_owned(),
        Some(amount) if amount.is_zero() => "-".to_owned(),
        Some(amount) if request.unpriced_attempts > 0 => money(amount) + "+",
        Some(amount) => money(amount),
    }
}
