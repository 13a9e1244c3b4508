//! Groups and their endpoints: how they are, group control, priorities.
//!
//! | state | keys | left by |
//! |---|---|---|
//! | list | of the screen | – |
//! | with the detail of the selected endpoint | the same | `Esc`, `d` |
//! | priorities are edited, see [`edit`] | of [`crate::tui::keymap::Context::PriorityEdit`] | `Esc`, or when they were applied |
//!
//! A key about a group means the group of the selected endpoint.

pub mod control;
pub mod edit;
#[cfg(test)]
mod tests;

use crossterm::event::{KeyCode, KeyEvent};

use self::edit::{Applying, Edit};
use super::list::{List, rows_moved};
use crate::domain::endpoint::EndpointId;
use crate::events::board::{EndpointStatus, GroupStatus, Snapshot};
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::msg::Effect;

pub use self::edit::{answered, decide, discard};

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    list: List<EndpointId>,
    rows: Vec<Row>,
    detail: bool,
    edit: Option<Edit>,
    applying: Option<Applying>,
}

/// A row: a place in the snapshot's lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Row {
    /// The head of a group.
    Group(usize),
    /// One of its endpoints.
    Endpoint(usize),
}

impl State {
    /// True while priorities are being edited.
    pub fn is_editing(&self) -> bool {
        self.edit.is_some()
    }

    /// The edits under way.
    pub fn edit(&self) -> Option<&Edit> {
        self.edit.as_ref()
    }

    /// True while the detail of the selected endpoint is open.
    pub fn shows_detail(&self) -> bool {
        self.detail
    }

    /// Groups in rank order, each with its endpoints in rank order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The name of the selected endpoint.
    pub fn selected(&self) -> Option<&EndpointId> {
        self.list.selected()
    }
}

/// Selects this endpoint, if there is one of that name.
pub fn show(model: &mut Model, name: &EndpointId) {
    model.endpoints.list.select(name);
}

/// The selected endpoint.
pub fn endpoint(model: &Model) -> Option<&EndpointStatus> {
    find(&model.snapshot, model.endpoints.selected()?)
}

/// Its group.
pub fn group(model: &Model) -> Option<&GroupStatus> {
    let name = &endpoint(model)?.group;
    model.snapshot.groups.iter().find(|g| g.name == *name)
}

fn find<'s>(snapshot: &'s Snapshot, name: &EndpointId) -> Option<&'s EndpointStatus> {
    snapshot.endpoints.iter().find(|e| e.name == *name)
}

/// The places of a group's endpoints in the snapshot, in rank order: by priority, ties by file order.
pub fn members(snapshot: &Snapshot, group: &GroupStatus) -> Vec<usize> {
    let endpoints = snapshot.endpoints.iter().enumerate();
    let mut members: Vec<usize> =
        endpoints.filter(|(_, e)| e.group == group.name).map(|(at, _)| at).collect();
    members.sort_by_key(|at| snapshot.endpoints[*at].priority);
    members
}

/// There is a newer snapshot.
pub fn refresh(model: &mut Model) {
    let snapshot = &model.snapshot;
    let state = &mut model.endpoints;
    state.rows.clear();
    for (at, group) in snapshot.groups.iter().enumerate() {
        state.rows.push(Row::Group(at));
        state.rows.extend(members(snapshot, group).into_iter().map(Row::Endpoint));
    }
    let name = |row: &Row| match row {
        Row::Group(_) => None,
        Row::Endpoint(at) => Some(snapshot.endpoints[*at].name.clone()),
    };
    state.list.set(state.rows.iter().filter_map(name).collect());
    if let Some(edit) = &mut state.edit {
        edit.keep(|name| find(snapshot, name).is_some());
    }
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if let Some(by) = rows_moved(action, page(model)) {
        step(model, by);
        return Some(Vec::new());
    }
    match action {
        Action::Details => model.endpoints.detail = !model.endpoints.detail,
        Action::Back if model.endpoints.detail => model.endpoints.detail = false,
        _ => return edit::act(model, action).or_else(|| control::act(model, action)),
    }
    Some(Vec::new())
}

fn step(model: &mut Model, by: isize) {
    let state = &mut model.endpoints;
    state.list.step(by);
    if let Some(edit) = &mut state.edit {
        edit.finish_typing();
    }
}

/// Rows that a page key moves by: what the body shows, less a little.
fn page(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(8).max(1))
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    match action {
        Action::EditPriority | Action::Details if endpoint(model).is_none() => {
            Some("there is no endpoint".to_owned())
        }
        Action::Save if edit::pending(model).is_empty() => {
            Some("nothing is changed yet: type a number, or press + or -".to_owned())
        }
        _ => control::why_not(model, action),
    }
}

/// A key that no binding takes: while a priority is edited, digits and the key that takes one back.
pub fn typed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some((name, current)) = endpoint(model).map(|e| (e.name.clone(), e.priority)) else {
        return Vec::new();
    };
    if let Some(edit) = &mut model.endpoints.edit {
        match key.code {
            KeyCode::Char(c) => c.to_digit(10).into_iter().for_each(|digit| edit.digit(&name, digit)),
            KeyCode::Backspace => edit.backspace(&name, current),
            _ => {}
        }
    }
    Vec::new()
}

/// The time a pause was entered for; nothing entered means until somebody resumes it.
///
/// # Errors
/// When it is no time; the text says what is.
pub fn pause_time(text: &str) -> Result<Option<std::time::Duration>, String> {
    match text.trim() {
        "" => Ok(None),
        text => crate::config::positive_duration(text).map(Some),
    }
}
