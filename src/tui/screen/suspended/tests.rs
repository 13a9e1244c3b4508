//! The keys of the queue.

use super::*;
use crate::domain::order::Refused;
use crate::events::board::Snapshot;
use crate::tui::model::{Overlay, Screen};
use crate::tui::source::Ask;
use crate::tui::testing::{busy, fresh, model, press};

const FIRST: u32 = 0x0000_00aa;
const SECOND: u32 = 0x0000_00bb;

fn queue(snapshot: Snapshot) -> Model {
    let mut model = model(snapshot);
    model.screen = Screen::Suspended;
    model
}

/// The only command among the effects.
fn command(effects: &[Effect]) -> &Command {
    match effects {
        [Effect::Ask(Ask::Command(command))] => command,
        other => panic!("not one command: {other:?}"),
    }
}

fn id(number: u32) -> RequestId {
    RequestId::from_number(number)
}

#[test]
fn one_is_resumed_or_cancelled_after_a_yes() {
    let mut model = queue(busy());
    assert!(press(&mut model, &["r"]).is_empty(), "it asks first");
    assert_eq!(command(&press(&mut model, &["y"])), &Command::ResumeRequest(id(FIRST)));
    assert!(press(&mut model, &["j", "x"]).is_empty());
    assert_eq!(command(&press(&mut model, &["Enter"])), &Command::CancelRequest(id(SECOND)));
    assert!(press(&mut model, &["x", "Esc"]).is_empty(), "no is no");
    assert!(model.overlays.is_empty());
}

#[test]
fn all_are_resumed_after_a_yes() {
    let mut model = queue(busy());
    press(&mut model, &["R"]);
    assert_eq!(command(&press(&mut model, &["y"])), &Command::ResumeAll);
}

#[test]
fn enter_leads_to_the_request() {
    let mut model = queue(busy());
    press(&mut model, &["Enter"]);
    assert_eq!(model.screen, Screen::Requests);
    assert_eq!(model.requests.opened().unwrap().id, id(FIRST));
}

#[test]
fn the_list_keys_move() {
    let mut model = queue(busy());
    let mut at = |keys: &[&str]| {
        press(&mut model, keys);
        model.suspended.list.selected().unwrap().number()
    };
    assert_eq!(at(&["Down"]), SECOND);
    assert_eq!(at(&["Up"]), FIRST);
    assert_eq!(at(&["End"]), SECOND);
    assert_eq!(at(&["g"]), FIRST);
    assert_eq!(at(&["PageDown"]), SECOND);
    assert_eq!(at(&["PageUp"]), FIRST);
    assert_eq!(at(&["G", "k"]), FIRST);
}

#[test]
fn the_selection_follows_its_request_when_others_leave() {
    let mut model = queue(busy());
    press(&mut model, &["j"]);
    let mut later = busy();
    later.queue.retain(|queued| queued.id != id(FIRST));
    model.snapshot = std::sync::Arc::new(later);
    refresh(&mut model);
    assert_eq!((model.suspended.list.selected(), model.suspended.index()), (Some(&id(SECOND)), 0));
}

#[test]
fn a_group_is_activated_from_here() {
    let mut model = queue(busy());
    let mut snapshot = busy();
    let usable = |snapshot: &mut Snapshot, at: usize| snapshot.groups[at].allowed.activate = None;
    usable(&mut snapshot, 1);
    model.snapshot = std::sync::Arc::new(snapshot.clone());
    press(&mut model, &["a"]);
    let activate = |name: &str| Command::Order(Order::Activate { group: GroupId::new(name), force: false });
    assert_eq!(command(&press(&mut model, &["y"])), &activate("backup"), "the only one there is");
    usable(&mut snapshot, 0);
    model.snapshot = std::sync::Arc::new(snapshot);
    press(&mut model, &["a"]);
    assert!(matches!(model.overlays.last(), Some(Overlay::Prompt(_))), "there is a choice");
    press(&mut model, &["x", "Enter"]);
    let Some(Overlay::Prompt(prompt)) = model.overlays.last() else { panic!("still asking") };
    assert_eq!(prompt.error.as_deref(), Some("there is no group of that name"));
    assert_eq!(command(&press(&mut model, &["Backspace", "Enter"])), &activate("main"));
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut model = queue(fresh());
    for key in ["r", "R", "x", "Enter"] {
        assert!(press(&mut model, &[key]).is_empty());
        assert_eq!(model.toast.take().unwrap().text, "no request is suspended", "{key}");
        assert!(model.overlays.is_empty());
    }
    let mut snapshot = fresh();
    snapshot.groups.iter_mut().for_each(|g| g.allowed.activate = Some(Refused::NothingUsable));
    model.snapshot = std::sync::Arc::new(snapshot);
    press(&mut model, &["a"]);
    let why = model.toast.take().unwrap().text;
    assert!(why.contains("main: none of its endpoints is usable now"), "{why}");
}
