//! One attempt: send, wait for the head, hold the answer back until it is real.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, response};
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::decode::ContentDecoder;
use super::hold::{self, Held, Limits, NotReal};
use super::inbound::Inbound;
use super::inspect::{Gate, Inspector};
use super::lifecycle::Lifecycle;
use super::transport::{
    Answer, Payload, Reuse, SendError, SendErrorKind, Transport as Upstreams, UpstreamBody,
};
use super::{headers, respond};
use crate::claude::gate::GateFailure;
use crate::claude::request::Class;
use crate::claude::sse::{Decoder, Event};
use crate::claude::usage::{Usage, UsageMeter};
use crate::config::Streaming;
use crate::domain::endpoint::EndpointSpec;
use crate::domain::outcome::{self, Failure, Kind, Next, Seen, Transport};
use crate::domain::plan::Attempt;

/// An error body larger than this is not kept for later.
const MAX_KEPT: usize = 256 * 1024;
/// Longest wait for an error body.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(10);

/// What an attempt came to.
pub enum Tried {
    /// An answer to pass on.
    Answer(Box<Passable>),
    /// A failure, and the endpoint's answer if there was one.
    Failed(Box<Failed>),
}

impl Tried {
    /// A failure without anything to pass on.
    fn failed(failure: Failure) -> Self {
        Self::Failed(Box::new(Failed { failure, usage: Usage::default(), kept: None }))
    }
}

/// An answer that may be passed on.
pub struct Passable {
    /// Status and headers as the endpoint sent them.
    pub head: response::Parts,
    /// Read already.
    pub held: Vec<Bytes>,
    /// Still to come.
    pub rest: Option<UpstreamBody>,
    /// Has looked at what is held.
    pub inspector: Option<Box<Inspector>>,
}

/// A failed attempt.
pub struct Failed {
    /// What it means.
    pub failure: Failure,
    /// Tokens it reported all the same.
    pub usage: Usage,
    /// The answer, should it have to be passed on.
    pub kept: Option<Box<Passable>>,
}

/// The work of an attempt that does not change during a request.
pub struct Attempter<'a> {
    /// Connections.
    pub upstreams: &'a Upstreams,
    /// Timers.
    pub streaming: &'a Streaming,
}

impl Attempter<'_> {
    /// Makes one attempt.
    pub async fn attempt(&self, inbound: &mut Inbound, attempt: &Attempt, accept_empty: bool) -> Tried {
        let spec = &attempt.spec;
        let Some(request) = request(inbound, spec) else { return Tried::failed(Failure::local()) };
        let reuse = if attempt.fresh { Reuse::Never } else { Reuse::Allowed };
        let limit = self.header_timeout(inbound, spec);
        let answer = match self.upstreams.send(spec, request, limit, reuse).await {
            Ok(answer) => answer,
            Err(error) => return self.unanswered(inbound, error, spec),
        };
        inbound.lifecycle.head(answer.timing, answer.head.status.as_u16(), &answer.head.headers);
        if !answer.head.status.is_success() {
            return self.refused(inbound, answer, spec).await;
        }
        if !is_gated(inbound.class) {
            return Tried::Answer(Box::new(Passable::open(answer)));
        }
        self.hold(inbound, answer, spec, accept_empty).await
    }

    fn header_timeout(&self, inbound: &Inbound, spec: &EndpointSpec) -> Duration {
        if inbound.class == Class::Messages && !inbound.stream {
            spec.timeout
        } else {
            self.streaming.response_header_timeout
        }
    }

    fn unanswered(&self, inbound: &mut Inbound, error: SendError, spec: &EndpointSpec) -> Tried {
        tracing::debug!(target: "cc_forwarder::upstream", endpoint = %spec.id, detail = %error, "no answer");
        let failure = outcome::classify(Seen::Transport(seen(&error)), spec, jiff::Timestamp::now());
        inbound.body.put_back(error.unsent);
        Tried::failed(failure)
    }

    async fn refused(&self, inbound: &mut Inbound, answer: Answer, spec: &EndpointSpec) -> Tried {
        let class = inbound.class;
        let seen = Seen::Status { status: answer.head.status, headers: &answer.head.headers };
        let failure = outcome::classify_for(class, seen, spec, jiff::Timestamp::now());
        let mut kept = Box::new(Passable::open(answer));
        // Only an answer that others may still replace is read now; the rest is passed on, and looked at, as it comes.
        if failure.next != Next::Yes {
            inbound.lifecycle.refused_unread((&inbound.headers, inbound.uri.query()), &kept.head);
            kept.inspector =
                (class == Class::Messages).then(|| Box::new(Inspector::new(false, &kept.head.headers)));
            return Tried::Failed(Box::new(Failed { failure, usage: Usage::default(), kept: Some(kept) }));
        }
        let read = kept.read_whole().await;
        inbound.lifecycle.refused(
            (&inbound.headers, inbound.uri.query()),
            &kept.head,
            &kept.held,
            read.is_ok(),
        );
        if read.is_err() {
            return Tried::failed(failure);
        }
        let said = said_by(&kept.head.headers, &kept.held);
        inbound.lifecycle.answer_names(said.model());
        Tried::Failed(Box::new(Failed { failure, usage: said.usage().clone(), kept: Some(kept) }))
    }

    async fn hold(
        &self,
        inbound: &mut Inbound,
        answer: Answer,
        spec: &EndpointSpec,
        accept_empty: bool,
    ) -> Tried {
        let Answer { head, mut body, timing } = answer;
        let (class, stream) = (inbound.class, inbound.stream);
        let mut inspector = Box::new(Inspector::new(stream, &head.headers));
        let watched = Watched { inspector: &mut inspector, lifecycle: Some(&mut inbound.lifecycle) };
        let mut gate = Gate::new(class, stream, accept_empty);
        let limits = self.limits(stream);
        let (held, ruling) =
            hold::until_real(&mut body, watched.inspector, &mut gate, limits, timing.answered).await;
        let Held { frames, ended, .. } = held;
        let rest = (!ended).then_some(body);
        match ruling {
            Ok(()) => {
                watched.done();
                Tried::Answer(Box::new(Passable { head, held: frames, rest, inspector: Some(inspector) }))
            }
            Err(not_real) => {
                let usage = watched.failed(&head.headers, &frames);
                inbound.lifecycle.refused((&inbound.headers, inbound.uri.query()), &head, &frames, ended);
                let seen = match &not_real {
                    NotReal::Gate(failure) => Seen::Gate(failure),
                    NotReal::Transport(transport) => Seen::Transport(*transport),
                };
                let failure = outcome::classify_for(class, seen, spec, jiff::Timestamp::now());
                let kept = keep(head, frames, rest, &not_real, &failure, stream);
                Tried::Failed(Box::new(Failed { failure, usage, kept }))
            }
        }
    }

    fn limits(&self, stream: bool) -> Limits {
        let idle = Some(self.streaming.max_idle_time).filter(|d| !d.is_zero());
        if stream {
            Limits { bytes: hold::MAX_STREAM, hold: Some(self.streaming.gate_hold), idle }
        } else {
            Limits { bytes: hold::MAX_BODY, hold: None, idle }
        }
    }
}

/// An answer that is being held. A client that leaves meanwhile drops it: what the answer has told by then is kept.
struct Watched<'l> {
    inspector: &'l mut Inspector,
    /// Nothing once somebody else has the inspector's last word.
    lifecycle: Option<&'l mut Lifecycle>,
}

impl Watched<'_> {
    /// It is real: whoever passes it on goes on looking.
    fn done(mut self) {
        self.lifecycle = None;
    }

    /// It was none. What it told all the same; a JSON document told it at its end, whatever it was asked to be.
    fn failed(mut self, headers: &HeaderMap, held: &[Bytes]) -> Usage {
        let lifecycle = self.lifecycle.take();
        let mut usage = self.inspector.usage(false);
        let mut model = self.inspector.model().map(str::to_owned);
        if usage.is_empty() {
            let said = said_by(headers, held);
            usage = said.usage().clone();
            model = said.model().map(str::to_owned).or(model);
        }
        if let Some(lifecycle) = lifecycle {
            lifecycle.answer_names(model.as_deref());
        }
        usage
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(lifecycle) = self.lifecycle.take() {
            lifecycle.answer_names(self.inspector.model());
            lifecycle.told(self.inspector.usage(false));
        }
    }
}

/// What a whole body says of usage: a JSON document, or an event stream where none was asked for.
fn said_by(headers: &HeaderMap, held: &[Bytes]) -> UsageMeter {
    let mut meter = UsageMeter::new();
    let Some(body) = decoded(headers, held) else { return meter };
    meter.on_json(&body);
    if meter.usage().is_empty() {
        let mut events = Decoder::new();
        let mut sink = |event: Event<'_>| meter.on_event(event.kind(), event.data);
        // What is too long for an event is none.
        if events.feed(&body, &mut sink).is_ok() {
            events.finish(&mut sink);
        }
        meter.finish(false);
    }
    meter
}

/// What was held, without its coding; nothing when that is too much. What is held is bounded as it came: a compressed
/// body may still be any size.
fn decoded(headers: &HeaderMap, held: &[Bytes]) -> Option<Vec<u8>> {
    let mut decoder = ContentDecoder::for_headers(headers);
    let mut body = Vec::new();
    for frame in held {
        decoder.feed(frame, |decoded| body.extend_from_slice(decoded));
        if body.len() > hold::MAX_BODY {
            return None;
        }
    }
    Some(body)
}

/// The request to this endpoint. Nothing when its target is too long behind the endpoint's base path, or when its body
/// is gone, which the plan prevents.
fn request(inbound: &mut Inbound, spec: &EndpointSpec) -> Option<http::Request<Payload>> {
    let target = headers::request_target(&spec.url, &inbound.uri).ok()?;
    let mut request = http::Request::new(inbound.payload_for(spec)?);
    *request.method_mut() = inbound.method.clone();
    *request.uri_mut() = target;
    *request.headers_mut() = headers::outbound_headers(&inbound.headers, spec);
    Some(request)
}

/// True for answers that are held back until they are known to be real.
fn is_gated(class: Class) -> bool {
    matches!(class, Class::Messages | Class::CountTokens)
}

fn seen(error: &SendError) -> Transport {
    match error.kind {
        SendErrorKind::Dns => Transport::Dns,
        SendErrorKind::Connect | SendErrorKind::ConnectTimeout => Transport::Connect,
        SendErrorKind::Proxy => Transport::Proxy,
        SendErrorKind::Tls => Transport::Tls,
        SendErrorKind::HeaderTimeout => Transport::HeaderTimeout,
        SendErrorKind::Reset if error.reused => Transport::Stale,
        SendErrorKind::Reset | SendErrorKind::Protocol => Transport::Reset,
        SendErrorKind::RequestBody => Transport::Upload,
    }
}

/// What is kept of a 200 that was none.
///
/// An error for the client in a stream is passed on as it came, since it is the client's. Any other error gets the
/// status its type stands for, so that no client takes it for an answer; its error object stays as it was.
fn keep(
    head: response::Parts,
    held: Vec<Bytes>,
    rest: Option<UpstreamBody>,
    not_real: &NotReal,
    failure: &Failure,
    stream: bool,
) -> Option<Box<Passable>> {
    let NotReal::Gate(gate) = not_real else { return None };
    let kept = match gate {
        GateFailure::EmptyCompletion => Passable { head, held, rest, inspector: None },
        GateFailure::ErrorEvent { .. } if stream && failure.kind == Kind::ClientError => {
            Passable { head, held, rest, inspector: None }
        }
        GateFailure::ErrorEvent { kind, message } => {
            Passable::error_object(head, failure.status?, kind, message)
        }
        GateFailure::ErrorObject { .. } => {
            let mut answer = Passable { head, held, rest, inspector: None };
            answer.head.status = http::StatusCode::from_u16(failure.status?).ok()?;
            answer
        }
        _ => return None,
    };
    Some(Box::new(kept))
}

impl Passable {
    /// An answer of which nothing was read yet, and that nobody looks into.
    pub fn open(answer: Answer) -> Self {
        Self { head: answer.head, held: Vec::new(), rest: Some(answer.body), inspector: None }
    }

    /// The endpoint's error under the status it stands for.
    fn error_object(mut head: response::Parts, status: u16, kind: &str, message: &str) -> Self {
        let body = Bytes::from(respond::error_json(kind, message, None));
        if let Ok(status) = http::StatusCode::from_u16(status) {
            head.status = status;
        }
        for name in [http::header::CONTENT_ENCODING, http::header::TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        head.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        head.headers.insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(body.len()));
        Self { head, held: vec![body], rest: None, inspector: None }
    }

    /// Reads the rest of an error body, within bounds.
    async fn read_whole(&mut self) -> Result<(), ()> {
        let end = Instant::now() + ERROR_BODY_PATIENCE;
        let mut size = 0;
        while let Some(body) = &mut self.rest {
            let frame = tokio::time::timeout_at(end, body.frame()).await.map_err(|_| ())?;
            match frame {
                None => self.rest = None,
                Some(Err(_)) => return Err(()),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    size += data.len();
                    self.held.push(data);
                    if size > MAX_KEPT {
                        return Err(());
                    }
                }
            }
        }
        Ok(())
    }

    /// True when what is held is an Anthropic error object.
    pub fn is_error_object(&self) -> bool {
        let body = decoded(&self.head.headers, &self.held).filter(|body| body.len() <= MAX_KEPT);
        self.rest.is_none() && body.is_some_and(|body| crate::claude::wire::api_error(&body).is_some())
    }
}
