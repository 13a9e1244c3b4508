//! What happens, to the model: the only place that changes it. Pure but for the clock, which comes in as a message.
//!
//! A key goes to the innermost thing that knows it: an open dialog, then the screen, then everywhere. `Esc` goes back
//! exactly one level, and takes the message at the bottom as read. `Ctrl-C` leaves from every place.

mod menu;
mod overlay;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

use super::keymap::{self, Action, Binding, Context};
use super::model::{Intent, Model, Overlay, Question, Screen};
use super::msg::{Effect, Msg};
use super::screen::{config, endpoints, logs, overview, requests, suspended, usage};
use super::source::{Answer, Ask, Link};
use super::{export, today};
use crate::control::command::Command;
use crate::events::board::Snapshot;

pub use self::menu::{HelpRow, help_height, help_rows, palette_rows};
pub use self::overlay::{ask, prompt};

/// Takes one message. `latest` is the newest snapshot.
pub fn update(model: &mut Model, msg: Msg, latest: impl FnOnce() -> Arc<Snapshot>) -> Vec<Effect> {
    let mut effects = take(model, msg, latest);
    effects.extend(asks(model));
    effects
}

/// What the screen in front wants to know now, and what every screen does.
fn asks(model: &mut Model) -> Vec<Effect> {
    model.news.dated(model.now.to_zoned(model.facts.zone.clone()).date());
    let mut effects = match model.screen {
        Screen::Requests => requests::asks(model),
        Screen::Usage => usage::asks(model),
        Screen::Config => config::asks(model),
        _ => Vec::new(),
    };
    effects.extend(today::asks(model));
    effects
}

fn take(model: &mut Model, msg: Msg, latest: impl FnOnce() -> Arc<Snapshot>) -> Vec<Effect> {
    match msg {
        Msg::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Msg::Key(key) => on_key(model, key),
        Msg::Paste(_) | Msg::Mouse(_) if model.is_too_small() => Vec::new(),
        Msg::Paste(text) => overlay::paste(model, &text),
        Msg::Mouse(mouse) => super::mouse::on_mouse(model, mouse),
        Msg::Resize(width, height) => {
            model.size = (width, height);
            resized(model);
            Vec::new()
        }
        Msg::Snapshot => {
            model.snapshot = latest();
            snapshot_changed(model);
            Vec::new()
        }
        Msg::Tick(now) => {
            model.pass(now);
            model.hush(false);
            model.dirty = true;
            Vec::new()
        }
        Msg::Answer(answer) => on_answer(model, *answer),
        Msg::Logs(lines) => {
            logs::take_in(model, lines);
            Vec::new()
        }
        Msg::LogNews => Vec::new(),
        Msg::Notice(text, error) => {
            model.say(text, error);
            Vec::new()
        }
        Msg::Link(link) => {
            on_link(model, link);
            Vec::new()
        }
        Msg::Stop => vec![Effect::Quit],
    }
}

/// What was scrolled to is in view again.
fn resized(model: &mut Model) {
    requests::resized(model);
    logs::resized(model);
    model.dirty = true;
}

/// Says so when the connection is lost, and when it is there again.
fn on_link(model: &mut Model, link: Link) {
    let before = model.lost().map(str::to_owned);
    model.link = Some(link);
    model.pass(model.clock);
    model.dirty = true;
    match (before, model.lost().map(str::to_owned)) {
        (None, Some(why)) => model.say(why, true),
        (Some(before), Some(why)) if before != why => model.say(why, true),
        (Some(before), None) => {
            model.toast.take_if(|shown| shown.text == before);
            model.say("connected again", false);
        }
        _ => {}
    }
}

/// Every screen looks at the snapshot anew.
pub(super) fn snapshot_changed(model: &mut Model) {
    let snapshot = Arc::clone(&model.snapshot);
    model.news.hear(&snapshot, model.now);
    overview::refresh(model);
    endpoints::refresh(model);
    requests::refresh(model);
    suspended::refresh(model);
    model.dirty = true;
}

fn on_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    model.dirty = true;
    if model.is_too_small() {
        return on_key_unseen(model, key);
    }
    if key.code == KeyCode::Esc {
        model.hush(true);
    }
    let Some(binding) = keymap::lookup(&model.contexts(), key) else {
        return overlay::typed(model, key);
    };
    perform(model, binding.action)
}

/// A key while nothing is shown that it could mean: only leaving is left, and the answer to the question about it.
fn on_key_unseen(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let context = if model.asks_to_quit() { Context::Confirm } else { Context::Global };
    let binding = keymap::lookup(&[context], key);
    let acts = |binding: &&Binding| binding.context == Context::Confirm || binding.action == Action::Quit;
    binding.filter(acts).map(|binding| perform(model, binding.action)).unwrap_or_default()
}

/// Takes an action, wherever it was chosen: by key, in the footer or in the palette.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    model.dirty = true;
    if let Some(reason) = why_not(model, action) {
        model.say(reason, true);
        return Vec::new();
    }
    if action == Action::Quit {
        return quit(model);
    }
    if !model.overlays.is_empty() {
        return overlay::act(model, action);
    }
    match on_screen(model, action) {
        Some(effects) => effects,
        None => everywhere(model, action),
    }
}

fn on_screen(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    match model.screen {
        Screen::Overview => overview::act(model, action),
        Screen::Endpoints => endpoints::act(model, action),
        Screen::Requests => requests::act(model, action),
        Screen::Suspended => suspended::act(model, action),
        Screen::Usage => usage::act(model, action),
        Screen::Logs => logs::act(model, action),
        Screen::Config => config::act(model, action),
    }
}

fn everywhere(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Help => model.overlays.push(Overlay::Help(Default::default(), 0)),
        Action::Palette => model.overlays.push(Overlay::Palette(Default::default(), 0)),
        Action::NextScreen => walk(model, model.screen.step(1)),
        Action::PreviousScreen => walk(model, model.screen.step(-1)),
        Action::Go(screen) => walk(model, screen),
        Action::NextTheme => {
            model.theme = (model.theme + 1) % model.themes.len();
            model.say(format!("theme: {}", model.theme().name), false);
        }
        Action::Privacy => {
            model.privacy = !model.privacy;
            let state = if model.privacy { "on: hosts, addresses and paths are masked" } else { "off" };
            model.say(format!("privacy {state}"), false);
        }
        Action::Redraw => return vec![Effect::Redraw],
        Action::Sleep => return sleep(model),
        _ => {}
    }
    Vec::new()
}

/// To a screen by its own key.
fn walk(model: &mut Model, screen: Screen) {
    model.screen = screen;
    if let Some(opened) = &mut model.requests.opened {
        opened.stay();
    }
}

fn quit(model: &mut Model) -> Vec<Effect> {
    let running = model.snapshot.live.len();
    if running == 0 || model.link.is_some() {
        return vec![Effect::Quit];
    }
    if model.asks_to_quit() {
        return Vec::new();
    }
    let text = vec![
        match running {
            1 => "Quit while 1 request is running?".to_owned(),
            _ => format!("Quit while {running} requests are running?"),
        },
        "What runs gets the grace period to finish; requests that wait get an error.".to_owned(),
    ];
    model.overlays.push(Overlay::Confirm(Question { text, yes: Intent::Quit }));
    Vec::new()
}

fn sleep(model: &mut Model) -> Vec<Effect> {
    if model.link.is_some() {
        return vec![Effect::Sleep];
    }
    let still = match model.snapshot.live.len() {
        1 => "1 running request stands still".to_owned(),
        running => format!("{running} running requests stand still"),
    };
    let text =
        vec!["Put the program to sleep?".to_owned(), format!("The proxy sleeps too: {still} until `fg`.")];
    model.overlays.push(Overlay::Confirm(Question { text, yes: Intent::Sleep }));
    Vec::new()
}

/// Something with a place of its own on one of the screens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A row of the overview.
    Glance(overview::Row),
    /// An endpoint, on the screen of endpoints.
    Endpoint(crate::domain::endpoint::EndpointId),
    /// A request in the queue.
    Suspended(crate::events::RequestId),
    /// A request, in the log of requests.
    Logged(crate::events::RequestId),
    /// The detail of a request.
    Request(crate::events::RequestId),
    /// A line of the program's own log, by its place among those shown.
    Line(usize),
    /// A row of the table of usage.
    Usage(usize),
    /// A line of the configuration.
    Config(usize),
}

/// Goes to where something is shown.
pub fn go_to(model: &mut Model, target: Target) -> Vec<Effect> {
    match target {
        Target::Glance(row) => {
            model.screen = Screen::Overview;
            overview::show(model, &row);
        }
        Target::Endpoint(name) => {
            model.screen = Screen::Endpoints;
            endpoints::show(model, &name);
        }
        Target::Suspended(id) => {
            model.screen = Screen::Suspended;
            suspended::show(model, id);
        }
        Target::Logged(id) => requests::select(model, id),
        Target::Line(at) => logs::show(model, at),
        Target::Usage(at) => usage::show(model, at),
        Target::Config(at) => config::show(model, at),
        Target::Request(id) => return requests::show(model, id),
    }
    Vec::new()
}

/// Why an action cannot be taken now; nothing when it can.
pub(super) fn why_not(model: &Model, action: Action) -> Option<String> {
    if let Some(why) = why_not_anywhere(model, action) {
        return Some(why);
    }
    match model.overlays.last() {
        Some(Overlay::Review(review, _)) => endpoints::edit::why_not(review, action),
        Some(_) => None,
        None => why_not_behind(model, action),
    }
}

fn why_not_anywhere(model: &Model, action: Action) -> Option<String> {
    if model.facts.readonly && changes_something(action) {
        return Some("read-only: this screen may look, not change".to_owned());
    }
    if let Some(why) = model.lost().filter(|_| changes_something(action)) {
        return Some(format!("the connection is lost ({why}); it is tried again by itself"));
    }
    if action == Action::Sleep && !cfg!(unix) {
        return Some("this system cannot put a program to sleep".to_owned());
    }
    None
}

/// As `why_not`, as if nothing stood before the screen.
pub fn why_not_behind(model: &Model, action: Action) -> Option<String> {
    if let Some(why) = why_not_anywhere(model, action) {
        return Some(why);
    }
    match model.screen {
        Screen::Overview => overview::why_not(model, action),
        Screen::Endpoints => endpoints::why_not(model, action),
        Screen::Requests => requests::why_not(model, action),
        Screen::Suspended => suspended::why_not(model, action),
        Screen::Usage => usage::why_not(model, action),
        Screen::Logs => logs::why_not(model, action),
        Screen::Config => config::why_not(model, action),
    }
}

/// Actions that change the forwarder, not the screen.
fn changes_something(action: Action) -> bool {
    use Action::{
        Activate, Cancel, Clear, EditPriority, Force, Pause, Probe, Release, Reload, Resume, ResumeAll,
        ResumeOne, ToggleEnabled,
    };
    matches!(
        action,
        Activate
            | Cancel
            | Clear
            | EditPriority
            | Force
            | Pause
            | Probe
            | Release
            | Reload
            | Resume
            | ResumeAll
            | ResumeOne
            | ToggleEnabled
    )
}

/// Asks for a yes before a command is sent.
pub fn confirm(model: &mut Model, command: Command, explanation: &[&str]) -> Option<Vec<Effect>> {
    let text = std::iter::once(capital(&format!("{command}?")))
        .chain(explanation.iter().map(|line| (*line).to_owned()))
        .collect();
    model.overlays.push(Overlay::Confirm(Question { text, yes: Intent::Command(command) }));
    Some(Vec::new())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Sends a command; its answer becomes a message at the bottom.
pub fn send(command: Command) -> Vec<Effect> {
    vec![Effect::Ask(Ask::Command(command))]
}

fn on_answer(model: &mut Model, answer: Answer) -> Vec<Effect> {
    if let Some(effects) = endpoints::answered(model, &answer) {
        return effects;
    }
    if let Some(effects) = requests::answered(model, &answer) {
        return effects;
    }
    match answer {
        Answer::Reviewed(..)
        | Answer::Saved(_)
        | Answer::History(_)
        | Answer::Request(..)
        | Answer::Evidence(..) => {}
        Answer::Done(command, Ok(text)) if text.is_empty() => model.say(format!("done: {command}"), false),
        Answer::Done(_, Ok(text)) => model.say(text, false),
        Answer::Usage(query, sums) => {
            today::answered(model, &query, &sums);
            usage::answered(model, &query, sums);
        }
        Answer::Exported(job, result) => export::exported(model, &job, result),
        Answer::Config(Ok(config)) => config::answered(model, config),
        Answer::Config(Err(why)) => model.say(why, true),
        Answer::Done(command, Err(why)) => model.say(format!("{command}: {why}"), true),
    }
    Vec::new()
}
