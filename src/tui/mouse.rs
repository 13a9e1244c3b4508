//! The mouse: tabs and footer keys are clicked, rows too, the wheel moves the selection.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use super::keymap::Action;
use super::model::{Model, Screen};
use super::msg::Effect;
use super::update::{Target, go_to, is_in_list, perform};
use super::view::{endpoints, frame, overview, suspended};

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
        None => select(model, column, row),
    }
}

/// A click on a row selects it.
fn select(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    if !model.overlays.is_empty() {
        return Vec::new();
    }
    let body = frame::layout(Rect::new(0, 0, model.size.0, model.size.1)).body;
    let target = match model.screen {
        Screen::Overview => overview::hit(model, body, column, row).map(Target::Glance),
        Screen::Endpoints => endpoints::hit(model, body, column, row).map(Target::Endpoint),
        Screen::Suspended => suspended::hit(model, body, column, row).map(Target::Suspended),
        _ => None,
    };
    model.dirty |= target.is_some();
    target.map(|target| go_to(model, target)).unwrap_or_default()
}

fn turn(model: &mut Model, action: Action) -> Vec<Effect> {
    if !is_in_list(model) && model.overlays.is_empty() {
        return Vec::new();
    }
    (0..WHEEL).flat_map(|_| perform(model, action)).collect()
}
