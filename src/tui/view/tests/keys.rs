//! Every key of the table, pressed where it means something: it is found there, and it does something or says why not.

use crossterm::event::KeyEvent;

use super::*;
use crate::config::Level;
use crate::config::edit::{Review, Stamp, Written};
use crate::domain::testing::id;
use crate::logging::ring::{Line, Ring};
use crate::tui::keymap::{Binding, Chord, Context, KEYMAP, lookup};
use crate::tui::testing::{ago, press};

/// A screen on which this binding has something to do: rows above and below the selected one, lines to scroll to.
fn place(binding: &Binding) -> Model {
    match binding.context {
        Context::Global => everywhere(binding.action),
        Context::Screen(Screen::Logs) => logs(),
        Context::Screen(screen) => opened(screen),
        Context::List => after(opened(Screen::Requests), &["j", "j"]),
        Context::PriorityEdit => editing(),
        Context::Review => review(),
        Context::Detail => small(after(opened(Screen::Requests), &["/", "id:0a12bc02", "Enter", "Enter"]), 2),
        Context::LogLine => small(after(logs(), &["Enter"]), 2),
        Context::Input => after(opened(Screen::Requests), &["/", "opus"]),
        Context::Confirm => after(opened(Screen::Overview), &["q"]),
        Context::Help => small(after(opened(Screen::Requests), &["?"]), 2),
        Context::Palette => after(opened(Screen::Requests), &[":", "Down", "Down"]),
    }
}

/// Not on the screen the key goes to; for `Esc` with something to go back from.
fn everywhere(action: Action) -> Model {
    match action {
        Action::Go(screen) => opened(screen.step(1)),
        Action::Back => after(opened(Screen::Endpoints), &["d"]),
        _ => opened(Screen::Endpoints),
    }
}

fn after(mut model: Model, keys: &[&str]) -> Model {
    press(&mut model, keys);
    model.toast = None;
    model
}

/// In a small terminal, scrolled down a little.
fn small(mut model: Model, down: usize) -> Model {
    model.size = (60, 16);
    (0..down).for_each(|_| drop(press(&mut model, &["Down"])));
    model
}

fn logs() -> Model {
    let mut model = opened(Screen::Logs);
    let ring = Ring::default();
    for n in 0..40 {
        ring.push(Line {
            seq: 0,
            at: ago(40 - n),
            level: Level::Info,
            target: "cc_forwarder::request".to_owned(),
            message: "words ".repeat(200),
            fields: Vec::new(),
            request: Some("req-0a12bc00".to_owned()),
        });
    }
    tell(&mut model, Msg::Logs(ring.since(0)));
    after(model, &["k", "k"])
}

fn editing() -> Model {
    after(opened(Screen::Endpoints), &["Enter", "j", "Down", "5"])
}

fn review() -> Model {
    let mut model = editing();
    // A path of more lines than there is room for.
    let path = format!("/etc/{}.yaml", "x".repeat(900));
    let written = vec![Written { endpoint: id("main-b"), line: 1, before: 2, after: 5 }];
    let review = Review { path: path.into(), stamp: Stamp::of(""), written };
    let edits = vec![(id("main-b"), 5)];
    tell(&mut model, Msg::Answer(Box::new(Answer::Reviewed(edits, Ok(review)))));
    small(model, 2)
}

fn pressed(chord: Chord) -> KeyEvent {
    KeyEvent::new(chord.code, chord.modifiers)
}

/// What a person can tell from what was before.
fn look(model: &mut Model) -> String {
    let (width, height) = model.size;
    let drawn = drawn(model, width, height);
    // With its colours: they show what is selected.
    format!("{:?}\n{:#?}", model.screen, drawn.buffer())
}

#[test]
fn every_one_does_something_where_it_means_something() {
    for binding in KEYMAP {
        for chord in binding.chords {
            let mut model = place(binding);
            let what = format!("{:?} {}", binding.context, chord.name());
            let found =
                lookup(&model.contexts(), pressed(*chord)).unwrap_or_else(|| panic!("{what}: not found"));
            assert_eq!((found.context, found.action), (binding.context, binding.action), "{what}");
            let before = look(&mut model);
            let effects = tell(&mut model, Msg::Key(pressed(*chord)));
            assert!(!effects.is_empty() || look(&mut model) != before, "{what} does nothing on\n{before}");
        }
    }
}

#[test]
fn ctrl_c_asks_to_quit_from_every_place() {
    for binding in KEYMAP.iter().filter(|binding| binding.context != Context::Confirm) {
        let mut model = place(binding);
        let before = model.overlays.len();
        for _ in 0..2 {
            press(&mut model, &["Ctrl-c"]);
            let asked = drawn(&mut model, 80, 24).to_string();
            assert!(asked.contains("Quit while 4 requests are running?"), "{:?}: {asked}", binding.context);
            assert_eq!(model.overlays.len(), before + 1, "{:?}", binding.context);
        }
        press(&mut model, &["n"]);
        assert_eq!(model.overlays.len(), before, "{:?}: no leads back", binding.context);
        press(&mut model, &["Ctrl-c"]);
        assert!(matches!(press(&mut model, &["y"])[..], [Effect::Quit]), "{:?}", binding.context);
    }
}

/// Keys that change something outside ask, or only offer to.
#[test]
fn no_dangerous_key_sends_a_command_at_once() {
    for binding in KEYMAP.iter().filter(|binding| binding.danger && binding.context != Context::Review) {
        let mut model = place(binding);
        let effects = tell(&mut model, Msg::Key(pressed(binding.chords[0])));
        let sent =
            effects.iter().find(|effect| matches!(effect, Effect::Ask(Ask::Command(_)) | Effect::Quit));
        assert!(sent.is_none(), "{:?}: {sent:?}", binding.label);
    }
}
