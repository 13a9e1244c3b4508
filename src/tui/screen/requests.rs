//! The request log and the detail of a request.

use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::msg::Effect;

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    detail: bool,
}

impl State {
    /// True while a request's detail is open.
    pub fn shows_detail(&self) -> bool {
        self.detail
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

/// What is wrong with a filter.
///
/// # Errors
/// When it cannot be read; the text says why.
pub fn check_filter(_text: &str) -> Result<(), String> {
    Ok(())
}

/// A filter was entered.
pub fn set_filter(_model: &mut Model, _text: &str) -> Vec<Effect> {
    Vec::new()
}
