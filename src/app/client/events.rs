//! A stream of events from the admin port, event by event.
//!
//! | what comes | then |
//! |---|---|
//! | an event | [`Events::next`] returns it |
//! | a heartbeat, or half an event | it is alive: the wait goes on |
//! | nothing for [`IDLE`] | [`AskError::Broken`]: the connection is dead, though nobody said so |
//! | the end | `None` |
//!
//! Whoever wants more after an end or an error opens a new stream behind [`Events::last_id`].

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body;
use tokio::time::timeout;

use super::sse::{Event, Reader};
use super::{AskError, root};

/// The longest silence of a stream that lives: its heartbeat comes every 15 s.
pub(super) const IDLE: Duration = Duration::from_secs(40);

/// An open stream; dropping it closes the connection.
pub struct Events {
    base: String,
    last_id: Option<String>,
    body: UnsyncBoxBody<Bytes, hyper::Error>,
    reader: Reader,
    ready: VecDeque<Event>,
}

impl Events {
    /// Reads this body. `after` is the last event somebody saw before.
    pub(super) fn new<B>(base: String, after: Option<String>, body: B) -> Self
    where
        B: Body<Data = Bytes, Error = hyper::Error> + Send + 'static,
    {
        Self {
            base,
            last_id: after,
            body: body.boxed_unsync(),
            reader: Reader::default(),
            ready: VecDeque::new(),
        }
    }

    /// The next event; nothing when the stream has ended. Losing the future loses no event.
    ///
    /// # Errors
    /// When it breaks off, falls silent, or an event is larger than any real one.
    pub async fn next(&mut self) -> Result<Option<Event>, AskError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if event.id.is_some() {
                    self.last_id.clone_from(&event.id);
                }
                return Ok(Some(event));
            }
            let frame = timeout(IDLE, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| self.broken("it has fallen silent"))? else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| self.broken(root(&error)))?;
            let fed = frame.into_data().map(|data| self.reader.feed(&data, &mut self.ready));
            fed.unwrap_or(Ok(())).map_err(|error| self.broken(error))?;
        }
    }

    /// The id of the last event that [`Self::next`] returned, or that the stream was opened behind.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    fn broken(&self, why: impl ToString) -> AskError {
        AskError::Broken { base: self.base.clone(), why: why.to_string() }
    }
}
