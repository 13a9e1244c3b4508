//! The request log and the detail of a request.
//!
//! | selection | while rows come and go |
//! |---|---|
//! | nobody has moved it, or `g` was pressed | stays on top: the newest request |
//! | on a row | stays with that request wherever it goes, also when it ends |
//! | the request is gone (filtered, forgotten) | stays at its place |
//!
//! Ended requests are kept as they come by in snapshots; older ones are asked for a page at a time when a person goes
//! beyond the end of the list. An export has every recorded request that the filter lets through, on screen or not.

pub mod history;
pub mod order;
pub mod table;

mod detail;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

pub use self::detail::{Opened, Shown};
use self::history::Older;
use self::table::Table;
use super::list::scroll;
use super::logs;
use crate::events::RequestId;
use crate::events::board::Snapshot;
use crate::tui::filter::Filter;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model, Screen};
use crate::tui::msg::Effect;
use crate::tui::request::{Detail, Entry};
use crate::tui::source::{Answer, Selection};
use crate::tui::{export, update};

/// What of the terminal's height is not rows: header, tabs, footer, borders, column titles, the line about older ones.
const AROUND: u16 = 7;

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    table: Table,
    /// Nothing: the first row, whichever it is.
    selected: Option<RequestId>,
    index: usize,
    first: usize,
    filter: String,
    /// What has ended since the list was told to hold still.
    frozen: Option<HashMap<RequestId, Arc<Entry>>>,
    /// Requests that ended, as the last snapshot counted them.
    counted: Option<u64>,
    missed: u64,
    older: Older,
    pub(in crate::tui) opened: Option<Opened>,
}

impl State {
    /// True while a request's detail is open.
    pub fn shows_detail(&self) -> bool {
        self.opened.is_some()
    }

    /// The detail that is open.
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref()
    }

    /// The rows.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The selected row's place, and that of the first row on screen.
    pub fn places(&self) -> (usize, usize) {
        (self.index, self.first)
    }

    /// The filter as it was typed.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// While the list holds still: how many have ended meanwhile.
    pub fn held_back(&self) -> Option<usize> {
        self.frozen.as_ref().map(HashMap::len)
    }

    /// Requests that ended between two snapshots and stood in neither.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// What there is beyond the end of the list.
    pub fn older(&self) -> &Older {
        &self.older
    }

    /// The selected request.
    pub fn selected(&self) -> Option<RequestId> {
        self.table.row(self.index).map(|entry| entry.id)
    }

    fn take_in(&mut self, snapshot: &Snapshot) {
        let known = |id| {
            self.table.has_ended(id) || self.frozen.as_ref().is_some_and(|waiting| waiting.contains_key(&id))
        };
        let fresh: Vec<Arc<Entry>> = snapshot
            .recent
            .iter()
            .filter(|record| !known(record.id))
            .map(|record| Arc::new(Entry::ended(record)))
            .collect();
        self.count(snapshot, fresh.len() as u64);
        match &mut self.frozen {
            Some(waiting) => waiting.extend(fresh.into_iter().map(|entry| (entry.id, entry))),
            None => {
                self.table.end(fresh);
                self.table.run(snapshot.live.iter().map(|live| Entry::live(live, snapshot.at)));
            }
        }
    }

    fn count(&mut self, snapshot: &Snapshot, fresh: u64) {
        let totals = &snapshot.totals;
        let ended = totals.completed + totals.failed + totals.cancelled;
        if let Some(before) = self.counted.replace(ended) {
            self.missed += ended.saturating_sub(before).saturating_sub(fresh);
        }
    }

    /// Rows or the size changed: see the module.
    fn settle(&mut self, height: usize) {
        let last = self.table.len().saturating_sub(1);
        self.index = match self.selected {
            None => 0,
            Some(id) => self.table.place(id).unwrap_or(self.index.min(last)),
        };
        if self.selected.is_some() {
            self.selected = self.selected();
        }
        self.first = scroll(self.first, self.index, height, self.table.len());
    }

    fn step(&mut self, by: isize) {
        let last = self.table.len().saturating_sub(1);
        self.index = self.index.saturating_add_signed(by).min(last);
        self.selected = self.selected();
    }
}

/// Rows on screen.
pub fn height(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(AROUND)).max(1)
}

fn settle(model: &mut Model) {
    let height = height(model);
    model.requests.settle(height);
}

/// The page to ask for now, if there is one: without any request since the start the newest that are kept are shown; and
/// what the open detail lacks. Called after every message while this screen is in front.
pub fn asks(model: &mut Model) -> Vec<Effect> {
    let state = &mut model.requests;
    if let Some(opened) = &mut state.opened {
        return detail::asks(opened);
    }
    match state.older {
        Older::More(None) if state.table.is_empty() && state.filter.is_empty() => {
            history::ask(&mut state.older)
        }
        _ => Vec::new(),
    }
}

/// The terminal has another size.
pub fn resized(model: &mut Model) {
    settle(model);
    detail::scroll(model, 0);
}

/// There is a newer snapshot.
pub fn refresh(model: &mut Model) {
    let snapshot = Arc::clone(&model.snapshot);
    model.requests.take_in(&snapshot);
    settle(model);
    detail::refresh(model);
}

/// Opens the detail of this request, from whatever screen; closing it leads back there.
pub fn show(model: &mut Model, id: RequestId) -> Vec<Effect> {
    let from = std::mem::replace(&mut model.screen, Screen::Requests);
    if model.requests.table.place(id).is_some() {
        model.requests.selected = Some(id);
    }
    settle(model);
    detail::open(model, id, from)
}

/// Selects this request.
pub fn select(model: &mut Model, id: RequestId) {
    model.requests.selected = Some(id);
    settle(model);
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if model.requests.shows_detail() {
        return detail::act(model, action);
    }
    let effects = acted(model, action)?;
    settle(model);
    Some(effects)
}

fn acted(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let page = isize::try_from(height(model)).unwrap_or(1);
    match action {
        Action::Up => model.requests.step(-1),
        Action::Down => return Some(down(model, 1)),
        Action::PageUp => model.requests.step(-page),
        Action::PageDown => return Some(down(model, page)),
        Action::First => model.requests.selected = None,
        Action::Last => return Some(down(model, isize::MAX)),
        Action::Open => return model.requests.selected().map(|id| show(model, id)),
        Action::Copy => return model.requests.selected().map(|id| copy(model, id)),
        Action::Jump => return model.requests.selected().map(|id| logs::show_request(model, id)),
        Action::Filter => ask_for_filter(model),
        Action::Sort => reorder(model, |order| order.next()),
        Action::SortReverse => reorder(model, |order| order.turned()),
        Action::Freeze => freeze(model),
        Action::Export => export::ask(model, selection(model)),
        Action::Back if export::cancel(model) => {}
        Action::Back if !model.requests.filter.is_empty() => return Some(set_filter(model, "")),
        _ => return None,
    }
    Some(Vec::new())
}

/// Down, and beyond the end to older ones.
fn down(model: &mut Model, by: isize) -> Vec<Effect> {
    model.requests.step(by);
    let at_end = model.requests.index + 1 >= model.requests.table.len();
    if at_end { history::ask(&mut model.requests.older) } else { Vec::new() }
}

fn copy(model: &mut Model, id: RequestId) -> Vec<Effect> {
    model.say(format!("{id} is on the clipboard, if the terminal allows it"), false);
    vec![Effect::Copy(id.to_string())]
}

fn ask_for_filter(model: &mut Model) {
    let start = model.requests.filter.clone();
    let hint = "words, model:opus, status:>=400, cost:>0.10, duration:>10s, !not; empty: all";
    update::prompt(model, "Filter requests", hint, &start, Intent::FilterRequests);
}

/// What the filter lets through, of all that is recorded: also of older ones that were not asked for yet.
fn selection(model: &Model) -> Selection {
    Selection { log: model.requests.table.filter().clone(), ..Selection::default() }
}

fn reorder(model: &mut Model, change: impl Fn(order::Order) -> order::Order) {
    let order = change(model.requests.table.order());
    model.requests.table.set_order(order);
    let way = if order.rises() { "rising" } else { "falling" };
    model.say(format!("sorted by {}, {way}", order.column.word()), false);
}

fn freeze(model: &mut Model) {
    let state = &mut model.requests;
    match state.frozen.take() {
        None => state.frozen = Some(HashMap::new()),
        Some(waiting) => {
            state.table.end(waiting.into_values());
            let snapshot = Arc::clone(&model.snapshot);
            model.requests.take_in(&snapshot);
        }
    }
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    let state = &model.requests;
    let has_one = state.shows_detail() || state.selected().is_some();
    match action {
        Action::Open | Action::Copy | Action::Jump if !has_one => Some("no request is selected".to_owned()),
        Action::Export => export::why_not(model),
        _ => None,
    }
}

/// What is wrong with a filter.
///
/// # Errors
/// When it cannot be read; the text says why.
pub fn check_filter(text: &str) -> Result<(), String> {
    Filter::parse(text).map(drop)
}

/// A filter was entered. One that cannot be read changes nothing: it was checked before.
pub fn set_filter(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Ok(filter) = Filter::parse(text) {
        model.requests.table.set_filter(filter);
        model.requests.filter = text.trim().to_owned();
        model.requests.selected = None;
        settle(model);
    }
    Vec::new()
}

/// Something that was asked for is here; nothing when it was not for this screen.
pub fn answered(model: &mut Model, answer: &Answer) -> Option<Vec<Effect>> {
    match answer {
        Answer::History(page) => {
            let state = &mut model.requests;
            state.older = Older::after(page);
            if let Ok(page) = page {
                state.table.end(page.rows.iter().cloned());
            }
            settle(model);
        }
        Answer::Request(id, found) => detail::answered(model, *id, found),
        Answer::Evidence(id, found) => detail::shown(model, *id, found),
        _ => return None,
    }
    Some(Vec::new())
}

/// What is known of a request by the snapshot.
fn look_up(model: &Model, id: RequestId) -> Option<Detail> {
    let snapshot = &model.snapshot;
    let record =
        snapshot.recent.iter().find(|record| record.id == id).map(|record| Detail::of_record(record));
    let live = || snapshot.live.iter().find(|live| live.accepted.id == id);
    record.or_else(|| live().map(|live| Detail::of_live(live, model.now)))
}
