//! From a request and a [`Behaviour`] to the bytes that will travel. Pure: no socket, no waiting.
//!
//! The order matters, because a cut inside a coding differs from a coding of a cut body:
//! 1. compose the body from the reply;
//! 2. cut what ends *in good form* ([`How::End`], [`How::Error`]);
//! 3. encode; this length is the one announced;
//! 4. cut what ends abruptly ([`How::Reset`], [`How::Close`], [`How::Silence`], [`How::Drip`]).

use std::io;

use super::ask;
use super::behaviour::{Behaviour, Coding, Encoding, Framing, How, Mark, Reply, Stop, Writes};
use super::compose::{Composed, Context};
use super::content;
use super::encode::encode;
use super::http::Headers;
use super::log::Class;
use super::pieces::Pieces;
use super::render::{self, Body, Events};
use super::usage::Told;

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
    pub(super) told: Vec<(usize, Told)>,
    /// The first piece with content.
    pub(super) first_content: Option<usize>,
    pub(super) framing: Framing,
    /// Most bytes in one chunk or, without chunks, in one write.
    pub(super) write_bytes: usize,
    /// A write waits for this many bytes while there is nothing else to wait for.
    pub(super) burst: usize,
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

/// Builds the answer to one request.
///
/// # Errors
/// When a body cannot be encoded.
pub(super) fn answer(context: &Context<'_>, behaviour: &Behaviour) -> io::Result<Answer> {
    let request_id = content::id("req", context.body_hash ^ ask::seed(context.head.target.as_bytes()));
    let Composed { status, content_type, mut body, is_stream } = context.compose(behaviour, &request_id);
    let stop = behaviour.stop.as_ref();
    if let Some(stop) = stop.filter(|stop| matches!(stop.how, How::End | How::Error(_))) {
        end_in_good_form(&mut body, stop, behaviour, &request_id);
    }
    let coding = coding(behaviour, &context.head.headers);
    if let Some(coding) = coding {
        body.pieces = encode(&body.pieces, coding)?;
    }
    let raw = matches!(behaviour.reply, Reply::Raw(_));
    let natural = if is_stream { Framing::Chunked } else { Framing::ContentLength };
    let framing = behaviour.framing.unwrap_or(natural);
    let closes = raw || behaviour.early || framing == Framing::UntilClose || !context.head.keeps_alive();
    let length = body.pieces.length();
    let head = HeadParts { status, content_type: &content_type, coding, framing, length, closes, is_stream };
    let head = if raw { Vec::new() } else { head.render(context.name, &request_id, &behaviour.headers) };
    let bodiless = context.class == Class::Head;
    // Neither bare bytes nor a HEAD answer has a body that could be chunked.
    let framing = if raw || bodiless { Framing::ContentLength } else { framing };
    if bodiless {
        body.pieces.keep_pieces(0);
    }
    let answer = Answer {
        status,
        head,
        told: told_ends(&body),
        ending: stop.map_or(Ending::Complete, |stop| abrupt_end(&mut body.pieces, stop, behaviour)),
        body: body.pieces,
        first_content: body.first_content,
        framing,
        write_bytes: usize::MAX,
        burst: 0,
        closes,
    };
    Ok(answer.written(behaviour.writes))
}

impl Answer {
    fn written(mut self, writes: Writes) -> Self {
        match writes {
            Writes::PerEvent => {}
            Writes::Bursts(count) => self.burst = count,
            Writes::Bytes(count) => self.write_bytes = count.max(1),
            Writes::Blocks => {
                self.body.join(BLOCK);
                self.first_content = self.first_content.map(|_| 0);
            }
        }
        self
    }
}

/// Where in the body each usage has been told completely.
fn told_ends(body: &Body) -> Vec<(usize, Told)> {
    body.told.iter().filter_map(|(piece, told)| Some((body.pieces.end_of(*piece)?, *told))).collect()
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
    let ends = told_ends(body);
    cut(&mut body.pieces, stop.at);
    let length = body.pieces.length();
    let reached = ends.iter().filter(|(end, _)| *end <= length).count();
    body.told.truncate(reached);
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
        How::Drip(kind, every) => Ending::Drip(render::drip(*kind, behaviour.style), *every),
    };
    match stop.at {
        // The body is complete; what happens behind it is the connection's business.
        Mark::End | Mark::NextRequest => return Ending::Complete,
        at => cut(pieces, at),
    }
    ending
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

struct HeadParts<'a> {
    status: u16,
    content_type: &'a str,
    coding: Option<Coding>,
    framing: Framing,
    /// Bytes of the body before an abrupt end cuts it.
    length: usize,
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
            Framing::ContentLength => line("content-length", &self.length.to_string()),
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
