//! What stands before a screen: questions, text input, help, palette.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::{Effect, config, endpoints, logs, menu, requests, send, suspended, usage};
use crate::control::command::Command;
use crate::tui::export;
use crate::tui::keymap::Action;
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
        Some(Overlay::Palette(input, selected) | Overlay::Help(input, selected)) => {
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
    if matches!(model.overlays.last(), Some(Overlay::Palette(..) | Overlay::Help(..) | Overlay::Prompt(_))) {
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
        Overlay::Help(input, line) => menu::help(model, input, line, action),
        Overlay::Palette(input, selected) => return menu::palette(model, input, selected, action),
        Overlay::Confirm(question) if action == Action::Yes => return carry_out(model, question.yes, None),
        Overlay::Prompt(prompt) if action == Action::Yes => return entered(model, prompt),
        Overlay::Review(review, first) => return endpoints::decide(model, review, first, action),
        Overlay::Confirm(_) | Overlay::Prompt(_) => {}
    }
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
        Intent::FilterLogs => logs::check_filter(text),
        Intent::UsagePeriod => usage::check_period(model, text),
        Intent::Export(_) => export::check_path(text).map(drop),
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
        Intent::Export(what) => export::start(model, what, text),
        Intent::DiscardPriorities => endpoints::discard(model),
        Intent::ActivateGroup => suspended::activate(text),
    }
}
