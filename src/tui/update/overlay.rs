//! What stands before a screen: questions, text input, help, palette.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::{Effect, config, endpoints, logs, requests, send, suspended, usage};
use crate::control::command::Command;
use crate::tui::keymap::{self, Action, Binding, Context};
use crate::tui::model::{Intent, Model, Overlay, Prompt, Question};

/// Asks a question.
pub fn ask(model: &mut Model, text: Vec<String>, yes: Intent) {
    model.overlays.push(Overlay::Confirm(Question { text, yes }));
}

/// Asks for a line of text, beginning with `start`.
pub fn prompt(model: &mut Model, title: &str, hint: &str, start: &str, then: Intent) {
    let input = Input::new(start.to_owned());
    let prompt = Prompt { title: title.to_owned(), hint: hint.to_owned(), input, error: None, then };
    model.overlays.push(Overlay::Prompt(prompt));
}

/// A key that no binding takes: it edits the text in front, if there is one.
pub(super) fn typed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    match model.overlays.last_mut() {
        Some(Overlay::Palette(input, selected)) => {
            input.handle_event(&Event::Key(key));
            *selected = 0;
        }
        Some(Overlay::Prompt(prompt)) => {
            prompt.input.handle_event(&Event::Key(key));
            prompt.error = None;
        }
        _ => return endpoints::typed(model, key),
    }
    Vec::new()
}

/// Pasted text goes where typed text goes; its line breaks do not.
pub(super) fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if matches!(model.overlays.last(), Some(Overlay::Palette(..) | Overlay::Prompt(_))) {
        for c in text.chars().filter(|c| !c.is_control()) {
            typed(model, KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        }
        model.dirty = true;
    }
    Vec::new()
}

/// An action while something stands before the screen.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(top) = model.overlays.pop() else { return Vec::new() };
    match top {
        Overlay::Help(line) => help(model, line, action),
        Overlay::Palette(input, selected) => return palette(model, input, selected, action),
        Overlay::Confirm(question) if action == Action::Yes => return carry_out(model, question.yes, None),
        Overlay::Prompt(prompt) if action == Action::Yes => return entered(model, prompt),
        Overlay::Review(review) => return endpoints::decide(model, review, action),
        Overlay::Confirm(_) | Overlay::Prompt(_) => {}
    }
    Vec::new()
}

fn help(model: &mut Model, line: usize, action: Action) {
    let line = match action {
        Action::Up => line.saturating_sub(1),
        Action::Down => line + 1,
        Action::PageUp => line.saturating_sub(10),
        Action::PageDown => line + 10,
        _ => return,
    };
    model.overlays.push(Overlay::Help(line));
}

/// The bindings that the palette offers for what was typed.
pub fn palette_rows(model: &Model, typed: &str) -> Vec<&'static Binding> {
    let contexts: Vec<Context> = screen_contexts(model);
    let typed = typed.to_lowercase();
    let fits = |binding: &&Binding| subsequence(&typed, binding.label);
    keymap::available(&contexts).into_iter().filter(|b| b.action != Action::Palette).filter(fits).collect()
}

fn screen_contexts(model: &Model) -> Vec<Context> {
    vec![Context::Screen(model.screen), Context::List, Context::Global]
}

/// True when the letters of `typed` occur in `label` in this order.
fn subsequence(typed: &str, label: &str) -> bool {
    let mut letters = label.chars().flat_map(char::to_lowercase);
    typed.chars().filter(|c| *c != ' ').all(|wanted| letters.any(|c| c == wanted))
}

fn palette(model: &mut Model, input: Input, selected: usize, action: Action) -> Vec<Effect> {
    let rows = palette_rows(model, input.value());
    let selected = match action {
        Action::Up => selected.saturating_sub(1),
        Action::Down => (selected + 1).min(rows.len().saturating_sub(1)),
        Action::Yes => {
            let chosen = rows.get(selected).map(|binding| binding.action);
            return chosen.map(|action| super::perform(model, action)).unwrap_or_default();
        }
        _ => return Vec::new(),
    };
    model.overlays.push(Overlay::Palette(input, selected));
    Vec::new()
}

fn entered(model: &mut Model, prompt: Prompt) -> Vec<Effect> {
    let text = prompt.input.value().trim().to_owned();
    match check(model, &prompt.then, &text) {
        Ok(()) => carry_out(model, prompt.then, Some(&text)),
        Err(error) => {
            model.overlays.push(Overlay::Prompt(Prompt { error: Some(error), ..prompt }));
            Vec::new()
        }
    }
}

/// What is wrong with an entered text.
fn check(model: &Model, intent: &Intent, text: &str) -> Result<(), String> {
    match intent {
        Intent::PauseFor(_) => endpoints::pause_time(text).map(drop),
        Intent::ActivateGroup => suspended::check_group(model, text),
        Intent::FilterRequests => requests::check_filter(text),
        Intent::UsagePeriod => usage::check_period(model, text),
        Intent::Export if text.is_empty() => Err("give the path of a file".to_owned()),
        _ => Ok(()),
    }
}

fn carry_out(model: &mut Model, intent: Intent, text: Option<&str>) -> Vec<Effect> {
    let text = text.unwrap_or_default();
    match intent {
        Intent::Command(command) => send(command),
        Intent::Quit => vec![Effect::Quit],
        Intent::Sleep => vec![Effect::Sleep],
        Intent::PauseFor(group) => {
            endpoints::pause_time(text).map(|time| send(Command::pause(group, time))).unwrap_or_default()
        }
        Intent::FilterRequests => requests::set_filter(model, text),
        Intent::FilterLogs => logs::set_filter(model, text),
        Intent::FilterConfig => config::set_filter(model, text),
        Intent::UsagePeriod => usage::set_period(model, text),
        Intent::Export => usage::export(model, text),
        Intent::DiscardPriorities => endpoints::discard(model),
        Intent::ActivateGroup => suspended::activate(text),
    }
}
