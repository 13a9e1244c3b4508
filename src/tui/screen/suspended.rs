//! The queue of suspended requests, in the order in which they go on.

#[cfg(test)]
mod tests;

use super::endpoints::control;
use super::list::{List, rows_moved};
use crate::control::command::Command;
use crate::domain::endpoint::GroupId;
use crate::domain::order::Order;
use crate::events::RequestId;
use crate::events::board::GroupStatus;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model};
use crate::tui::msg::Effect;
use crate::tui::update::{Target, confirm, go_to, prompt, send};

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    list: List<RequestId>,
}

impl State {
    /// The selected request.
    pub fn selected(&self) -> Option<RequestId> {
        self.list.selected().copied()
    }

    /// Its place.
    pub fn index(&self) -> usize {
        self.list.index()
    }
}

/// Selects this request, if it waits.
pub fn show(model: &mut Model, id: RequestId) {
    model.suspended.list.select(&id);
}

/// There is a newer snapshot.
pub fn refresh(model: &mut Model) {
    model.suspended.list.set(model.snapshot.queue.iter().map(|queued| queued.id).collect());
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let page = usize::from(model.size.1.saturating_sub(6).max(2) / 2);
    if let Some(by) = rows_moved(action, page) {
        model.suspended.list.step(by);
        return Some(Vec::new());
    }
    let selected = model.suspended.selected();
    match action {
        Action::Open => Some(go_to(model, Target::Request(selected?))),
        Action::ResumeOne => {
            confirm(model, Command::ResumeRequest(selected?), &["It goes on at once, whatever its turn."])
        }
        Action::ResumeAll => {
            confirm(model, Command::ResumeAll, &["All go on at once, not one after the other."])
        }
        Action::Cancel => confirm(model, Command::CancelRequest(selected?), &["Its client gets an error."]),
        Action::Activate => choose_group(model),
        _ => None,
    }
}

/// The groups that could be made the active one.
fn candidates(model: &Model) -> impl Iterator<Item = &GroupStatus> {
    model.snapshot.groups.iter().filter(|group| group.allowed.activate.is_none())
}

fn choose_group(model: &mut Model) -> Option<Vec<Effect>> {
    let names: Vec<GroupId> = candidates(model).map(|group| group.name.clone()).collect();
    match names.as_slice() {
        [] => None,
        [only] => control::activate(model, only.clone()),
        [first, ..] => {
            let all: Vec<&str> = names.iter().map(|name| &*name.0).collect();
            let hint = crate::tui::format::harmless(&format!("one of: {}", all.join(", ")));
            prompt(model, "Activate which group", &hint, &first.0, Intent::ActivateGroup);
            Some(Vec::new())
        }
    }
}

/// What is wrong with the name of a group that is to be activated.
///
/// # Errors
/// When there is none of that name, or it cannot be activated now.
pub fn check_group(model: &Model, text: &str) -> Result<(), String> {
    let group = model.snapshot.groups.iter().find(|group| *group.name.0 == *text);
    let group = group.ok_or_else(|| "there is no group of that name".to_owned())?;
    group.allowed.activate.as_ref().map_or(Ok(()), |why| Err(why.to_string()))
}

/// The name of a group was entered.
pub fn activate(text: &str) -> Vec<Effect> {
    send(Command::Order(Order::Activate { group: GroupId::new(text), force: false }))
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    match action {
        Action::ResumeOne | Action::ResumeAll | Action::Cancel | Action::Open
            if model.snapshot.queue.is_empty() =>
        {
            Some("no request is suspended".to_owned())
        }
        Action::Activate if candidates(model).next().is_none() => Some(nothing_to_activate(model)),
        _ => None,
    }
}

fn nothing_to_activate(model: &Model) -> String {
    let why = |group: &GroupStatus| {
        let refused = group.allowed.activate.as_ref()?;
        Some(format!("{}: {refused}", group.name))
    };
    let reasons: Vec<String> = model.snapshot.groups.iter().filter_map(why).collect();
    reasons.join("; ")
}
