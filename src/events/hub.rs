//! The one task that takes events: keeps the board, hands terminal records on, publishes snapshots.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::board::{Board, Snapshot};
use super::{Event, EventStream, RequestRecord};
use crate::domain::fleet::{Change, FleetView};

/// Least time between two snapshots.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// Events taken in one go before the clock is looked at.
const BATCH: usize = 256;
/// Pause after the last event that was there. Nobody waits for an event, and waking this task for each of the four or
/// five of a request would cost the requests more than their events do.
const PAUSE: Duration = Duration::from_millis(10);

/// Where the hub's output goes.
#[derive(Debug)]
pub struct Outputs {
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
    fleet: watch::Receiver<Arc<FleetView>>,
    outputs: Outputs,
    mut board: Board,
) -> Board {
    let mut due: Option<Instant> = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = until(due) => {
                publish(&outputs, &board, &fleet);
                due = None;
                continue;
            }
        };
        let Some(event) = event else { break };
        take(event, &mut board, &outputs);
        due = due.or_else(|| Some(Instant::now() + SNAPSHOT_INTERVAL));
        for event in std::iter::from_fn(|| events.try_next()).take(BATCH) {
            take(event, &mut board, &outputs);
        }
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

fn take(event: Event, board: &mut Board, outputs: &Outputs) {
    // Readers outlive the hub; were one gone, nobody would be left to tell.
    match &event {
        Event::Settled(record) => {
            let _ = outputs.records.as_ref().map(|tx| tx.send(Arc::clone(record)));
        }
        Event::Fleet(changes) => {
            let _ = outputs.changes.as_ref().map(|tx| tx.send(Arc::clone(changes)));
        }
        _ => {}
    }
    board.apply(event);
}

fn publish(outputs: &Outputs, board: &Board, fleet: &watch::Receiver<Arc<FleetView>>) {
    if outputs.snapshot.receiver_count() > 0 {
        let view = Arc::clone(&fleet.borrow());
        let now = Instant::now().into_std();
        outputs.snapshot.send_replace(Arc::new(board.snapshot(&view, now, jiff::Timestamp::now())));
    }
}
