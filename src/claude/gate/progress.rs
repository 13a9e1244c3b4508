//! After the commit: did the stream come to its proper end?
//!
//! Complete is a stream with `message_stop`, or one whose `message_delta` gave a stop reason and that then ended; the
//! final blank line does not matter. Only `message_delta` and `error` events are parsed.

use super::GateFailure;
use crate::claude::scan::is_whole_object;
use crate::claude::sse::{Event, EventKind};
use crate::claude::wire::{ApiError, facts};

/// Watches a stream for its end.
#[derive(Clone, Default, Debug)]
pub struct StreamProgress {
    stop_reason: bool,
    message_stop: bool,
    error: Option<ApiError>,
}

/// How a stream ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StreamEnd {
    /// Whole.
    Complete,
    /// Broken off.
    Cut,
    /// The upstream itself reported an error in the stream.
    Errored(ApiError),
}

impl StreamProgress {
    /// A watcher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one event.
    pub fn on_event(&mut self, kind: EventKind, event: &Event<'_>) {
        match kind {
            EventKind::MessageDelta => {
                self.stop_reason |= facts(event.data).is_some_and(|f| f.stop_reason.is_some())
            }
            EventKind::MessageStop => self.message_stop |= event.terminated || is_whole_object(event.data),
            EventKind::Error => self.on_error(event.data),
            _ => {}
        }
    }

    /// True once `message_stop` has come: nothing more is to be expected.
    pub fn has_message_stop(&self) -> bool {
        self.message_stop
    }

    /// True once the stop reason has come: an end from now on is a proper one.
    pub fn has_stop_reason(&self) -> bool {
        self.stop_reason
    }

    /// The first error event, if one came.
    pub fn error(&self) -> Option<&ApiError> {
        self.error.as_ref()
    }

    /// How the stream has ended if it ends here. An error after the proper end changes nothing.
    pub fn end(&self) -> StreamEnd {
        match &self.error {
            _ if self.message_stop => StreamEnd::Complete,
            Some(error) => StreamEnd::Errored(error.clone()),
            None if self.stop_reason => StreamEnd::Complete,
            None => StreamEnd::Cut,
        }
    }

    fn on_error(&mut self, data: &[u8]) {
        if let (None, GateFailure::ErrorEvent { kind, message }) =
            (&self.error, GateFailure::error_event(data))
        {
            self.error = Some(ApiError { kind, message });
        }
    }
}
