//! What the simulator does with one request, as plain data.
//!
//! A [`Behaviour`] is an answer plus how it travels, in independent parts; the default is a healthy endpoint:
//!
//! | part | decides |
//! |---|---|
//! | [`Reply`] | what is answered: by the request, or a fixed response |
//! | [`Content`] | what a message holds: blocks, amount of text, usage numbers |
//! | [`SseStyle`] | how events are spelled: line ends, event lines, the space after the colon |
//! | [`Pace`] | when bytes leave |
//! | [`Encoding`], [`Framing`], [`Writes`] | how the body is compressed, delimited and cut into writes |
//! | [`Stop`] | where the exchange breaks off, and how: every fault of the wire is one mark and one way to stop |
//!
//! Named faults are built from these parts in `faults.rs` and listed in `catalogue.rs`; nothing else in the simulator knows a fault by name.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use super::usage::{Usage, UsageStyle};

/// The answer to one request. Build one with [`Behaviour::healthy`] or a named fault and refine it with the methods.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// What is answered.
    pub reply: Reply,
    /// Extra response headers, behind the simulator's own.
    pub headers: Vec<(String, String)>,
    /// What messages hold.
    pub content: Content,
    /// How events are spelled.
    pub style: SseStyle,
    /// When bytes leave.
    pub pace: Pace,
    /// How the body is compressed.
    pub encoding: Encoding,
    /// How the body is delimited; `None`: chunked for streams, content-length for the rest.
    pub framing: Option<Framing>,
    /// How the body is cut into writes.
    pub writes: Writes,
    /// Where the exchange breaks off; `None`: nowhere.
    pub stop: Option<Stop>,
    /// Answer as soon as the request head is there, do not wait for the body, and end the connection.
    pub early: bool,
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub enum Reply {
    /// By path and body: a message (stream or JSON), a token count, models, or a 404.
    #[default]
    Auto,
    /// As `Auto`, but a message is a JSON document even when a stream was asked for.
    Json,
    /// This response, whatever was asked.
    Fixed {
        /// Status code; the reason phrase is the usual one.
        status: u16,
        /// The `content-type`; empty: none is sent.
        content_type: Cow<'static, str>,
        /// The body before encoding.
        body: Bytes,
    },
    /// An error in Anthropic's shape, with the request's own `request_id`.
    Error {
        /// Status code.
        status: u16,
        /// The error type, `overloaded_error` for instance.
        kind: Cow<'static, str>,
        /// The message for people.
        message: Cow<'static, str>,
    },
    /// These bytes and nothing else, status line included; then the connection ends.
    Raw(Bytes),
}

/// What a message holds. The defaults follow the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Number of text deltas; `None`: about a dozen, within the request's `max_tokens`.
    pub deltas: Option<usize>,
    /// Least bytes of text in a delta.
    pub delta_bytes: usize,
    /// A thinking block first; `None`: when the request enables thinking.
    pub thinking: Option<bool>,
    /// A tool call at the end; `None`: when the last user text says `use the tool [name] [input as a JSON object]`. Never
    /// without tools in the request, nor right after a tool's result.
    pub tool: Option<bool>,
    /// No content at all, `end_turn`, no output tokens.
    pub empty: bool,
    /// Begin the text with the simulator's name in brackets.
    pub sign: bool,
    /// A `ping` before `message_start` (one always follows the first block's start).
    pub leading_ping: bool,
    /// Leave out `message_stop`.
    pub no_message_stop: bool,
    /// Spoil the JSON of this event (counted from 0, pings included); the others stay whole.
    pub corrupt_event: Option<usize>,
    /// The stop reason; `None`: `end_turn`, `tool_use` or `max_tokens` as the content has it.
    pub stop_reason: Option<Cow<'static, str>>,
    /// The model named in the answer; `None`: the one asked for.
    pub model: Option<Cow<'static, str>>,
    /// Usage to report; `None`: derived from the size of the request and the answer. Of a fixed response: what its body
    /// says, for the log.
    pub usage: Option<Usage>,
    /// Which events carry usage.
    pub usage_style: UsageStyle,
    /// The service tier stated with the usage; `None`: `standard`.
    pub service_tier: Option<Cow<'static, str>>,
    /// The inference region stated with the usage; `None`: not mentioned.
    pub inference_geo: Option<Cow<'static, str>>,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            deltas: None,
            delta_bytes: 16,
            thinking: None,
            tool: None,
            empty: false,
            sign: false,
            leading_ping: false,
            no_message_stop: false,
            corrupt_event: None,
            stop_reason: None,
            model: None,
            usage: None,
            usage_style: UsageStyle::Standard,
            service_tier: None,
            inference_geo: None,
        }
    }
}

/// How events are spelled. All spellings are legal and occur in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseStyle {
    /// Lines end with CR LF instead of LF.
    pub crlf: bool,
    /// Each event has an `event:` line.
    pub event_lines: bool,
    /// A space follows the colon.
    pub space: bool,
    /// The last event is followed by its blank line.
    pub final_blank_line: bool,
}

impl Default for SseStyle {
    fn default() -> Self {
        Self { crlf: false, event_lines: true, space: true, final_blank_line: true }
    }
}

/// When bytes leave; zero everywhere is as fast as the socket takes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// From the whole request to the response head.
    pub head: Duration,
    /// From the head to the first body byte.
    pub first_event: Duration,
    /// Extra wait before the first event that carries content.
    pub first_token: Duration,
    /// Between events; has no effect with [`Writes::Blocks`].
    pub between_events: Duration,
}

impl Pace {
    /// An event every `interval`, the first at once.
    pub fn every(interval: Duration) -> Self {
        Self { between_events: interval, ..Self::default() }
    }

    /// About what a person sees: first token after 0.6 s, then an event every 40 ms.
    pub fn lifelike() -> Self {
        let millis = Duration::from_millis;
        Self { head: millis(250), first_token: millis(350), between_events: millis(40), ..Self::default() }
    }
}

/// How the body is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    #[default]
    Identity,
    /// With this coding when the request's `accept-encoding` lists it.
    Accepted(Coding),
    /// With this coding in any case.
    Forced(Coding),
}

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`
    Gzip,
    /// `deflate`, in its zlib wrapping
    Deflate,
    /// `br`
    Brotli,
    /// `zstd`
    Zstd,
}

impl Coding {
    /// The name used in `content-encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `transfer-encoding: chunked`, one chunk per write except with [`Writes::Bursts`].
    Chunked,
    /// `content-length`.
    ContentLength,
    /// HTTP/1.0: by closing the connection.
    UntilClose,
}

/// How the body is cut into socket writes (and chunks, if chunked).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Writes {
    /// One per event.
    #[default]
    PerEvent,
    /// Each event a chunk of its own, and as many in one write as it takes to get at least this many bytes, unless
    /// there is something to wait for: a server that is ahead of its reader. Usage counts as told when its event is ready to
    /// be written.
    Bursts(usize),
    /// Events joined into blocks of about 64 KiB: the fastest.
    Blocks,
    /// Of at most this many bytes (at least 1).
    Bytes(usize),
}

/// Where an exchange breaks off, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The place.
    pub at: Mark,
    /// The way.
    pub how: How,
}

/// A place in an exchange, in the order an exchange passes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The connection was accepted; no request is looked at (whatever its class).
    Accept,
    /// This many bytes of the request's body (as framed on the wire) have arrived; the rest is not read.
    Upload(usize),
    /// The request is complete; nothing was answered.
    Request,
    /// The response head is sent.
    Headers,
    /// This many events (or a JSON body, which counts as one) are sent.
    Events(usize),
    /// This many body bytes are sent, counted after encoding for abrupt ways to stop and before it for clean ones.
    Bytes(usize),
    /// The whole answer is sent, as if the connection would be kept.
    End,
    /// The answer is sent and the next request on this connection has begun to arrive.
    NextRequest,
}

/// How an exchange breaks off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// TCP reset. Behind sent bytes it waits 50 ms, because a reset may destroy what the client has not read yet; a test that
    /// needs the exact bytes uses [`How::Close`].
    Reset,
    /// The connection is closed; whatever was announced stays unfulfilled.
    Close,
    /// Nothing more happens until the client leaves.
    Silence,
    /// The body ends here in good form, as if this were all. Before the head this is [`How::Close`].
    End,
    /// An SSE `error` event of this type, then the body ends in good form. For streams.
    Error(Cow<'static, str>),
    /// This is written again and again until the client leaves. For streams, sent unencoded.
    Drip(Drip, Duration),
}

/// What drips for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drip {
    /// Text deltas of block 0.
    Delta,
    /// `ping` events.
    Ping,
    /// Comment lines.
    Comment,
}

impl Behaviour {
    /// A healthy endpoint.
    pub fn healthy() -> Self {
        Self::default()
    }

    /// Replaces the reply.
    pub fn reply(self, reply: Reply) -> Self {
        Self { reply, ..self }
    }

    /// Adds a response header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Begins every text with the simulator's name, so that a test sees who served.
    pub fn sign(mut self, sign: bool) -> Self {
        self.content.sign = sign;
        self
    }

    /// A message of exactly this many text deltas of at least `bytes` each, whatever `max_tokens` says.
    pub fn deltas(mut self, count: usize, bytes: usize) -> Self {
        self.content.deltas = Some(count);
        self.content.delta_bytes = bytes;
        self
    }

    /// Reports these usage numbers.
    pub fn usage(mut self, usage: Usage) -> Self {
        self.content.usage = Some(usage);
        self
    }

    /// Changes the content.
    pub fn content(mut self, change: impl FnOnce(&mut Content)) -> Self {
        change(&mut self.content);
        self
    }

    /// Changes the spelling of events.
    pub fn style(self, style: SseStyle) -> Self {
        Self { style, ..self }
    }

    /// Changes the pace.
    pub fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Compresses the body.
    pub fn encoding(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// Delimits the body this way.
    pub fn framing(self, framing: Framing) -> Self {
        Self { framing: Some(framing), ..self }
    }

    /// Cuts the body into writes this way.
    pub fn writes(self, writes: Writes) -> Self {
        Self { writes, ..self }
    }

    /// Breaks the exchange off.
    pub fn stop(self, at: Mark, how: How) -> Self {
        Self { stop: Some(Stop { at, how }), ..self }
    }

    /// The way to stop if the mark is `at`.
    pub(super) fn stop_at(&self, at: Mark) -> Option<&How> {
        self.stop.as_ref().filter(|stop| stop.at == at).map(|stop| &stop.how)
    }

    /// Whether this must be chosen before the request's body is read.
    pub(super) fn acts_on_head(&self) -> bool {
        self.early || self.upload_limit().is_some()
    }

    /// How much of a body is read when the exchange stops inside the upload.
    pub(super) fn upload_limit(&self) -> Option<(usize, &How)> {
        match &self.stop {
            Some(Stop { at: Mark::Upload(bytes), how }) => Some((*bytes, how)),
            _ => None,
        }
    }
}
