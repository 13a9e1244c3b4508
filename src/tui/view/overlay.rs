//! What stands before a screen: help, palette, questions, text input.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::endpoints;
use super::widgets::{panel, row_style};
use crate::tui::format::{fit, left};
use crate::tui::keymap::{self, Context};
use crate::tui::model::{Model, Overlay, Prompt};
use crate::tui::screen::list::scroll;
use crate::tui::theme::Role;
use crate::tui::update::palette_rows;

/// Draws what stands in front.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    match model.overlays.last() {
        Some(Overlay::Help(line)) => help(model, frame, area, *line),
        Some(Overlay::Palette(input, selected)) => palette(model, frame, area, input, *selected),
        Some(Overlay::Confirm(question)) => {
            let mut lines: Vec<Line<'_>> = question.text.iter().map(|l| Line::from(l.as_str())).collect();
            lines.push(Line::default());
            lines.push(Line::styled("y yes   n no", model.theme().style(Role::Accent)));
            dialog(model, frame, area, "Sure?", lines);
        }
        Some(Overlay::Prompt(prompt)) => ask(model, frame, area, prompt),
        Some(Overlay::Review(review)) => {
            let lines = endpoints::review::lines(model, review);
            dialog(model, frame, area, endpoints::review::TITLE, lines);
        }
        None => {}
    }
}

/// A rectangle of this size in the middle, as far as there is room.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}

fn dialog(model: &Model, frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>) -> Rect {
    let widest = lines.iter().map(Line::width).max().unwrap_or(0).max(title.len() + 2);
    let place = middle(area, widest as u16 + 4, lines.len() as u16 + 2);
    frame.render_widget(Clear, place);
    frame.buffer_mut().set_style(place, model.theme().style(Role::Text));
    let inner = panel(model, frame, place, title);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    frame.render_widget(Paragraph::new(lines), inner);
    inner
}

fn ask(model: &Model, frame: &mut Frame<'_>, area: Rect, prompt: &Prompt) {
    const WIDTH: usize = 56;
    let theme = model.theme();
    let value = prompt.input.value();
    let start = prompt.input.visual_scroll(WIDTH - 1);
    let shown: String = value.chars().skip(start).take(WIDTH).collect();
    let (note, role) = match &prompt.error {
        Some(error) => (error.as_str(), Role::Error),
        None => (prompt.hint.as_str(), Role::Muted),
    };
    let lines = vec![
        Line::styled(left(&shown, WIDTH), theme.style(Role::Selection)),
        Line::styled(note.to_owned(), theme.style(role)),
        Line::styled("Enter apply   Esc cancel", theme.style(Role::Accent)),
    ];
    let inner = dialog(model, frame, area, &prompt.title, lines);
    let cursor = prompt.input.visual_cursor().saturating_sub(start) as u16;
    frame.set_cursor_position(Position::new(inner.x + cursor, inner.y));
}

fn help(model: &Model, frame: &mut Frame<'_>, area: Rect, first: usize) {
    let contexts = [Context::Screen(model.screen), Context::List, Context::Global];
    let theme = model.theme();
    let mut lines = Vec::new();
    for context in contexts {
        lines.push(Line::styled(keymap::place(context), theme.style(Role::Accent)));
        for binding in keymap::KEYMAP.iter().filter(|b| b.context == context) {
            let keys: Vec<String> = binding.chords.iter().map(|c| c.name()).collect();
            let reason = model.why_not(binding.action);
            let role = if reason.is_some() { Role::Muted } else { Role::Text };
            let why = reason.map(|r| format!("  ({r})")).unwrap_or_default();
            let text = format!("  {}{}{why}", left(&keys.join(" "), 16), binding.label);
            lines.push(Line::styled(text, theme.style(role)));
        }
    }
    let room = usize::from(area.height.saturating_sub(4));
    let first = first.min(lines.len().saturating_sub(room));
    let shown: Vec<Line<'_>> = lines.into_iter().skip(first).take(room).collect();
    dialog(model, frame, area, "Keys", shown);
}

fn palette(model: &Model, frame: &mut Frame<'_>, area: Rect, input: &tui_input::Input, selected: usize) {
    const WIDTH: usize = 50;
    const ROWS: usize = 12;
    let theme = model.theme();
    let rows = palette_rows(model, input.value());
    let first = scroll(0, selected, ROWS, rows.len());
    let mut lines = vec![Line::from(vec![
        Span::styled(":", theme.style(Role::Accent)),
        Span::raw(left(&fit(input.value(), WIDTH - 1), WIDTH - 1)),
    ])];
    for (i, binding) in rows.iter().enumerate().skip(first).take(ROWS) {
        let text = format!("{}{}", left(binding.label, WIDTH - 12), binding.chords[0].name());
        let disabled = model.why_not(binding.action).is_some();
        let style = if disabled { theme.style(Role::Muted) } else { row_style(model, i == selected) };
        lines.push(Line::styled(left(&text, WIDTH), style));
    }
    if rows.is_empty() {
        lines.push(Line::styled("nothing of that name", theme.style(Role::Muted)));
    }
    let inner = dialog(model, frame, area, "Command", lines);
    let cursor = 1 + input.visual_cursor().min(WIDTH - 1) as u16;
    frame.set_cursor_position(Position::new(inner.x + cursor, inner.y));
}
