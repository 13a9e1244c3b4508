//! What happens, as a stream of typed events for any number of readers.
//!
//! ```text
//! hub --Fact--> ring (bounded) --text, made once--> reader, reader, …
//!  +---Picture (on demand, or newest only)---------^
//! ```
//!
//! | rule | why |
//! |---|---|
//! | nothing is collected while nobody reads, and for [`LINGER`] after the last has left | a forwarder that nobody watches pays one look at a flag per event |
//! | the hub adds an event by putting pointers under a lock that readers hold for as long as copying some pointers takes | readers never slow the hub |
//! | the text of an event is made by the first reader that comes to it | no text for what nobody wants; one for all |
//! | a reader has a place in the ring and no queue | one that stops reading costs nothing; when it has fallen out it is told, and begins anew with a picture |
//! | at most [`MAX_READERS`] | each may hold one picture's text that is half sent |
//!
//! An id is `<start of the process>-<number>`: whoever shows the id it saw last goes on behind it if all that followed is
//! still there. See `ring` for numbers, [`Kind`] for types, [`Fact`] for what they say.

mod fact;
mod kind;
mod picture;
mod reader;
mod ring;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::fact::{Began, Fact, Failed, Lagged, Resumed, Said, Started, Switch, Switches, Waits};
pub use self::kind::{Kind, Kinds, UnknownKind};
pub(crate) use self::picture::Picture;
pub use self::reader::{HEARTBEAT, Reader};
use self::ring::Ring;
use super::board::Snapshot;

/// Readers at once.
pub const MAX_READERS: usize = 100;
/// How long events are collected for a reader that comes back.
pub const LINGER: Duration = Duration::from_secs(60);
/// Events a reader takes at once.
const BATCH: usize = 64;

/// Everybody's way to the stream; cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Told apart from other processes by this.
    start: u64,
    /// Events are collected.
    open: AtomicBool,
    /// Something came since the readers were woken.
    fresh: AtomicBool,
    /// Events that readers did not get.
    missed: AtomicU64,
    kept: Mutex<Kept>,
    /// Wakes readers.
    news: watch::Sender<()>,
    /// Readers of log lines: whoever brings them needs to know.
    log_readers: watch::Sender<usize>,
}

#[derive(Default, Debug)]
struct Kept {
    ring: Ring<Arc<Entry>>,
    /// The newest picture made for all.
    newest: Option<Arc<Picture>>,
    readers: usize,
    state_readers: usize,
    /// When the last reader left.
    left: Option<Instant>,
}

/// An event and its text.
#[derive(Debug)]
struct Entry {
    id: (u64, u64),
    fact: Fact,
    text: OnceLock<Bytes>,
}

impl Entry {
    fn text(&self) -> &Bytes {
        self.text.get_or_init(|| write(Some(self.id), self.fact.kind(), &self.fact))
    }
}

/// An event as it goes over the wire.
fn write(id: Option<(u64, u64)>, kind: Kind, data: &impl Serialize) -> Bytes {
    let id = id.map(|(start, number)| format!("id: {start}-{number}\n")).unwrap_or_default();
    let mut text = format!("{id}event: {kind}\ndata: ").into_bytes();
    if let Err(error) = serde_json::to_writer(&mut text, data) {
        tracing::error!(target: "cc_forwarder::events", %error, "a {kind} event could not be written as JSON");
        return Bytes::new();
    }
    text.extend_from_slice(b"\n\n");
    text.into()
}

/// How far a reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Position {
    /// The place of the next event.
    place: u64,
    /// The number of the last picture it got, or could have got.
    pictured: u64,
}

/// What comes next for a reader.
enum Next {
    /// The text of events it wants, maybe none of those that came.
    Events(Vec<Arc<Entry>>),
    Picture(Arc<Picture>),
    /// So many have gone that it did not get.
    Gone(u64),
    Nothing,
}

impl Feed {
    /// A feed of the process that started then.
    pub(crate) fn new(started: jiff::Timestamp) -> Self {
        Self(Arc::new(Shared {
            start: u64::try_from(started.as_millisecond()).unwrap_or(0),
            open: AtomicBool::new(false),
            fresh: AtomicBool::new(false),
            missed: AtomicU64::new(0),
            kept: Mutex::default(),
            news: watch::Sender::new(()),
            log_readers: watch::Sender::new(0),
        }))
    }

    /// True while events are collected.
    pub(crate) fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Adds an event. Readers are woken by [`Self::flush`].
    pub(crate) fn push(&self, fact: Fact) {
        let (start, weight) = (self.0.start, fact.weight());
        let entry = |number| Arc::new(Entry { id: (start, number), fact, text: OnceLock::new() });
        self.kept().ring.push(weight, entry);
        self.0.fresh.store(true, Ordering::Relaxed);
    }

    /// Adds an event from elsewhere than the hub, if anybody reads.
    pub fn tell(&self, fact: Fact) {
        if self.is_open() {
            self.push(fact);
            self.flush();
        }
    }

    /// Wakes the readers if something came; ends collecting when there have been none for long enough.
    pub(crate) fn flush(&self) {
        if !self.is_open() {
            return;
        }
        if self.0.fresh.swap(false, Ordering::Relaxed) {
            self.0.news.send_replace(());
        }
        let mut kept = self.kept();
        if kept.left.is_some_and(|left| left.elapsed() > LINGER) {
            self.0.open.store(false, Ordering::Relaxed);
            kept.left = None;
            kept.newest = None;
            kept.ring.clear();
        }
    }

    /// Events that had gone before a reader came to them, over all readers since the start.
    pub(crate) fn missed(&self) -> u64 {
        self.0.missed.load(Ordering::Relaxed)
    }

    /// A picture of now.
    pub(crate) fn picture(&self, snapshot: Arc<Snapshot>) -> Arc<Picture> {
        let mark = self.kept().ring.mark();
        Arc::new(Picture::new(snapshot, self.0.start, mark))
    }

    /// True while somebody wants to see pictures as things change.
    pub(crate) fn wants_pictures(&self) -> bool {
        self.is_open() && self.kept().state_readers > 0
    }

    /// Puts a picture in the place of the one before, for all who have not got that yet.
    pub(crate) fn show(&self, picture: Arc<Picture>) {
        self.kept().newest = Some(picture);
        self.0.fresh.store(true, Ordering::Relaxed);
    }

    /// How many read log lines: whoever has some brings them meanwhile.
    pub fn log_readers(&self) -> watch::Receiver<usize> {
        self.0.log_readers.subscribe()
    }

    fn join(&self, kinds: Kinds) -> Option<Place> {
        let mut kept = self.kept();
        if kept.readers == MAX_READERS {
            return None;
        }
        if !self.0.open.swap(true, Ordering::Relaxed) {
            kept.ring.clear();
        }
        kept.left = None;
        kept.readers += 1;
        kept.state_readers += usize::from(kinds.has(Kind::State));
        drop(kept);
        self.0.log_readers.send_modify(|readers| *readers += usize::from(kinds.has(Kind::Log)));
        Some(Place { feed: self.clone(), kinds })
    }

    fn leave(&self, kinds: Kinds) {
        let mut kept = self.kept();
        kept.readers -= 1;
        kept.state_readers -= usize::from(kinds.has(Kind::State));
        kept.left = (kept.readers == 0).then(Instant::now);
        drop(kept);
        self.0.log_readers.send_modify(|readers| *readers -= usize::from(kinds.has(Kind::Log)));
    }

    /// Behind everything there is.
    fn end(&self) -> Position {
        let mut kept = self.kept();
        let mark = kept.ring.mark();
        Position { place: mark.place, pictured: 0 }
    }

    /// Behind the event or picture of this id.
    fn behind(&self, id: &str) -> Option<Position> {
        let (start, number) = id.split_once('-')?;
        let number = number.parse().ok().filter(|_| start.parse() == Ok(self.0.start))?;
        Some(Position { place: self.kept().ring.behind(number)?, pictured: number })
    }

    /// What comes next at this position, which moves behind it.
    fn next(&self, at: &mut Position, kinds: Kinds) -> Next {
        let kept = self.kept();
        let picture = kept.newest.as_ref().filter(|p| kinds.has(Kind::State) && p.mark.number > at.pictured);
        let events = match kept.ring.from(at.place) {
            Ok(events) => events,
            Err(gone) => {
                self.0.missed.fetch_add(gone, Ordering::Relaxed);
                return Next::Gone(gone);
            }
        };
        // A picture comes behind the events whose effect it shows, and before those that follow.
        let until = picture.map_or(kept.ring.end(), |p| p.mark.place);
        let most = usize::try_from(until.saturating_sub(at.place)).unwrap_or(usize::MAX).min(BATCH);
        if most > 0 {
            at.place += most as u64;
            let wanted = events.take(most).filter(|entry| kinds.has(entry.fact.kind()));
            return Next::Events(wanted.cloned().collect());
        }
        match picture {
            Some(picture) => {
                at.pictured = picture.mark.number;
                Next::Picture(Arc::clone(picture))
            }
            None => Next::Nothing,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of [`MAX_READERS`], until dropped.
#[derive(Debug)]
struct Place {
    feed: Feed,
    kinds: Kinds,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.feed.leave(self.kinds);
    }
}
