//! What an open file needs before it is used: every table, its facts, and an end for requests that a crash left open.

use jiff::Timestamp;
use redb::Database;

use crate::events::RequestId;
use crate::events::record::Ids;
use crate::store::StoreError;
use crate::store::apply::Batch;
use crate::store::civil::Clock;
use crate::store::row::Row;
use crate::store::schema::{self, LAYOUT, meta};

/// What was done.
pub(crate) struct Prepared {
    /// Requests that a crash left open.
    pub(crate) interrupted: u64,
    /// The rollups are those of another time zone.
    pub(crate) rebuild: bool,
    /// The id behind which ids are free.
    pub(crate) last_id: Option<RequestId>,
}

/// Prepares a file in one transaction.
pub(crate) fn prepare(db: &Database, clock: &Clock, now: Timestamp) -> Result<Prepared, StoreError> {
    let txn = db.begin_write()?;
    schema::create(&txn)?;
    schema::set_fact(&txn, meta::LAYOUT, LAYOUT)?;
    let mut batch = Batch::new(&txn, clock)?;
    let open = batch.open_requests()?;
    for request in &open {
        batch.put(&Row::interrupted(request, now), None)?;
    }
    let last_id = last_id(&batch)?;
    batch.finish()?;
    let zone = clock.name(now);
    let rebuild =
        last_id.is_some() && schema::written_fact(&txn, meta::ZONE)?.as_deref() != Some(zone.as_str());
    if !rebuild {
        schema::set_fact(&txn, meta::ZONE, &zone)?;
    }
    txn.commit()?;
    Ok(Prepared { interrupted: open.len() as u64, rebuild, last_id })
}

/// That of the newest row, or one further on: if the clock has gone back since, newer ids belong to older times.
fn last_id(batch: &Batch<'_>) -> Result<Option<RequestId>, StoreError> {
    let mut last = batch.last()?.map(|key| key.id);
    while let Some(id) = last {
        let mut taken = None;
        for next in Ids::sample_after(id) {
            if batch.has(next)? {
                taken = Some(next);
                break;
            }
        }
        if taken.is_none() {
            break;
        }
        last = taken;
    }
    Ok(last)
}
