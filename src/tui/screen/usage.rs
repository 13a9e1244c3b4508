//! Tokens and money over a period.

use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::msg::Effect;

/// What this screen remembers.
#[derive(Default)]
pub struct State {}

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

/// What is wrong with a period.
///
/// # Errors
/// When it cannot be read; the text says why.
pub fn check_period(_model: &Model, _text: &str) -> Result<(), String> {
    Ok(())
}

/// A period was entered.
pub fn set_period(_model: &mut Model, _text: &str) -> Vec<Effect> {
    Vec::new()
}

/// The path of an export was entered.
pub fn export(_model: &mut Model, _path: &str) -> Vec<Effect> {
    Vec::new()
}
