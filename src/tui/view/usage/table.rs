//! Draws the sums told apart, a row each, the most expensive first. What caches missed is shown where there is room.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph};

use super::{cost_of, name_of, word};
use crate::store::totals::Totals;
use crate::tui::format::{left, money, right, share, sum};
use crate::tui::model::Model;
use crate::tui::screen::list::scroll;
use crate::tui::screen::usage::rows;
use crate::tui::theme::Role;
use crate::tui::view::widgets::{panel, row_style};

/// A column behind the name: title, cells, and what it says.
type Column = (&'static str, usize, fn(&Totals) -> String);

const COLUMNS: [Column; 9] = [
    ("requests", 8, |t| t.requests.to_string()),
    ("failed", 6, |t| t.failed.to_string()),
    ("interrupted", 11, |t| t.interrupted.to_string()),
    ("in", 6, |t| sum(t.tokens.prompt())),
    ("out", 6, |t| sum(t.tokens.output)),
    ("hits", 5, |t| share(t.cache_hit_rate())),
    ("saved", 8, |t| money(t.cache_saved)),
    ("missed", 8, |t| money(t.cache_missed)),
    ("cost", 8, cost_of),
];
/// Columns that a narrow terminal does without.
const LUXURY: [&str; 3] = ["failed", "interrupted", "missed"];
/// Cells from which on there is room for all columns.
const ROOMY: usize = 100;

/// Draws it.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let by = model.usage.shown_by();
    let inner = panel(model, frame, area, &format!("By {}", word(by)));
    let width = usize::from(inner.width);
    let columns: Vec<Column> =
        COLUMNS.into_iter().filter(|(title, ..)| width >= ROOMY || !LUXURY.contains(title)).collect();
    let name = width.saturating_sub(1 + columns.iter().map(|(_, cells, _)| cells + 1).sum::<usize>());
    let head: String = columns.iter().map(|(title, cells, _)| format!(" {}", right(title, *cells))).collect();
    let head = format!(" {}{head}", left(word(by), name));
    let mut lines = vec![Line::styled(head, model.theme().style(Role::Muted))];
    let height = usize::from(inner.height).saturating_sub(1);
    let (selected, all) = (model.usage.index(), rows(model).count());
    let first = scroll(0, selected, height, all);
    for (at, (key, totals)) in rows(model).enumerate().skip(first).take(height) {
        let cells: String =
            columns.iter().map(|(_, cells, show)| format!(" {}", right(&show(totals), *cells))).collect();
        let text = format!("{}{}{cells}", mark(model, at == selected), left(&name_of(by, key), name));
        lines.push(Line::styled(text, row_style(model, at == selected)));
    }
    if all == 0 {
        lines.push(Line::styled(" no request in this period", model.theme().style(Role::Muted)));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The row at this place.
pub(super) fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<usize> {
    let inner = Block::bordered().inner(area);
    let (height, all) = (usize::from(inner.height).saturating_sub(1), rows(model).count());
    let at = usize::from(row.checked_sub(inner.y + 1)?) + scroll(0, model.usage.index(), height, all);
    (inner.contains(Position::new(column, row)) && at < all).then_some(at)
}

fn mark(model: &Model, selected: bool) -> &'static str {
    match (selected, model.facts.unicode) {
        (false, _) => " ",
        (true, true) => "▸",
        (true, false) => ">",
    }
}
