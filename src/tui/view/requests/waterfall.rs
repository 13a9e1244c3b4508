//! The attempts of a request on one time axis, with the waits between them.
//!
//! ```text
//!  #1 main-a    529 overloaded            ░▒▒▒                       0.0s +1.0s
//!     backed off                              ----                   1.0s +0.5s
//!  #2 main-b    200 answered                      ░▒▒███████████     1.5s +8.2s
//! ```

use std::time::Duration;

use ratatui::text::{Line, Span};

use crate::tui::format::{harmless, left, right, span};
use crate::tui::model::Model;
use crate::tui::request::{Attempt, Detail, Pause};
use crate::tui::theme::Role;

/// Cells for the name, and for the times behind the bar.
const NAME: usize = 34;
const TIMES: usize = 14;

/// One row: what it is, when it begins, and pieces of the bar with their ends.
struct Lane<'a> {
    name: String,
    role: Role,
    start: Duration,
    length: Duration,
    pieces: Vec<(Duration, &'a str, Role)>,
}

/// Glyphs of connecting, waiting for the first byte, passing on, and of a pause.
fn glyphs(model: &Model) -> [&'static str; 4] {
    if model.facts.unicode { ["░", "▒", "█", "─"] } else { ["c", ".", "#", "-"] }
}

/// The rows, and one that explains the bars.
pub(super) fn lines(model: &Model, detail: &Detail, width: usize) -> Vec<Line<'static>> {
    let mut lanes: Vec<Lane<'_>> = detail.attempts.iter().map(|a| attempt(model, a)).collect();
    lanes.extend(detail.pauses.iter().map(|p| pause(model, p)));
    lanes.sort_by_key(|lane| lane.start);
    let end = lanes.iter().map(|lane| lane.start + lane.length).max().unwrap_or_default();
    let end = end.max(detail.entry.duration.unwrap_or_default());
    let room = width.saturating_sub(NAME + TIMES).max(8);
    let mut lines: Vec<Line<'static>> = lanes.iter().map(|lane| draw(model, lane, end, room)).collect();
    let [connect, first, rest, _] = glyphs(model);
    let key = format!("    {connect} connecting  {first} waiting for the first byte  {rest} receiving");
    lines.push(Line::styled(key, model.theme().style(Role::Muted)));
    lines
}

fn attempt<'a>(model: &Model, attempt: &Attempt) -> Lane<'a> {
    let [connect, first, rest, _] = glyphs(model);
    let status = attempt.status.map_or("-".to_owned(), |status| status.to_string());
    let name = format!(
        " #{} {} {} {}",
        attempt.number,
        left(&harmless(&attempt.endpoint), 10),
        left(&status, 3),
        harmless(&attempt.end)
    );
    let connected = attempt.connect.unwrap_or_default().min(attempt.length);
    let head = attempt.first_byte.unwrap_or(attempt.length).clamp(connected, attempt.length);
    let role = if attempt.ok { Role::Ok } else { Role::Error };
    let pieces = vec![
        (attempt.start + connected, connect, Role::Muted),
        (attempt.start + head, first, Role::ChartB),
        (attempt.start + attempt.length, rest, Role::ChartA),
    ];
    Lane { name, role, start: attempt.start, length: attempt.length, pieces }
}

fn pause<'a>(model: &Model, pause: &Pause) -> Lane<'a> {
    let [.., glyph] = glyphs(model);
    let pieces = vec![(pause.start + pause.length, glyph, Role::Suspended)];
    let name = format!("    {}", pause.what);
    Lane { name, role: Role::Suspended, start: pause.start, length: pause.length, pieces }
}

fn draw(model: &Model, lane: &Lane<'_>, end: Duration, room: usize) -> Line<'static> {
    let theme = model.theme();
    let cell = |at: Duration| match end.is_zero() {
        true => 0,
        false => (at.as_secs_f64() / end.as_secs_f64() * room as f64).round() as usize,
    };
    // However short, it is seen.
    let start = cell(lane.start).min(room - 1);
    let mut spans =
        vec![Span::styled(left(&lane.name, NAME), theme.style(lane.role)), Span::raw(" ".repeat(start))];
    let mut at = start;
    let last = lane.pieces.len().saturating_sub(1);
    for (n, (until, glyph, role)) in lane.pieces.iter().enumerate() {
        let least = if n == last && at == start { start + 1 } else { at };
        let until = cell(*until).clamp(least, room.max(least));
        spans.push(Span::styled(glyph.repeat(until - at), theme.style(*role)));
        at = until;
    }
    spans.push(Span::raw(" ".repeat(room.saturating_sub(at))));
    let times = format!("{} +{}", span(lane.start), span(lane.length));
    spans.push(Span::styled(right(&times, TIMES), theme.style(Role::Muted)));
    Line::from(spans)
}
