//! Draws the configuration in effect, and how its last reload ended.
//!
//! ```text
//! +- Config: /home/me/.config/cc-forwarder/config.yaml, reload 3 refused 14:01:58 ----+
//! | ! config.yaml:12: retry.max_attempts: must be at least 1 (got 0)                   |
//! | > endpoints[main-a].url       https://relay.example/       line 31                 |
//! |   endpoints[main-a].token     ***                          line 32, ${...}         |
//! |   server.port                 8088                         default      restart    |
//! +- endpoints[main-a].url -----------------------------------------------------------+
//! | https://relay.example/                                                             |
//! +------------------------------------------------------------------------------------+
//! ```
//!
//! The lower box shows the selected line whole: a long value, or a problem. `restart` marks keys that are read at the
//! start only, `pending` those of them whose value in the file is not the one that runs.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::widgets::{panel, row_style};
use crate::config::listing::Entry;
use crate::config::origin::Origin;
use crate::domain::words::counted;
use crate::tui::format::{harmless, left};
use crate::tui::model::Model;
use crate::tui::screen::config::{Row, origin};
use crate::tui::screen::list::scroll;
use crate::tui::source::ReloadView;
use crate::tui::theme::Role;

/// Lines of the lower box, its border included.
const WHOLE: u16 = 6;
/// Cells of an origin and of the mark for restarts.
const ORIGIN: usize = 14;
const RESTART: usize = 8;
/// Ends of the keys that name hosts, addresses or paths.
const PRIVATE: [&str; 12] = [
    "url",
    "host",
    "hosts",
    "origins",
    "path",
    "allowed_hosts",
    "allowed_origins",
    "database_path",
    "file_path",
    "save_path",
    "extra_ca",
    "health_path",
];

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let [top, bottom] = parts(area);
    let state = &model.config;
    let Some(entries) = state.entries() else {
        let inner = panel(model, frame, area, "Config");
        let text = Line::styled(" Asking for the configuration...", model.theme().style(Role::Muted));
        return frame.render_widget(Paragraph::new(text), inner);
    };
    let inner = panel(model, frame, top, &title(model));
    let mut lines = state.reload().map(|reload| vec![outcome(model, reload)]).unwrap_or_default();
    let height = usize::from(inner.height).saturating_sub(lines.len());
    let first = scroll(0, state.index(), height, state.rows().len());
    let width = usize::from(inner.width);
    for (at, row) in state.rows().iter().enumerate().skip(first).take(height) {
        lines.push(line(model, entries, row, at == state.index(), width));
    }
    if state.rows().is_empty() {
        lines.push(Line::styled(" no key passes the filter; Esc drops it", model.theme().style(Role::Muted)));
    }
    frame.render_widget(Paragraph::new(lines), inner);
    whole(model, frame, bottom, entries);
}

fn parts(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Fill(1), Constraint::Length(WHOLE)]).areas(area)
}

/// The line of the list at this place of the screen's room.
pub fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<usize> {
    let state = &model.config;
    let inner = Block::bordered().inner(parts(area)[0]);
    let head = u16::from(state.reload().is_some());
    let (height, all) = (usize::from(inner.height.saturating_sub(head)), state.rows().len());
    let at = usize::from(row.checked_sub(inner.y + head)?) + scroll(0, state.index(), height, all);
    (inner.contains(Position::new(column, row)) && at < all).then_some(at)
}

fn title(model: &Model) -> String {
    let filter = model.config.filter();
    let filter = if filter.is_empty() { String::new() } else { format!(", filter: {}", harmless(filter)) };
    format!("Config: {}{filter}", model.private(&model.facts.config_source))
}

/// How the last reload ended, in a line.
fn outcome<'m>(model: &Model, reload: &ReloadView) -> Line<'m> {
    let at = reload.at.to_zoned(model.facts.zone.clone()).strftime("%H:%M:%S");
    let (role, text) = match &reload.outcome {
        Err(problems) => {
            let count = counted(problems.len() as u64, "problem");
            let text = format!("refused, the running configuration stays: {count}");
            (Role::Error, text)
        }
        Ok(report) if !report.needs_restart.is_empty() => (Role::Warn, report.to_string()),
        Ok(report) => (Role::Ok, report.to_string()),
    };
    Line::styled(format!(" reload {} at {at}: {}", reload.number, harmless(&text)), model.theme().style(role))
}

fn line<'m>(model: &Model, entries: &[Entry], row: &Row, selected: bool, width: usize) -> Line<'m> {
    let mark = match (selected, model.facts.unicode) {
        (false, _) => " ",
        (true, true) => "▸",
        (true, false) => ">",
    };
    let role = |role| if selected { row_style(model, true) } else { model.theme().style(role) };
    match row {
        Row::Problem(at) => {
            let text = format!("{mark}! {}", problem(model, *at).unwrap_or_default());
            Line::styled(left(&text, width), role(Role::Error))
        }
        Row::Key(at) => key(model, &entries[*at], mark, width, &role),
    }
}

fn key<'m>(model: &Model, entry: &Entry, mark: &str, width: usize, role: &dyn Fn(Role) -> Style) -> Line<'m> {
    let rest = width.saturating_sub(ORIGIN + RESTART + 3);
    let name = rest * 60 / 100;
    let (restart, restart_role) = if model.config.is_pending(&entry.key) {
        ("pending", Role::Warn)
    } else if entry.restart {
        ("restart", Role::Muted)
    } else {
        ("", Role::Muted)
    };
    Line::from_iter([
        Span::styled(format!("{mark}{} ", left(&harmless(&entry.key), name)), role(Role::Text)),
        Span::styled(left(&value(model, entry), rest - name), role(Role::Accent)),
        Span::styled(format!(" {}", left(&origin(&entry.origin), ORIGIN)), role(Role::Muted)),
        Span::styled(left(restart, RESTART), role(restart_role)),
    ])
}

/// A value; a dash when it is unset.
fn value(model: &Model, entry: &Entry) -> String {
    let Some(value) = &entry.value else { return "-".to_owned() };
    let last = entry.key.rsplit('.').next().unwrap_or_default();
    if PRIVATE.contains(&last) { model.private(value) } else { harmless(value) }
}

/// A problem, which may quote hosts and paths.
fn problem(model: &Model, at: usize) -> Option<String> {
    let problem = model.config.problems().get(at)?;
    Some(model.public(problem))
}

fn whole(model: &Model, frame: &mut Frame<'_>, area: Rect, entries: &[Entry]) {
    let (title, text, note) = match model.config.rows().get(model.config.index()) {
        Some(Row::Problem(at)) => {
            (format!("Problem {}", at + 1), problem(model, *at).unwrap_or_default(), "")
        }
        Some(Row::Key(at)) => {
            let entry = &entries[*at];
            (harmless(&entry.key), value(model, entry), note(model, entry))
        }
        None => Default::default(),
    };
    let inner = panel(model, frame, area, &title);
    let lines = vec![Line::from(text), Line::styled(note, model.theme().style(Role::Muted))];
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
}

/// What there is to know about changing a key.
fn note(model: &Model, entry: &Entry) -> &'static str {
    match (model.config.is_pending(&entry.key), entry.restart, &entry.origin) {
        (true, ..) => "The file says something else by now; it takes effect at the next start.",
        (_, true, _) => "Read at the start: a new value takes effect at the next one.",
        (_, _, Origin::ByHand) => {
            "Changed in the running program; the next version of the file decides anew."
        }
        (_, _, Origin::Inherited) => "Not in this endpoint: it has it from one before it in the file.",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
