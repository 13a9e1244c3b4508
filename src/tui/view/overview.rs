//! Draws the screen of the same name.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::events::board::Phase;
use crate::tui::model::Model;

/// How many requests wait in the queue.
pub fn suspended(model: &Model) -> usize {
    model.snapshot.live.iter().filter(|l| l.phase == Phase::Suspended).count()
}

/// Draws it.
pub fn draw(_model: &Model, _frame: &mut Frame<'_>, _area: Rect) {}
