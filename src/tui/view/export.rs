//! How far an export is, or how the last one ended: a line, on the screens that exports are made from.

use ratatui::text::Line;

use crate::domain::words::counted;
use crate::tui::export::Exporting;
use crate::tui::model::Model;
use crate::tui::theme::Role;

/// The line.
pub(super) fn line<'m>(model: &Model, exporting: &Exporting) -> Line<'m> {
    let path = model.private(&exporting.path.display().to_string());
    let (role, text) = match &exporting.ended {
        None if exporting.was_cancelled() => (Role::Warn, format!(" cancelling the export to {path}")),
        None => match exporting.progress.get() {
            (_, 0) => (Role::Info, format!(" exporting to {path}: counting; Esc cancels")),
            (done, total) => (Role::Info, format!(" exporting to {path}: {done} of {total}; Esc cancels")),
        },
        Some(Ok(rows)) => (Role::Ok, format!(" exported {} to {path}", counted(*rows, "request"))),
        Some(Err(_)) if exporting.was_cancelled() => (Role::Muted, " export cancelled".to_owned()),
        Some(Err(why)) => (Role::Error, format!(" export failed: {}", model.public(why))),
    };
    Line::styled(text, model.theme().style(role))
}
