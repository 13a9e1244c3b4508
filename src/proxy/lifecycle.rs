//! The life of one request, as it is recorded: opened when it is accepted, closed exactly once.
//!
//! The [`Lifecycle`] travels with the request: through the forward loop, then inside the response body. Whoever drops it
//! without having settled it has lost the client (or panicked), and the record says so.

mod draft;
mod log;
mod mismatch;
mod noted;
mod sampling;
mod told;
mod waits;

pub use draft::Opening;
pub use mismatch::Mismatches;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use self::sampling::Sampling;
use super::affinity::Answering;
use super::headers::REQUEST_ID;
use super::transport::Timing;
use super::unread::Samples;
use super::witness::{Sighting, Witness};
use crate::claude::usage::Usage;
use crate::control::Control;
use crate::domain::endpoint::{EndpointId, EndpointSpec};
use crate::domain::fleet::Input;
use crate::domain::outcome::{self, Failure, Kind};
use crate::domain::plan::{Attempt, Decision, WaitsFor};
use crate::domain::ratelimit;
use crate::domain::route::{RouteReason, Skip};
use crate::events::progress::Progress;
use crate::events::trace::{self, What};
use crate::events::{Accepted, AttemptRecord, Described, Event, Events, RequestRecord, State};

/// How a request ends.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    /// The client got a whole answer.
    Completed,
    /// The client got an error, or a broken answer.
    Failed(Kind, String),
    /// The client went away.
    Cancelled(&'static str),
}

struct OpenAttempt {
    started: Instant,
    /// Start of this request's first attempt at the endpoint: a request counts against it once.
    here_since: std::time::Instant,
    spec: Arc<EndpointSpec>,
    model_sent: Option<Arc<str>>,
    model_served: Option<Arc<str>>,
    number: u32,
    start_ms: f64,
    connect_ms: Option<f64>,
    first_byte_ms: Option<f64>,
    status: Option<u16>,
}

/// One request on its way.
pub struct Lifecycle {
    to: Arc<Reporting>,
    accepted: Instant,
    /// `None` once settled.
    draft: Option<RequestRecord>,
    open: Option<OpenAttempt>,
    last_heard: Instant,
    /// What an answer that is being held has told.
    told: Usage,
    /// The attempt whose refusal is passed on.
    relayed: Option<u32>,
    /// What the answer that is being passed on has used so far.
    progress: Arc<Progress>,
    /// Its session's endpoint, once that answers.
    answering: Option<Answering>,
    /// Its wait in the queue: since when, what for, and whom it could not ask.
    waits: Option<(Instant, WaitsFor, Vec<Skip>)>,
    on_suspension: Option<Arc<Notify>>,
    sampling: Sampling,
    /// Answers that attempts failed with and that may still be passed on.
    unread: Vec<Sighting>,
    span: Span,
}

/// What every lifecycle reports to.
#[derive(Clone, Debug)]
pub struct Reporting {
    /// The hub.
    pub events: Events,
    /// The fleet.
    pub control: Control,
    /// Cancelled when connections are being cut by a shutdown: then an unsettled drop is no fault of the client.
    pub stopping: CancellationToken,
    /// Model mismatches reported so far.
    pub mismatches: Arc<Mismatches>,
    /// Where answers go whose usage could not be read.
    pub samples: Samples,
    /// Notes down what people may want to see.
    pub witness: Witness,
}

impl Lifecycle {
    /// Opens the record and tells the hub. In a box, because it changes hands many times and is large.
    pub fn open(opening: Opening, to: Arc<Reporting>) -> Box<Self> {
        let samples = to.samples.clone();
        let at = jiff::Timestamp::now();
        let now = Instant::now();
        let span = tracing::info_span!(target: "cc_forwarder::request", "request", id = opening.id.number());
        to.events.send(Event::Accepted(Arc::new(Accepted {
            id: opening.id,
            at,
            class: opening.class,
            method: opening.method.clone(),
            path: opening.path.clone(),
            client: opening.client,
            user_agent: opening.user_agent.clone(),
            agent: opening.agent.clone(),
        })));
        let draft = Some(draft::draft(opening, at));
        Box::new(Self {
            to,
            accepted: now,
            draft,
            open: None,
            last_heard: now,
            told: Usage::default(),
            relayed: None,
            progress: Arc::default(),
            answering: None,
            waits: None,
            on_suspension: None,
            sampling: Sampling::new(samples),
            unread: Vec::new(),
            span,
        })
    }

    /// The span that every log line of this request belongs to.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// When it was accepted.
    pub fn accepted(&self) -> Instant {
        self.accepted
    }

    /// Its body was read.
    pub fn described(&mut self, described: Described) {
        let Some(draft) = &mut self.draft else { return };
        draft.model.clone_from(&described.model);
        draft.session.clone_from(&described.session);
        draft.stream = described.stream;
        draft.bytes_in = described.bytes_in;
        self.to.events.send(Event::Described { id: draft.id, described: Arc::new(described) });
    }

    /// True when its outcomes say something about an endpoint.
    pub fn moves_health(&self) -> bool {
        self.draft.as_ref().is_some_and(moves_health)
    }

    /// Changes what is known of the request.
    pub fn note(&mut self, change: impl FnOnce(&mut RequestRecord)) {
        if let Some(draft) = &mut self.draft {
            change(draft);
        }
    }

    /// Its session is answered by this endpoint until the request ends.
    pub fn answers(&mut self, answering: Answering) {
        self.answering = Some(answering);
    }

    /// An endpoint was chosen at `now`, for this reason.
    pub fn routed(&mut self, endpoint: &EndpointId, why: RouteReason, decision: &Decision, now: Instant) {
        self.span.in_scope(|| log::log_route(endpoint, &why));
        let at_ms = millis(now - self.accepted);
        self.note(|r| {
            r.route = Some(why.clone());
            let chose = What::Chose { endpoint: endpoint.clone(), why, decision: decision.clone() };
            trace::push(&mut r.trace, at_ms, chose);
        });
    }

    /// An attempt begins at `started`, for this model.
    pub fn attempt_started(&mut self, attempt: &Attempt, model_sent: Option<Arc<str>>, started: Instant) {
        self.last_heard = started;
        let start_ms = millis(started - self.accepted);
        let spec = Arc::clone(&attempt.spec);
        self.note(|r| {
            r.endpoint = Some(spec.id.clone());
            r.group = Some(spec.group.clone());
        });
        if let Some(draft) = &self.draft {
            self.to.events.send(Event::AttemptStarted {
                id: draft.id,
                number: attempt.number,
                endpoint: spec.id.clone(),
                group: spec.group.clone(),
            });
        }
        self.open = Some(OpenAttempt {
            started,
            here_since: attempt.here_since,
            spec,
            model_sent,
            model_served: None,
            number: attempt.number,
            start_ms,
            connect_ms: None,
            first_byte_ms: None,
            status: None,
        });
    }

    /// The endpoint answered with a head.
    pub fn head(&mut self, timing: Timing, status: u16, headers: &HeaderMap) {
        self.last_heard = timing.answered;
        if let Some(open) = &mut self.open {
            open.connect_ms = timing.connect.map(millis);
            open.first_byte_ms = Some(millis(timing.answered - open.started));
            open.status = Some(status);
        }
        let id = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).map(str::to_owned);
        self.note(|r| r.upstream_id = id.or(r.upstream_id.take()));
        self.tell_budgets(status, headers);
    }

    fn tell_budgets(&self, status: u16, headers: &HeaderMap) {
        let Some(open) = self.open.as_ref().filter(|_| self.moves_health()) else { return };
        let budgets = ratelimit::budgets(headers);
        if !budgets.is_empty() {
            let used_up = ratelimit::used_up_for(status, &budgets, jiff::Timestamp::now());
            self.to.control.tell(Input::Budgets { endpoint: open.spec.id.clone(), budgets, used_up });
        }
    }

    /// Where the meter of the answer that is being passed on reports to.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Bytes came from the endpoint.
    pub fn heard(&mut self, at: Instant) {
        self.last_heard = at;
    }

    /// The attempt failed before anything was passed on. Resolves when the fleet knows.
    pub async fn attempt_failed(&mut self, failure: &Failure, usage: Usage) {
        let Some(closed) = self.close_attempt(Some(failure.kind), false, usage) else { return };
        if let Some(id) = self.draft.as_ref().map(|d| d.id) {
            let endpoint = closed.spec.id.clone();
            self.to.events.send(Event::AttemptFailed {
                id,
                at: jiff::Timestamp::now(),
                endpoint,
                kind: failure.kind,
                status: failure.status,
            });
        }
        self.span.in_scope(|| log::log_failure(&closed, failure));
        if self.moves_health() || failure.kind == Kind::NoCountTokens {
            let applied = self.to.control.tell_awaited(self.failed_input(&closed, failure.clone()));
            let _ = applied.await;
        }
    }

    fn failed_input(&self, attempt: &OpenAttempt, failure: Failure) -> Input {
        Input::Failed {
            endpoint: attempt.spec.id.clone(),
            model: self.model(),
            started: attempt.here_since,
            failure,
        }
    }

    fn model(&self) -> Option<Arc<str>> {
        self.draft.as_ref()?.model.clone()
    }

    /// The first content is passed on at `now`.
    pub fn committed(&mut self, status: u16, now: Instant) {
        let first_byte_ms = millis(now - self.accepted);
        self.note(|r| {
            r.status = Some(status);
            r.first_byte_ms = Some(first_byte_ms);
        });
        let (Some(open), Some(draft)) = (&self.open, &self.draft) else { return };
        let ttfb = open.first_byte_ms.unwrap_or_else(|| millis(now - open.started));
        self.to.events.send(Event::Committed {
            id: draft.id,
            status,
            ttfb_ms: ttfb,
            after_ms: first_byte_ms,
            progress: Arc::clone(&self.progress),
        });
        if moves_health(draft) && status < 300 {
            self.to.control.tell(Input::Committed {
                endpoint: open.spec.id.clone(),
                started: open.started.into_std(),
                ttfb: Duration::from_secs_f64(ttfb / 1e3),
            });
        }
    }

    /// The answer that was being passed on ended well.
    pub fn answered(&mut self, usage: Usage) {
        self.sampling.judge(&usage);
        let Some(closed) = self.close_attempt(None, false, usage) else { return };
        if self.draft.as_ref().is_some_and(moves_health) {
            self.to.control.tell(Input::Succeeded {
                endpoint: closed.spec.id.clone(),
                model: self.model(),
                started: closed.started.into_std(),
            });
        }
    }

    /// The answer that was being passed on broke. The receiver resolves when the fleet knows.
    pub fn broke(&mut self, failure: &Failure, usage: Usage) -> Option<crate::control::Applied> {
        let closed = self.close_attempt(Some(failure.kind), false, usage)?;
        let moves = self.draft.as_ref().is_some_and(moves_health);
        moves.then(|| self.to.control.tell_awaited(self.failed_input(&closed, failure.clone())))
    }

    /// Closes the open attempt without any effect on the endpoint.
    pub fn relayed(&mut self, kind: Kind, usage: Usage) {
        self.refusal_ended();
        self.close_attempt(Some(kind), false, usage);
    }

    /// The answer names the model that served it.
    pub fn served_by(&mut self, model: Arc<str>) {
        if let Some(open) = &self.open
            && let Some(asked) = &open.model_sent
        {
            self.span.in_scope(|| self.to.mismatches.tell(&open.spec.id, asked, &model));
        }
        if let Some(open) = &mut self.open {
            open.model_served = Some(Arc::clone(&model));
        }
        self.note(|r| r.served_model = Some(model));
    }

    /// Remembers which endpoints routing left out.
    pub fn skipped(&mut self, skipped: &[Skip]) {
        self.note(|r| r.skipped = skipped.to_vec());
    }

    fn close_attempt(&mut self, failure: Option<Kind>, cancelled: bool, usage: Usage) -> Option<OpenAttempt> {
        let Some(open) = self.open.take() else {
            self.late(&usage);
            return None;
        };
        let record = AttemptRecord {
            number: open.number,
            endpoint: open.spec.id.clone(),
            group: open.spec.group.clone(),
            model_sent: open.model_sent.clone(),
            model_served: open.model_served.clone(),
            start_ms: open.start_ms,
            connect_ms: open.connect_ms,
            first_byte_ms: open.first_byte_ms,
            duration_ms: millis(open.started.elapsed()),
            status: open.status,
            failure,
            cancelled,
            usage: usage.clone(),
            bill: None,
        };
        self.note(|r| {
            r.usage += &usage;
            r.attempts.reserve_exact(1);
            r.attempts.push(record);
        });
        Some(open)
    }

    /// Ends the request. Only the first call counts.
    pub fn settle(&mut self, ending: Ending, status: Option<u16>) {
        self.resumed();
        self.note_down_unread();
        let Some(record) = &mut self.draft else { return };
        let now = Instant::now();
        record.duration_ms = millis(now - self.accepted);
        record.status = status.or(record.status);
        if let Some(answering) = self.answering.take() {
            answering.ended(record.usage.cache_write_1h > 0, now);
        }
        match &ending {
            Ending::Completed => record.state = State::Completed,
            Ending::Failed(kind, text) => {
                record.state = State::Failed;
                record.failure = Some(*kind);
                record.error = Some(text.clone());
            }
            Ending::Cancelled(reason) => {
                record.state = State::Cancelled;
                record.cancel_reason = Some((*reason).to_owned());
            }
        }
        // Taken before anybody reads it: were that to panic, whoever drops this would find it settled.
        let Some(record) = self.draft.take().map(Arc::new) else { return };
        self.span.in_scope(|| log::log_end(&record));
        self.to.events.send(Event::Settled(record));
    }

    /// What an unsettled drop means.
    fn abandoned(&self) -> Ending {
        if std::thread::panicking() {
            Ending::Failed(Kind::Local, "internal error (panic)".to_owned())
        } else if self.to.stopping.is_cancelled() {
            Ending::Cancelled("shutdown")
        } else {
            Ending::Cancelled("client disconnected")
        }
    }

    fn blame_silence(&mut self, attempt: &OpenAttempt) {
        if let Some(failure) = Failure::of_silence(self.last_heard.elapsed())
            && self.moves_health()
        {
            self.to.control.tell(self.failed_input(attempt, failure));
        }
    }

    /// Ends a request whose client has gone, with what its last attempt had reported.
    pub fn abandon(&mut self, usage: Usage) {
        let ending = self.abandoned();
        if let Some(closed) = self.close_attempt(None, true, usage)
            && matches!(ending, Ending::Cancelled("client disconnected"))
        {
            self.blame_silence(&closed);
        }
        // A panic before the commit becomes a 500, see `ingress::handle`.
        let status = self.draft.as_ref().and_then(|d| d.status).or(Some(500));
        self.settle(ending, status.filter(|_| std::thread::panicking()));
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        if self.draft.is_some() {
            let told = std::mem::take(&mut self.told);
            self.abandon(told);
        }
    }
}

fn moves_health(record: &RequestRecord) -> bool {
    outcome::moves_health(record.class, record.one_token)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
