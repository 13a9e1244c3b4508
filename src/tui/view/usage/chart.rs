//! Draws the bars: cost per hour or day, or tokens when nothing of it has a price.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use crate::store::query::By;
use crate::tui::format::{money, sum};
use crate::tui::model::Model;
use crate::tui::screen::usage::Bar;
use crate::tui::theme::Role;
use crate::tui::view::usage::word;
use crate::tui::view::widgets::panel;

/// Widest bar; wider than one cell it has a gap behind it.
const WIDEST: usize = 4;
/// Steps of a cell.
const STEPS: u128 = 8;

/// Draws it.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let (by, bars) = model.usage.bars().unwrap_or((By::Hour, &[]));
    let priced = bars.iter().any(|bar| !bar.cost.is_zero());
    let value = |bar: &Bar| if priced { bar.cost.pico() } else { u128::from(bar.tokens) };
    let room = usize::from(area.width.saturating_sub(2));
    let wide = (room / bars.len().max(1)).clamp(1, WIDEST);
    let shown = &bars[bars.len().saturating_sub(room / wide)..];
    let max = shown.iter().max_by_key(|bar| value(bar));
    let most = max.map_or("-".to_owned(), |bar| if priced { money(bar.cost) } else { sum(bar.tokens) });
    let what = if priced { "Cost" } else { "Tokens" };
    let older = if shown.len() < bars.len() { format!(", newest {}", shown.len()) } else { String::new() };
    let title = format!("{what} per {}: max {most}{older}", word(by));
    let inner = panel(model, frame, area, &title);
    let rows = usize::from(inner.height.saturating_sub(1));
    let values: Vec<u128> = shown.iter().map(value).collect();
    let style = model.theme().style(Role::ChartA);
    let mut lines: Vec<Line<'_>> = columns(&values, rows, wide, model.facts.unicode)
        .into_iter()
        .map(|row| Line::styled(row, style))
        .collect();
    let axis = axis(model, by, shown, values.len() * wide);
    lines.push(Line::styled(axis, model.theme().style(Role::Muted)));
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The rows of a chart, the top one first. What is more than nothing is at least the smallest step high.
fn columns(values: &[u128], rows: usize, wide: usize, unicode: bool) -> Vec<String> {
    const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 9] = [" ", ".", ".", ":", ":", "|", "|", "#", "#"];
    let glyphs = if unicode { BLOCKS } else { ASCII };
    let max = values.iter().copied().max().unwrap_or(0).max(1);
    let full = STEPS * rows as u128;
    let steps = |value: u128| if value == 0 { 0 } else { (value.saturating_mul(full) / max).max(1) };
    let row = |from_bottom: usize| {
        let below = STEPS * from_bottom as u128;
        let glyph = |value: &u128| glyphs[steps(*value).saturating_sub(below).min(STEPS) as usize];
        let cell = |value: &u128| match wide {
            1 => glyph(value).to_owned(),
            wide => glyph(value).repeat(wide - 1) + " ",
        };
        values.iter().map(cell).collect::<String>()
    };
    (0..rows).rev().map(row).collect()
}

/// When the first and the last bar begin.
fn axis(model: &Model, by: By, bars: &[Bar], width: usize) -> String {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return " nothing yet".to_owned();
    };
    let (first, last) = (label(model, by, first.start), label(model, by, last.start));
    let gap = width.saturating_sub(first.width() + last.width());
    match bars.len() {
        1 => first,
        _ if gap == 0 => format!("{first} - {last}"),
        _ => format!("{first}{}{last}", " ".repeat(gap)),
    }
}

fn label(model: &Model, by: By, at: Timestamp) -> String {
    let form = if by == By::Hour { "%H:%M" } else { "%Y-%m-%d" };
    at.to_zoned(model.facts.zone.clone()).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_is_full_and_the_smallest_is_seen() {
        assert_eq!(columns(&[0, 1, 50, 100], 2, 1, true), ["   █", " ▁██"]);
        assert_eq!(columns(&[0, 1, 50, 100], 1, 2, false), ["  . : # "]);
        assert_eq!(columns(&[], 2, 1, true), ["", ""]);
        assert_eq!(columns(&[0, 0], 1, 1, true), ["  "]);
    }
}
