//! The priority edits before they are applied.
//!
//! ```text
//! + Apply these priorities? --------------------------------+
//! | main-a   2 -> 1   line 12                                |
//! | main then: main-a, main-b                                |
//! |                                                          |
//! | to save: config.yaml, only these numbers                 |
//! |                                                          |
//! | y apply and save   a apply only   Esc back               |
//! | Enter: apply only                                        |
//! +----------------------------------------------------------+
//! ```
//!
//! Nothing of it is cut off: what is wider than the terminal goes on in the next line, what is higher is scrolled to. The
//! answers are always in view.

use ratatui::text::Line;

use crate::tui::format::{harmless, left, wrap};
use crate::tui::model::{Model, Review};
use crate::tui::screen::endpoints::edit;
use crate::tui::theme::Role;

/// Widest line; longer ones go on in the next.
const WIDTH: usize = 70;
/// Title of the dialog.
const TITLE: &str = "Apply these priorities?";

/// Title and lines on a terminal of this size, the first of them so many lines down.
pub fn dialog(
    model: &Model,
    review: &Review,
    first: usize,
    size: (u16, u16),
) -> (String, Vec<Line<'static>>) {
    let Parts { mut lines, answers, room } = Parts::of(model, review, size);
    let first = first.min(lines.len().saturating_sub(room));
    let below = lines.len().saturating_sub(first + room);
    lines.drain(..first);
    lines.truncate(room);
    lines.extend(answers);
    let title = if below > 0 { format!("{TITLE} ({below} more)") } else { TITLE.to_owned() };
    (title, lines)
}

/// How far down it can be scrolled.
pub fn deepest(model: &Model, review: &Review) -> usize {
    let Parts { lines, room, .. } = Parts::of(model, review, model.size);
    lines.len().saturating_sub(room)
}

/// What would happen, the answers to it, and how many lines of the former there is room for.
struct Parts {
    lines: Vec<Line<'static>>,
    answers: Vec<Line<'static>>,
    room: usize,
}

impl Parts {
    fn of(model: &Model, review: &Review, (width, height): (u16, u16)) -> Self {
        // A border and a blank on each side.
        let width = usize::from(width.saturating_sub(4)).min(WIDTH);
        let answers = answers(model, review, width);
        let room = usize::from(height.saturating_sub(2)).saturating_sub(answers.len()).max(1);
        Self { lines: what(model, review, width), answers, room }
    }
}

fn styled(model: &Model, text: &str, role: Role, width: usize) -> impl Iterator<Item = Line<'static>> {
    let style = model.theme().style(role);
    wrap(text, width).into_iter().map(move |row| Line::styled(row, style))
}

fn what(model: &Model, review: &Review, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (name, to) in &review.edits {
        lines.extend(styled(model, &change(model, review, &name.0, *to), Role::Text, width));
    }
    for group in &model.snapshot.groups {
        if let Some(order) = edit::resulting_order(model, group, &review.edits) {
            let names: Vec<String> = order.iter().map(|name| harmless(&name.0)).collect();
            let text = format!("{} then: {}", harmless(&group.name.0), names.join(", "));
            lines.extend(styled(model, &text, Role::Info, width));
        }
    }
    lines.push(Line::default());
    let (text, role) = file(model, review);
    lines.extend(styled(model, &text, role, width));
    lines
}

/// An answer that cannot be given says so: why stands above it.
fn answers(model: &Model, review: &Review, width: usize) -> Vec<Line<'static>> {
    let marked = if edit::saves_by_default(model, review) { "apply and save" } else { "apply only" };
    let mut lines = vec![Line::default()];
    let save = match review.file {
        Ok(_) => "y apply and save   ",
        Err(_) => {
            lines.extend(styled(model, "(y apply and save: not now)", Role::Muted, width));
            ""
        }
    };
    let keys = format!("{save}a apply only   Esc back to editing");
    lines.extend(styled(model, &keys, Role::Accent, width));
    lines.extend(styled(model, &format!("Enter: {marked}"), Role::Accent, width));
    lines
}

/// `main-a   2 -> 1   line 12`, and what the file says when that is something else.
fn change(model: &Model, review: &Review, name: &str, to: u32) -> String {
    let current = model.snapshot.endpoints.iter().find(|e| *e.name.0 == *name).map(|e| e.priority);
    let from = current.map_or("-".to_owned(), |from| from.to_string());
    let written = review.file.as_ref().ok().and_then(|f| f.written.iter().find(|w| *w.endpoint.0 == *name));
    let place = match written {
        Some(w) if Some(w.before) != current => format!("   line {}, where it is {}", w.line, w.before),
        Some(w) => format!("   line {}", w.line),
        None => String::new(),
    };
    format!("{} {from} -> {to}{place}", left(&harmless(name), 20))
}

fn file(model: &Model, review: &Review) -> (String, Role) {
    match &review.file {
        Ok(file) if file.written.is_empty() => ("the file says all of this already".to_owned(), Role::Muted),
        Ok(file) => {
            let path = model.private(&file.path.display().to_string());
            (format!("to save: only these numbers in {path}; all else stays byte by byte"), Role::Muted)
        }
        Err(why) => (format!("cannot be saved: {}", model.public(why)), Role::Error),
    }
}
