//! Draws the screen of the same name.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::model::Model;

/// Draws it.
pub fn draw(_model: &Model, _frame: &mut Frame<'_>, _area: Rect) {}
