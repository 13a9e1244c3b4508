//! All at a glance: what is live, how the endpoints are, what ended last, and what a person should do about it.
//!
//! One selection walks over all rows that lead somewhere: running requests, endpoints, ended requests. `Enter` goes to
//! the row's own screen; `a` and `p` act on the group that the selected row or the advice is about.

mod advice;

use super::endpoints::{control, members};
use super::list::{List, rows_moved};
use crate::domain::endpoint::EndpointId;
use crate::events::RequestId;
use crate::events::board::{GroupStatus, Phase};
use crate::events::minutes;
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::update::{self, Target};

pub use self::advice::Advice;

/// Rows that a page key moves over.
const PAGE: usize = 8;

/// A row that leads somewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Row {
    /// A request that has not ended.
    Live(RequestId),
    /// An endpoint.
    Endpoint(EndpointId),
    /// A request that has.
    Recent(RequestId),
}

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    list: List<Row>,
    advice: Vec<Advice>,
}

impl State {
    /// The selected row.
    pub fn selected(&self) -> Option<&Row> {
        self.list.selected()
    }

    /// What a person should know or do, the most urgent first.
    pub fn advice(&self) -> &[Advice] {
        &self.advice
    }
}

/// There is a newer snapshot.
pub fn refresh(model: &mut Model) {
    let snapshot = &model.snapshot;
    let live = snapshot.live.iter().rev().map(|l| Row::Live(l.accepted.id));
    let endpoints = ranked(model).into_iter().map(Row::Endpoint);
    let recent = snapshot.recent.iter().map(|r| Row::Recent(r.id));
    let rows: Vec<Row> = live.chain(endpoints).chain(recent).collect();
    let advice = advice::give(snapshot);
    let state = &mut model.overview;
    follow_the_end(state, &rows);
    state.list.set(rows);
    state.advice = advice;
}

/// A request that has ended is the same request: the selection goes with it.
fn follow_the_end(state: &mut State, rows: &[Row]) {
    if let Some(Row::Live(id)) = state.list.selected() {
        let ended = Row::Recent(*id);
        if rows.contains(&ended) {
            state.list.follow(ended);
        }
    }
}

/// The endpoints as they are listed: group by group in rank order, by priority inside.
fn ranked(model: &Model) -> Vec<EndpointId> {
    let snapshot = &model.snapshot;
    let places = snapshot.groups.iter().flat_map(|group| members(snapshot, group));
    places.map(|at| snapshot.endpoints[at].name.clone()).collect()
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if let Some(by) = rows_moved(action, PAGE) {
        model.overview.list.step(by);
        return Some(Vec::new());
    }
    match action {
        Action::Open => open(model),
        Action::Activate => control::activate(model, group(model)?.name.clone()),
        Action::Pause => control::ask_for_time(model, group(model)?.name.clone()),
        _ => None,
    }
}

/// Selects this row, if there is one.
pub fn show(model: &mut Model, row: &Row) {
    model.overview.list.select(row);
}

/// To the selected row's own screen.
fn open(model: &mut Model) -> Option<Vec<Effect>> {
    let target = match model.overview.selected()?.clone() {
        Row::Endpoint(id) => Target::Endpoint(id),
        Row::Live(id) if is_suspended(model, id) => Target::Suspended(id),
        Row::Live(id) | Row::Recent(id) => Target::Request(id),
    };
    Some(update::go_to(model, target))
}

fn is_suspended(model: &Model, id: RequestId) -> bool {
    model.snapshot.live.iter().any(|l| l.accepted.id == id && l.phase == Phase::Suspended)
}

/// The group that the keys for groups mean: the one the advice names, else that of the selected endpoint.
fn group(model: &Model) -> Option<&GroupStatus> {
    let advised = model.overview.advice.iter().find_map(|advice| advice.activate.as_ref());
    let selected = match model.overview.selected() {
        Some(Row::Endpoint(id)) => model.snapshot.endpoints.iter().find(|e| e.name == *id).map(|e| &e.group),
        _ => None,
    };
    let name = selected.or(advised)?;
    model.snapshot.groups.iter().find(|group| group.name == *name)
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    let group = group(model);
    match (action, group) {
        (Action::Open, _) if model.overview.selected().is_none() => {
            Some("there is no row to open".to_owned())
        }
        (Action::Activate | Action::Pause, None) => Some("select an endpoint of the group first".to_owned()),
        (Action::Activate, Some(group)) => group.allowed.activate.as_ref().map(ToString::to_string),
        (Action::Pause, Some(group)) => group.allowed.pause.as_ref().map(ToString::to_string),
        _ => None,
    }
}

/// Requests accepted per minute: the running minute, and of the one before it as much as is missing to a whole one.
pub fn per_minute(model: &Model) -> f64 {
    let number = minutes::number(model.now);
    let accepted = |n| {
        let minute = model.snapshot.minutes.iter().find(|minute| minute.number == n);
        minute.map_or(0.0, |minute| f64::from(minute.accepted))
    };
    let gone = model.now.as_millisecond().rem_euclid(60_000) as f64 / 60_000.0;
    accepted(number) + accepted(number - 1) * (1.0 - gone)
}

#[cfg(test)]
mod tests;
