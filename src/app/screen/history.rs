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

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::testing::{record, settled};
    use super::*;
    use crate::domain::outcome::Kind;
    use crate::events::RequestRecord;
    use crate::events::record::testing::record as attempted;

    /// More than a page, a second apart, the oldest first.
    fn many(count: u32) -> impl Iterator<Item = Arc<RequestRecord>> {
        (0..count).map(|id| {
            let accepted = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::from(id));
            Arc::new(RequestRecord { accepted, ..(*record(id)).clone() })
        })
    }

    #[test]
    fn pages_follow_each_other_newest_first_and_end() {
        let folder = tempfile::tempdir().unwrap();
        let count = PAGE as u32 + 2;
        let store = settled(folder.path(), many(count));
        let first = page(Some(&store), None).unwrap();
        let second = page(Some(&store), first.next).unwrap();
        assert_eq!((first.rows.len(), second.rows.len(), second.next), (PAGE, 2, None));
        let ids = first.rows.iter().chain(&second.rows).map(|entry| entry.id.number());
        assert!(ids.eq((0..count).rev()));
    }

    #[test]
    fn what_is_kept_of_a_request_is_what_was_seen_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let seen = Arc::new(attempted(&[Some(Kind::Overloaded), None]));
        let store = settled(folder.path(), [Arc::clone(&seen)]);
        let (kept, seen) = (request(Some(&store), seen.id).unwrap(), Detail::of_record(&seen));
        assert_eq!((&kept.entry, &kept.facts), (&seen.entry, &seen.facts));
        assert_eq!((&kept.attempts, &kept.story), (&seen.attempts, &seen.story));
        assert!(!kept.story.is_empty());
        let unknown = request(Some(&store), RequestId::from_number(7)).unwrap_err();
        assert_eq!(unknown, "nothing is kept of req-00000007");
    }

    #[test]
    fn without_a_store_it_says_how_to_get_one() {
        assert!(page(None, None).unwrap_err().contains("usage_tracking.enabled"));
        assert_eq!(request(None, RequestId::from_number(7)).unwrap_err(), NO_STORE);
        let folder = tempfile::tempdir().unwrap();
        let store = settled(folder.path(), []);
        store.close();
        assert!(page(Some(&store), None).is_err(), "a closed one cannot be read");
    }
}
