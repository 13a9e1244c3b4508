//! The mouse.
//!
//! | on | does |
//! |---|---|
//! | a tab, a key in the footer | what the key does |
//! | a row | selects it |
//! | the selected row | what `Enter` does; on the screen of endpoints the details |
//! | the wheel | moves what the arrow keys move, and nothing where they move nothing |

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use super::keymap::{self, Action};
use super::model::{Model, Screen};
use super::msg::Effect;
use super::update::{Target, go_to, perform};
use super::view::{config, endpoints, frame, logs, overview, requests, suspended, usage};

/// Rows per turn of the wheel.
const WHEEL: usize = 3;

/// Takes what the mouse did.
pub(super) fn on_mouse(model: &mut Model, mouse: MouseEvent) -> Vec<Effect> {
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => click(model, mouse.column, mouse.row),
        MouseEventKind::ScrollUp => turn(model, Action::Up),
        MouseEventKind::ScrollDown => turn(model, Action::Down),
        _ => Vec::new(),
    }
}

fn click(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    if let Some(action) = frame::hit(model, column, row) {
        return perform(model, action);
    }
    match row_at(model, column, row) {
        Some(target) if is_selected(model, &target) => {
            opening(model).map(|action| perform(model, action)).unwrap_or_default()
        }
        Some(target) => {
            model.dirty = true;
            go_to(model, target)
        }
        None => Vec::new(),
    }
}

/// The row of the screen in front that is at this place.
fn row_at(model: &Model, column: u16, row: u16) -> Option<Target> {
    if !model.overlays.is_empty() {
        return None;
    }
    let body = frame::layout(Rect::new(0, 0, model.size.0, model.size.1)).body;
    match model.screen {
        Screen::Overview => overview::hit(model, body, column, row).map(Target::Glance),
        Screen::Endpoints => endpoints::hit(model, body, column, row).map(Target::Endpoint),
        Screen::Requests => requests::hit(model, body, column, row).map(Target::Logged),
        Screen::Suspended => suspended::hit(model, body, column, row).map(Target::Suspended),
        Screen::Usage => usage::hit(model, body, column, row).map(Target::Usage),
        Screen::Logs => logs::hit(model, body, column, row).map(Target::Line),
        Screen::Config => config::hit(model, body, column, row).map(Target::Config),
    }
}

fn is_selected(model: &Model, target: &Target) -> bool {
    match target {
        Target::Glance(row) => model.overview.selected() == Some(row),
        Target::Endpoint(name) => model.endpoints.selected() == Some(name),
        Target::Logged(id) | Target::Request(id) => model.requests.selected() == Some(*id),
        Target::Suspended(id) => model.suspended.selected() == Some(*id),
        Target::Usage(at) => model.usage.index() == *at,
        Target::Line(at) => model.logs.places().0 == *at,
        Target::Config(at) => model.config.index() == *at,
    }
}

/// What a click on the selected row of the screen in front does.
fn opening(model: &Model) -> Option<Action> {
    match model.screen {
        // There Enter begins to edit.
        Screen::Endpoints if model.endpoints.is_editing() => None,
        Screen::Endpoints => Some(Action::Details),
        // The selected line is shown whole already.
        Screen::Config => None,
        _ => Some(Action::Open),
    }
}

fn turn(model: &mut Model, action: Action) -> Vec<Effect> {
    let moves = keymap::available(&model.contexts()).iter().any(|binding| binding.action == action);
    if !moves {
        return Vec::new();
    }
    (0..WHEEL).flat_map(|_| perform(model, action)).collect()
}

#[cfg(test)]
mod tests;
