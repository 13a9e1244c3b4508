//! Editing priorities: nothing changes before it was shown, and what was shown is what happens.
//!
//! ```text
//! Enter -> numbers change on screen -> Ctrl-S -> what would be written, read from the file
//!            ^     |                                 |-- y: apply, then save
//!            |     +-- Esc: forget (asks when         |-- a: apply only
//!            |             several are pending)       |
//!            +--- Esc, or the fleet refused ----------+
//! ```
//!
//! Applied means in effect for the next request. Saving comes second, and its failure takes nothing back.

use std::collections::BTreeMap;

use super::{endpoint, find, members};
use crate::config::edit as file;
use crate::control::command::Command;
use crate::domain::endpoint::EndpointId;
use crate::events::board::GroupStatus;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model, Overlay, Review};
use crate::tui::msg::Effect;
use crate::tui::source::{Answer, Ask, Edits};
use crate::tui::update;
use crate::tui::view::endpoints::review::deepest;

/// Largest number that can be typed.
const LARGEST: u32 = 999_999;

/// Priorities that were changed on screen, and nowhere else yet.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Edit {
    values: BTreeMap<EndpointId, u32>,
    /// The next digit goes behind the last one.
    typing: Option<EndpointId>,
}

/// Edits on their way to the fleet.
pub(super) struct Applying {
    edits: Edits,
    /// Save them then, to this version of the file.
    save: Option<file::Review>,
}

impl Edit {
    /// The number an endpoint has been given.
    pub fn value(&self, name: &EndpointId) -> Option<u32> {
        self.values.get(name).copied()
    }

    /// A digit: the first one begins a number, the next ones go on with it.
    pub(super) fn digit(&mut self, name: &EndpointId, digit: u32) {
        let before = self.typing.as_ref().filter(|typed| *typed == name).and_then(|_| self.value(name));
        let value = before.unwrap_or(0) * 10 + digit;
        if value <= LARGEST {
            self.values.insert(name.clone(), value);
            self.typing = Some(name.clone());
        }
    }

    /// Takes the last digit back.
    pub(super) fn backspace(&mut self, name: &EndpointId, current: u32) {
        let value = self.value(name).unwrap_or(current) / 10;
        self.values.insert(name.clone(), value);
        self.typing = Some(name.clone());
    }

    fn change(&mut self, name: &EndpointId, current: u32, by: i32) {
        let value = self.value(name).unwrap_or(current).saturating_add_signed(by).min(LARGEST);
        self.values.insert(name.clone(), value);
        self.finish_typing();
    }

    /// The next digit begins a new number.
    pub(super) fn finish_typing(&mut self) {
        self.typing = None;
    }

    /// Forgets endpoints that are gone.
    pub(super) fn keep(&mut self, is_there: impl Fn(&EndpointId) -> bool) {
        self.values.retain(|name, _| is_there(name));
    }
}

/// What would change, in the order of the rows.
pub fn pending(model: &Model) -> Edits {
    let Some(edit) = &model.endpoints.edit else { return Vec::new() };
    let changed = |name: &EndpointId| {
        let current = find(&model.snapshot, name)?.priority;
        edit.value(name).filter(|value| *value != current).map(|value| (name.clone(), value))
    };
    model.endpoints.list.rows().iter().filter_map(changed).collect()
}

/// The order a group would have with these edits; nothing when it stays as it is.
pub fn resulting_order(model: &Model, group: &GroupStatus, edits: &Edits) -> Option<Vec<EndpointId>> {
    let endpoints = &model.snapshot.endpoints;
    let before = members(&model.snapshot, group);
    let mut after = before.clone();
    // Ties go by the place in the file, which is the place in the snapshot.
    after.sort_by_key(|at| {
        let endpoint = &endpoints[*at];
        let edited = edits.iter().find(|(name, _)| *name == endpoint.name);
        (edited.map_or(endpoint.priority, |(_, priority)| *priority), *at)
    });
    (after != before).then(|| after.iter().map(|at| endpoints[*at].name.clone()).collect())
}

/// Keys of the edit.
pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::EditPriority => model.endpoints.edit = Some(Edit::default()),
        Action::Increase => change(model, 1),
        Action::Decrease => change(model, -1),
        Action::Save => return Some(review(model)),
        Action::Discard => leave(model),
        _ => return None,
    }
    Some(Vec::new())
}

fn change(model: &mut Model, by: i32) {
    let Some((name, current)) = endpoint(model).map(|e| (e.name.clone(), e.priority)) else { return };
    if let Some(edit) = &mut model.endpoints.edit {
        edit.change(&name, current, by);
    }
}

fn leave(model: &mut Model) {
    match pending(model).len() {
        0 | 1 => drop(discard(model)),
        n => {
            let text = vec![format!("Forget {n} changed priorities?"), "Nothing was applied yet.".to_owned()];
            update::ask(model, text, Intent::DiscardPriorities);
        }
    }
}

/// Forgets the edits.
pub fn discard(model: &mut Model) -> Vec<Effect> {
    if !pending(model).is_empty() {
        model.say("the priorities stay as they were", false);
    }
    model.endpoints.edit = None;
    Vec::new()
}

fn review(model: &Model) -> Vec<Effect> {
    vec![Effect::Ask(Ask::ReviewPriorities(pending(model)))]
}

/// True when the answer without a choice is to save, too.
pub fn saves_by_default(model: &Model, review: &Review) -> bool {
    model.facts.save_edits && review.file.is_ok()
}

/// Why an answer cannot be given; nothing when it can.
pub fn why_not(review: &Review, action: Action) -> Option<String> {
    let why = review.file.as_ref().err().filter(|_| action == Action::ApplyAndSave)?;
    Some(format!("cannot be saved: {why}"))
}

/// The answer to what was shown, or another look at it, from its line `first` on.
pub fn decide(model: &mut Model, review: Review, first: usize, action: Action) -> Vec<Effect> {
    match action {
        Action::Yes => {
            let save = saves_by_default(model, &review);
            return apply(model, review, save);
        }
        Action::ApplyAndSave => return apply(model, review, true),
        Action::ApplyOnly => return apply(model, review, false),
        Action::Up => scroll(model, review, first.saturating_sub(1)),
        Action::Down => scroll(model, review, first + 1),
        _ => {}
    }
    Vec::new()
}

fn scroll(model: &mut Model, review: Review, first: usize) {
    let first = first.min(deepest(model, &review));
    model.overlays.push(Overlay::Review(review, first));
}

fn apply(model: &mut Model, review: Review, save: bool) -> Vec<Effect> {
    model.endpoints.edit = None;
    let save = review.file.ok().filter(|_| save);
    model.endpoints.applying = Some(Applying { edits: review.edits.clone(), save });
    update::send(Command::SetPriorities(review.edits))
}

/// An answer to what was asked here; nothing when it is somebody else's.
pub fn answered(model: &mut Model, answer: &Answer) -> Option<Vec<Effect>> {
    match answer {
        Answer::Reviewed(edits, file) => {
            // Edited on meanwhile: the answer is about something else.
            if model.endpoints.is_editing() && pending(model) == *edits && model.overlays.is_empty() {
                let review = Review { edits: edits.clone(), file: file.clone() };
                model.overlays.push(Overlay::Review(review, 0));
                model.dirty = true;
            }
        }
        Answer::Done(Command::SetPriorities(edits), result) => {
            let applying = model.endpoints.applying.take_if(|applying| applying.edits == *edits)?;
            return Some(applied(model, applying, result));
        }
        Answer::Saved(Ok(review)) => {
            let file = model.private(&review.path.display().to_string());
            model.say(format!("applied and saved to {file}"), false);
        }
        Answer::Saved(Err(why)) => model.say(format!("applied, not saved: {why}"), true),
        _ => return None,
    }
    Some(Vec::new())
}

fn applied(model: &mut Model, applying: Applying, result: &Result<String, String>) -> Vec<Effect> {
    let Applying { edits, save } = applying;
    match (result, save) {
        (Ok(_), Some(review)) => {
            model.say("applied; saving", false);
            return vec![Effect::Ask(Ask::SavePriorities(edits, review))];
        }
        (Ok(_), None) => model.say("applied until the next reload; the file is as it was", false),
        (Err(why), _) => {
            model.say(format!("not applied: {why}"), true);
            let values = edits.into_iter().collect();
            model.endpoints.edit.get_or_insert(Edit { values, typing: None });
        }
    }
    Vec::new()
}
