//! The one table of keys. Dispatch, footer, `?` help, `:` palette and the table in the README all come from it.
//!
//! A key is looked up in the innermost context first (an open dialog, then the screen, then everywhere), so the same key
//! may mean different things in different places, but never two things in one place: a test looks.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::model::Screen;

/// Where a key means something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Context {
    /// Everywhere that nothing else takes the key.
    Global,
    /// A screen.
    Screen(Screen),
    /// Every screen that shows a list.
    List,
    /// A priority is being edited on the screen of endpoints.
    PriorityEdit,
    /// Priority edits are shown before they are applied.
    Review,
    /// The detail of a request.
    Detail,
    /// A log line that is shown whole.
    LogLine,
    /// A line of text is being edited.
    Input,
    /// A question with yes and no.
    Confirm,
    /// The list of keys.
    Help,
    /// The command palette.
    Palette,
}

/// What a key asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Leave the program; asks while answers are being passed on.
    Quit,
    /// Show or hide the keys of this place.
    Help,
    /// Choose an action by typing its name.
    Palette,
    /// The next screen.
    NextScreen,
    /// The screen before.
    PreviousScreen,
    /// This screen.
    Go(Screen),
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// Open what is selected.
    Open,
    /// Back, exactly one level.
    Back,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Edit the filter.
    Filter,
    /// The next column to sort by.
    Sort,
    /// Turn the sort order around.
    SortReverse,
    /// Hold the list still, or let it go on.
    Freeze,
    /// Copy the id of what is selected.
    Copy,
    /// Edit the selected endpoint's priority.
    EditPriority,
    /// Raise the number that is being edited.
    Increase,
    /// Lower it.
    Decrease,
    /// Show what would be saved, and ask.
    Save,
    /// Drop the edits.
    Discard,
    /// Carry the edits out and write them to the file.
    ApplyAndSave,
    /// Carry them out only.
    ApplyOnly,
    /// Details of the selected endpoint.
    Details,
    /// Make the group the active one.
    Activate,
    /// Make it the active one whatever its state.
    Force,
    /// Let ranks decide again.
    Release,
    /// Stop using the group.
    Pause,
    /// Use it again.
    Resume,
    /// Probe the endpoint now.
    Probe,
    /// Use the endpoint, or stop using it, until the next reload.
    ToggleEnabled,
    /// Forget what the endpoint rests for.
    Clear,
    /// Let the selected suspended request go on.
    ResumeOne,
    /// Let all suspended requests go on.
    ResumeAll,
    /// End the selected request.
    Cancel,
    /// The next period of time.
    NextPeriod,
    /// The period before.
    PreviousPeriod,
    /// Type a period.
    CustomPeriod,
    /// The next grouping.
    NextGrouping,
    /// Write what is shown to a file.
    Export,
    /// Keep the newest line in view.
    Follow,
    /// The next log level.
    Level,
    /// From a line to its request, or from a request to its lines.
    Jump,
    /// Load the configuration again.
    Reload,
    /// Open the configuration in an editor.
    Editor,
    /// The next theme.
    NextTheme,
    /// Mask hosts, addresses and paths, or show them.
    Privacy,
    /// Draw everything anew.
    Redraw,
    /// Put the program to sleep (asks: the proxy sleeps too).
    Sleep,
}

/// A key with its modifiers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Held with it; shift is part of a letter.
    pub modifiers: KeyModifiers,
}

impl Chord {
    const fn plain(code: KeyCode) -> Self {
        Self { code, modifiers: KeyModifiers::NONE }
    }

    const fn ctrl(letter: char) -> Self {
        Self { code: KeyCode::Char(letter), modifiers: KeyModifiers::CONTROL }
    }

    /// The chord of a key press.
    pub fn of(key: KeyEvent) -> Self {
        let shift = matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab);
        let modifiers = if shift { key.modifiers - KeyModifiers::SHIFT } else { key.modifiers };
        Self { code: key.code, modifiers }
    }

    /// As people write it: `Ctrl-S`, `Enter`, `g`.
    pub fn name(self) -> String {
        let key = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                c.to_uppercase().to_string()
            }
            KeyCode::Char(c) => c.to_string(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            code => format!("{code}"),
        };
        if self.modifiers.contains(KeyModifiers::CONTROL) { format!("Ctrl-{key}") } else { key }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// The key, and others that do the same.
    pub chords: &'static [Chord],
    /// What it asks for.
    pub action: Action,
    /// What it does, in a word or two; the palette searches these.
    pub label: &'static str,
    /// Changes something outside the screen that cannot be taken back by the same key; it asks first.
    pub danger: bool,
    /// Smaller comes first in the footer; 0 is not shown there.
    pub footer: u8,
}

mod table;
pub use table::KEYMAP;

/// Leaves from every place, also where other keys of [`Context::Global`] are text.
const LEAVE: Chord = Chord::ctrl('c');

/// The binding of a key in these contexts, innermost first.
pub fn lookup(contexts: &[Context], key: KeyEvent) -> Option<&'static Binding> {
    let chord = Chord::of(key);
    let anywhere = (chord == LEAVE).then_some(Context::Global);
    contexts
        .iter()
        .chain(&anywhere)
        .find_map(|context| KEYMAP.iter().find(|b| b.context == *context && b.chords.contains(&chord)))
}

/// The bindings of these contexts, innermost first; one hidden by an inner binding of the same key is left out.
pub fn available(contexts: &[Context]) -> Vec<&'static Binding> {
    let mut seen: Vec<Chord> = Vec::new();
    let mut found = Vec::new();
    for context in contexts {
        let here: Vec<_> = KEYMAP.iter().filter(|b| b.context == *context).collect();
        for binding in &here {
            if binding.chords.iter().any(|c| !seen.contains(c)) {
                found.push(*binding);
            }
        }
        seen.extend(here.iter().flat_map(|b| b.chords));
    }
    found
}

/// The table for the README.
pub fn markdown() -> String {
    let mut text = String::from("| where | key | does |\n|---|---|---|\n");
    for binding in KEYMAP {
        let keys: Vec<String> =
            binding.chords.iter().map(|c| format!("`{}`", c.name().replace('|', "\\|"))).collect();
        text.push_str(&format!("| {} | {} | {} |\n", place(binding.context), keys.join(" "), binding.label));
    }
    text
}

/// A context as people call it.
pub fn place(context: Context) -> &'static str {
    match context {
        Context::Global => "everywhere",
        Context::Screen(screen) => screen.title(),
        Context::List => "lists",
        Context::PriorityEdit => "priority edit",
        Context::Review => "priority review",
        Context::Detail => "request detail",
        Context::LogLine => "log line",
        Context::Input => "text input",
        Context::Confirm => "questions",
        Context::Help => "help",
        Context::Palette => "palette",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let mut seen = HashSet::new();
        for binding in KEYMAP {
            for chord in binding.chords {
                assert!(
                    seen.insert((binding.context, *chord)),
                    "{} twice in {:?}",
                    chord.name(),
                    binding.context
                );
            }
        }
    }

    #[test]
    fn inner_contexts_win() {
        let key = KeyEvent::from(KeyCode::Esc);
        let found = lookup(&[Context::Confirm, Context::Global], key).unwrap();
        assert_eq!(found.action, Action::No);
    }
}
