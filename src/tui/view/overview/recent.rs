//! Requests that ended, the newest first. Columns that do not fit are left out from the right; the story takes the rest.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::events::{RequestId, RequestRecord, State};
use crate::tui::format::{count, fit, harmless, left, millis, model as short, money, right};
use crate::tui::model::Model;
use crate::tui::screen::list::scroll;
use crate::tui::screen::overview::Row;
use crate::tui::theme::Role;
use crate::tui::view::story;
use crate::tui::view::widgets::{panel, row_style};

/// From this width on there is room for whole ids, the time to the first byte and tokens, too.
const WIDE: u16 = 100;

/// Draws it.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let inner = panel(model, frame, area, "Recent");
    let recent = &model.snapshot.recent;
    if recent.is_empty() {
        let text = Line::styled("no request has ended yet", model.theme().style(Role::Muted));
        return frame.render_widget(Paragraph::new(text), inner);
    }
    let lines: Vec<Line<'_>> =
        shown(model, inner).map(|r| line(model, r, is_selected(model, r), inner.width)).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn is_selected(model: &Model, record: &RequestRecord) -> bool {
    model.overview.selected() == Some(&Row::Recent(record.id))
}

/// As many as there is room for, the selected one among them.
fn shown(model: &Model, inner: Rect) -> impl Iterator<Item = &RequestRecord> {
    let recent = &model.snapshot.recent;
    let place = recent.iter().position(|r| is_selected(model, r)).unwrap_or(0);
    let height = usize::from(inner.height);
    recent.iter().skip(scroll(0, place, height, recent.len())).take(height).map(AsRef::as_ref)
}

/// The request at this line.
pub(super) fn at(model: &Model, inner: Rect, line: usize) -> Option<RequestId> {
    shown(model, inner).nth(line).map(|record| record.id)
}

fn line(model: &Model, record: &RequestRecord, selected: bool, width: u16) -> Line<'static> {
    let time = record.accepted.to_zoned(model.facts.zone.clone()).strftime("%H:%M:%S").to_string();
    let asked = record.model.as_deref().map_or("-".to_owned(), |name| harmless(short(name)));
    let (role, state) = state(record);
    let wide = width >= WIDE;
    let id = record.id.to_string();
    let id = if wide { id.as_str() } else { id.trim_start_matches("req-") };
    let mut spans = vec![
        Span::raw(format!("{time} {id} ")),
        Span::raw(left(&asked, if wide { 18 } else { 10 })),
        Span::raw(" "),
        Span::styled(left(&state, 10), model.theme().style(role)),
        Span::raw(format!(" {} ", right(&times(record, wide), if wide { 11 } else { 6 }))),
    ];
    if wide {
        spans.push(Span::raw(format!("{} ", right(&tokens(record), 11))));
    }
    spans.push(Span::raw(format!("{}  ", right(&cost(record), 7))));
    let used: usize = spans.iter().map(Span::width).sum();
    let room = usize::from(width).saturating_sub(used);
    spans.push(Span::raw(left(&fit(&harmless(&story::of_record(record)), room), room)));
    let line = Line::from(spans);
    if selected { line.patch_style(row_style(model, true)) } else { line }
}

/// `1.4s/38s`: to the first byte, and to the end.
fn times(record: &RequestRecord, both: bool) -> String {
    let end = millis(Some(record.duration_ms));
    if !both {
        return end;
    }
    format!("{}/{end}", record.first_byte_ms.map_or("-".to_owned(), |ms| millis(Some(ms))))
}

/// How it ended: a status alone is a whole answer.
fn state(record: &RequestRecord) -> (Role, String) {
    let status = record.status.map(|s| format!(" {s}")).unwrap_or_default();
    match record.state {
        State::Completed => {
            (Role::Ok, if status.is_empty() { "done".to_owned() } else { status.trim().to_owned() })
        }
        State::Failed => (Role::Error, format!("failed{status}")),
        State::Cancelled => (Role::Muted, "cancelled".to_owned()),
        State::Interrupted => (Role::Error, "cut off".to_owned()),
    }
}

fn tokens(record: &RequestRecord) -> String {
    match record.usage.is_empty() {
        true => "-".to_owned(),
        false => format!("{}/{}", count(record.usage.prompt_tokens()), count(record.usage.output)),
    }
}

/// A price that is not known is not $0.
fn cost(record: &RequestRecord) -> String {
    if record.usage.is_empty() || record.unpriced as usize >= record.attempts.len().max(1) {
        return "-".to_owned();
    }
    money(record.cost.total())
}
