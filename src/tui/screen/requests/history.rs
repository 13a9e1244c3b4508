//! Requests older than those on screen: a page at a time, from whoever keeps them.

use std::sync::Arc;

pub use crate::store::query::Cursor;
use crate::tui::msg::Effect;
use crate::tui::request::Entry;
use crate::tui::source::Ask;

/// Rows of a page.
pub const PAGE: usize = 1_000;

/// Some older requests.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<Arc<Entry>>,
    /// Where the list goes on; nothing at its end.
    pub next: Option<Cursor>,
}

/// What there is beyond the end of the list.
#[derive(Clone, PartialEq, Debug)]
pub enum Older {
    /// Perhaps more, behind this one; nothing at first, when the newest page is asked for: rows that no snapshot
    /// showed may be in it.
    More(Option<Cursor>),
    /// A page is on its way.
    Asked,
    /// Nothing: the list is complete.
    End,
    /// Nobody keeps more, for this reason.
    Nobody(String),
}

impl Default for Older {
    fn default() -> Self {
        Self::More(None)
    }
}

impl Older {
    /// After this answer.
    pub(super) fn after(page: &Result<Page, String>) -> Self {
        match page {
            Ok(Page { next: Some(cursor), .. }) => Self::More(Some(*cursor)),
            Ok(Page { next: None, .. }) => Self::End,
            Err(why) => Self::Nobody(why.clone()),
        }
    }
}

/// Asks for the next page, if there may be one.
pub(super) fn ask(older: &mut Older) -> Vec<Effect> {
    let Older::More(before) = *older else { return Vec::new() };
    *older = Older::Asked;
    vec![Effect::Ask(Ask::History { before })]
}
