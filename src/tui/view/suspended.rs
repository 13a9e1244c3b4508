//! Draws the queue of suspended requests, the next one first.
//!
//! ```text
//! + Suspended: 2 waiting -------------------------------------------------------+
//! | >   1 req-7f3a01c2  waits 1m12s   ██████░░░░ 3m20s left  opus-5-5     c0ffee12|
//! |       waits for an endpoint to recover; last: main-a overloaded               |
//! |     2 req-91b0cc10  waits 4.0s    █████████░ 4m30s left  sonnet-5-5   -       |
//! |       waits for a paused group; backup: its group is paused                   |
//! +------------------------------------------------------------------------------+
//! ```
//!
//! The bar is what is left of the wait. The last column is the session.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::widgets::{bar, panel, row_style};
use crate::events::board::Queued;
use crate::events::{RequestId, Wait};
use crate::tui::format::{self, between, harmless, left, right, span};
use crate::tui::model::Model;
use crate::tui::screen::list::scroll;
use crate::tui::theme::Role;

/// Lines of a request.
const LINES: usize = 2;
/// Cells of the bar.
const BAR: usize = 10;

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let count = model.snapshot.queue.len();
    let title = if count == 0 { "Suspended".to_owned() } else { format!("Suspended: {count} waiting") };
    let inner = panel(model, frame, area, &title);
    if count == 0 {
        return frame.render_widget(Paragraph::new(nobody(model)), inner);
    }
    let height = usize::from(inner.height) / LINES;
    let selected = model.suspended.index();
    let first = scroll(0, selected, height, count);
    let rows = model.snapshot.queue.iter().enumerate().skip(first).take(height);
    let lines: Vec<Line<'_>> = rows
        .flat_map(|(at, queued)| request(model, queued, at == selected, usize::from(inner.width)))
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The request whose lines are at this place of the screen's room.
pub fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<RequestId> {
    let inner = Block::bordered().inner(area);
    if !inner.contains(Position::new(column, row)) {
        return None;
    }
    let queue = &model.snapshot.queue;
    let first = scroll(0, model.suspended.index(), usize::from(inner.height) / LINES, queue.len());
    queue.get(first + usize::from(row - inner.y) / LINES).map(|queued| queued.id)
}

fn nobody<'m>(model: &Model) -> Vec<Line<'m>> {
    let muted = model.theme().style(Role::Muted);
    vec![
        Line::from(" No request is suspended."),
        Line::styled(" A request waits here when no endpoint can be asked and time can cure that;", muted),
        Line::styled(" it goes on by itself as soon as one can.", muted),
    ]
}

fn request<'m>(model: &Model, queued: &Queued, selected: bool, width: usize) -> [Line<'m>; LINES] {
    let style = row_style(model, selected);
    let role = |role| if selected { style } else { model.theme().style(role) };
    let (bar, left_over) = rest(model, &queued.wait);
    let head = head(model, queued, selected);
    let described = &queued.described;
    let name = described.model.as_deref().map_or("-".to_owned(), |name| harmless(format::model(name)));
    let session = described.session.as_deref().map_or("-".to_owned(), |id| short(&harmless(id)));
    let tail = format!(" {} {} {session}", left(&left_over, 11), left(&name, 12));
    let room = width.saturating_sub(Span::raw(&head).width() + BAR);
    [
        Line::from_iter([
            Span::styled(head, style),
            Span::styled(bar, role(Role::Suspended)),
            Span::styled(left(&tail, room), style),
        ]),
        Line::styled(left(&format!("      {}", reason(queued)), width), role(Role::Muted)),
    ]
}

/// `>   1 req-7f3a01c2  waits 1m12s  `
fn head(model: &Model, queued: &Queued, selected: bool) -> String {
    let pointer = if model.facts.unicode { "▸" } else { ">" };
    let mark = if selected { pointer } else { " " };
    let waited = span(between(queued.wait.since, now(model)));
    format!("{mark} {} {}  waits {} ", right(&queued.position.to_string(), 3), queued.id, left(&waited, 7))
}

/// As much of a session's name as tells it apart.
fn short(session: &str) -> String {
    session.chars().take(8).collect()
}

/// The bar of what is left until the deadline, and that in words.
fn rest(model: &Model, wait: &Wait) -> (String, String) {
    let (all, rest) = (between(wait.since, wait.deadline), between(now(model), wait.deadline));
    let share = if all.is_zero() { 0.0 } else { rest.as_secs_f64() / all.as_secs_f64() };
    (bar(model, share, BAR), format!("{} left", span(rest)))
}

/// The clock, or the snapshot when that is newer.
fn now(model: &Model) -> Timestamp {
    model.now.max(model.snapshot.at)
}

/// What it waits for, what it ran into last, and why the others are not asked.
fn reason(queued: &Queued) -> String {
    let mut reason = format!("waits for {}", queued.wait.waits_for.words());
    if let Some((endpoint, kind)) = &queued.last_failure {
        reason.push_str(&format!("; last: {} {}", harmless(&endpoint.0), kind.words()));
    }
    for skip in queued.wait.skipped.iter() {
        reason.push_str(&format!("; {}: {}", harmless(&skip.endpoint.0), skip.reason));
    }
    reason
}
