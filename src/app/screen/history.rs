//! Requests of the ledger as the screen shows them: a page of the list, or all that is kept of one.

use std::sync::Arc;

use crate::events::RequestId;
use crate::store::Store;
use crate::store::filter::Filter;
use crate::store::query::{Cursor, Reader};
use crate::tui::request::{Detail, Entry};
use crate::tui::screen::requests::history::{PAGE, Page};

/// Why there are no older requests.
const NO_STORE: &str = "no usage store is open (usage_tracking.enabled)";

fn reader(store: Option<&Store>) -> Result<Reader, String> {
    let store = store.ok_or(NO_STORE)?;
    store.disk().with(|db| Reader::new(db, store.clock().clone())).map_err(|error| error.to_string())
}

/// The requests behind `before`, newest first.
pub(super) fn page(store: Option<&Store>, before: Option<Cursor>) -> Result<Page, String> {
    let page = reader(store)?.page(&Filter::default(), before, PAGE).map_err(|error| error.to_string())?;
    Ok(Page { rows: page.rows.iter().map(|row| Arc::new(Entry::of_row(row))).collect(), next: page.next })
}

/// All that is kept of a request.
pub(super) fn request(store: Option<&Store>, id: RequestId) -> Result<Arc<Detail>, String> {
    match reader(store)?.row(id).map_err(|error| error.to_string())? {
        Some((row, story)) => Ok(Arc::new(Detail::of_row(&row, story))),
        None => Err(format!("nothing is kept of {id}")),
    }
}
