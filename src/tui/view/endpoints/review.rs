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

use ratatui::text::Line;

use crate::tui::format::{fit, harmless, left};
use crate::tui::model::{Model, Review};
use crate::tui::screen::endpoints::edit;
use crate::tui::theme::Role;

/// Widest line; longer ones go on in the next.
const WIDTH: usize = 70;

/// Title of the dialog.
pub const TITLE: &str = "Apply these priorities?";

/// Its lines.
pub fn lines<'m>(model: &Model, review: &Review) -> Vec<Line<'m>> {
    let theme = model.theme();
    let mut lines: Vec<Line<'m>> =
        review.edits.iter().map(|(name, to)| Line::from(change(model, review, &name.0, *to))).collect();
    for group in &model.snapshot.groups {
        if let Some(order) = edit::resulting_order(model, group, &review.edits) {
            let names: Vec<String> = order.iter().map(|name| harmless(&name.0)).collect();
            let text = format!("{} then: {}", harmless(&group.name.0), names.join(", "));
            lines.push(Line::styled(fit(&text, WIDTH), theme.style(Role::Info)));
        }
    }
    lines.push(Line::default());
    let (text, role) = file(model, review);
    lines.extend(wrap(&text).into_iter().map(|line| Line::styled(line, theme.style(role))));
    lines.push(Line::default());
    let save = if review.file.is_ok() { "y apply and save   " } else { "" };
    lines.push(Line::styled(format!("{save}a apply only   Esc back to editing"), theme.style(Role::Accent)));
    let marked = if edit::saves_by_default(model, review) { "apply and save" } else { "apply only" };
    lines.push(Line::styled(format!("Enter: {marked}"), theme.style(Role::Accent)));
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
    fit(&format!("{} {from} -> {to}{place}", left(&harmless(name), 20)), WIDTH)
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

/// A text in lines of at most [`WIDTH`] cells, broken between words.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let joined = if lines[last].is_empty() { word.to_owned() } else { format!("{} {word}", lines[last]) };
        if Line::raw(joined.as_str()).width() <= WIDTH || lines[last].is_empty() {
            lines[last] = fit(&joined, WIDTH);
        } else {
            lines.push(fit(word, WIDTH));
        }
    }
    lines
}
