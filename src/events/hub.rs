//! The one task that takes events: keeps the board, hands terminal records on, publishes snapshots.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::board::{Board, LedgerStatus, Snapshot};
use super::spend::Spend;
use super::{Accepted, Described, Event, EventStream, RequestId, RequestRecord};
use crate::domain::fleet::{Change, FleetView};
use crate::domain::pricebook::PriceBook;

/// Least time between two snapshots.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// Between two snapshots while requests run and nothing else happens: their ages and token counts move.
const PULSE: Duration = Duration::from_secs(1);
/// Events taken in one go before the clock is looked at.
const BATCH: usize = 256;
/// Pause after the last event that was there. Nobody waits for an event, and waking this task for each of the four or
/// five of a request would cost the requests more than their events do.
const PAUSE: Duration = Duration::from_millis(10);

/// Between two looks at a ledger that is behind, while nothing else happens.
const LEDGER_INTERVAL: Duration = Duration::from_millis(250);

/// Keeps what must not be missed. Its methods neither wait nor fail.
pub trait Ledger: Send {
    /// A request was accepted.
    fn opened(&mut self, accepted: &Accepted);
    /// Its body was read.
    fn described(&mut self, id: RequestId, described: &Described);
    /// It ended.
    fn settled(&mut self, record: &Arc<RequestRecord>);
    /// How far it is behind; nothing when it never is, because it keeps nothing on a disk.
    fn status(&self) -> Option<LedgerStatus>;
}

/// Where the hub's output goes.
pub struct Outputs {
    /// What tokens cost.
    pub prices: watch::Receiver<Arc<PriceBook>>,
    /// Keeps what budgets count.
    pub spend: Spend,
    /// The store, when there is one.
    pub ledger: Option<Box<dyn Ledger>>,
    /// The newest snapshot; only built while somebody watches.
    pub snapshot: watch::Sender<Arc<Snapshot>>,
    /// Every terminal record, for whoever must not miss one.
    pub records: Option<mpsc::UnboundedSender<Arc<RequestRecord>>>,
    /// Every change of the fleet, likewise.
    pub changes: Option<mpsc::UnboundedSender<Arc<[Change]>>>,
}

/// Runs until every sender of events is gone, then publishes one last snapshot and returns the board.
pub async fn run(
    mut events: EventStream,
    mut fleet: watch::Receiver<Arc<FleetView>>,
    mut outputs: Outputs,
    mut board: Board,
) -> Board {
    let mut due: Option<Instant> = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            // Some changes are no events: another priority, an order that leaves the active group what it is.
            Ok(()) = fleet.changed(), if due.is_none_or(|at| at > Instant::now() + SNAPSHOT_INTERVAL) => {
                due = Some(Instant::now() + SNAPSHOT_INTERVAL);
                continue;
            }
            () = until(due) => {
                fleet.mark_unchanged();
                publish(&outputs, &board, &fleet);
                let behind = outputs.ledger.as_ref().and_then(|l| l.status()).is_some_and(|status| status.unsaved > 0);
                let pulse = if behind { LEDGER_INTERVAL } else { PULSE };
                due = (behind || board.is_busy()).then(|| Instant::now() + pulse);
                continue;
            }
            () = outputs.spend.due(jiff::Timestamp::now()) => {
                if outputs.spend.refresh(jiff::Timestamp::now()) {
                    due = due.or_else(|| Some(Instant::now() + SNAPSHOT_INTERVAL));
                }
                continue;
            }
        };
        let Some(event) = event else { break };
        take(event, &mut board, &mut outputs);
        let soon = Instant::now() + SNAPSHOT_INTERVAL;
        due = Some(due.map_or(soon, |at| at.min(soon)));
        for event in std::iter::from_fn(|| events.try_next()).take(BATCH) {
            take(event, &mut board, &mut outputs);
        }
        outputs.spend.refresh(jiff::Timestamp::now());
        if events.is_empty() {
            sleep(PAUSE).await;
        }
    }
    publish(&outputs, &board, &fleet);
    board
}

async fn until(due: Option<Instant>) {
    match due {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn take(event: Event, board: &mut Board, outputs: &mut Outputs) {
    match &event {
        Event::Accepted(accepted) => outputs.ledger.iter_mut().for_each(|l| l.opened(accepted)),
        Event::Described { id, described } => {
            outputs.ledger.iter_mut().for_each(|l| l.described(*id, described));
        }
        Event::Fleet(changes) => {
            // Readers outlive the hub; were one gone, nobody would be left to tell.
            let _ = outputs.changes.as_ref().map(|tx| tx.send(Arc::clone(changes)));
        }
        _ => {}
    }
    match event {
        Event::Settled(record) => board.settle(keep(record, outputs)),
        event => board.apply(event),
    }
}

/// Prices a terminal record and hands it to whoever must not miss it.
fn keep(mut record: Box<RequestRecord>, outputs: &mut Outputs) -> Arc<RequestRecord> {
    record.price(&outputs.prices.borrow());
    outputs.spend.count(&record, jiff::Timestamp::now());
    let record = Arc::from(record);
    outputs.ledger.iter_mut().for_each(|l| l.settled(&record));
    let _ = outputs.records.as_ref().map(|tx| tx.send(Arc::clone(&record)));
    record
}

fn publish(outputs: &Outputs, board: &Board, fleet: &watch::Receiver<Arc<FleetView>>) {
    if outputs.snapshot.receiver_count() > 0 {
        let view = Arc::clone(&fleet.borrow());
        let now = Instant::now().into_std();
        let picture = board.snapshot(&view, now, jiff::Timestamp::now());
        let ledger = outputs.ledger.as_ref().and_then(|ledger| ledger.status());
        let budgets = outputs.spend.statuses();
        let mut snapshot = Snapshot { budgets, ledger, ..picture };
        snapshot.price(&outputs.prices.borrow());
        outputs.snapshot.send_replace(Arc::new(snapshot));
    }
}
