//! Draws the queue of suspended requests, the next one first.
//!
//! ```text
//! + Suspended: 2 wait ---------------------------------------------------------+
//! | > 1  req-7f3a01c2  waits 01m12s  ██████░░░░ 3m20s left  opus-5-5   c0ffee12 |
//! |      main-a: resting after failures; last: main-a overloaded                |
//! |   2  req-91b0cc10  waits 4.0s    █████████░ 4m30s left  sonnet-5-5 -        |
//! |      backup: its group is paused                                            |
//! +-----------------------------------------------------------------------------+
//! ```
//!
//! The bar is what is left of the wait. The last column is the session.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::widgets::{bar, panel, row_style};
use crate::events::board::Live;
use crate::tui::format::{self, between, fit, harmless, left, right, span};
use crate::tui::model::Model;
use crate::tui::screen::list::scroll;
use crate::tui::screen::suspended::waiting;
use crate::tui::theme::Role;

/// Lines of a request.
const LINES: usize = 2;
/// Cells of the bar.
const BAR: usize = 10;

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let count = model.suspended.len();
    let title = if count == 0 { "Suspended".to_owned() } else { format!("Suspended: {count} waiting") };
    let inner = panel(model, frame, area, &title);
    if count == 0 {
        return frame.render_widget(Paragraph::new(nobody(model)), inner);
    }
    let height = usize::from(inner.height) / LINES;
    let selected = model.suspended.index();
    let first = scroll(0, selected, height, count);
    let rows = waiting(model).enumerate().skip(first).take(height);
    let lines: Vec<Line<'_>> =
        rows.flat_map(|(at, live)| request(model, live, at == selected, usize::from(inner.width))).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn nobody<'m>(model: &Model) -> Vec<Line<'m>> {
    let muted = model.theme().style(Role::Muted);
    vec![
        Line::from(" No request is suspended."),
        Line::styled(" A request waits here when no endpoint can be asked and time can cure that;", muted),
        Line::styled(" it goes on by itself as soon as one can.", muted),
    ]
}

fn request<'m>(model: &Model, live: &Live, selected: bool, width: usize) -> [Line<'m>; LINES] {
    let style = row_style(model, selected);
    let pointer = if model.facts.unicode { "▸" } else { ">" };
    let mark = if selected { pointer } else { " " };
    let position = live.position.map_or("-".to_owned(), |position| position.to_string());
    let (bar, left_over) = wait(model, live);
    let bar_style = if selected { style } else { model.theme().style(Role::Suspended) };
    let head = format!(
        "{mark} {} {}  waits {} ",
        right(&position, 3),
        live.accepted.id,
        left(&waited(model, live), 7)
    );
    let model_name =
        live.described.model.as_deref().map_or("-".to_owned(), |name| harmless(format::model(name)));
    let session = live.described.session.as_deref().map_or("-".to_owned(), |id| short(&harmless(id)));
    let tail = format!(" {} {} {session}", left(&left_over, 11), left(&model_name, 12));
    let room = width.saturating_sub(Span::raw(&head).width() + BAR);
    let reason = fit(&format!("      {}", reason(live)), width);
    let muted = if selected { style } else { model.theme().style(Role::Muted) };
    [
        Line::from_iter([
            Span::styled(head, style),
            Span::styled(bar, bar_style),
            Span::styled(left(&tail, room), style),
        ]),
        Line::styled(left(&reason, width), muted),
    ]
}

/// As much of a session's name as tells it apart.
fn short(session: &str) -> String {
    session.chars().take(8).collect()
}

fn waited(model: &Model, live: &Live) -> String {
    live.suspended_at.map_or("-".to_owned(), |since| span(between(since, now(model))))
}

/// The bar of what is left until the deadline, and that in words.
fn wait(model: &Model, live: &Live) -> (String, String) {
    let (Some(since), Some(deadline)) = (live.suspended_at, live.deadline) else {
        return (" ".repeat(BAR), "-".to_owned());
    };
    let (all, rest) = (between(since, deadline), between(now(model), deadline));
    let share = if all.is_zero() { 0.0 } else { rest.as_secs_f64() / all.as_secs_f64() };
    (bar(model, share, BAR), format!("{} left", span(rest)))
}

/// The clock, or the snapshot when that is newer.
fn now(model: &Model) -> Timestamp {
    model.now.max(model.snapshot.at)
}

/// What it waits for, and what it ran into last.
fn reason(live: &Live) -> String {
    let blocked: Vec<String> =
        live.blocked.iter().map(|skip| format!("{}: {}", harmless(&skip.endpoint.0), skip.reason)).collect();
    let last = live.last_failure.as_ref();
    let last = last.map(|(endpoint, kind)| format!("last: {} {}", harmless(&endpoint.0), kind.words()));
    let parts: Vec<String> = last.into_iter().chain(blocked).collect();
    if parts.is_empty() { "no endpoint can be asked".to_owned() } else { parts.join("; ") }
}
