//! What the forwarder sees of a response body: a decoded copy, its events, its usage.
//!
//! One [`Inspector`] looks at one body from its first byte to its end, through the gate and after it. It never changes a
//! byte and never fails: what it cannot read it stops looking at.

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use super::decode::ContentDecoder;
use crate::claude::gate::{BodyGate, GateFailure, Ruling, StreamEnd, StreamGate, StreamProgress};
use crate::claude::request::Class;
use crate::claude::sse::{Decoder, Event};
use crate::claude::usage::{Usage, UsageMeter};
use crate::claude::wire::Facts;
use crate::events::progress::Progress;

/// Largest JSON body whose usage is read, decoded.
const MAX_JSON: usize = 32 * 1024 * 1024;
/// Most that is reserved because an endpoint says that it will come.
const MAX_RESERVED: usize = 1024 * 1024;

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
    /// A JSON body so far, and what the gate has read in it once it was whole.
    Body {
        bytes: Vec<u8>,
        facts: Option<Box<Facts>>,
    },
    Away,
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
            Look::Body { bytes: Vec::with_capacity(announced(headers)), facts: None }
        };
        Self { decoder: ContentDecoder::for_headers(headers), meter: UsageMeter::new(), look }
    }

    /// Takes the next bytes while the gate holds.
    pub fn feed_gated(&mut self, chunk: &[u8], gate: &mut Gate) -> Ruling {
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
            (Look::Body { bytes, .. }, GateKind::Body(judge)) if fits(bytes, decoded) => {
                judge.on_bytes(decoded);
                bytes.extend_from_slice(decoded);
            }
            // What is held is bounded as it came: a compressed body may still be any size.
            (Look::Body { .. }, GateKind::Body(_)) => *look = Look::Away,
            _ => {}
        });
        // What cannot be looked at cannot be judged: it is passed on.
        if self.is_blind() { gate.expire() } else { gate.ruling() }
    }

    /// The body ended while the gate held it.
    pub fn end_gated(&mut self, gate: &mut Gate) -> Ruling {
        let Self { meter, look, .. } = self;
        match (look, &mut gate.kind) {
            (Look::Stream { sse, progress }, GateKind::Stream(judge)) => {
                sse.finish(&mut |event: Event<'_>| {
                    let kind = event.kind();
                    judge.on_event(kind, &event);
                    meter.on_event(kind, event.data);
                    progress.on_event(kind, &event);
                });
                judge.on_end();
            }
            (Look::Body { bytes, facts }, GateKind::Body(judge)) => {
                judge.on_end(bytes);
                *facts = judge.take_facts();
            }
            _ => {}
        }
        gate.ruling()
    }

    /// Takes the next bytes after the commit.
    pub fn feed(&mut self, chunk: &[u8]) {
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
            Look::Body { bytes, .. } if fits(bytes, decoded) => {
                bytes.extend_from_slice(decoded);
            }
            Look::Body { .. } => *look = Look::Away,
            Look::Away => {}
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
            Look::Body { bytes, facts } => {
                match facts.take() {
                    Some(facts) => meter.on_facts(*facts),
                    None => meter.on_json(bytes),
                }
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

fn fits(read: &[u8], more: &[u8]) -> bool {
    read.len() + more.len() <= MAX_JSON
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
        let piece = gzip(&vec![b' '; 12 * 1024 * 1024]);
        let rulings: Vec<_> = (0..4).map(|_| inspector.feed_gated(&piece, &mut gate)).collect();
        assert_eq!(rulings, [Ruling::Hold, Ruling::Hold, Ruling::Commit, Ruling::Commit]);
        assert!(matches!(inspector.look, Look::Away), "what was unpacked is let go");
        assert_eq!(inspector.end(), Finish::Unknown);
    }
}
