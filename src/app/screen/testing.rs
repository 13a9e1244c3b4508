//! A ledger in a real file, for the tests of what the screen asks of it.

use std::path::Path;
use std::sync::Arc;

use crate::events::RequestRecord;
use crate::events::hub::Ledger;
use crate::store::{Store, testing};

pub(super) use crate::store::testing::record;

/// A store that has these records on disk.
pub(super) fn settled(folder: &Path, records: impl IntoIterator<Item = Arc<RequestRecord>>) -> Store {
    let open = || Store::open(testing::options(&folder.join("usage.redb"))).unwrap().0;
    let store = open();
    let mut intake = store.intake();
    records.into_iter().for_each(|record| intake.settled(&record));
    assert_eq!(store.close(), 0, "nothing is left unsaved");
    open()
}
