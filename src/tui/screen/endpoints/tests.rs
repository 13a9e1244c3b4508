//! The keys of the screen of endpoints.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config::edit::{Review, Stamp};
use crate::control::command::Command;
use crate::domain::endpoint::GroupId;
use crate::domain::fleet::Condition;
use crate::domain::order::Order;
use crate::domain::testing::id;
use crate::tui::model::{Overlay, Screen};
use crate::tui::msg::Msg;
use crate::tui::source::{Answer, Ask, Edits};
use crate::tui::testing::{busy, fresh, model, press, tell};

mod editing;

fn screen() -> Model {
    screen_of(busy())
}

fn screen_of(snapshot: Snapshot) -> Model {
    let mut model = model(snapshot);
    model.screen = Screen::Endpoints;
    model
}

fn ask(effects: Vec<Effect>) -> Ask {
    match effects.as_slice() {
        [Effect::Ask(ask)] => ask.clone(),
        other => panic!("not one question: {other:?}"),
    }
}

fn command(effects: Vec<Effect>) -> Command {
    match ask(effects) {
        Ask::Command(command) => command,
        other => panic!("not a command: {other:?}"),
    }
}

fn selected(model: &Model) -> &str {
    &model.endpoints.selected().unwrap().0
}

fn toast(model: &mut Model) -> String {
    model.toast.take().map(|toast| toast.text).unwrap_or_default()
}

#[test]
fn the_first_endpoint_is_selected_and_the_keys_move_over_groups() {
    let mut model = screen();
    assert_eq!(selected(&model), "main-a");
    let mut at = |keys: &[&str]| {
        press(&mut model, keys);
        selected(&model).to_owned()
    };
    assert_eq!(at(&["j"]), "main-b");
    assert_eq!(at(&["Down", "Down"]), "spare");
    assert_eq!(at(&["k"]), "主线-丙");
    assert_eq!(at(&["Home"]), "main-a");
    assert_eq!(at(&["G"]), "spare");
    assert_eq!(at(&["PageUp"]), "main-a");
    assert_eq!(at(&["PageDown", "Up", "g"]), "main-a");
}

#[test]
fn the_detail_opens_and_closes() {
    let mut model = screen();
    press(&mut model, &["d"]);
    assert!(model.endpoints.shows_detail());
    press(&mut model, &["Esc"]);
    assert!(!model.endpoints.shows_detail() && model.screen == Screen::Endpoints);
    press(&mut model, &["d", "d"]);
    assert!(!model.endpoints.shows_detail());
}

#[test]
fn dangerous_keys_ask_and_then_send() {
    let mut snapshot = busy();
    for group in &mut snapshot.groups {
        let allowed = &mut group.allowed;
        (allowed.activate, allowed.release, allowed.resume) = (None, None, None);
    }
    let main = || GroupId::new("main");
    let cases = [
        ("a", Command::Order(Order::Activate { group: main(), force: false })),
        ("A", Command::Order(Order::Activate { group: main(), force: true })),
        ("l", Command::Order(Order::Release)),
        ("r", Command::Order(Order::Resume { group: main() })),
        ("e", Command::SetEnabled(id("main-a"), false)),
        ("c", Command::Order(Order::Clear { endpoint: id("main-a") })),
    ];
    for (key, wanted) in cases {
        let mut model = screen_of(snapshot.clone());
        model.snapshot = Arc::new(Snapshot {
            groups: snapshot
                .groups
                .iter()
                .cloned()
                .map(|mut g| {
                    g.allowed.force = None;
                    g
                })
                .collect(),
            ..snapshot.clone()
        });
        assert!(press(&mut model, &[key]).is_empty(), "{key} asks first");
        assert!(press(&mut model, &["n"]).is_empty() && model.overlays.is_empty(), "no is no");
        press(&mut model, &[key]);
        assert_eq!(command(press(&mut model, &["y"])), wanted, "{key}");
    }
}

#[test]
fn a_probe_is_sent_at_once() {
    assert_eq!(command(press(&mut screen(), &["j", "t"])), Command::Probe(id("main-b")));
}

#[test]
fn a_disabled_endpoint_is_enabled_by_the_same_key() {
    let mut snapshot = busy();
    snapshot.endpoints[0].condition = Condition::Disabled;
    let mut model = screen_of(snapshot);
    press(&mut model, &["e"]);
    assert_eq!(command(press(&mut model, &["y"])), Command::SetEnabled(id("main-a"), true));
}

#[test]
fn a_pause_asks_for_how_long() {
    let mut model = screen();
    press(&mut model, &["p", "soon", "Enter"]);
    let Some(Overlay::Prompt(prompt)) = model.overlays.last() else { panic!("still asking") };
    assert_eq!(prompt.error.as_deref(), Some("must be a duration such as `30s`, `1m30s`, `2h` or `300ms`"));
    press(&mut model, &["Esc", "p", "10m"]);
    let ten = Command::pause(GroupId::new("main"), Some(Duration::from_secs(600)));
    assert_eq!(command(press(&mut model, &["Enter"])), ten);
    press(&mut model, &["p"]);
    assert_eq!(command(press(&mut model, &["Enter"])), Command::pause(GroupId::new("main"), None));
    assert_eq!(pause_time(" 2h "), Ok(Some(Duration::from_secs(7_200))));
    assert!(pause_time("0s").is_err());
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut model = screen();
    for (key, why) in [
        ("a", "group main: none of its endpoints is usable now; force it to try them all the same"),
        ("l", "release: no group was activated by a person; there is nothing to release"),
        ("r", "group main: it is neither paused nor cooling"),
    ] {
        assert!(press(&mut model, &[key]).is_empty());
        assert_eq!(toast(&mut model), why);
        assert!(model.overlays.is_empty());
    }
    let mut snapshot = busy();
    snapshot.pinned = Some(id("main-a"));
    let mut model = screen_of(snapshot);
    press(&mut model, &["e"]);
    assert_eq!(toast(&mut model), "endpoint main-a is pinned by -p for this run");
    press(&mut model, &["End", "c"]);
    assert_eq!(toast(&mut model), "endpoint spare: it does not rest; there is nothing to clear");
}

#[test]
fn who_may_only_look_changes_nothing() {
    let mut model = screen();
    model.facts.readonly = true;
    for key in ["Enter", "a", "A", "l", "p", "r", "t", "e", "c"] {
        assert!(press(&mut model, &[key]).is_empty());
        assert_eq!(toast(&mut model), "read-only: this screen may look, not change", "{key}");
    }
}

#[test]
fn a_screen_without_endpoints_takes_every_key() {
    let mut snapshot = fresh();
    snapshot.endpoints.clear();
    snapshot.groups.clear();
    let mut model = screen_of(snapshot);
    for key in ["Enter", "a", "A", "l", "p", "r", "t", "e", "c", "d", "j", "G"] {
        assert!(press(&mut model, &[key]).is_empty(), "{key}");
    }
}
