//! The commit gate: is a 200 answer real yet? Until it is, nothing of it reaches the client and the request can still
//! go elsewhere.
//!
//! [`StreamGate`] judges streams, [`BodyGate`] whole bodies, [`StreamProgress`] tells after the commit whether the
//! stream was whole. All of them see decoded bytes and decide; holding, timing and releasing is the caller's.
//!
//! A stream, event by event:
//!
//! | what comes                                                             | ruling                             |
//! |------------------------------------------------------------------------|------------------------------------|
//! | `message_start`, `ping`, `content_block_stop`, comments, unknown events| hold                               |
//! | `content_block_start` / `_delta` that says something                   | commit                             |
//! | … of type text or thinking with all its fields still empty             | hold: nothing has been said        |
//! | `message_delta` with a stop reason, a refusal too                      | commit                             |
//! | … `end_turn` with nothing said and no output tokens                    | fail: empty completion             |
//! | `message_delta` without a stop reason                                  | hold                               |
//! | `message_stop`, nothing said and no stop reason                        | fail: empty                        |
//! | `error`                                                                | fail: error event                  |
//! | one of the known events whose data is not one whole JSON object        | fail: malformed                    |
//! | first byte `<`                                                         | fail: HTML                         |
//! | first byte `{` or `[`                                                  | fail at its end or when held enough|
//! | the end                                                                | fail: empty or cut                 |
//! | held long or large enough                                              | commit                             |
//!
//! The number of output tokens is that of the `message_delta`; only without one there that of `message_start` (where
//! real upstreams put a 1). Data is validated fully here, since at most a few events pass before the commit; after it
//! nothing is validated, as nothing could be done about it.
//!
//! The first ruling other than hold is final.

use super::scan::is_whole_object;
use super::sse::{Event, EventKind};
use super::wire::{JsonShape, facts, member, says_something, shape};

mod body;
mod progress;
#[cfg(test)]
mod tests;

pub use body::BodyGate;
pub use progress::{StreamEnd, StreamProgress};

/// What is to be done with an answer that is being held.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Ruling {
    /// Nothing is known yet: keep holding.
    #[default]
    Hold,
    /// It is real: release it.
    Commit,
    /// It is none: throw it away and treat the attempt as failed.
    Fail(GateFailure),
}

/// Why a 200 answer is none. The texts name no endpoint and hold nothing an upstream wrote, so that they are safe to
/// show to clients: Claude Code takes any answer with the word `overloaded_error` in it for a 529.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GateFailure {
    /// The stream's first news was an `error` event.
    #[error("200 with an error event before any content")]
    ErrorEvent {
        /// The error type, `unknown_error` if it has none that looks like one.
        kind: String,
        /// The upstream's text, at most 1,024 characters of it.
        message: String,
    },
    /// The body is an error object.
    #[error("200 with an error object as its body")]
    ErrorObject {
        /// The error type, `unknown_error` if it has none that looks like one.
        kind: String,
        /// The upstream's text, at most 1,024 characters of it.
        message: String,
    },
    /// No bytes, or a stream that was whole (or never began) and said nothing.
    #[error("200 without any content")]
    Empty,
    /// The stream began and ended before any content.
    #[error("200 with a stream that ended before any content")]
    Cut,
    /// A web page, such as a maintenance or log-in page.
    #[error("200 with a web page instead of an answer")]
    Html,
    /// Broken JSON in a body or in an event of the API, or bytes that are no event stream.
    #[error("200 with an answer that cannot be read")]
    Malformed,
    /// `end_turn` with nothing said and no output tokens. Worth one more try per request, since it can be an honest answer.
    #[error("200 with an empty completion")]
    EmptyCompletion,
    /// The client asked for a stream and would get a JSON document, which no client copes with.
    #[error("200 with a JSON document instead of an event stream")]
    JsonInsteadOfStream,
    /// The client asked for a JSON object and would get something else.
    #[error("200 with something else than a JSON object")]
    NotJson,
}

impl GateFailure {
    fn error_event(data: &[u8]) -> Self {
        let (kind, message) = match shape(data) {
            JsonShape::ErrorObject { kind, message } => (kind, message),
            _ => (None, Some(String::from_utf8_lossy(data).into_owned())),
        };
        Self::ErrorEvent { kind: kind_or_unknown(kind), message: clip(message) }
    }

    fn error_object(kind: Option<String>, message: Option<String>) -> Self {
        Self::ErrorObject { kind: kind_or_unknown(kind), message: clip(message) }
    }
}

fn kind_or_unknown(kind: Option<String>) -> String {
    let is_name =
        |k: &String| (1..=64).contains(&k.len()) && k.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    kind.filter(is_name).unwrap_or_else(|| "unknown_error".to_owned())
}

fn clip(message: Option<String>) -> String {
    message.unwrap_or_default().chars().take(1024).collect()
}

/// How much of a JSON document in place of a stream is kept to learn which error it is.
const JSON_KEPT: usize = 64 * 1024;

/// The gate in front of an answer to a `stream: true` request.
#[derive(Debug, Default)]
pub struct StreamGate {
    ruling: Ruling,
    /// The first byte that is not white space.
    first: Option<u8>,
    /// The start of a body that is JSON instead of a stream.
    json: Vec<u8>,
    /// An event other than a ping has come.
    began: bool,
    /// Any event has come.
    any_event: bool,
    /// Output tokens as stated by `message_start`.
    start_output: u64,
}

impl StreamGate {
    /// A gate that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The ruling so far.
    pub fn ruling(&self) -> &Ruling {
        &self.ruling
    }

    /// Takes decoded body bytes, before the events found in them.
    pub fn on_bytes(&mut self, decoded: &[u8]) -> &Ruling {
        if self.ruling != Ruling::Hold {
            return &self.ruling;
        }
        self.first = self.first.or_else(|| first_byte(decoded));
        if self.first == Some(b'<') {
            self.ruling = Ruling::Fail(GateFailure::Html);
        } else if self.is_json() {
            let room = JSON_KEPT.saturating_sub(self.json.len());
            self.json.extend_from_slice(&decoded[..decoded.len().min(room)]);
        }
        &self.ruling
    }

    /// Takes one event.
    pub fn on_event(&mut self, kind: EventKind, event: &Event<'_>) -> &Ruling {
        if self.ruling == Ruling::Hold {
            self.any_event = true;
            self.began |= kind != EventKind::Ping;
            self.ruling = self.judge(kind, event);
        }
        &self.ruling
    }

    /// The body has ended, after [`super::sse::Decoder::finish`]: never a hold.
    pub fn on_end(&mut self) -> &Ruling {
        if self.ruling == Ruling::Hold {
            let failure = if self.is_json() { self.json_failure() } else { self.end_failure() };
            self.ruling = Ruling::Fail(failure);
        }
        &self.ruling
    }

    /// It has been held for as long or as much as is allowed: never a hold.
    pub fn on_hold_expired(&mut self) -> &Ruling {
        if self.ruling == Ruling::Hold {
            self.ruling = if self.is_json() { Ruling::Fail(self.json_failure()) } else { Ruling::Commit };
        }
        &self.ruling
    }

    fn judge(&mut self, kind: EventKind, event: &Event<'_>) -> Ruling {
        match kind {
            EventKind::Ping | EventKind::Other => return Ruling::Hold,
            EventKind::Error => return Ruling::Fail(GateFailure::error_event(event.data)),
            _ => {}
        }
        if !is_whole_object(event.data) {
            // Unterminated data was cut rather than malformed: the end will say so.
            return if event.terminated { Ruling::Fail(GateFailure::Malformed) } else { Ruling::Hold };
        }
        match kind {
            EventKind::MessageStart => self.start(event.data),
            EventKind::ContentBlockStart => content(event.data, "content_block"),
            EventKind::ContentBlockDelta => content(event.data, "delta"),
            EventKind::MessageDelta => self.message_delta(event.data),
            EventKind::MessageStop => Ruling::Fail(GateFailure::Empty),
            _ => Ruling::Hold,
        }
    }

    fn start(&mut self, data: &[u8]) -> Ruling {
        self.start_output = facts(data).and_then(|f| f.usage.output).unwrap_or(0);
        Ruling::Hold
    }

    fn message_delta(&self, data: &[u8]) -> Ruling {
        let facts = facts(data).unwrap_or_default();
        let output = facts.usage.output.unwrap_or(self.start_output);
        match facts.stop_reason.as_deref() {
            None => Ruling::Hold,
            // Had anything been said, the ruling would have been made.
            Some("end_turn") if output == 0 => Ruling::Fail(GateFailure::EmptyCompletion),
            Some(_) => Ruling::Commit,
        }
    }

    fn is_json(&self) -> bool {
        matches!(self.first, Some(b'{' | b'['))
    }

    fn json_failure(&self) -> GateFailure {
        match shape(&self.json) {
            JsonShape::ErrorObject { kind, message } => GateFailure::error_object(kind, message),
            _ => GateFailure::JsonInsteadOfStream,
        }
    }

    fn end_failure(&self) -> GateFailure {
        match self.first {
            _ if self.began => GateFailure::Cut,
            None | Some(b':') => GateFailure::Empty,
            _ if self.any_event => GateFailure::Empty,
            // The first letter of a field: an event that did not get as far as its data.
            Some(b'e' | b'd' | b'i' | b'r') => GateFailure::Cut,
            Some(_) => GateFailure::Malformed,
        }
    }
}

fn content(data: &[u8], name: &str) -> Ruling {
    if member(data, name).is_some_and(says_something) { Ruling::Commit } else { Ruling::Hold }
}

/// The first byte that is neither white space nor part of a byte order mark.
fn first_byte(bytes: &[u8]) -> Option<u8> {
    bytes.iter().copied().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF))
}
