//! Pictures of what goes on, made by the hub only for whoever looks.
//!
//! | who | gets | costs the hub |
//! |---|---|---|
//! | asks once: [`Pictures::fresh`] | one taken after the question | one, for all who ask at the same time |
//! | scrapes: [`Pictures::measures`] | that, and what is counted further | likewise |
//! | follows: [`Pictures::follow`] | the newest, at most every `SCREENS` while something changes | that, while anybody does |
//! | reads events, pictures among them: [`Pictures::read`] | the newest, at most every `STREAMS` | likewise |
//! | nobody | | nothing |

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::board::Snapshot;
use super::feed::{Feed, Kinds, Picture, Reader};
use super::meters::Measures;

/// Least time between two pictures on a screen.
const SCREENS: Duration = Duration::from_millis(100);
/// Least time between two pictures in a stream.
const STREAMS: Duration = Duration::from_millis(250);

/// Everybody's way to pictures; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// Who follows holds a receiver; this is no receiver.
    newest: watch::Sender<Arc<Snapshot>>,
    asks: mpsc::UnboundedSender<Ask>,
    feed: Feed,
}

/// What the hub is asked. There are no more questions than people who wait for an answer.
#[derive(Debug)]
enum Ask {
    /// A picture of now.
    Picture(oneshot::Sender<Arc<Picture>>),
    /// All counts of now.
    Measures(oneshot::Sender<Measures>),
    /// Somebody has begun to follow.
    Screens,
    /// Somebody has begun to read pictures.
    Streams,
}

/// The hub's end.
#[derive(Debug)]
pub struct Maker {
    newest: watch::Sender<Arc<Snapshot>>,
    asks: mpsc::UnboundedReceiver<Ask>,
    waiting: Vec<oneshot::Sender<Arc<Picture>>>,
    measuring: Vec<oneshot::Sender<Measures>>,
    feed: Feed,
    screens: Pace,
    streams: Pace,
}

/// The way to pictures, and the end that makes them. `first` is what is seen before the first of them.
pub fn channel(first: Snapshot) -> (Pictures, Maker) {
    let feed = Feed::new(first.started);
    let newest = watch::Sender::new(Arc::new(first));
    let (asks_tx, asks) = mpsc::unbounded_channel();
    let pictures = Pictures { newest: newest.clone(), asks: asks_tx, feed: feed.clone() };
    let (screens, streams) = (Pace::new(SCREENS), Pace::new(STREAMS));
    let maker = Maker { newest, asks, waiting: Vec::new(), measuring: Vec::new(), feed, screens, streams };
    (pictures, maker)
}

impl Pictures {
    /// A picture taken after this call. After the end of the program: the last there was.
    pub async fn fresh(&self) -> Arc<Snapshot> {
        match self.picture().await {
            Some(picture) => Arc::clone(&picture.snapshot),
            None => self.last(),
        }
    }

    /// The last picture that was made for anybody who follows: may be as old as the program. For what does not change.
    pub fn last(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.borrow())
    }

    /// The newest picture and its successors, for as long as the receiver is held. The first may be old: the next comes
    /// at once.
    pub fn follow(&self) -> watch::Receiver<Arc<Snapshot>> {
        let receiver = self.newest.subscribe();
        let _ = self.asks.send(Ask::Screens);
        receiver
    }

    /// Reads the events of these types from now on, or behind the id that was seen last. None when too many do.
    pub fn read(&self, kinds: Kinds, last: Option<&str>) -> Option<Reader> {
        Reader::join(self.clone(), kinds, last)
    }

    /// The stream of events.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Everything that is measured, as it is after this call. None at the end of the program.
    pub async fn measures(&self) -> Option<Measures> {
        let (tx, measures) = oneshot::channel();
        let _ = self.asks.send(Ask::Measures(tx));
        measures.await.ok()
    }

    /// A picture of now with its place among the events. None at the end of the program.
    pub(super) async fn picture(&self) -> Option<Arc<Picture>> {
        let (tx, picture) = oneshot::channel();
        let _ = self.asks.send(Ask::Picture(tx));
        picture.await.ok()
    }

    /// Readers get a picture soon, whether something changes or not.
    pub(super) fn show_soon(&self) {
        let _ = self.asks.send(Ask::Streams);
    }
}

impl Maker {
    /// The stream of events.
    pub(super) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Returns when somebody has asked something.
    pub(super) async fn asked(&mut self) {
        match self.asks.recv().await {
            Some(ask) => self.hear(ask),
            // Nobody is left who could.
            None => std::future::pending().await,
        }
        while let Ok(ask) = self.asks.try_recv() {
            self.hear(ask);
        }
    }

    fn hear(&mut self, ask: Ask) {
        match ask {
            Ask::Picture(tx) => self.waiting.push(tx),
            Ask::Measures(tx) => self.measuring.push(tx),
            Ask::Screens => self.screens.hurry(),
            Ask::Streams => self.streams.hurry(),
        }
    }

    /// Something is not what the last pictures show.
    pub(super) fn changed(&mut self) {
        if !(self.screens.is_behind() && self.streams.is_behind()) {
            let now = Instant::now();
            self.screens.changed(now);
            self.streams.changed(now);
        }
    }

    /// True when a change that is no event would be news to somebody.
    pub(super) fn cares(&self) -> bool {
        (self.follows() && !self.screens.is_behind()) || (self.streams() && !self.streams.is_behind())
    }

    /// True while somebody sees pictures as things change.
    pub(super) fn is_watched(&self) -> bool {
        self.follows() || self.streams()
    }

    /// True while somebody waits for an answer.
    pub(super) fn is_asked(&self) -> bool {
        !(self.waiting.is_empty() && self.measuring.is_empty())
    }

    /// When the next picture is to be made, which is asked for when `pulse` has passed although nothing changed.
    pub(super) fn due(&self, pulse: Option<Duration>) -> Option<Instant> {
        if self.is_asked() {
            return Some(Instant::now());
        }
        let screens = self.screens.due(pulse).filter(|_| self.follows());
        let streams = self.streams.due(pulse).filter(|_| self.streams());
        screens.into_iter().chain(streams).min()
    }

    /// Hands a picture to all for whom it is time; `measure` adds the counts for those who want them.
    pub(super) fn publish(
        &mut self,
        snapshot: Snapshot,
        pulse: Option<Duration>,
        measure: impl Fn(Arc<Snapshot>) -> Measures,
    ) {
        let (now, snapshot) = (Instant::now(), Arc::new(snapshot));
        if self.follows() && self.screens.take(now, pulse) {
            self.newest.send_replace(Arc::clone(&snapshot));
        }
        self.measuring.drain(..).for_each(|asked| drop(asked.send(measure(Arc::clone(&snapshot)))));
        let shows = self.streams() && self.streams.take(now, pulse);
        if shows || !self.waiting.is_empty() {
            let picture = self.feed.picture(snapshot);
            // Whoever asked may have gone.
            self.waiting.drain(..).for_each(|asked| drop(asked.send(Arc::clone(&picture))));
            if shows {
                self.feed.show(picture);
            }
        }
    }

    /// Hands out the last picture of the program.
    pub(super) fn conclude(&mut self, snapshot: Snapshot) {
        self.newest.send_replace(Arc::new(snapshot));
    }

    fn follows(&self) -> bool {
        self.newest.receiver_count() > 0
    }

    fn streams(&self) -> bool {
        self.feed.wants_pictures()
    }
}

/// When one kind of onlooker gets the next picture.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    /// Since when something is not what the last picture shows; in the past when it cannot wait.
    since: Option<Instant>,
    made: Instant,
}

impl Pace {
    fn new(interval: Duration) -> Self {
        Self { interval, since: None, made: Instant::now() }
    }

    fn changed(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn hurry(&mut self) {
        let now = Instant::now();
        self.since = Some(now.checked_sub(self.interval).unwrap_or(now));
    }

    fn is_behind(&self) -> bool {
        self.since.is_some()
    }

    fn due(&self, pulse: Option<Duration>) -> Option<Instant> {
        match self.since {
            Some(since) => Some(since + self.interval),
            None => pulse.map(|pulse| self.made + pulse),
        }
    }

    /// True when it is due; then it is made.
    fn take(&mut self, now: Instant, pulse: Option<Duration>) -> bool {
        let due = self.due(pulse).is_some_and(|due| due <= now);
        if due {
            (self.since, self.made) = (None, now);
        }
        due
    }
}
