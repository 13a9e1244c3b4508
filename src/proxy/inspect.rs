//! What the forwarder sees of a response body: a decoded copy, its events, its usage.
//!
//! One [`Inspector`] looks at one body from its first byte to its end, through the gate and after it. It never changes a
//! byte and never fails: what it cannot read it stops looking at.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use super::decode::ContentDecoder;
use super::hold::MAX_BODY;
use crate::claude::gate::{BodyGate, GateFailure, Ruling, StreamEnd, StreamGate, StreamProgress};
use crate::claude::request::Class;
use crate::claude::sse::{Decoder, Event};
use crate::claude::usage::{Usage, UsageMeter};
use crate::events::progress::Progress;

/// Largest JSON body whose usage is read, decoded.
const MAX_JSON: usize = 32 * 1024 * 1024;
/// Most that is reserved because an endpoint says that it will come. What does not come is never touched and takes no
/// memory.
const MAX_RESERVED: usize = 4 * 1024 * 1024;
// What is kept for the client is never let go because it is too long to be read.
const _: () = assert!(MAX_BODY < MAX_JSON / 2);

/// Looks at one response body.
pub struct Inspector {
    decoder: ContentDecoder,
    meter: UsageMeter,
    look: Look,
}

enum Look {
    Stream {
        sse: Box<Decoder>,
        progress: StreamProgress,
    },
    /// A JSON body so far.
    Body(Pieces),
    /// A JSON body that the gate has read when it was whole.
    Read,
    Away,
}

/// A body that comes in pieces. Most answers come in one, which is not copied.
enum Pieces {
    /// The first piece, and how long the body is to be.
    One(Bytes, usize),
    Joined(Vec<u8>),
    /// Every byte as it came, of a body that says it is short enough to be held to its end: while it is held, nobody else
    /// has to hold them, and what they were read into is free for the next ones.
    Kept(BytesMut),
}

impl Pieces {
    /// Adds decoded bytes, which are those of `chunk` itself if it came uncoded.
    fn add(&mut self, decoded: &[u8], chunk: &Bytes) {
        match self {
            Self::One(first, announced) if first.is_empty() && std::ptr::eq(decoded, chunk.as_ref()) => {
                let more_is_to_come = decoded.len() < *announced;
                if more_is_to_come && *announced <= MAX_BODY {
                    let mut kept = BytesMut::with_capacity(*announced);
                    kept.extend_from_slice(decoded);
                    *self = Self::Kept(kept);
                } else {
                    *first = chunk.clone();
                }
            }
            Self::One(first, announced) => {
                let mut joined = Vec::with_capacity((*announced).max(first.len() + decoded.len()));
                joined.extend_from_slice(first);
                joined.extend_from_slice(decoded);
                *self = Self::Joined(joined);
            }
            Self::Joined(joined) => joined.extend_from_slice(decoded),
            Self::Kept(kept) => kept.extend_from_slice(decoded),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::One(first, _) => first,
            Self::Joined(joined) => joined,
            Self::Kept(kept) => kept,
        }
    }

    /// What was kept so far, if it was: from now on it is shared.
    fn share(&mut self) -> Option<Bytes> {
        let Self::Kept(kept) = self else { return None };
        let bytes = std::mem::take(kept).freeze();
        *self = Self::One(bytes.clone(), 0);
        Some(bytes)
    }

    fn fits(&self, more: &[u8]) -> bool {
        self.bytes().len() + more.len() <= MAX_JSON
    }
}

/// The gate that fits a request.
#[derive(Debug)]
pub struct Gate {
    kind: GateKind,
    /// An empty completion is an answer: this request has been tried again for one before.
    accept_empty: bool,
}

#[derive(Debug)]
enum GateKind {
    Stream(StreamGate),
    Body(BodyGate),
}

/// How an inspected body ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finish {
    /// As it should.
    Whole,
    /// A stream without its end.
    Cut,
    /// With an error event of the endpoint; its error type.
    Errored(String),
    /// Nobody can tell.
    Unknown,
}

impl Gate {
    /// The gate for a request of this class.
    pub fn new(class: Class, stream: bool, accept_empty: bool) -> Self {
        let kind =
            if stream { GateKind::Stream(StreamGate::new()) } else { GateKind::Body(BodyGate::new(class)) };
        Self { kind, accept_empty }
    }

    /// It has been held long or large enough.
    pub fn expire(&mut self) -> Ruling {
        let ruling = match &mut self.kind {
            GateKind::Stream(gate) => gate.on_hold_expired(),
            GateKind::Body(gate) => gate.on_hold_expired(),
        };
        let ruling = ruling.clone();
        self.lenient(ruling)
    }

    fn ruling(&self) -> Ruling {
        let ruling = match &self.kind {
            GateKind::Stream(gate) => gate.ruling(),
            GateKind::Body(gate) => gate.ruling(),
        };
        self.lenient(ruling.clone())
    }

    fn lenient(&self, ruling: Ruling) -> Ruling {
        match ruling {
            Ruling::Fail(GateFailure::EmptyCompletion) if self.accept_empty => Ruling::Commit,
            other => other,
        }
    }
}

impl Inspector {
    /// Looks at the answer to a request that `stream`s or does not.
    pub fn new(stream: bool, headers: &HeaderMap) -> Self {
        let look = if stream {
            Look::Stream { sse: Box::new(Decoder::new()), progress: StreamProgress::new() }
        } else {
            Look::Body(Pieces::One(Bytes::new(), announced(headers)))
        };
        Self { decoder: ContentDecoder::for_headers(headers), meter: UsageMeter::new(), look }
    }

    /// True when it keeps every byte it was given, so that nobody else has to.
    pub fn keeps(&self) -> bool {
        matches!(self.look, Look::Body(Pieces::Kept(_)))
    }

    /// All bytes it has kept, if it does. From now on it keeps no more.
    pub fn share_kept(&mut self) -> Option<Bytes> {
        let Look::Body(pieces) = &mut self.look else { return None };
        pieces.share()
    }

    /// Takes the next bytes while the gate holds.
    pub fn feed_gated(&mut self, chunk: &Bytes, gate: &mut Gate) -> Ruling {
        let Self { decoder, meter, look } = self;
        decoder.feed(chunk, |decoded| match (&mut *look, &mut gate.kind) {
            (Look::Stream { sse, progress }, GateKind::Stream(judge)) => {
                judge.on_bytes(decoded);
                let mut sink = |event: Event<'_>| {
                    let kind = event.kind();
                    judge.on_event(kind, &event);
                    meter.on_event(kind, event.data);
                    progress.on_event(kind, &event);
                };
                if sse.feed(decoded, &mut sink).is_err() {
                    *look = Look::Away;
                }
            }
            (Look::Body(pieces), GateKind::Body(judge)) if pieces.fits(decoded) => {
                judge.on_bytes(decoded);
                pieces.add(decoded, chunk);
            }
            // What is held is bounded as it came: a compressed body may still be any size.
            (Look::Body(_), GateKind::Body(_)) => *look = Look::Away,
            _ => {}
        });
        // What cannot be looked at cannot be judged: it is passed on.
        if self.is_blind() { gate.expire() } else { gate.ruling() }
    }

    /// The body ended while the gate held it.
    pub fn end_gated(&mut self, gate: &mut Gate) -> Ruling {
        let Self { meter, look, .. } = self;
        match (&mut *look, &mut gate.kind) {
            (Look::Stream { sse, progress }, GateKind::Stream(judge)) => {
                sse.finish(&mut |event: Event<'_>| {
                    let kind = event.kind();
                    judge.on_event(kind, &event);
                    meter.on_event(kind, event.data);
                    progress.on_event(kind, &event);
                });
                judge.on_end();
            }
            (Look::Body(pieces), GateKind::Body(judge)) => {
                judge.on_end(pieces.bytes());
                if let Some(facts) = judge.take_facts() {
                    meter.on_facts(*facts);
                    *look = Look::Read;
                }
            }
            _ => {}
        }
        gate.ruling()
    }

    /// Takes the next bytes after the commit.
    pub fn feed(&mut self, chunk: &Bytes) {
        let Self { decoder, meter, look } = self;
        decoder.feed(chunk, |decoded| match &mut *look {
            Look::Stream { sse, progress } => {
                let mut sink = |event: Event<'_>| {
                    let kind = event.kind();
                    meter.on_event(kind, event.data);
                    progress.on_event(kind, &event);
                };
                if sse.feed(decoded, &mut sink).is_err() {
                    *look = Look::Away;
                }
            }
            Look::Body(pieces) if pieces.fits(decoded) => pieces.add(decoded, chunk),
            Look::Body(_) => *look = Look::Away,
            Look::Read | Look::Away => {}
        });
    }

    /// The body ended after the commit.
    pub fn end(&mut self) -> Finish {
        let Self { decoder, meter, look } = self;
        if decoder.is_opaque() {
            return Finish::Unknown;
        }
        match look {
            Look::Stream { sse, progress } => {
                sse.finish(&mut |event: Event<'_>| {
                    let kind = event.kind();
                    meter.on_event(kind, event.data);
                    progress.on_event(kind, &event);
                });
                match progress.end() {
                    StreamEnd::Complete => Finish::Whole,
                    StreamEnd::Cut => Finish::Cut,
                    StreamEnd::Errored(error) => Finish::Errored(error.kind),
                }
            }
            Look::Read => Finish::Whole,
            Look::Body(pieces) => {
                meter.on_json(pieces.bytes());
                Finish::Whole
            }
            Look::Away => Finish::Unknown,
        }
    }

    /// The last word on tokens. `complete` when the body ended as it should.
    pub fn usage(&mut self, complete: bool) -> Usage {
        self.meter.finish(complete);
        self.meter.usage().clone()
    }

    /// What is known of its tokens by now.
    pub fn report(&self, progress: &Progress) {
        progress.report(self.meter.usage(), self.meter.output_so_far(), self.meter.model());
    }

    /// The model that answered.
    pub fn model(&self) -> Option<&str> {
        self.meter.model()
    }

    /// True where an event of ours can stand: an uncoded stream, between two events, not yet ended.
    pub fn may_insert(&self) -> bool {
        match &self.look {
            Look::Stream { sse, progress } => {
                self.decoder.is_identity() && sse.at_boundary() && !progress.has_message_stop()
            }
            _ => false,
        }
    }

    /// True once nothing more is to be expected of a stream.
    pub fn saw_stop(&self) -> bool {
        matches!(&self.look, Look::Stream { progress, .. } if progress.has_message_stop())
    }

    /// True once the client has the last event of its stream: the stop, or an error of the endpoint.
    pub fn saw_last_event(&self) -> bool {
        matches!(&self.look, Look::Stream { progress, .. } if progress.has_message_stop() || progress.error().is_some())
    }

    fn is_blind(&self) -> bool {
        self.decoder.is_opaque() || matches!(self.look, Look::Away)
    }
}

/// Space for a body of the announced length, so that it need not be moved as it grows.
fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    length.unwrap_or(0).min(MAX_RESERVED)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use http::header::CONTENT_ENCODING;
    use proptest::prelude::*;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_that_unpacks_to_more_than_any_answer_is_not_collected() {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
        let mut inspector = Inspector::new(false, &headers);
        let mut gate = Gate::new(Class::Messages, false, false);
        let piece = Bytes::from(gzip(&vec![b' '; 12 * 1024 * 1024]));
        let rulings: Vec<_> = (0..4).map(|_| inspector.feed_gated(&piece, &mut gate)).collect();
        assert_eq!(rulings, [Ruling::Hold, Ruling::Hold, Ruling::Commit, Ruling::Commit]);
        assert!(matches!(inspector.look, Look::Away), "what was unpacked is let go");
        assert_eq!(inspector.end(), Finish::Unknown);
    }

    #[test]
    fn what_an_answer_used_is_known_as_soon_as_it_is_whole() {
        let mut inspector = Inspector::new(false, &HeaderMap::new());
        let mut gate = Gate::new(Class::Messages, false, false);
        inspector.feed_gated(&Bytes::from_static(BODIES[0].as_bytes()), &mut gate);
        assert_eq!(inspector.end_gated(&mut gate), Ruling::Commit);
        // Its client may leave before it has all of it.
        assert_eq!((inspector.usage(false).output, inspector.model()), (7, Some("m-1")));
    }

    const BODIES: [&str; 10] = [
        r#"{"type":"message","model":"m-1","content":[{"type":"text","text":"héllo \"you\""}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":7}}"#,
        "\u{feff} \r\n{\"type\":\"message\",\"model\":\"m\",\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":{\"output_tokens\":0}}\n",
        r#"{"type":"message","model":"m","content":[],"stop_reason":"refusal","usage":{"output_tokens":1}}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
        r#"{"input_tokens":12}"#,
        r#"{"type":"message","content":[{"n":01}]}"#,
        r#"{"type":"message","content":["#,
        "\n<html></html>",
        "[1]",
        "",
    ];

    /// What comes of a body in these pieces, of which all or only the first so many pass the gate.
    fn outcome(
        pieces: &[Bytes],
        gated: usize,
        headers: &HeaderMap,
    ) -> (Ruling, Finish, Usage, Option<String>) {
        let mut inspector = Inspector::new(false, headers);
        let mut gate = Gate::new(Class::Messages, false, false);
        for piece in &pieces[..gated] {
            inspector.feed_gated(piece, &mut gate);
        }
        inspector.share_kept();
        let ruling = if gated == pieces.len() { inspector.end_gated(&mut gate) } else { gate.expire() };
        pieces[gated..].iter().for_each(|piece| inspector.feed(piece));
        let finish = inspector.end();
        (ruling, finish, inspector.usage(true), inspector.model().map(str::to_owned))
    }

    proptest! {
        #[test]
        fn where_a_body_is_cut_changes_nothing(
            which in 0..BODIES.len(),
            zipped: bool,
            announced: bool,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            gated: prop::sample::Index,
        ) {
            let plain = BODIES[which].as_bytes();
            let body = Bytes::from(if zipped { gzip(plain) } else { plain.to_vec() });
            let mut headers = HeaderMap::new();
            if zipped {
                headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
            }
            if announced {
                headers.insert(CONTENT_LENGTH, body.len().into());
            }
            // Two cuts at one place make an empty piece.
            let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            ends.extend([0, body.len()]);
            ends.sort_unstable();
            let pieces: Vec<_> = ends.windows(2).map(|w| body.slice(w[0]..w[1])).collect();
            let whole = outcome(std::slice::from_ref(&body), 1, &headers);
            prop_assert_eq!(&outcome(&pieces, pieces.len(), &headers), &whole);
            // Released half-way, it is read all the same; a web page is told from its first byte.
            let (ruling, finish, usage, model) = outcome(&pieces, gated.index(pieces.len()), &headers);
            prop_assert!(ruling == Ruling::Commit || ruling == whole.0, "{:?}", ruling);
            prop_assert_eq!((finish, usage, model), (whole.1, whole.2, whole.3));
        }
    }
}
