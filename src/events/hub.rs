//! The one task that takes events: keeps the board, hands terminal records on, makes pictures for whoever looks, and feeds
//! those who read what happens.
//!
//! Without anybody who looks ([`super::pictures`]) or reads ([`super::feed`]) it does neither.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::board::{Board, LedgerStatus, Snapshot};
use super::feed::Fact;
use super::meters::{LinesDropped, Measures, Meters};
use super::pictures::Maker;
use super::spend::Spend;
use super::{Accepted, Described, Event, EventStream, RequestId, RequestRecord};
use crate::domain::fleet::{Change, FleetView};
use crate::domain::pricebook::PriceBook;

/// Between two pictures while requests run and nothing else happens: their ages and token counts move.
const PULSE: Duration = Duration::from_secs(1);
/// Events taken in one go before the clock is looked at.
const BATCH: usize = 256;
/// Pause after the last event that was there. Nobody waits for an event, and waking this task for each of the four or
/// five of a request would cost the requests more than their events do. So would a longer pause under load: what has
/// gathered by then is too much for the caches, and each request gets other memory than the last.
const PAUSE: Duration = Duration::from_millis(2);

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
    /// Pictures, made only for whoever looks, and the events for whoever reads.
    pub pictures: Maker,
    /// Every terminal record, for whoever must not miss one.
    pub records: Option<mpsc::UnboundedSender<Arc<RequestRecord>>>,
    /// Every change of the fleet, likewise.
    pub changes: Option<mpsc::UnboundedSender<Arc<[Change]>>>,
    /// Tells how many log lines were dropped.
    pub lines_dropped: Option<LinesDropped>,
}

/// Runs until every sender of events is gone, then makes one last picture and returns the board.
pub async fn run(
    mut events: EventStream,
    fleet: watch::Receiver<Arc<FleetView>>,
    outputs: Outputs,
    board: Board,
) -> Board {
    let mut hub = Hub { fleet, outputs, board, meters: Arc::default(), behind: false };
    loop {
        let pulse = hub.pulse();
        let due = hub.outputs.pictures.due(pulse);
        tokio::select! {
            event = events.next() => match event {
                Some(event) => hub.take(event),
                None => break,
            },
            // Some changes are no events: another priority, an order that leaves the active group what it is.
            Ok(()) = hub.fleet.changed(), if hub.outputs.pictures.cares() => hub.outputs.pictures.changed(),
            // What was told before the question belongs into the answer.
            () = hub.outputs.pictures.asked() => hub.drain(events.len(), &mut events),
            () = until(due) => hub.publish(pulse),
            () = hub.outputs.spend.due(jiff::Timestamp::now()) => {}
        }
        hub.drain(BATCH, &mut events);
        if hub.outputs.spend.refresh(jiff::Timestamp::now()) {
            hub.outputs.pictures.changed();
        }
        hub.outputs.pictures.feed().flush();
        if events.is_empty() && !hub.outputs.pictures.is_asked() {
            sleep(PAUSE).await;
        }
    }
    hub.outputs.pictures.conclude(hub.picture());
    hub.board
}

async fn until(due: Option<Instant>) {
    match due {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

struct Hub {
    fleet: watch::Receiver<Arc<FleetView>>,
    outputs: Outputs,
    board: Board,
    /// Copied at the first record after somebody was given them and still has them.
    meters: Arc<Meters>,
    /// The ledger was behind at the last look.
    behind: bool,
}

impl Hub {
    /// How often pictures move although nothing happens.
    fn pulse(&mut self) -> Option<Duration> {
        if !self.outputs.pictures.is_watched() {
            return None;
        }
        let ledger = self.outputs.ledger.as_ref().and_then(|ledger| ledger.status());
        let behind = ledger.is_some_and(|status| status.unsaved > 0);
        if std::mem::replace(&mut self.behind, behind) && !behind {
            // The last picture may have been taken before it caught up, and nothing else may happen for long.
            self.outputs.pictures.changed();
        }
        if behind { Some(LEDGER_INTERVAL) } else { self.board.is_busy().then_some(PULSE) }
    }

    /// Takes so many of the events that are there.
    fn drain(&mut self, most: usize, events: &mut EventStream) {
        (0..most).map_while(|_| events.try_next()).for_each(|event| self.take(event));
    }

    fn take(&mut self, event: Event) {
        let outputs = &mut self.outputs;
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
        if outputs.pictures.feed().is_open() {
            self.feed(&event);
        }
        match event {
            Event::Settled(record) => {
                let record = self.keep(record);
                self.board.settle(record);
            }
            event => self.board.apply(event),
        }
        self.outputs.pictures.changed();
    }

    /// Tells readers. Of the end of a request they hear when its record has its prices.
    fn feed(&self, event: &Event) {
        let fact = match event {
            Event::Fleet(changes) => {
                Some(Fact::switches(changes, &self.fleet.borrow(), jiff::Timestamp::now()))
            }
            event => Fact::of(event),
        };
        fact.into_iter().for_each(|fact| self.outputs.pictures.feed().push(fact));
    }

    /// Prices a terminal record and hands it to whoever must not miss it.
    fn keep(&mut self, mut record: Arc<RequestRecord>) -> Arc<RequestRecord> {
        let outputs = &mut self.outputs;
        // Nobody else has it yet, so nothing is copied.
        Arc::make_mut(&mut record).price(&outputs.prices.borrow());
        outputs.spend.count(&record, jiff::Timestamp::now());
        Arc::make_mut(&mut self.meters).count(&record);
        outputs.ledger.iter_mut().for_each(|l| l.settled(&record));
        let _ = outputs.records.as_ref().map(|tx| tx.send(Arc::clone(&record)));
        if outputs.pictures.feed().is_open() {
            outputs.pictures.feed().push(Fact::Settled(Arc::clone(&record)));
        }
        record
    }

    fn publish(&mut self, pulse: Option<Duration>) {
        self.fleet.mark_unchanged();
        let picture = self.picture();
        let events_missed = self.outputs.pictures.feed().missed();
        let measure = |snapshot| {
            let lines_dropped = self.outputs.lines_dropped.as_ref().map(|count| count());
            Measures { snapshot, meters: Arc::clone(&self.meters), events_missed, lines_dropped }
        };
        self.outputs.pictures.publish(picture, pulse, measure);
    }

    fn picture(&self) -> Snapshot {
        let view = Arc::clone(&self.fleet.borrow());
        let picture = self.board.snapshot(&view, Instant::now().into_std(), jiff::Timestamp::now());
        let ledger = self.outputs.ledger.as_ref().and_then(|ledger| ledger.status());
        let budgets = self.outputs.spend.statuses();
        let mut snapshot = Snapshot { budgets, ledger, ..picture };
        snapshot.price(&self.outputs.prices.borrow());
        snapshot
    }
}
