//! What stands before a screen: help, palette, questions, text input.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::endpoints;
use super::input::shown;
use super::widgets::{panel, row_style};
use crate::tui::format::{harmless, left, wrap};
use crate::tui::keymap::Binding;
use crate::tui::model::{Model, Overlay, Prompt};
use crate::tui::screen::list::scroll;
use crate::tui::theme::Role;
use crate::tui::update::{HelpRow, help_height, help_rows, palette_rows, why_not_behind};

/// Draws what stands in front.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    match model.overlays.last() {
        Some(Overlay::Help(input, line)) => help(model, frame, area, input, *line),
        Some(Overlay::Palette(input, selected)) => palette(model, frame, area, input, *selected),
        Some(Overlay::Confirm(question)) => {
            let rows = question.text.iter().flat_map(|line| wrap(line, room(area, 76)));
            let mut lines: Vec<Line<'_>> = rows.map(Line::from).collect();
            lines.push(Line::default());
            lines.push(Line::styled("y yes   n no", model.theme().style(Role::Accent)));
            dialog(model, frame, area, "Sure?", lines);
        }
        Some(Overlay::Prompt(prompt)) => ask(model, frame, area, prompt),
        Some(Overlay::Review(review, first)) => {
            let (title, lines) = endpoints::review::dialog(model, review, *first, (area.width, area.height));
            dialog(model, frame, area, &title, lines);
        }
        None => {}
    }
}

/// A rectangle of this size in the middle, as far as there is room.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}

/// Cells of a dialog's lines: as many as it would like, as far as there is room between its borders.
fn room(area: Rect, liked: usize) -> usize {
    liked.min(usize::from(area.width.saturating_sub(4)))
}

fn dialog(model: &Model, frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>) -> Rect {
    let widest = lines.iter().map(Line::width).max().unwrap_or(0).max(title.width() + 2);
    let place = middle(area, widest as u16 + 4, lines.len() as u16 + 2);
    frame.render_widget(Clear, place);
    frame.buffer_mut().set_style(place, model.theme().style(Role::Text));
    let inner = panel(model, frame, place, title);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    frame.render_widget(Paragraph::new(lines), inner);
    inner
}

fn ask(model: &Model, frame: &mut Frame<'_>, area: Rect, prompt: &Prompt) {
    let width = room(area, 56);
    let theme = model.theme();
    let (shown, cursor) = shown(&prompt.input, width);
    let (note, role) = match &prompt.error {
        Some(error) => (error.as_str(), Role::Error),
        None => (prompt.hint.as_str(), Role::Muted),
    };
    let mut lines = vec![Line::styled(left(&shown, width), theme.style(Role::Selection))];
    lines.extend(wrap(note, width).into_iter().map(|row| Line::styled(row, theme.style(role))));
    lines.push(Line::styled("Enter apply   Esc cancel", theme.style(Role::Accent)));
    let inner = dialog(model, frame, area, &prompt.title, lines);
    frame.set_cursor_position(Position::new(inner.x + cursor, inner.y));
}

fn help(model: &Model, frame: &mut Frame<'_>, area: Rect, input: &tui_input::Input, first: usize) {
    let theme = model.theme();
    let rows = help_rows(model, input.value());
    let width = room(area, 74);
    let line = |row: &HelpRow| match row {
        HelpRow::Place(place) => Line::styled(left(place, width), theme.style(Role::Accent)),
        HelpRow::Key(binding) => key(model, binding, width),
    };
    let (typing, cursor) = typing("/", input, width, theme.style(Role::Accent));
    let mut lines = vec![typing];
    lines.extend(rows.iter().skip(first).take(help_height(model)).map(line));
    if rows.is_empty() {
        lines.push(Line::styled("no key does that here", theme.style(Role::Muted)));
    }
    let more = rows.len().saturating_sub(first + help_height(model));
    let title = if more > 0 { format!("Keys ({more} more below)") } else { "Keys".to_owned() };
    let inner = dialog(model, frame, area, &title, lines);
    frame.set_cursor_position(Position::new(inner.x + cursor, inner.y));
}

/// A key with what it does; where it does nothing now, why.
fn key(model: &Model, binding: &Binding, width: usize) -> Line<'static> {
    let keys: Vec<String> = binding.chords.iter().map(|chord| chord.name()).collect();
    let reason = why_not_behind(model, binding.action);
    let role = if reason.is_some() { Role::Muted } else { Role::Text };
    let why = reason.map(|reason| format!("  (not now: {})", harmless(&reason))).unwrap_or_default();
    let text = format!("  {} {}{why}", left(&keys.join(" "), 15), binding.label);
    Line::styled(left(&text, width), model.theme().style(role))
}

/// The line that is typed into, and the cursor's cell in it.
fn typing(sign: &'static str, input: &tui_input::Input, width: usize, style: Style) -> (Line<'static>, u16) {
    let width = width.saturating_sub(1);
    let (shown, cursor) = shown(input, width);
    (Line::from(vec![Span::styled(sign, style), Span::raw(left(&shown, width))]), cursor + 1)
}

fn palette(model: &Model, frame: &mut Frame<'_>, area: Rect, input: &tui_input::Input, selected: usize) {
    const ROWS: usize = 12;
    let width = room(area, 66);
    let theme = model.theme();
    let rows = palette_rows(model, input.value());
    let first = scroll(0, selected, ROWS, rows.len());
    let (typing, cursor) = typing(":", input, width, theme.style(Role::Accent));
    let mut lines = vec![typing];
    for (i, binding) in rows.iter().enumerate().skip(first).take(ROWS) {
        let reason = why_not_behind(model, binding.action);
        let why = reason.as_ref().map(|why| format!("  (not now: {})", harmless(why))).unwrap_or_default();
        let text = format!("{}{}{why}", left(&binding.chords[0].name(), 10), binding.label);
        let style = match (i == selected, reason) {
            (true, _) => row_style(model, true),
            (false, Some(_)) => theme.style(Role::Muted),
            (false, None) => theme.style(Role::Text),
        };
        lines.push(Line::styled(left(&text, width), style));
    }
    if rows.is_empty() {
        lines.push(Line::styled("nothing of that name", theme.style(Role::Muted)));
    }
    let inner = dialog(model, frame, area, "Command", lines);
    frame.set_cursor_position(Position::new(inner.x + cursor, inner.y));
}
