//! One reader: where it is, and what it gets next.
//!
//! | where | then | gets |
//! |---|---|---|
//! | anew | a picture was taken for it | `snapshot`; goes on behind it |
//! | anew, without `snapshot` among what it wants | | goes on behind everything |
//! | behind something | events that it wants came | their text, as much as came together |
//! | | a picture was shown, and it wants `state` | `state`, between the events it stands between |
//! | | nothing for [`HEARTBEAT`] | a comment |
//! | | events have gone that it did not get | `lagged`; is anew |

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Entry, Fact, Kind, Kinds, Lagged, Next, Place, Position, write};
use crate::events::pictures::Pictures;

/// Longest silence.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// What comes within this time after something came goes out with it.
const PACE: Duration = Duration::from_millis(40);
/// Bytes of small events that go out together.
const CHUNK: usize = 16 * 1024;
const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// See the module.
#[derive(Debug)]
pub struct Reader {
    pictures: Pictures,
    place: Place,
    at: At,
    /// What was taken from the ring and did not fit into a chunk.
    left: std::vec::IntoIter<Arc<Entry>>,
    news: watch::Receiver<()>,
    sent: Instant,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// What it missed is told first.
    Anew(Option<Lagged>),
    Behind(Position),
}

/// What a look at where it is came to.
enum Step {
    Send(Bytes),
    /// It is elsewhere now, with nothing to send.
    Moved,
    Idle,
    End,
}

impl Reader {
    /// A reader of these types that goes on behind the id it saw last, if it saw any. None when there are too many.
    pub(crate) fn join(pictures: Pictures, kinds: Kinds, last: Option<&str>) -> Option<Self> {
        let feed = pictures.feed();
        let place = feed.join(kinds)?;
        let news = feed.0.news.subscribe();
        let at = match last.map(|id| feed.behind(id)) {
            Some(Some(position)) => At::Behind(position),
            Some(None) => At::Anew(Some(Lagged { missed: None })),
            None => At::Anew(None),
        };
        let sees_now = matches!(at, At::Anew(_)) && kinds.has(Kind::Snapshot);
        if kinds.has(Kind::State) && !sees_now {
            pictures.show_soon();
        }
        Some(Self { pictures, place, at, left: Vec::new().into_iter(), news, sent: Instant::now() })
    }

    /// What goes out next. None at the end of the program.
    pub async fn next(&mut self) -> Option<Bytes> {
        let text = loop {
            match self.step().await {
                Step::Send(text) => break text,
                Step::Moved => {}
                Step::End => return None,
                Step::Idle => tokio::select! {
                    // The feed holds the sender.
                    _ = self.news.changed() => sleep(PACE).await,
                    () = sleep_until(self.sent + HEARTBEAT) => break PING,
                },
            }
        };
        self.sent = Instant::now();
        Some(text)
    }

    async fn step(&mut self) -> Step {
        match self.at {
            At::Anew(None) => self.begin().await,
            At::Anew(Some(lagged)) => {
                self.at = At::Anew(None);
                Step::Send(write(None, Kind::Lagged, &Fact::Lagged(lagged)))
            }
            At::Behind(_) if self.left.len() > 0 => self.send_left(),
            At::Behind(position) => self.go_on(position).await,
        }
    }

    async fn begin(&mut self) -> Step {
        if !self.place.kinds.has(Kind::Snapshot) {
            self.at = At::Behind(self.place.feed.end());
            return Step::Moved;
        }
        let Some(picture) = self.pictures.picture().await else { return Step::End };
        self.at = At::Behind(Position { place: picture.mark.place, pictured: picture.mark.number });
        Step::Send(picture.whole().await)
    }

    async fn go_on(&mut self, mut position: Position) -> Step {
        let next = self.place.feed.next(&mut position, self.place.kinds);
        self.at = At::Behind(position);
        match next {
            Next::Events(events) => {
                self.left = events.into_iter();
                self.send_left()
            }
            Next::Picture(picture) => Step::Send(picture.state().await),
            Next::Gone(missed) => {
                self.at = At::Anew(Some(Lagged { missed: Some(missed) }));
                Step::Moved
            }
            Next::Nothing => Step::Idle,
        }
    }

    /// As many of the events it took as go together.
    fn send_left(&mut self) -> Step {
        let mut chunk = BytesMut::new();
        while chunk.len() < CHUNK {
            let Some(entry) = self.left.next() else { break };
            chunk.extend_from_slice(entry.text());
        }
        match chunk.is_empty() {
            true => Step::Moved,
            false => Step::Send(chunk.freeze()),
        }
    }
}
