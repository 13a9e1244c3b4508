//! The body of an answer that is being passed on.
//!
//! Frames go through untouched and unqueued; the tap looks at a copy, keeps the idle timer, and settles the request
//! exactly once: at the end, at a cut, or when the client drops it.
//!
//! The only bytes of ours: a `ping` in the endpoint's silence and one `error` event at a cut, each only in an uncoded
//! stream without a length, at an event boundary. Any other cut breaks the connection, because a clean end would pass
//! for a whole answer.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::inspect::{Finish, Inspector};
use super::lifecycle::{Ending, Lifecycle};
use super::respond::{Aborted, PING_EVENT, error_event};
use super::transport::{Alarm, UpstreamBody};
use crate::claude::usage::Usage;
use crate::control::Applied;
use crate::domain::fleet::InFlight;
use crate::domain::outcome::{Failure, Kind};
use crate::events::RequestId;

/// Timers of an answer; `None` switches one off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timers {
    /// Silence of the endpoint after which the answer is given up.
    pub idle: Option<Duration>,
    /// Silence after which the client gets a ping.
    pub heartbeat: Option<Duration>,
}

/// What an answer is worth when it ends cleanly.
#[derive(Clone, PartialEq, Debug)]
pub enum Worth {
    /// It is the answer.
    Answer,
    /// It is the endpoint's refusal, passed on.
    Refusal(Kind, String),
}

/// Everything a tap is made of.
pub struct Parts {
    /// Our request id.
    pub id: RequestId,
    /// Already read, to be sent first.
    pub held: Vec<Bytes>,
    /// The rest; `None` when everything is in `held`.
    pub upstream: Option<UpstreamBody>,
    /// Looks at what is not in `held`; `None` for answers that are not looked into.
    pub inspector: Option<Box<Inspector>>,
    /// Closed by the tap.
    pub lifecycle: Box<Lifecycle>,
    /// Timers.
    pub timers: Timers,
    /// The length of the body if the endpoint announced it. Where it did not, none is announced even if all of it is here
    /// already: an `error` event or a break could not follow.
    pub announced: Option<u64>,
    /// Events of ours may be put in (no content-length).
    pub may_write: bool,
    /// What a clean end means.
    pub worth: Worth,
    /// Counts the request as in flight at its endpoint.
    pub in_flight: Option<InFlight>,
}

/// See the module.
pub struct Tap {
    parts: Parts,
    held: VecDeque<Bytes>,
    length: SizeHint,
    state: State,
    /// The last byte from the endpoint.
    heard: Instant,
    /// The last byte to the client, pings included.
    written: Instant,
    timer: Alarm,
}

enum State {
    Passing,
    /// The fleet is being told of a cut; then this is the last word.
    Telling(Option<Applied>, Last),
    /// What was passed on is being written; then the connection is broken.
    Breaking,
    Over,
}

#[derive(Clone)]
enum Last {
    Event(Bytes),
    Abort,
    End,
}

impl Tap {
    /// A tap over these parts, at `now`. In a box, as the answer's body has to be small.
    pub fn new(mut parts: Parts, now: Instant) -> Box<Self> {
        let held: VecDeque<Bytes> = std::mem::take(&mut parts.held).into();
        let length = parts.announced.map_or_else(SizeHint::default, SizeHint::with_exact);
        if let Some(inspector) = &parts.inspector {
            inspector.report(parts.lifecycle.progress());
        }
        let mut tap = Box::new(Self {
            parts,
            held,
            length,
            state: State::Passing,
            heard: now,
            written: now,
            timer: Alarm::default(),
        });
        // An answer without a body (to HEAD, or 204) is over at its head: nobody will ask for a frame.
        tap.settle_if_drained();
        tap
    }

    /// The next frame for the client.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        loop {
            match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Telling(applied, last) => {
                    if let Some(applied) = applied {
                        // An error means that the control task has gone: nobody is left to wait for.
                        let _ = ready!(Pin::new(applied).poll(cx));
                    }
                    let last = last.clone();
                    self.state = State::Over;
                    return match last {
                        Last::Event(bytes) => Poll::Ready(Some(Ok(self.send(bytes)))),
                        Last::Abort => {
                            self.state = State::Breaking;
                            // The connection is dropped with whatever was not written yet, the head included: it gets
                            // a turn to write first.
                            cx.waker().wake_by_ref();
                            Poll::Pending
                        }
                        Last::End => Poll::Ready(None),
                    };
                }
                State::Breaking => {
                    self.state = State::Over;
                    return Poll::Ready(Some(Err(Aborted)));
                }
                State::Passing => {}
            }
            if let Some(bytes) = self.held.pop_front() {
                let frame = self.send(bytes);
                self.settle_if_drained();
                if self.withholds_end() {
                    continue;
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            let Some(upstream) = &mut self.parts.upstream else {
                self.finish();
                continue;
            };
            match Pin::new(upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let frame = self.pass(frame);
                    if !self.withholds_end() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Poll::Ready(Some(Err(_))) => self.cut(Kind::Cut),
                Poll::Ready(None) => self.finish(),
                Poll::Pending => match self.poll_silence(cx) {
                    Silence::Wait => return Poll::Pending,
                    Silence::Ping => return Poll::Ready(Some(Ok(self.send(Bytes::from_static(PING_EVENT))))),
                    Silence::TooLong => self.cut(Kind::IdleTimeout),
                },
            }
        }
    }

    /// True when nothing more will come.
    pub fn is_end(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// The length of the body, if it is known.
    pub fn size_hint(&self) -> SizeHint {
        self.length
    }

    /// Counts bytes to the client.
    fn send(&mut self, bytes: Bytes) -> Frame<Bytes> {
        self.written = Instant::now();
        self.parts.lifecycle.sent(bytes.len() as u64);
        let left = self.length.exact().map(|n| n.saturating_sub(bytes.len() as u64));
        if let Some(left) = left {
            self.length = SizeHint::with_exact(left);
        }
        Frame::data(bytes)
    }

    fn pass(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let now = Instant::now();
        self.heard = now;
        self.parts.lifecycle.heard(now);
        match frame.into_data() {
            Ok(bytes) => {
                self.parts.lifecycle.sampled(&bytes);
                if let Some(inspector) = &mut self.parts.inspector {
                    inspector.feed(&bytes);
                    inspector.report(self.parts.lifecycle.progress());
                }
                let frame = self.send(bytes);
                self.settle_if_drained();
                frame
            }
            Err(trailers) => trailers,
        }
    }

    /// With a known length the last frame is the end: nobody asks for another one.
    fn settle_if_drained(&mut self) {
        let drained = self.held.is_empty() && self.parts.upstream.as_ref().is_none_or(Body::is_end_stream);
        if drained && self.may_finish_early() {
            self.finish();
        }
    }

    /// True when the frame at hand would complete the announced length of an answer that is not whole: to the client it
    /// would be a clean end.
    fn withholds_end(&self) -> bool {
        self.parts.announced.is_some() && matches!(self.state, State::Telling(_, Last::Abort))
    }

    /// An end that needs a last word of ours must wait for its own poll.
    fn may_finish_early(&self) -> bool {
        !self.parts.may_write || self.parts.inspector.as_deref().is_none_or(Inspector::saw_stop)
    }

    /// The endpoint's answer ended cleanly.
    fn finish(&mut self) {
        let finish = self.parts.inspector.as_deref_mut().map_or(Finish::Unknown, Inspector::end);
        match finish {
            Finish::Whole | Finish::Unknown => {
                let usage = self.usage(true);
                self.note_model();
                match self.parts.worth.clone() {
                    Worth::Answer => {
                        self.parts.lifecycle.answered(usage);
                        self.parts.lifecycle.settle(Ending::Completed, None);
                    }
                    Worth::Refusal(kind, text) => {
                        self.parts.lifecycle.relayed(kind, usage);
                        self.parts.lifecycle.settle(Ending::Failed(kind, text), None);
                    }
                }
                self.close(None, Last::End);
            }
            Finish::Cut => self.cut(Kind::Cut),
            Finish::Errored(kind) => self.errored(&kind),
        }
    }

    /// The endpoint ended the stream with an error of its own, which the client has.
    fn errored(&mut self, error_type: &str) {
        let failure = Failure::of_error_type(error_type);
        let usage = self.usage(false);
        self.note_model();
        let applied = self.parts.lifecycle.broke(&failure, usage);
        let text = format!("the endpoint ended its stream with an error: {}", failure.kind.words());
        self.parts.lifecycle.settle(Ending::Failed(failure.kind, text), None);
        self.close(applied, Last::End);
    }

    /// The answer broke in the middle, or behind its last event, where nothing was lost.
    fn cut(&mut self, kind: Kind) {
        if self.parts.inspector.as_deref().is_some_and(Inspector::saw_last_event) {
            return self.finish();
        }
        let writable =
            self.parts.may_write && self.parts.inspector.as_deref().is_some_and(Inspector::may_insert);
        let usage = self.usage(false);
        self.note_model();
        let applied = self.parts.lifecycle.broke(&Failure::after_commit(kind), usage);
        let text = format!("after the answer had begun: {}", kind.words());
        let last = if writable {
            Last::Event(error_event(
                &format!("The endpoint's answer broke off ({}).", kind.words()),
                self.parts.id,
            ))
        } else {
            Last::Abort
        };
        self.parts.lifecycle.settle(Ending::Failed(kind, text), None);
        self.close(applied, last);
    }

    fn close(&mut self, applied: Option<Applied>, last: Last) {
        self.parts.upstream = None;
        self.parts.in_flight = None;
        self.timer = Alarm::default();
        self.state = match (applied, last) {
            (None, Last::End) => State::Over,
            (applied, last) => State::Telling(applied, last),
        };
    }

    fn usage(&mut self, complete: bool) -> Usage {
        self.parts.inspector.as_mut().map(|i| i.usage(complete)).unwrap_or_default()
    }

    fn note_model(&mut self) {
        if let Some(model) = self.parts.inspector.as_deref().and_then(Inspector::model).map(Arc::from) {
            self.parts.lifecycle.served_by(model);
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Silence {
        loop {
            let now = Instant::now();
            let idle_end = self.parts.timers.idle.map(|d| self.heard + d);
            if idle_end.is_some_and(|end| now >= end) {
                return Silence::TooLong;
            }
            let ping_at =
                self.may_ping().then(|| self.parts.timers.heartbeat.map(|d| self.written + d)).flatten();
            if ping_at.is_some_and(|at| now >= at) {
                return Silence::Ping;
            }
            let Some(next) = idle_end.into_iter().chain(ping_at).min() else { return Silence::Wait };
            if self.timer.poll(next, cx).is_pending() {
                return Silence::Wait;
            }
        }
    }

    fn may_ping(&self) -> bool {
        self.parts.may_write && self.parts.inspector.as_deref().is_some_and(Inspector::may_insert)
    }
}

enum Silence {
    Wait,
    Ping,
    TooLong,
}

impl Drop for Tap {
    fn drop(&mut self) {
        if !matches!(self.state, State::Passing) {
            return;
        }
        // Clients hang up at the last event rather than wait for the end behind it.
        if self.held.is_empty() && self.parts.inspector.as_deref().is_some_and(Inspector::saw_last_event) {
            self.finish();
        } else {
            let usage = self.usage(false);
            self.note_model();
            self.parts.lifecycle.abandon(usage);
        }
    }
}
