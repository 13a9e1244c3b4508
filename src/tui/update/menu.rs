//! The list of keys and the command palette: two looks at the keymap, narrowed by what is typed.
//!
//! Both show the keys of the place behind them, and dim what cannot be done now with the reason. The palette carries
//! out, the list only shows.

use tui_input::Input;

use super::{Effect, perform};
use crate::tui::keymap::{self, Action, Binding};
use crate::tui::model::{Model, Overlay};

/// Lines of the list of keys that a terminal of this height shows.
pub fn help_height(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(6)).max(1)
}

/// A line of the list of keys.
#[derive(Clone, Copy, Debug)]
pub enum HelpRow {
    /// A heading: where the keys below it mean something.
    Place(&'static str),
    /// A key.
    Key(&'static Binding),
}

/// The keys of this place whose name or key has what was typed, grouped by where they mean something.
pub fn help_rows(model: &Model, typed: &str) -> Vec<HelpRow> {
    let typed = typed.to_lowercase();
    let fits = |binding: &&Binding| {
        let keys = binding.chords.iter().any(|chord| chord.name().to_lowercase() == typed);
        keys || binding.label.to_lowercase().contains(&typed)
    };
    let mut rows = Vec::new();
    let mut place = None;
    for binding in keymap::available(&model.screen_contexts()).into_iter().filter(fits) {
        if place != Some(binding.context) {
            place = Some(binding.context);
            rows.push(HelpRow::Place(keymap::place(binding.context)));
        }
        rows.push(HelpRow::Key(binding));
    }
    rows
}

/// An action while the list of keys is open.
pub(super) fn help(model: &mut Model, input: Input, line: usize, action: Action) {
    let page = help_height(model);
    let last = help_rows(model, input.value()).len().saturating_sub(page);
    let line = match action {
        Action::Up => line.saturating_sub(1),
        Action::Down => line + 1,
        Action::PageUp => line.saturating_sub(page),
        Action::PageDown => line + page,
        _ => return,
    };
    model.overlays.push(Overlay::Help(input, line.min(last)));
}

/// The bindings that the palette offers for what was typed: those that begin with it first, then those that contain
/// it, then those that have its letters in this order.
pub fn palette_rows(model: &Model, typed: &str) -> Vec<&'static Binding> {
    let typed = typed.trim().to_lowercase();
    let mut rows: Vec<(u8, &Binding)> = keymap::available(&model.screen_contexts())
        .into_iter()
        .filter(|binding| binding.action != Action::Palette)
        .filter_map(|binding| Some((likeness(&typed, binding.label)?, binding)))
        .collect();
    rows.sort_by_key(|(likeness, _)| *likeness);
    rows.into_iter().map(|(_, binding)| binding).collect()
}

/// Less is more alike; nothing when it is not alike.
fn likeness(typed: &str, label: &str) -> Option<u8> {
    let label = label.to_lowercase();
    let mut letters = label.chars();
    match () {
        () if label.starts_with(typed) => Some(0),
        () if label.contains(typed) => Some(1),
        () if typed.chars().filter(|c| *c != ' ').all(|wanted| letters.any(|c| c == wanted)) => Some(2),
        () => None,
    }
}

/// An action while the palette is open.
pub(super) fn palette(model: &mut Model, input: Input, selected: usize, action: Action) -> Vec<Effect> {
    let rows = palette_rows(model, input.value());
    let selected = match action {
        Action::Up => selected.saturating_sub(1),
        Action::Down => (selected + 1).min(rows.len().saturating_sub(1)),
        Action::Yes => {
            let chosen = rows.get(selected).map(|binding| binding.action);
            return chosen.map(|action| perform(model, action)).unwrap_or_default();
        }
        _ => return Vec::new(),
    };
    model.overlays.push(Overlay::Palette(input, selected));
    Vec::new()
}

#[cfg(test)]
mod tests;
