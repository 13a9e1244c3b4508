//! The detail of one request: which, what is known, how far it is scrolled.

use std::sync::Arc;

use super::{copy, look_up};
use crate::events::RequestId;
use crate::events::evidence::Evidence;
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
    /// Its headers and the answers that failed it.
    pub evidence: Shown,
    /// How far the request was when they were asked for: attempts begun, steps of its story, and whether it had ended.
    asked_at: Option<(u32, usize, bool)>,
    /// The first line on screen.
    pub scroll: usize,
    /// Where it was opened from, and where it is closed to.
    from: Screen,
}

/// What is known of a request's headers and of the answers that failed it.
#[derive(Debug)]
pub enum Shown {
    /// Nothing yet.
    Unknown,
    /// This, or that it is not kept.
    Known(Option<Arc<Evidence>>),
    /// Nothing, for this reason.
    Failed(String),
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
    model.requests.opened =
        Some(Opened { id, detail, problem: None, evidence: Shown::Unknown, asked_at: None, scroll: 0, from });
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

/// Its headers and the answers that failed it are asked for when it is opened, and again when there may be more of them.
pub(super) fn asks(opened: &mut Opened) -> Vec<Effect> {
    let Some(detail) = &opened.detail else { return Vec::new() };
    let now = Some((detail.entry.attempts, detail.story.len(), detail.entry.has_ended()));
    if opened.asked_at == now {
        return Vec::new();
    }
    opened.asked_at = now;
    vec![Effect::Ask(Ask::Evidence(opened.id))]
}

/// They are here, or are not to be had.
pub(super) fn shown(model: &mut Model, id: RequestId, found: &Result<Option<Arc<Evidence>>, String>) {
    let Some(opened) = model.requests.opened.as_mut().filter(|opened| opened.id == id) else { return };
    match (found, &opened.evidence) {
        (Ok(found), _) => opened.evidence = Shown::Known(found.clone()),
        // What is known stays true.
        (Err(_), Shown::Known(Some(_))) => {}
        (Err(why), _) => opened.evidence = Shown::Failed(why.clone()),
    }
    scroll(model, 0);
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
