//! The hub's way into the store. Never waits, never fails; a record is encoded at once, so that a long backlog is small.

use std::collections::HashMap;
use std::sync::Arc;

use super::backlog::{Backlog, Settled};
use super::codec::{CodecError, Stored};
use super::monotonic;
use super::row::{OpenRow, Row, story};
use crate::events::board::LedgerStatus;
use crate::events::hub::Ledger;
use crate::events::{Accepted, Described, RequestId, RequestRecord};

/// Hands what the hub hears to the writer.
pub struct Intake {
    backlog: Arc<Backlog>,
    /// Requests that have not ended.
    live: HashMap<RequestId, OpenRow>,
}

impl Intake {
    pub(super) fn new(backlog: Arc<Backlog>) -> Self {
        Self { backlog, live: HashMap::new() }
    }
}

impl Ledger for Intake {
    fn opened(&mut self, accepted: &Accepted) {
        let open = OpenRow::from(accepted);
        self.live.insert(accepted.id, open.clone());
        self.backlog.open(open);
    }

    fn described(&mut self, id: RequestId, described: &Described) {
        if let Some(open) = self.live.get_mut(&id) {
            open.describe(described);
            self.backlog.open(open.clone());
        }
    }

    fn settled(&mut self, record: &Arc<RequestRecord>) {
        self.live.remove(&record.id);
        match encode(record) {
            Ok(settled) => self.backlog.settle(settled),
            Err(error) => tracing::error!(
                target: "cc_forwarder::store",
                "{} cannot be stored ({error}); please report this",
                record.id
            ),
        }
    }

    fn status(&self) -> Option<LedgerStatus> {
        Some(self.backlog.status())
    }
}

fn encode(record: &RequestRecord) -> Result<Settled, CodecError> {
    let row = Row::of_record(record, jiff::Timestamp::now());
    let story = story(record);
    let story = (!story.is_empty()).then(|| story.encode()).transpose()?;
    Ok(Settled {
        key: row.key(),
        row: row.encode()?.into(),
        story: story.map(Into::into),
        since: monotonic(),
    })
}
