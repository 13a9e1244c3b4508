//! Ended requests as the screen shows them: a page of the list, or all that is kept of one. They come from the ledger, or
//! without one from the ring of the last ones.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::events::recent::Recent;
use crate::events::{RequestId, RequestRecord};
use crate::store::Store;
use crate::store::filter::Filter;
use crate::store::key::RowKey;
use crate::store::query::{Cursor, Reader};
use crate::tui::request::{Detail, Entry};
use crate::tui::screen::requests::history::{PAGE, Page};

fn reader(store: &Store) -> Result<Reader, String> {
    store.disk().with(|db| Reader::new(db, store.clock().clone())).map_err(|error| error.to_string())
}

/// The requests behind `before`, newest first.
pub(super) fn page(store: Option<&Store>, recent: &Recent, before: Option<Cursor>) -> Result<Page, String> {
    let Some(store) = store else { return Ok(remembered(recent, before)) };
    let page = reader(store)?.page(&Filter::default(), before, PAGE).map_err(|error| error.to_string())?;
    Ok(Page { rows: page.rows.iter().map(|row| Arc::new(Entry::of_row(row))).collect(), next: page.next })
}

/// The ring is a page at most.
fn remembered(recent: &Recent, before: Option<Cursor>) -> Page {
    let mut records = recent.records();
    records.retain(|record| before.is_none_or(|before| RowKey::of(record) < before.key()));
    records.sort_by_key(|record: &Arc<RequestRecord>| Reverse(RowKey::of(record)));
    Page { rows: records.iter().map(|record| Arc::new(Entry::ended(record))).collect(), next: None }
}

/// All that is kept of a request.
pub(super) fn request(store: Option<&Store>, recent: &Recent, id: RequestId) -> Result<Arc<Detail>, String> {
    let found = match store {
        None => recent.find(id).map(|record| Detail::of_record(&record)),
        Some(store) => {
            let row = reader(store)?.row(id).map_err(|error| error.to_string())?;
            row.map(|(row, story)| Detail::of_row(&row, story))
        }
    };
    found.map(Arc::new).ok_or_else(|| format!("nothing is kept of {id}"))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::testing::{record, settled};
    use super::*;
    use crate::domain::outcome::Kind;
    use crate::events::hub::Ledger;
    use crate::events::recent::KEPT;
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
        let first = page(Some(&store), &Recent::default(), None).unwrap();
        let second = page(Some(&store), &Recent::default(), first.next).unwrap();
        assert_eq!((first.rows.len(), second.rows.len(), second.next), (PAGE, 2, None));
        let ids = first.rows.iter().chain(&second.rows).map(|entry| entry.id.number());
        assert!(ids.eq((0..count).rev()));
    }

    #[test]
    fn what_is_kept_of_a_request_is_what_was_seen_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let seen = Arc::new(attempted(&[Some(Kind::Overloaded), None]));
        let store = settled(folder.path(), [Arc::clone(&seen)]);
        let (kept, seen) =
            (request(Some(&store), &Recent::default(), seen.id).unwrap(), Detail::of_record(&seen));
        assert_eq!((&kept.entry, &kept.facts), (&seen.entry, &seen.facts));
        assert_eq!((&kept.attempts, &kept.story), (&seen.attempts, &seen.story));
        assert!(!kept.story.is_empty());
        let unknown = request(Some(&store), &Recent::default(), RequestId::from_number(7)).unwrap_err();
        assert_eq!(unknown, "nothing is kept of req-00000007");
    }

    #[test]
    fn without_a_ledger_the_last_ones_are_shown() {
        const { assert!(PAGE >= KEPT, "the ring is one page") };
        let mut recent = Recent::default().open();
        let accepted = |n: i64| attempted(&[None]).accepted + jiff::SignedDuration::from_secs(n);
        // They end in another order than they began.
        for n in [1, 3, 2] {
            let id = RequestId::from_number(n);
            let record = RequestRecord { id, accepted: accepted(n.into()), ..attempted(&[None]) };
            recent.settled(&Arc::new(record));
        }
        let page = |before| page(None, &recent, before).unwrap();
        let numbers = |page: &Page| page.rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
        let all = page(None);
        assert_eq!((numbers(&all), all.next), (vec![3, 2, 1], None));
        let key = RowKey::of(&recent.find(RequestId::from_number(3)).unwrap());
        assert_eq!(numbers(&page(Some(Cursor::after(key)))), [2, 1]);
        assert!(request(None, &recent, RequestId::from_number(2)).is_ok());
        assert!(request(None, &recent, RequestId::from_number(9)).is_err());
    }

    #[test]
    fn a_closed_ledger_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = settled(folder.path(), []);
        store.close();
        assert!(page(Some(&store), &Recent::default(), None).is_err());
    }
}
