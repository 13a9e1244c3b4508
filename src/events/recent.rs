//! What a forwarder without a store still knows of ended requests: the newest [`KEPT`], in memory, where there is somebody
//! who may ask for them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::board::LedgerStatus;
use super::hub::Ledger;
use super::{Accepted, Described, RequestId, RequestRecord};

/// Requests kept.
pub const KEPT: usize = 1_000;

/// The ring. Cheap to clone; all clones are the same ring. Without a hub that feeds it, it stays empty.
#[derive(Clone, Default, Debug)]
pub struct Recent(Arc<Inner>);

#[derive(Default, Debug)]
struct Inner {
    open: AtomicBool,
    kept: Mutex<VecDeque<Arc<RequestRecord>>>,
}

impl Recent {
    /// From now on it is filled: somebody may look.
    #[must_use]
    pub fn open(&self) -> Self {
        self.0.open.store(true, Ordering::Relaxed);
        self.clone()
    }

    /// All that are kept, the one that ended last first.
    pub fn records(&self) -> Vec<Arc<RequestRecord>> {
        self.kept().iter().cloned().collect()
    }

    /// The one of this id.
    pub fn find(&self, id: RequestId) -> Option<Arc<RequestRecord>> {
        self.kept().iter().find(|record| record.id == id).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<RequestRecord>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for Recent {
    fn opened(&mut self, _: &Accepted) {}

    fn described(&mut self, _: RequestId, _: &Described) {}

    fn settled(&mut self, record: &Arc<RequestRecord>) {
        if !self.0.open.load(Ordering::Relaxed) {
            return;
        }
        let mut kept = self.kept();
        kept.truncate(KEPT - 1);
        kept.push_front(Arc::clone(record));
    }

    fn status(&self) -> Option<LedgerStatus> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::record::testing::record;

    #[test]
    fn the_newest_are_kept() {
        let mut ring = Recent::default();
        ring.settled(&Arc::new(record(&[None])));
        assert!(ring.records().is_empty(), "nobody may look yet");
        let mut ring = ring.open();
        let id = |n: usize| RequestId::from_number(u32::try_from(n).unwrap());
        for n in 0..KEPT + 3 {
            ring.settled(&Arc::new(RequestRecord { id: id(n), ..record(&[None]) }));
        }
        let kept = ring.records();
        assert_eq!((kept.len(), kept[0].id, kept[KEPT - 1].id), (KEPT, id(KEPT + 2), id(3)));
        assert!(ring.find(id(2)).is_none() && ring.find(id(3)).is_some());
    }
}
