//! What a forwarder elsewhere shows, kept here from what its stream says. Pure: it reads no socket and no clock.
//!
//! | event | what it does |
//! |---|---|
//! | `snapshot` | takes the place of everything |
//! | `state` | takes the place of everything but the requests that ended |
//! | `settled` | one more request that ended; seen with the next `state`, so that it is never both running and ended |
//! | any other | nothing |

use std::sync::Arc;

use crate::events::RequestRecord;
use crate::events::board::{RECENT, Snapshot};

/// See the module.
#[derive(Default)]
pub(super) struct Mirror {
    snapshot: Option<Arc<Snapshot>>,
    /// Requests that have ended since, the newest first.
    settled: Vec<Arc<RequestRecord>>,
}

impl Mirror {
    /// Takes an event of this type; a snapshot when there is a newer one to be seen.
    ///
    /// # Errors
    /// When the data cannot be read: whoever wrote it is another version of this program.
    pub(super) fn take(
        &mut self,
        event: &str,
        data: &str,
    ) -> Result<Option<Arc<Snapshot>>, serde_json::Error> {
        match event {
            "snapshot" => {
                self.settled.clear();
                Ok(Some(self.show(serde_json::from_str(data)?)))
            }
            "state" => {
                let state: Snapshot = serde_json::from_str(data)?;
                // The rest of it is to come: a state is no beginning.
                let Some(before) = &self.snapshot else { return Ok(None) };
                let recent = ended(std::mem::take(&mut self.settled), &before.recent);
                Ok(Some(self.show(Snapshot { recent, ..state })))
            }
            "settled" => {
                let record: RequestRecord = serde_json::from_str(data)?;
                if !holds(&self.settled, &record) {
                    self.settled.insert(0, Arc::new(record));
                    self.settled.truncate(RECENT);
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn show(&mut self, snapshot: Snapshot) -> Arc<Snapshot> {
        Arc::clone(self.snapshot.insert(Arc::new(snapshot)))
    }
}

/// Those that ended, newest first, none twice: a stream that goes on may repeat what it said last.
fn ended(fresh: Vec<Arc<RequestRecord>>, before: &[Arc<RequestRecord>]) -> Vec<Arc<RequestRecord>> {
    let known = before.iter().filter(|record| !holds(&fresh, record)).cloned().collect::<Vec<_>>();
    fresh.into_iter().chain(known).take(RECENT).collect()
}

fn holds(records: &[Arc<RequestRecord>], wanted: &RequestRecord) -> bool {
    records.iter().any(|record| record.id == wanted.id)
}

#[cfg(test)]
mod tests;
