//! What can go wrong between the request and the end of its answer, by phase. Classified on types, never on text.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;

use super::payload::Payload;
use crate::proxy::dialer::DialError;

/// Where a request failed before the head of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SendErrorKind {
    /// The endpoint's name could not be resolved.
    Dns,
    /// The endpoint could not be reached.
    Connect,
    /// The outbound proxy could not be reached or refused.
    Proxy,
    /// The TLS handshake failed.
    Tls,
    /// DNS, TCP, outbound proxy and TLS together took too long.
    ConnectTimeout,
    /// The head did not come in time.
    HeaderTimeout,
    /// The connection was closed or reset before the head was complete.
    Reset,
    /// What came is not HTTP, or not HTTP one may send here.
    Protocol,
    /// The client's own upload failed or stalled; the endpoint is not to blame.
    RequestBody,
}

/// A request that got no head.
pub struct SendError {
    /// Which phase failed.
    pub kind: SendErrorKind,
    /// The connection had served a request before and ended without a byte of an answer, or an HTTP/2 endpoint said
    /// that it did not process the request: nobody's fault, to be sent again on a fresh connection.
    pub reused: bool,
    /// Some of the request may have reached the endpoint.
    pub request_sent: bool,
    /// The body, when nothing of it was taken. A [`Payload::Once`] can then still be sent elsewhere.
    pub unsent: Option<Payload>,
    /// For people: short, without URLs and secrets.
    pub detail: Cow<'static, str>,
}

impl SendError {
    pub(super) fn new(kind: SendErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, reused: false, request_sent: true, unsent: None, detail: detail.into() }
    }

    /// No connection: nothing was sent.
    pub(super) fn undialed(error: &DialError, payload: Payload) -> Self {
        let kind = match error {
            DialError::Dns(_) => SendErrorKind::Dns,
            DialError::Connect(_) => SendErrorKind::Connect,
            DialError::Proxy(_) => SendErrorKind::Proxy,
            DialError::Tls(_) => SendErrorKind::Tls,
            DialError::Timeout(_) => SendErrorKind::ConnectTimeout,
        };
        Self { request_sent: false, unsent: Some(payload), ..Self::new(kind, error.to_string()) }
    }

    /// The connection broke before the head.
    pub(super) fn broken(error: &hyper::Error) -> Self {
        if error.is_user() {
            Self::new(SendErrorKind::RequestBody, "the client's upload failed")
        } else if error.is_parse() {
            Self::new(SendErrorKind::Protocol, "the answer is not HTTP")
        } else {
            Self::new(SendErrorKind::Reset, "the connection was closed before the response head")
        }
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("kind", &self.kind)
            .field("reused", &self.reused)
            .field("request_sent", &self.request_sent)
            .field("unsent", &self.unsent.is_some())
            .field("detail", &self.detail)
            .finish()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for SendError {}

/// How the body of an answer ended too early.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BodyErrorKind {
    /// The connection was reset, or the HTTP/2 stream was.
    Reset,
    /// The connection was closed before the announced end: fewer bytes than `content-length`, no last chunk, or TLS
    /// without its closing alert.
    Cut,
    /// The framing makes no sense.
    Protocol,
}

/// An answer that has no end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyError {
    /// How it ended.
    pub kind: BodyErrorKind,
}

impl BodyError {
    /// hyper hands on what the decoder said as the cause: an `io::Error` whose kind tells the cases apart.
    pub(super) fn of(error: &hyper::Error) -> Self {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                return Self { kind: kind_of(io.kind()) };
            }
            cause = error.source();
        }
        let kind = if error.is_incomplete_message() { BodyErrorKind::Cut } else { BodyErrorKind::Reset };
        Self { kind }
    }
}

fn kind_of(kind: io::ErrorKind) -> BodyErrorKind {
    match kind {
        io::ErrorKind::UnexpectedEof => BodyErrorKind::Cut,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => BodyErrorKind::Protocol,
        _ => BodyErrorKind::Reset,
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            BodyErrorKind::Reset => "the connection was reset in the middle of the answer",
            BodyErrorKind::Cut => "the connection was closed before the end of the answer",
            BodyErrorKind::Protocol => "the answer is not framed as HTTP",
        })
    }
}

impl StdError for BodyError {}
