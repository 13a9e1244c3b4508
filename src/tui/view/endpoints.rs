//! Draws groups and their endpoints; the selected endpoint's detail beside or below.
//!
//! ```text
//! + Endpoints ---------------------------------------------------------------------+
//! |     name        state            priority  TTFT 50/95    ok live       limit     |
//! | main  active, activated  made active by a person  for 3m20s                      |
//! | > ●  main-a     up                      1   1.2s/3.4s   99%    2  43% 12m00s     |
//! |   ◐  main-b     limited 41s        2 -> 1   1.9s/7.0s   91%    0      0% 41s     |
//! | backup  standby  another group serves  since the start                           |
//! |   ○  spare      open 12s                1           -     -    0           -     |
//! | main-b: last error: rate limited (429), 2 failures in a row                      |
//! +---------------------------------------------------------------------------------+
//! ```
//!
//! Wider terminals show the last error in each row, very wide ones the detail on the right. `-` is what nobody knows.

mod detail;
pub mod review;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::widgets::{glyph, group_word, panel, role_of, row_style, word};
use crate::domain::endpoint::EndpointId;
use crate::domain::ratelimit::Bucket;
use crate::events::board::{EndpointStatus, GroupStatus};
use crate::tui::format::{between, fit, harmless, left, millis, percent, right, seconds, span};
use crate::tui::model::Model;
use crate::tui::screen::endpoints::{self, Row, edit};
use crate::tui::screen::list::scroll;
use crate::tui::theme::Role;

/// Columns from which on the detail stands on the right.
const BESIDE: u16 = 150;
/// Columns of the list then.
const LIST: u16 = 84;
/// Lines of a detail below, at least.
const BELOW: u16 = 12;
/// Cells of a row without name and error.
const FIXED: usize = 66;
/// Cells of a state: as many where there is room, and so many before a figure is left out.
const STATE: usize = 15;
const NARROW_STATE: usize = 10;
/// Cells of a priority, at least.
const PRIORITY: usize = 9;
/// What stands for a value that nobody knows.
const UNKNOWN: &str = "-";

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let (rows, below) = split(model, area);
    list(model, frame, rows);
    if let Some(below) = below {
        detail::draw(model, frame, below);
    }
}

/// The room of the list, and that of the detail when it is open.
fn split(model: &Model, area: Rect) -> (Rect, Option<Rect>) {
    if !model.endpoints.shows_detail() {
        return (area, None);
    }
    let [rows, below] = if area.width >= BESIDE {
        Layout::horizontal([Constraint::Min(LIST), Constraint::Length(area.width - LIST)]).areas(area)
    } else {
        Layout::vertical([Constraint::Min(6), Constraint::Length(BELOW.max(area.height / 2))]).areas(area)
    };
    (rows, Some(below))
}

/// The endpoint whose row is at this place of the screen's room.
pub fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<EndpointId> {
    let (list, _) = split(model, area);
    // Border and heading above, note and border below.
    let body = Rect { y: list.y + 2, height: list.height.saturating_sub(4), ..list };
    if !body.contains(Position::new(column, row)) {
        return None;
    }
    let at = first(model, usize::from(body.height)) + usize::from(row - body.y);
    match model.endpoints.rows().get(at)? {
        Row::Group(_) => None,
        Row::Endpoint(at) => Some(model.snapshot.endpoints[*at].name.clone()),
    }
}

fn is_selected(model: &Model, row: &Row) -> bool {
    match row {
        Row::Group(_) => false,
        Row::Endpoint(at) => Some(&model.snapshot.endpoints[*at].name) == model.endpoints.selected(),
    }
}

/// The first row that is drawn.
fn first(model: &Model, height: usize) -> usize {
    let rows = model.endpoints.rows();
    let selected = rows.iter().position(|row| is_selected(model, row)).unwrap_or(0);
    scroll(0, selected, height, rows.len())
}

fn list(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let edits = edit::pending(model);
    let title = match (model.endpoints.is_editing(), edits.len()) {
        (false, _) => "Endpoints".to_owned(),
        (true, 0) => "Endpoints: editing priorities".to_owned(),
        (true, n) => format!("Endpoints: editing priorities, {n} changed"),
    };
    let inner = panel(model, frame, area, &title);
    let parts = [Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)];
    let [head, body, foot] = Layout::vertical(parts).areas(inner);
    let columns = Columns::of(model, inner.width);
    frame.render_widget(Line::styled(columns.head(), model.theme().style(Role::Muted)), head);
    frame.render_widget(Paragraph::new(rows(model, &columns, body)), body);
    frame.render_widget(note(model, foot.width), foot);
}

fn rows<'m>(model: &'m Model, columns: &Columns, area: Rect) -> Vec<Line<'m>> {
    let rows = model.endpoints.rows();
    let height = usize::from(area.height);
    let first = first(model, height);
    let draw = |row: &Row| match row {
        Row::Group(at) => group(model, &model.snapshot.groups[*at], area.width),
        Row::Endpoint(at) => columns.row(model, &model.snapshot.endpoints[*at], is_selected(model, row)),
    };
    rows.iter().skip(first).take(height).map(draw).collect()
}

/// ` main  active, activated  made active by a person  for 3m20s`
fn group<'m>(model: &Model, group: &GroupStatus, width: u16) -> Line<'m> {
    let theme = model.theme();
    let (role, state) = group_word(group.state);
    let name = format!(" {}  ", harmless(&group.name.0));
    let mut state = state.to_owned();
    if group.activated {
        state.push_str(", activated");
    }
    if holds_pinned(model, group) {
        state.push_str(", pinned");
    }
    if let Some(left) = left_of(model, group.ends_in) {
        state.push_str(&format!(" {left} more"));
    }
    let mut why = format!("  {}", group.why.words());
    match group.for_seconds {
        Some(since) => why.push_str(&format!("  for {}", since_then(model, since))),
        None => why.push_str("  since the start"),
    }
    if let Some(order) = edit::resulting_order(model, group, &edit::pending(model)) {
        let names: Vec<String> = order.iter().map(|name| harmless(&name.0)).collect();
        why = format!("  then: {}", names.join(", "));
    }
    let room = usize::from(width).saturating_sub(Span::raw(&name).width() + Span::raw(&state).width());
    Line::from_iter([
        Span::styled(name, theme.style(Role::Accent)),
        Span::styled(state, theme.style(role)),
        Span::styled(fit(&why, room), theme.style(Role::Muted)),
    ])
}

fn holds_pinned(model: &Model, group: &GroupStatus) -> bool {
    let snapshot = &model.snapshot;
    snapshot.endpoints.iter().any(|e| e.group == group.name && Some(&e.name) == snapshot.pinned.as_ref())
}

/// A column of figures: title, cells, and what it says.
type Figure = (&'static str, usize, fn(&Model, &EndpointStatus) -> String);

/// The columns behind the priority, the last of which a narrow terminal does without.
const FIGURES: [Figure; 4] = [
    ("TTFT 50/95", 11, |_, endpoint| first_byte(endpoint)),
    ("ok", 5, |_, endpoint| success(endpoint)),
    ("live", 4, |_, endpoint| endpoint.in_flight.to_string()),
    ("limit", 11, limit),
];

/// Widths that depend on the room there is, and on the numbers.
struct Columns {
    name: usize,
    state: usize,
    priority: usize,
    figures: usize,
    error: usize,
}

impl Columns {
    /// A priority is shown whole whatever its length.
    fn of(model: &Model, width: u16) -> Self {
        let width = usize::from(width);
        let numbers = model.snapshot.endpoints.iter().map(|endpoint| priority(model, endpoint).len());
        let priority = numbers.max().unwrap_or(0).max(PRIORITY);
        let room = width.saturating_sub(FIXED + priority - PRIORITY);
        let name = room.clamp(8, 24);
        let error = room.saturating_sub(name + 1);
        let before = 4 + name + 1 + priority + 1;
        let cells = |figures: usize| FIGURES[..figures].iter().map(|(_, cells, _)| cells + 1).sum::<usize>();
        let fits = |figures: &usize| before + NARROW_STATE + cells(*figures) <= width;
        let figures = (0..=FIGURES.len()).rev().find(fits).unwrap_or(0);
        let state = width.saturating_sub(before + cells(figures)).clamp(6, STATE);
        Self { name, state, priority, figures, error: if error < 12 { 0 } else { error } }
    }

    fn figures(&self) -> &'static [Figure] {
        &FIGURES[..self.figures]
    }

    fn head(&self) -> String {
        let figures: String =
            self.figures().iter().map(|(title, cells, _)| format!(" {}", right(title, *cells))).collect();
        let error = if self.error > 0 { "  last error" } else { "" };
        format!(
            "     {}{} {}{figures}{error}",
            left("name", self.name),
            left("state", self.state),
            right("priority", self.priority)
        )
    }

    fn row<'m>(&self, model: &Model, endpoint: &EndpointStatus, selected: bool) -> Line<'m> {
        let theme = model.theme();
        let style = row_style(model, selected);
        let pointer = if model.facts.unicode { "▸" } else { ">" };
        let mark = if selected { pointer } else { " " };
        let condition = &endpoint.condition;
        let state = state(model, endpoint);
        let figure = |(_, cells, text): &Figure| format!(" {}", right(&text(model, endpoint), *cells));
        let coloured = if selected { style } else { theme.style(role_of(condition)) };
        let mut spans = vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(glyph(model, condition), coloured),
            Span::styled(format!("  {}", left(&harmless(&endpoint.name.0), self.name - 1)), style),
            Span::styled(format!(" {}", left(&state, self.state)), coloured),
            Span::styled(
                format!(" {}", right(&priority(model, endpoint), self.priority)),
                self.priority_style(model, endpoint, selected),
            ),
            Span::styled(self.figures().iter().map(figure).collect::<String>(), style),
        ];
        if self.error > 0 {
            let error = endpoint.last_error.as_deref().unwrap_or(UNKNOWN);
            let role = if selected { style } else { theme.style(Role::Muted) };
            spans.push(Span::styled(format!("  {}", fit(&harmless(error), self.error - 1)), role));
        }
        Line::from(spans)
    }

    fn priority_style(
        &self,
        model: &Model,
        endpoint: &EndpointStatus,
        selected: bool,
    ) -> ratatui::style::Style {
        let edited = new_priority(model, endpoint).is_some();
        if edited && !selected { model.theme().style(Role::Warn) } else { row_style(model, selected) }
    }
}

fn new_priority(model: &Model, endpoint: &EndpointStatus) -> Option<u32> {
    let value = model.endpoints.edit()?.value(&endpoint.name)?;
    (value != endpoint.priority).then_some(value)
}

/// `2`, or `2 -> 1` while it is edited.
fn priority(model: &Model, endpoint: &EndpointStatus) -> String {
    match new_priority(model, endpoint) {
        Some(new) => format!("{} -> {new}", endpoint.priority),
        None => endpoint.priority.to_string(),
    }
}

/// A condition in words, with the time until it changes by itself.
fn state(model: &Model, endpoint: &EndpointStatus) -> String {
    let word = word(&endpoint.condition);
    match left_of(model, endpoint.changes_in) {
        Some(left) => format!("{word} {left}"),
        None => word.to_owned(),
    }
}

fn first_byte(endpoint: &EndpointStatus) -> String {
    let stats = endpoint.stats.as_ref();
    match stats.map(|s| (s.first_byte_p50_ms, s.first_byte_p95_ms)) {
        Some((Some(p50), Some(p95))) => format!("{}/{}", millis(Some(p50)), millis(Some(p95))),
        _ => UNKNOWN.to_owned(),
    }
}

fn success(endpoint: &EndpointStatus) -> String {
    endpoint.stats.as_ref().and_then(|s| s.success).map_or(UNKNOWN.to_owned(), percent)
}

/// The budget of which least is left: what is left, and when it is full again.
fn limit(model: &Model, endpoint: &EndpointStatus) -> String {
    let known = endpoint.budgets.iter().filter_map(|budget| Some((rest(budget)?, budget)));
    let Some((rest, tightest)) = known.min_by(|(a, _), (b, _)| a.total_cmp(b)) else {
        return UNKNOWN.to_owned();
    };
    match resets_in(model, tightest) {
        Some(left) => format!("{} {left}", percent(rest)),
        None => percent(rest),
    }
}

/// The share of a budget that is left.
fn rest(budget: &Bucket) -> Option<f64> {
    match (budget.remaining, budget.limit) {
        (Some(remaining), Some(limit)) if limit > 0 => Some((remaining as f64 / limit as f64).min(1.0)),
        _ => budget.utilization.map(|used| (1.0 - used).clamp(0.0, 1.0)),
    }
}

fn resets_in(model: &Model, budget: &Bucket) -> Option<String> {
    let left = between(model.now, budget.reset?);
    (!left.is_zero()).then(|| span(left))
}

/// What is left now of so many seconds at the time of the snapshot; nothing when that has passed.
fn left_of(model: &Model, at_snapshot: Option<f64>) -> Option<String> {
    let left = at_snapshot? - between(model.snapshot.at, model.now).as_secs_f64();
    (left > 0.0).then(|| seconds(Some(left)))
}

/// An age now that was so many seconds at the time of the snapshot.
fn since_then(model: &Model, at_snapshot: f64) -> String {
    seconds(Some(at_snapshot + between(model.snapshot.at, model.now).as_secs_f64()))
}

/// One line about the selected endpoint, or about editing.
fn note<'m>(model: &Model, width: u16) -> Line<'m> {
    if model.endpoints.is_editing() {
        let text = " type a number, or + and -; lower goes first; nothing is applied before Ctrl-S";
        return Line::styled(fit(text, usize::from(width)), model.theme().style(Role::Info));
    }
    let Some(endpoint) = endpoints::endpoint(model) else {
        return Line::styled(" there is no endpoint", model.theme().style(Role::Muted));
    };
    let text = match &endpoint.last_error {
        Some(error) => {
            format!(" {}: last error: {}{}", harmless(&endpoint.name.0), harmless(error), streak(endpoint))
        }
        None => format!(" {}: no failure since the start", harmless(&endpoint.name.0)),
    };
    Line::styled(fit(&text, usize::from(width)), model.theme().style(Role::Muted))
}

fn streak(endpoint: &EndpointStatus) -> String {
    match endpoint.failures_in_a_row {
        0 | 1 => String::new(),
        n => format!(", {n} failures in a row"),
    }
}
