//! The single task that owns the fleet: takes facts and wishes, publishes the view.

pub mod command;
pub mod fasttest;
pub mod probe;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::domain::fleet::{Change, Condition, Fleet, FleetView, Input};
use crate::domain::group::GroupState;
use crate::domain::order::{self, Order, Refused};
use crate::events::{Event, Events};

/// Messages taken in one go before the clock is looked at.
const BATCH: usize = 256;
/// Pause after the last message that was there, unless an urgent one comes. Waking this task for each success of a
/// healthy endpoint would cost the requests more than all the rest of routing.
const PAUSE: Duration = Duration::from_millis(5);

/// Everybody's way to the fleet; cheap to clone.
///
/// The channel is not bounded because it is written from `Drop` when a client vanishes, where nothing can wait; it holds
/// at most a few messages per request in flight, and taking one costs less than a microsecond.
#[derive(Clone, Debug)]
pub struct Control {
    tx: mpsc::UnboundedSender<Message>,
    views: watch::Receiver<Arc<FleetView>>,
    newest: Newest,
    urgent: Arc<Notify>,
}

/// The newest view once more: every request looks at it several times, and a look at the channel counts the readers.
type Newest = Arc<ArcSwap<FleetView>>;

/// A look at the fleet. Not to be kept for long, see [`Guard`].
pub type View = Guard<Arc<FleetView>>;

/// What the control task is sent.
enum Message {
    /// A fact, and whom to tell when it has taken effect.
    Fact(Input, Option<oneshot::Sender<()>>),
    /// A person's wish, and whom to answer.
    Wish(Order, oneshot::Sender<Result<(), Refused>>),
}

/// An order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It makes no sense now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The program is stopping.
    #[error("the forwarder is stopping")]
    Stopping,
}

/// Resolves once an input has taken effect in the view (or the control task is gone).
pub type Applied = oneshot::Receiver<()>;

/// What [`run`] needs.
pub struct Task {
    fleet: Fleet,
    rx: mpsc::UnboundedReceiver<Message>,
    views: watch::Sender<Arc<FleetView>>,
    newest: Newest,
    events: Events,
    urgent: Arc<Notify>,
}

/// A control task for this fleet, and the way to it.
pub fn new(fleet: Fleet, events: Events) -> (Control, Task) {
    let now = Instant::now().into_std();
    let (tx, rx) = mpsc::unbounded_channel();
    let view = Arc::new(fleet.view(now));
    let newest = Newest::new(ArcSwap::new(Arc::clone(&view)));
    let (views_tx, views) = watch::channel(view);
    let urgent = Arc::new(Notify::new());
    let control = Control { tx, views, newest: Arc::clone(&newest), urgent: Arc::clone(&urgent) };
    (control, Task { fleet, rx, views: views_tx, newest, events, urgent })
}

impl Control {
    /// Tells the fleet something. After shutdown it goes nowhere.
    pub fn tell(&self, input: Input) {
        let is_news = self.is_news(&input);
        let _ = self.tx.send(Message::Fact(input, None));
        if is_news {
            self.urgent.notify_one();
        }
    }

    /// Tells the fleet something whose effect must be seen before anything else happens, so that a client that just got
    /// an error cannot meet the same endpoint again by being quick.
    pub fn tell_awaited(&self, input: Input) -> Applied {
        let (tx, rx) = oneshot::channel();
        let _ = self.tx.send(Message::Fact(input, Some(tx)));
        self.urgent.notify_one();
        rx
    }

    /// Carries out a person's wish; when this returns the view shows its effect.
    ///
    /// # Errors
    /// When the order makes no sense now, with what to do instead.
    pub async fn order(&self, order: Order) -> Result<(), OrderError> {
        let (tx, rx) = oneshot::channel();
        let _ = self.tx.send(Message::Wish(order, tx));
        self.urgent.notify_one();
        Ok(rx.await.map_err(|_| OrderError::Stopping)??)
    }

    /// False for the success of an endpoint without a blemish, which is most of all that is ever told.
    fn is_news(&self, input: &Input) -> bool {
        let (Input::Committed { endpoint, .. } | Input::Succeeded { endpoint, .. }) = input else {
            return true;
        };
        self.view().endpoint(endpoint).is_none_or(|endpoint| !endpoint.standing.is_spotless())
    }

    /// The newest view.
    pub fn view(&self) -> View {
        self.newest.load()
    }

    /// A receiver that wakes on every new view.
    pub fn watch(&self) -> watch::Receiver<Arc<FleetView>> {
        self.views.clone()
    }
}

/// Runs until `stop`.
pub async fn run(mut task: Task, stop: CancellationToken) {
    loop {
        let next = task.fleet.next_change(Instant::now().into_std());
        let message = tokio::select! {
            () = stop.cancelled() => return,
            message = task.rx.recv() => message,
            () = at(next) => Some(Message::Fact(Input::Tick, None)),
        };
        let Some(message) = message else { return };
        task.handle(message);
        for _ in 1..BATCH {
            let Ok(message) = task.rx.try_recv() else { break };
            task.handle(message);
        }
        if task.rx.is_empty() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = task.urgent.notified() => {}
                () = sleep(PAUSE) => {}
            }
        }
    }
}

async fn at(next: Option<std::time::Instant>) {
    match next {
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

impl Task {
    fn handle(&mut self, message: Message) {
        // Whoever asked may have gone: then nobody needs the answer.
        match message {
            Message::Fact(input, applied) => {
                self.take(input);
                let _ = applied.map(|tx| tx.send(()));
            }
            Message::Wish(order, reply) => {
                let _ = reply.send(self.obey(order));
            }
        }
    }

    fn obey(&mut self, order: Order) -> Result<(), Refused> {
        let now = Instant::now().into_std();
        let input = order::accept(order, &self.fleet.view(now), now)?;
        self.take(input);
        Ok(())
    }

    fn take(&mut self, input: Input) {
        let now = Instant::now().into_std();
        let applied = self.fleet.apply(input, now);
        if !applied.dirty {
            return;
        }
        let view = Arc::new(self.fleet.view(now));
        self.newest.store(Arc::clone(&view));
        self.views.send_replace(Arc::clone(&view));
        if applied.changes.is_empty() {
            return;
        }
        applied.changes.iter().for_each(|change| log(change, &view));
        self.events.send(Event::Fleet(applied.changes.into()));
    }
}

/// What a person should look at is a warning and says why; the rest of a switch between groups is in its first line.
fn log(change: &Change, view: &FleetView) {
    match change {
        Change::Endpoint { id, to: Condition::Down | Condition::Open | Condition::Credential, .. } => {
            let error = view.endpoint(id).and_then(|e| e.standing.last_error.as_ref());
            let (reason, status) = (error.map(|e| e.kind.words()), error.and_then(|e| e.status));
            tracing::warn!(target: "cc_forwarder::fleet", status, reason, "{change}");
        }
        Change::Group {
            from: GroupState::Active | GroupState::Standby,
            to: GroupState::Active | GroupState::Standby,
            ..
        } => tracing::debug!(target: "cc_forwarder::fleet", "{change}"),
        _ => tracing::info!(target: "cc_forwarder::fleet", "{change}"),
    }
}
