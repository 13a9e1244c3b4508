//! From a request and a [`Behaviour`] to the bytes that will travel. Pure: no socket, no waiting.
//!
//! The order matters, because a cut inside a coding differs from a coding of a cut body:
//! 1. compose the body from the reply;
//! 2. cut what ends *in good form* ([`How::End`], [`How::Error`]);
//! 3. encode; this length is the one announced;
//! 4. cut what ends abruptly ([`How::Reset`], [`How::Close`], [`How::Silence`], [`How::Drip`]).

use std::borrow::Cow;
use std::io;

use super::ask::{self, Ask};
use super::behaviour::{Behaviour, Coding, Drip, Encoding, Framing, How, Mark, Reply, Stop, Writes};
use super::content::{self, Message};
use super::encode::encode;
use super::http::{Head, Headers};
use super::log::Class;
use super::models;
use super::pieces::Pieces;
use super::render::{self, Body, Events};
use super::usage::Usage;

/// Block size of [`Writes::Blocks`].
const BLOCK: usize = 64 * 1024;

/// A response ready to travel.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Status line and headers with the empty line behind them.
    pub(super) head: Vec<u8>,
    /// The encoded body as far as it will be sent, before its transfer coding.
    pub(super) body: Pieces,
    /// Usage told once this many body bytes are sent.
    pub(super) told: Vec<(usize, Usage)>,
    /// The first piece with content.
    pub(super) first_content: Option<usize>,
    pub(super) framing: Framing,
    /// Most bytes in one write.
    pub(super) write_bytes: usize,
    /// What happens behind the body.
    pub(super) ending: Ending,
    /// Whether the head said that the connection ends.
    pub(super) closes: bool,
}

/// What happens when everything in [`Answer::body`] is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The body ends as announced.
    Complete,
    /// TCP reset.
    Reset,
    /// The connection is closed, nothing is completed.
    Close,
    /// Nothing more.
    Silence,
    /// These bytes for ever.
    Drip(Vec<u8>, std::time::Duration),
}

struct Composed {
    status: u16,
    content_type: Cow<'static, str>,
    body: Body,
    is_stream: bool,
}

/// What an answer depends on besides the behaviour.
pub(super) struct Context<'a> {
    pub(super) name: &'a str,
    pub(super) class: Class,
    pub(super) head: &'a Head,
    pub(super) body: &'a [u8],
    pub(super) body_hash: u64,
}

/// Builds the answer to one request.
///
/// # Errors
/// When a body cannot be encoded.
pub(super) fn answer(context: &Context<'_>, behaviour: &Behaviour) -> io::Result<Answer> {
    let request_id = content::id("req", context.body_hash ^ ask::seed(context.head.target.as_bytes()));
    let mut composed = compose(context, behaviour, &request_id);
    let stop = behaviour.stop.as_ref();
    if let Some(stop) = stop.filter(|stop| matches!(stop.how, How::End | How::Error(_))) {
        cut(&mut composed.body.pieces, stop.at);
        end_in_good_form(&mut composed.body, stop, behaviour, &request_id);
    }
    let coding = coding(behaviour, &context.head.headers);
    if let Some(coding) = coding {
        composed.body.pieces = encode(&composed.body.pieces, coding)?;
    }
    let announced = composed.body.pieces.bytes().len();
    let ending = stop.map_or(Ending::Complete, |stop| abrupt_end(&mut composed.body.pieces, stop, behaviour));
    Ok(finish(context, behaviour, composed, coding, announced, ending, &request_id))
}

fn compose(context: &Context<'_>, behaviour: &Behaviour, request_id: &str) -> Composed {
    match &behaviour.reply {
        Reply::Auto | Reply::Json => automatic(context, behaviour, request_id),
        Reply::Fixed { status, content_type, body } => Composed {
            status: *status,
            content_type: content_type.clone(),
            body: plain(body.to_vec()),
            is_stream: content_type.starts_with("text/event-stream"),
        },
        Reply::Error { status, kind, message } => {
            json(*status, render::error_json(kind, message, request_id))
        }
        Reply::Raw(bytes) => Composed {
            status: 0,
            content_type: Cow::Borrowed(""),
            body: plain(bytes.to_vec()),
            is_stream: false,
        },
    }
}

fn automatic(context: &Context<'_>, behaviour: &Behaviour, request_id: &str) -> Composed {
    let path = context.head.target.split('?').next().unwrap_or_default();
    match context.class {
        Class::Head => Composed { body: Body::default(), ..json(200, String::new()) },
        Class::Models => {
            models::answer(path).map_or_else(|| not_found(path, request_id), |text| json(200, text))
        }
        Class::Other => not_found(path, request_id),
        Class::Messages | Class::CountTokens => match Ask::read(context.body) {
            None => json(
                400,
                render::error_json("invalid_request_error", "The body is not valid JSON", request_id),
            ),
            Some(ask) if context.class == Class::CountTokens => {
                json(200, format!(r#"{{"input_tokens":{}}}"#, Usage::of_request(ask.body_bytes, 0).prompt()))
            }
            Some(ask) => message(&ask, behaviour, context.name),
        },
    }
}

fn message(ask: &Ask, behaviour: &Behaviour, name: &str) -> Composed {
    let message = Message::answer(ask, &behaviour.content, name);
    let is_stream = ask.stream && !matches!(behaviour.reply, Reply::Json);
    let (content_type, mut body) = match is_stream {
        true => (
            "text/event-stream; charset=utf-8",
            render::stream(&message, &behaviour.content, behaviour.style),
        ),
        false => ("application/json", render::document(&message)),
    };
    if let Some(event) = behaviour.content.corrupt_event {
        body.pieces = corrupted(&body.pieces, event);
    }
    if is_stream && !behaviour.style.final_blank_line {
        body.pieces.trim_end(if behaviour.style.crlf { 2 } else { 1 });
    }
    Composed { status: 200, content_type: Cow::Borrowed(content_type), body, is_stream }
}

/// The same pieces, but the JSON in piece `spoiled` misses its last brace.
fn corrupted(pieces: &Pieces, spoiled: usize) -> Pieces {
    let mut result = Pieces::default();
    for (index, piece) in pieces.iter().enumerate() {
        match piece.iter().rposition(|&byte| byte == b'}').filter(|_| index == spoiled) {
            Some(brace) => {
                let (before, after) = piece.split_at(brace);
                result.push(&[before, after.get(1..).unwrap_or_default()].concat());
            }
            None => result.push(piece),
        }
    }
    result
}

fn not_found(path: &str, request_id: &str) -> Composed {
    json(404, render::error_json("not_found_error", &format!("Nothing is at {path}"), request_id))
}

fn json(status: u16, text: String) -> Composed {
    Composed {
        status,
        content_type: Cow::Borrowed("application/json"),
        body: plain(text.into_bytes()),
        is_stream: false,
    }
}

fn plain(bytes: Vec<u8>) -> Body {
    Body { pieces: Pieces::whole(bytes), ..Body::default() }
}

fn cut(pieces: &mut Pieces, at: Mark) {
    match at {
        Mark::Headers => pieces.keep_pieces(0),
        Mark::Events(count) => pieces.keep_pieces(count),
        Mark::Bytes(length) => pieces.keep_bytes(length),
        Mark::Accept | Mark::Upload(_) | Mark::Request | Mark::End | Mark::NextRequest => {}
    }
}

fn end_in_good_form(body: &mut Body, stop: &Stop, behaviour: &Behaviour, request_id: &str) {
    let kept = body.pieces.count();
    body.told.retain(|(piece, _)| *piece < kept);
    if let How::Error(kind) = &stop.how {
        let mut events = Events::after(behaviour.style, std::mem::take(&mut body.pieces));
        events.error(kind, request_id);
        body.pieces = events.finish();
    }
}

/// Cuts for the abrupt ways to stop, and says how the exchange ends.
fn abrupt_end(pieces: &mut Pieces, stop: &Stop, behaviour: &Behaviour) -> Ending {
    let ending = match &stop.how {
        How::End | How::Error(_) => return Ending::Complete,
        How::Reset => Ending::Reset,
        How::Close => Ending::Close,
        How::Silence => Ending::Silence,
        How::Drip(kind, every) => Ending::Drip(drip(*kind, behaviour), *every),
    };
    match stop.at {
        // The body is complete; what happens behind it is the connection's business.
        Mark::End | Mark::NextRequest => return Ending::Complete,
        at => cut(pieces, at),
    }
    ending
}

fn drip(kind: Drip, behaviour: &Behaviour) -> Vec<u8> {
    render::drip(kind, behaviour.style)
}

fn coding(behaviour: &Behaviour, headers: &Headers) -> Option<Coding> {
    let drips = matches!(behaviour.stop, Some(Stop { how: How::Drip(..), .. }));
    match behaviour.encoding {
        Encoding::Identity => None,
        Encoding::Forced(coding) => Some(coding),
        Encoding::Accepted(coding) => headers.lists("accept-encoding", coding.name()).then_some(coding),
    }
    .filter(|_| !drips)
}

fn finish(
    context: &Context<'_>,
    behaviour: &Behaviour,
    composed: Composed,
    coding: Option<Coding>,
    announced: usize,
    ending: Ending,
    request_id: &str,
) -> Answer {
    let Composed { status, content_type, body: Body { mut pieces, told, first_content }, is_stream } =
        composed;
    let framing = behaviour.framing.unwrap_or(match is_stream {
        true => Framing::Chunked,
        false => Framing::ContentLength,
    });
    let raw = matches!(behaviour.reply, Reply::Raw(_));
    let closes = raw || behaviour.early || framing == Framing::UntilClose || !context.head.keeps_alive();
    let told = told.into_iter().filter_map(|(piece, usage)| Some((pieces.end_of(piece)?, usage))).collect();
    let head =
        HeadParts { status, content_type: &content_type, coding, framing, announced, closes, is_stream };
    let head = if raw { Vec::new() } else { head.render(context.name, request_id, &behaviour.headers) };
    let write_bytes = match behaviour.writes {
        Writes::PerEvent | Writes::Blocks => usize::MAX,
        Writes::Bytes(count) => count.max(1),
    };
    if behaviour.writes == Writes::Blocks {
        pieces.join(BLOCK);
    }
    if context.class == Class::Head {
        pieces.keep_pieces(0);
    }
    let framing = if raw || context.class == Class::Head { Framing::ContentLength } else { framing };
    Answer { status, head, body: pieces, told, first_content, framing, write_bytes, ending, closes }
}

struct HeadParts<'a> {
    status: u16,
    content_type: &'a str,
    coding: Option<Coding>,
    framing: Framing,
    announced: usize,
    closes: bool,
    is_stream: bool,
}

impl HeadParts<'_> {
    fn render(&self, name: &str, request_id: &str, extra: &[(String, String)]) -> Vec<u8> {
        let version = if self.framing == Framing::UntilClose { "HTTP/1.0" } else { "HTTP/1.1" };
        let reason =
            http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut head = format!("{version} {} {}\r\n", self.status, reason.unwrap_or("Unknown"));
        let mut line = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        line("date", &http_date());
        if !self.content_type.is_empty() {
            line("content-type", self.content_type);
        }
        if self.is_stream {
            line("cache-control", "no-cache");
        }
        if let Some(coding) = self.coding {
            line("content-encoding", coding.name());
        }
        match self.framing {
            Framing::Chunked => line("transfer-encoding", "chunked"),
            Framing::ContentLength => line("content-length", &self.announced.to_string()),
            Framing::UntilClose => {}
        }
        line("connection", if self.closes { "close" } else { "keep-alive" });
        line("request-id", request_id);
        line("server", "simulator");
        line("x-served-by", name);
        extra.iter().for_each(|(name, value)| line(name, value));
        head.push_str("\r\n");
        head.into_bytes()
    }
}

fn http_date() -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&jiff::Timestamp::now()).unwrap_or_default()
}
