//! The request log, or the detail of the request that is open.
//!
//! ```text
//! +- Requests 3 of 204 | filter: model:opus | by time | frozen, 2 new ----------+
//! | time↓    id       model      endpoint  state           took    tokens   cost |
//! | 14:02:07 91b0cc10 sonnet-5-5 main-b    ~ forwarding    4.0s         -      - |
//! | 14:01:58 0a12bc00 opus-5-5   main-b    + completed     2.0s  91k/2.2k  $0.11 |
//! | 13:41:58 0a12bc03 opus-5-5   main-b    x failed 500    2.0s         -      - |
//! | older ones: go on down                                                       |
//! +------------------------------------------------------------------------------+
//! ```
//!
//! Wider terminals have the whole id, the session, the attempts and the time to the first byte too.

pub mod detail;
mod evidence;
mod waterfall;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::widgets::{panel, row_style};
use crate::events::board::Phase;
use crate::events::{RequestId, State};
use crate::tui::format::{count, fit, harmless, left, model as short, money, right, span};
use crate::tui::model::Model;
use crate::tui::request::{Entry, Stage};
use crate::tui::screen::requests::history::Older;
use crate::tui::screen::requests::order::Column;
use crate::tui::screen::requests::{State as Log, height};
use crate::tui::theme::Role;

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    if model.requests.shows_detail() {
        return detail::draw(model, frame, area);
    }
    let title = fit(&title(&model.requests), usize::from(area.width).saturating_sub(4));
    let inner = panel(model, frame, area, &title);
    let width = usize::from(inner.width);
    let cells = cells(width);
    let log = &model.requests;
    let (selected, first) = log.places();
    let mut lines = vec![head(model, &cells)];
    for place in first..(first + height(model)).min(log.table().len()) {
        if let Some(entry) = log.table().row(place) {
            lines.push(row(model, entry, &cells, place == selected));
        }
    }
    if log.table().is_empty() {
        lines.push(Line::styled(nothing(log), model.theme().style(Role::Muted)));
    }
    lines.push(last(model, width));
    frame.render_widget(Paragraph::new(lines), inner);
}

fn title(log: &Log) -> String {
    let (shown, order) = (log.table().len(), log.table().order());
    let mut parts = vec![format!("Requests {shown}")];
    if !log.filter().is_empty() {
        parts.push(format!("filter: {}", harmless(log.filter())));
    }
    if order.column != Column::Time || order.reverse {
        let way = if order.rises() { "rising" } else { "falling" };
        parts.push(format!("by {}, {way}", order.column.word()));
    }
    if let Some(new) = log.held_back() {
        parts.push(format!("frozen, {new} new"));
    }
    if log.missed() > 0 {
        parts.push(format!("{} came by too fast", log.missed()));
    }
    parts.join(" | ")
}

fn nothing(log: &Log) -> String {
    match (log.filter().is_empty(), log.older()) {
        (true, Older::End) => "no request yet".to_owned(),
        (true, _) => "no request since the start".to_owned(),
        (false, _) => "no request fits the filter; Esc shows all".to_owned(),
    }
}

/// The line below the rows: an export that runs, else what there is beyond the end.
fn last(model: &Model, width: usize) -> Line<'static> {
    match model.exporting.as_ref().filter(|exporting| exporting.runs()) {
        Some(exporting) => super::export::line(model, exporting),
        None => Line::styled(fit(&beyond(model.requests.older()), width), model.theme().style(Role::Muted)),
    }
}

/// The request whose row is at this place of the screen's room.
pub fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<RequestId> {
    let inner = Block::bordered().inner(area);
    if model.requests.shows_detail() || !inner.contains(Position::new(column, row)) {
        return None;
    }
    // Below the titles of the columns.
    let line = usize::from((row - inner.y).checked_sub(1)?);
    let (_, first) = model.requests.places();
    let entry = model.requests.table().row(first + line).filter(|_| line < height(model));
    entry.map(|entry| entry.id)
}

fn beyond(older: &Older) -> String {
    match older {
        Older::More(_) => "older ones: go on down".to_owned(),
        Older::Asked => "looking for older ones".to_owned(),
        Older::End => "this is the oldest that is kept".to_owned(),
        Older::Nobody(why) => format!("no older ones: {}", harmless(why)),
    }
}

/// A column on screen.
struct Cell {
    title: &'static str,
    by: Column,
    width: usize,
    /// Numbers end on the right.
    right: bool,
    text: fn(&Model, &Entry) -> String,
}

const fn text(title: &'static str, by: Column, width: usize, text: fn(&Model, &Entry) -> String) -> Cell {
    Cell { title, by, width, right: false, text }
}

const fn number(title: &'static str, by: Column, width: usize, text: fn(&Model, &Entry) -> String) -> Cell {
    Cell { title, by, width, right: true, text }
}

/// Fewer cells than this have no room for all columns.
const WIDE: usize = 112;

/// The columns for so much room; the endpoint gets what is left.
fn cells(width: usize) -> Vec<Cell> {
    let mut cells = if width < WIDE { narrow() } else { wide() };
    let used: usize = cells.iter().map(|cell| cell.width + 1).sum::<usize>().saturating_sub(1);
    if let Some(cell) = cells.iter_mut().find(|cell| cell.by == Column::Endpoint) {
        cell.width = (cell.width + width).saturating_sub(used).max(4);
    }
    cells
}

fn narrow() -> Vec<Cell> {
    vec![
        text("time", Column::Time, 8, clock),
        text("id", Column::Time, 8, |_, e| format!("{:08x}", e.id.number())),
        text("model", Column::Model, 12, model_cell),
        text("endpoint", Column::Endpoint, 8, endpoint),
        text("state", Column::State, 13, state),
        number("took", Column::Duration, 6, took),
        number("tokens", Column::In, 9, tokens),
        number("cost", Column::Cost, 7, cost),
    ]
}

fn wide() -> Vec<Cell> {
    vec![
        text("time", Column::Time, 8, clock),
        text("id", Column::Time, 12, |_, e| e.id.to_string()),
        text("session", Column::Session, 8, session),
        text("model", Column::Model, 14, model_cell),
        text("endpoint", Column::Endpoint, 10, endpoint),
        number("tries", Column::Attempts, 5, |_, e| e.attempts.to_string()),
        text("state", Column::State, 15, state),
        number("ttft", Column::FirstByte, 6, |_, e| known(e.first_byte.map(span))),
        number("took", Column::Duration, 6, took),
        number("in", Column::In, 5, |_, e| known(e.tokens_in.map(count))),
        number("out", Column::Out, 5, |_, e| known(e.tokens_out.map(count))),
        number("cost", Column::Cost, 7, cost),
    ]
}

fn head(model: &Model, cells: &[Cell]) -> Line<'static> {
    let order = model.requests.table().order();
    // Of two columns with one order the first is marked.
    let marked = cells.iter().position(|cell| cell.by == order.column);
    let titles = cells.iter().enumerate().map(|(n, cell)| {
        let arrow = if order.rises() { "↑" } else { "↓" };
        let text = if Some(n) == marked { format!("{}{arrow}", cell.title) } else { cell.title.to_owned() };
        if cell.right { right(&text, cell.width) } else { left(&text, cell.width) }
    });
    let titles: Vec<String> = titles.collect();
    Line::styled(titles.join(" "), model.theme().style(Role::Muted))
}

fn row(model: &Model, entry: &Entry, cells: &[Cell], selected: bool) -> Line<'static> {
    let theme = model.theme();
    let mut spans = Vec::with_capacity(cells.len());
    for cell in cells {
        let text = harmless(&(cell.text)(model, entry));
        let text = if cell.right { right(&text, cell.width) } else { left(&text, cell.width) };
        let role = if cell.by == Column::State { role(entry.stage) } else { Role::Text };
        spans.push(Span::styled(text + " ", theme.style(role)));
    }
    let line = Line::from(spans);
    if selected { line.patch_style(row_style(model, true)) } else { line }
}

fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// The time of today; of other days the date.
fn clock(model: &Model, entry: &Entry) -> String {
    let local = |at: jiff::Timestamp| at.to_zoned(model.facts.zone.clone());
    let at = local(entry.accepted);
    let today = at.date() == local(model.now).date();
    at.strftime(if today { "%H:%M:%S" } else { "%y-%m-%d" }).to_string()
}

fn session(_: &Model, entry: &Entry) -> String {
    known(entry.session().map(|session| session.chars().take(8).collect()))
}

fn model_cell(_: &Model, entry: &Entry) -> String {
    known(entry.model().map(|name| short(name).to_owned()))
}

fn endpoint(_: &Model, entry: &Entry) -> String {
    known(entry.endpoint().map(str::to_owned))
}

fn took(model: &Model, entry: &Entry) -> String {
    known(entry.age(model.now).map(span))
}

fn tokens(_: &Model, entry: &Entry) -> String {
    known(entry.tokens_in.zip(entry.tokens_out).map(|(i, o)| format!("{}/{}", count(i), count(o))))
}

fn cost(_: &Model, entry: &Entry) -> String {
    known(entry.cost.map(money))
}

/// Glyph and word; of a failure the status too.
pub(super) fn state(model: &Model, entry: &Entry) -> String {
    let status = entry.status.filter(|_| entry.stage == Stage::Ended(State::Failed));
    let status = status.map(|status| format!(" {status}")).unwrap_or_default();
    format!("{} {}{status}", glyph(model, entry.stage), entry.stage.word())
}

fn glyph(model: &Model, stage: Stage) -> &'static str {
    let (unicode, ascii) = match stage {
        Stage::Live(Phase::Pending) => ("·", "."),
        Stage::Live(Phase::Forwarding) => ("◌", "~"),
        Stage::Live(Phase::Retrying) => ("↻", "r"),
        Stage::Live(Phase::Suspended) => ("‖", "="),
        Stage::Live(Phase::Streaming) => ("▸", ">"),
        Stage::Ended(State::Completed) => ("✓", "+"),
        Stage::Ended(State::Failed) => ("✗", "x"),
        Stage::Ended(State::Cancelled) => ("−", "-"),
        Stage::Ended(State::Interrupted) => ("!", "!"),
    };
    if model.facts.unicode { unicode } else { ascii }
}

pub(super) fn role(stage: Stage) -> Role {
    match stage {
        Stage::Live(Phase::Pending) | Stage::Ended(State::Cancelled) => Role::Muted,
        Stage::Live(Phase::Forwarding) => Role::Info,
        Stage::Live(Phase::Retrying) | Stage::Ended(State::Interrupted) => Role::Warn,
        Stage::Live(Phase::Suspended) => Role::Suspended,
        Stage::Live(Phase::Streaming) | Stage::Ended(State::Completed) => Role::Ok,
        Stage::Ended(State::Failed) => Role::Error,
    }
}
