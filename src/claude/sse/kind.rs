//! Which of the API's events an event is.
//!
//! Its name decides; where there is none, or one nobody knows, the `type` inside its data does (data-only streams).

use super::super::scan::members;
use super::Event;

/// The events of a Messages stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EventKind {
    /// `message_start`: model and first usage.
    MessageStart,
    /// `content_block_start`.
    ContentBlockStart,
    /// `content_block_delta`.
    ContentBlockDelta,
    /// `content_block_stop`.
    ContentBlockStop,
    /// `message_delta`: stop reason and cumulative usage.
    MessageDelta,
    /// `message_stop`.
    MessageStop,
    /// `ping`.
    Ping,
    /// `error`.
    Error,
    /// Anything else. New kinds may come at any time and pass.
    Other,
}

impl EventKind {
    /// The kind of an event.
    pub fn of(event: &Event<'_>) -> Self {
        match event.name.map(Self::named) {
            None | Some(Self::Other) => Self::typed(event.data),
            Some(kind) => kind,
        }
    }

    fn named(name: &[u8]) -> Self {
        match name {
            b"content_block_delta" => Self::ContentBlockDelta,
            b"content_block_start" => Self::ContentBlockStart,
            b"content_block_stop" => Self::ContentBlockStop,
            b"message_start" => Self::MessageStart,
            b"message_delta" => Self::MessageDelta,
            b"message_stop" => Self::MessageStop,
            b"ping" => Self::Ping,
            b"error" => Self::Error,
            _ => Self::Other,
        }
    }

    /// From the first `type` at the top level of the data, which all known writers put first.
    fn typed(data: &[u8]) -> Self {
        if let Some(rest) = data.strip_prefix(b"{\"type\":\"") {
            let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
            return Self::named(&rest[..end]);
        }
        let tag = members(data).flatten().find(|m| *m.key == *b"type");
        tag.map_or(Self::Other, |m| {
            Self::named(m.value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(b""))
        })
    }
}
