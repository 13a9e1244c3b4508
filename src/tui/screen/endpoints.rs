//! Groups and endpoints: priorities, group control.

use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::msg::Effect;

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    editing: bool,
}

impl State {
    /// True while priorities are being edited.
    pub fn is_editing(&self) -> bool {
        self.editing
    }
}

/// There is a newer snapshot.
pub fn refresh(_model: &mut Model) {}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(_model: &mut Model, _action: Action) -> Option<Vec<Effect>> {
    None
}

/// Why an action cannot be taken now.
pub fn why_not(_model: &Model, _action: Action) -> Option<String> {
    None
}

/// A key that no binding takes.
pub fn typed(_model: &mut Model, _key: crossterm::event::KeyEvent) -> Vec<Effect> {
    Vec::new()
}

/// The time a pause was entered for; nothing entered means for ever.
///
/// # Errors
/// When it is no time; the text says what is.
pub fn pause_time(text: &str) -> Result<Option<std::time::Duration>, String> {
    let _ = text;
    Ok(None)
}

/// The edits were confirmed.
pub fn apply(_model: &mut Model, _save: bool) -> Vec<Effect> {
    Vec::new()
}
