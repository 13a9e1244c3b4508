//! The program's own log lines, or the selected one whole.
//!
//! ```text
//! +- Log 812 of 4,102 lines | info and above | req-7f3a01c2 | "overloaded" | following -+
//! | 14:01:58 INFO  request  suspended: waits for recovery  req-7f3a01c2                  |
//! | 14:02:07 WARN  forward  overloaded status=529 endpoint=main-a  req-91b0cc10          |
//! +--------------------------------------------------------------------------------------+
//! ```

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line as Row, Span};
use ratatui::widgets::{Block, Paragraph};

use super::widgets::{panel, row_style};
use crate::config::Level;
use crate::domain::words::counted;
use crate::logging::escape::escape;
use crate::logging::ring::Line;
use crate::tui::format::{fit, harmless, left, masked, wrap};
use crate::tui::model::Model;
use crate::tui::screen::logs::{State, height, level_name};
use crate::tui::theme::Role;

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let state = &model.logs;
    if let Some((scroll, line)) = state.whole() {
        let inner = panel(model, frame, area, &format!("Log line {}", line.seq));
        let rows: Vec<Row<'_>> = whole(model).into_iter().skip(scroll).collect();
        return frame.render_widget(Paragraph::new(rows), inner);
    }
    let title = fit(&title(state), usize::from(area.width).saturating_sub(4));
    let inner = panel(model, frame, area, &title);
    if state.is_empty() {
        let text = Row::styled(nothing(state), model.theme().style(Role::Muted));
        return frame.render_widget(Paragraph::new(text), inner);
    }
    let (selected, first) = state.places();
    let places = first..(first + height(model)).min(state.len());
    let row = |place| state.line(place).map(|l| row(model, l, place == selected, usize::from(inner.width)));
    frame.render_widget(Paragraph::new(places.filter_map(row).collect::<Vec<_>>()), inner);
}

/// The place of the line that is at this place of the screen's room.
pub fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<usize> {
    let (inner, state) = (Block::bordered().inner(area), &model.logs);
    let (_, first) = state.places();
    let place = first + usize::from(row.checked_sub(inner.y)?);
    let there = inner.contains(Position::new(column, row)) && place < state.len();
    (there && state.whole().is_none()).then_some(place)
}

fn title(state: &State) -> String {
    let mut parts = match state.len() == state.kept() {
        true => vec![format!("Log {}", counted(state.kept() as u64, "line"))],
        false => vec![format!("Log {} of {}", state.len(), counted(state.kept() as u64, "line"))],
    };
    parts.push(format!("{} and above", state.level()));
    parts.extend(state.request().map(harmless));
    if !state.text().is_empty() {
        parts.push(format!("filter: {}", harmless(state.text())));
    }
    if state.missed() > 0 {
        parts.push(format!("{} came by too fast", state.missed()));
    }
    parts.push(if state.follows() { "following" } else { "standing still" }.to_owned());
    parts.join(" | ")
}

fn nothing(state: &State) -> &'static str {
    match (state.available, state.kept()) {
        (false, _) => "the forwarder's log lines cannot be had here; see its log file",
        (true, 0) => "nothing was logged yet",
        (true, _) => "no line fits; v changes the level, / the filter, Esc takes filters away",
    }
}

fn row(model: &Model, line: &Line, selected: bool, width: usize) -> Row<'static> {
    let theme = model.theme();
    let level = left(&level_name(line.level).to_uppercase(), 6);
    let target = left(&harmless(target(line)), 10);
    let id = line.request.as_deref().map(|id| format!("  {}", harmless(id))).unwrap_or_default();
    let room = width.saturating_sub(9 + 6 + 11);
    let text = cut(&told(model, line), room);
    let row = Row::from(vec![
        Span::styled(clock(model, line), theme.style(Role::Muted)),
        Span::styled(level, theme.style(role(line.level))),
        Span::styled(target + " ", theme.style(Role::Muted)),
        Span::styled(fit(&(text + &id), room), theme.style(Role::Text)),
    ]);
    if selected { row.patch_style(row_style(model, true)) } else { row }
}

/// Message and fields as they are shown. In privacy mode part by part: behind a `=` a mask would not look.
fn told(model: &Model, line: &Line) -> String {
    if !model.privacy {
        return escape(&text(line)).into_owned();
    }
    let fields = line.fields.iter().map(|(name, value)| format!(" {name}={}", shown(model, value)));
    shown(model, &line.message) + &fields.collect::<String>()
}

/// At least as much as `cells` cells can show.
fn cut(text: &str, cells: usize) -> String {
    text.chars().take(cells + 1).collect()
}

/// Message and fields as one text, as they came.
pub fn text(line: &Line) -> String {
    let mut text = line.message.clone();
    for (name, value) in &line.fields {
        text.push_str(&format!(" {name}={value}"));
    }
    text
}

/// A text without anything that acts on a terminal, masked in privacy mode.
fn shown(model: &Model, text: &str) -> String {
    if model.privacy { masked(&escape(text)) } else { escape(text).into_owned() }
}

fn clock(model: &Model, line: &Line) -> String {
    line.at.to_zoned(model.facts.zone.clone()).strftime("%H:%M:%S ").to_string()
}

/// The module, without what all of ours have in common.
fn target(line: &Line) -> &str {
    line.target.strip_prefix("cc_forwarder::").unwrap_or(&line.target)
}

fn role(level: Level) -> Role {
    match level {
        Level::Trace | Level::Debug => Role::Muted,
        Level::Info => Role::Info,
        Level::Warn => Role::Warn,
        Level::Error => Role::Error,
    }
}

/// The selected line whole, a fact a row, wrapped.
pub fn whole(model: &Model) -> Vec<Row<'static>> {
    const LABEL: usize = 12;
    let Some((_, line)) = model.logs.whole() else { return Vec::new() };
    let at = line.at.to_zoned(model.facts.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string();
    let mut facts = vec![
        ("time".to_owned(), at),
        ("level".to_owned(), level_name(line.level).to_owned()),
        ("from".to_owned(), harmless(&line.target)),
        ("request".to_owned(), harmless(line.request.as_deref().unwrap_or("-"))),
        ("message".to_owned(), shown(model, &line.message)),
    ];
    facts.extend(line.fields.iter().map(|(name, value)| (harmless(name), shown(model, value))));
    let room = usize::from(model.size.0).saturating_sub(LABEL + 3).max(10);
    let style = model.theme().style(Role::Muted);
    let rows = facts.into_iter().flat_map(|(label, value)| {
        let label = |n| if n == 0 { left(&label, LABEL) } else { " ".repeat(LABEL) };
        let row = |(n, part): (usize, String)| {
            Row::from(vec![Span::styled(label(n) + " ", style), Span::raw(part)])
        };
        wrap(&value, room).into_iter().enumerate().map(row).collect::<Vec<_>>()
    });
    rows.collect()
}
