//! The detail of one request: which, what is known, how far it is scrolled.

use std::sync::Arc;

use super::{copy, look_up};
use crate::events::RequestId;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Screen};
use crate::tui::msg::Effect;
use crate::tui::request::Detail;
use crate::tui::screen::list::rows_moved;
use crate::tui::screen::logs;
use crate::tui::source::Ask;
use crate::tui::view::requests::detail as view;

/// An open detail.
#[derive(Debug)]
pub struct Opened {
    /// Of this request.
    pub id: RequestId,
    /// What is known; nothing until it has come from the store.
    pub detail: Option<Arc<Detail>>,
    /// Why nothing is known.
    pub problem: Option<String>,
    /// The first line on screen.
    pub scroll: usize,
    /// Where it was opened from, and where it is closed to.
    from: Screen,
}

impl Opened {
    /// A person went elsewhere meanwhile: from now on it belongs to the list.
    pub fn stay(&mut self) {
        self.from = Screen::Requests;
    }
}

/// Opens it; what the snapshot does not have is asked for.
pub(super) fn open(model: &mut Model, id: RequestId, from: Screen) -> Vec<Effect> {
    let detail = look_up(model, id).map(Arc::new);
    let asked = if detail.is_none() { vec![Effect::Ask(Ask::Request(id))] } else { Vec::new() };
    model.requests.opened = Some(Opened { id, detail, problem: None, scroll: 0, from });
    asked
}

/// There is a newer snapshot. What has ended does not change any more.
pub(super) fn refresh(model: &mut Model) {
    let Some(opened) = &model.requests.opened else { return };
    if opened.detail.as_ref().is_some_and(|detail| detail.entry.has_ended()) {
        return;
    }
    let found = look_up(model, opened.id).map(Arc::new);
    if let (Some(opened), Some(found)) = (&mut model.requests.opened, found) {
        opened.detail = Some(found);
    }
}

/// The store has answered.
pub(super) fn answered(model: &mut Model, id: RequestId, found: &Result<Arc<Detail>, String>) {
    let Some(opened) = model.requests.opened.as_mut().filter(|o| o.id == id && o.detail.is_none()) else {
        return;
    };
    match found {
        Ok(detail) => opened.detail = Some(Arc::clone(detail)),
        Err(why) => opened.problem = Some(why.clone()),
    }
}

pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let id = model.requests.opened.as_ref()?.id;
    match action {
        Action::Back => model.screen = model.requests.opened.take()?.from,
        Action::Copy => return Some(copy(model, id)),
        Action::Jump => return Some(logs::show_request(model, id)),
        _ => scroll(model, rows_moved(action, view::height(model))?),
    }
    Some(Vec::new())
}

/// By so many lines, and not beyond the last one.
pub(super) fn scroll(model: &mut Model, by: isize) {
    let last = view::lines(model).len().saturating_sub(view::height(model));
    if let Some(opened) = &mut model.requests.opened {
        opened.scroll = opened.scroll.saturating_add_signed(by).min(last);
    }
}
