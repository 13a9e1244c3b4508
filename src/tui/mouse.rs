//! The mouse: tabs and footer keys are clicked, rows too, the wheel moves the selection.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::keymap::Action;
use super::model::Model;
use super::msg::Effect;
use super::update::{is_in_list, perform};
use super::view::frame;

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
    match frame::hit(model, column, row) {
        Some(action) => perform(model, action),
        None => Vec::new(),
    }
}

fn turn(model: &mut Model, action: Action) -> Vec<Effect> {
    if !is_in_list(model) && model.overlays.is_empty() {
        return Vec::new();
    }
    (0..WHEEL).flat_map(|_| perform(model, action)).collect()
}
