//! Group control by key: what may be done is asked of the snapshot, what is dangerous is asked of the person.

use super::{endpoint, group};
use crate::control::command::Command;
use crate::domain::endpoint::GroupId;
use crate::domain::fleet::Condition;
use crate::domain::order::Order;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model};
use crate::tui::msg::Effect;
use crate::tui::update::{confirm, prompt, send};

/// Keys about a group or the selected endpoint.
pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let (endpoint, group) = (endpoint(model)?, group(model)?.name.clone());
    let name = endpoint.name.clone();
    let enable = endpoint.condition == Condition::Disabled;
    match action {
        Action::Activate => activate(model, group),
        Action::Force => {
            let order = Order::Activate { group, force: true };
            confirm(
                model,
                Command::Order(order),
                &["What it rests for is forgotten; it holds until it fails or is released."],
            )
        }
        Action::Release => confirm(model, Command::Order(Order::Release), &["Ranks decide again."]),
        Action::Pause => ask_for_time(model, group),
        Action::Resume => confirm(model, Command::Order(Order::Resume { group }), &["It may be used again."]),
        Action::Probe => Some(send(Command::Probe(name))),
        Action::ToggleEnabled => {
            let explanation = if enable {
                "New requests may go there."
            } else {
                "No new request goes there; running ones end."
            };
            confirm(
                model,
                Command::SetEnabled(name, enable),
                &[explanation, "This lasts until the next reload."],
            )
        }
        Action::Clear => {
            let order = Order::Clear { endpoint: name };
            confirm(model, Command::Order(order), &["It is asked again at once, limits it stated included."])
        }
        _ => None,
    }
}

/// Asks whether to make this the active group.
pub fn activate(model: &mut Model, group: GroupId) -> Option<Vec<Effect>> {
    let order = Order::Activate { group, force: false };
    confirm(model, Command::Order(order), &["Requests go there first, until it fails or is released."])
}

/// Asks for how long this group is to be paused.
pub fn ask_for_time(model: &mut Model, group: GroupId) -> Option<Vec<Effect>> {
    let title = format!("Pause group {}", crate::tui::format::harmless(&group.0));
    let hint = "for how long: 30s, 10m, 2h; empty = until resumed";
    prompt(model, &title, hint, "", Intent::PauseFor(group));
    Some(Vec::new())
}

/// Why an action cannot be taken now: what the fleet's rules say.
pub(super) fn why_not(model: &Model, action: Action) -> Option<String> {
    let concerns_a_group = matches!(
        action,
        Action::Activate
            | Action::Force
            | Action::Release
            | Action::Pause
            | Action::Resume
            | Action::Probe
            | Action::ToggleEnabled
            | Action::Clear
    );
    if !concerns_a_group {
        return None;
    }
    let (Some(endpoint), Some(group)) = (endpoint(model), group(model)) else {
        return Some("there is no endpoint".to_owned());
    };
    let allowed = &group.allowed;
    let (subject, refused) = match action {
        Action::Activate => (format!("group {}", group.name), &allowed.activate),
        Action::Force => (format!("group {}", group.name), &allowed.force),
        Action::Release => ("release".to_owned(), &allowed.release),
        Action::Pause => (format!("group {}", group.name), &allowed.pause),
        Action::Resume => (format!("group {}", group.name), &allowed.resume),
        Action::Clear => (format!("endpoint {}", endpoint.name), &endpoint.clear),
        Action::ToggleEnabled if model.snapshot.pinned.as_ref() == Some(&endpoint.name) => {
            return Some(format!("endpoint {} is pinned by -p for this run", endpoint.name));
        }
        _ => return None,
    };
    refused.as_ref().map(|why| format!("{subject}: {why}"))
}
