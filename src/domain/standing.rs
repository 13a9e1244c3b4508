//! The standing of one endpoint: its health, its rests, its circuit breaker.
//!
//! | state | entered by | left by |
//! |---|---|---|
//! | closed | start, a success | a failure that counts: a rest of 1, 2, 4, … 30 s |
//! | open | the third endpoint-blamed failure in a row: the rest is the breaker's open period | the end of that rest |
//! | half-open | the end of an open period | a success closes it, a failure opens it again |
//!
//! Beside that: *stated* rests (the endpoint said until when, per model or for everything), a *set-aside* credential,
//! the *health* that probes see, and whether it was found not to count tokens (for [`NO_COUNT_TOKENS`], which says
//! nothing about messages).
//!
//! One incident counts once: a failure of an attempt that started no later than the last counted one changes nothing, so
//! that a hundred requests which hit the same outage together do not open the breaker a hundredfold; likewise a
//! success of such an attempt proves nothing about the time after.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::outcome::{Blame, Failure, Kind};
use super::ratelimit::{Bucket, Scope, Stated};

/// Longest rest of our own making.
pub const LONGEST_REST: Duration = Duration::from_secs(30);
/// Endpoint-blamed failures in a row that open the breaker.
pub const OPEN_AFTER: u32 = 3;
/// A stated rest is re-tried this often before it ends.
pub const STATED_RETRY: Duration = Duration::from_secs(15 * 60);
/// A refused credential is set aside this long at first.
pub const SET_ASIDE_FIRST: Duration = Duration::from_secs(60);
/// … and this long at most.
pub const SET_ASIDE_LONGEST: Duration = Duration::from_secs(600);
/// An endpoint that does not count tokens is not asked to for this long, if no reload comes first.
pub const NO_COUNT_TOKENS: Duration = Duration::from_secs(3600);
/// Models with a stated rest remembered per endpoint.
const MAX_STATED: usize = 64;

/// What probes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Default, utoipa::ToSchema)]
#[schema(as = EndpointHealth)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not probed yet and no request has succeeded.
    #[default]
    Unknown,
    /// The last word was an answer.
    Up,
    /// The last probe failed.
    Down,
}

/// The circuit breaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Requests pass.
    #[default]
    Closed,
    /// No request passes until the rest ends.
    Open,
    /// One request at a time passes.
    HalfOpen,
}

/// A rest the endpoint asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct StatedRest {
    /// The model it applies to; `None` is everything.
    pub model: Option<Arc<str>>,
    /// Its end.
    pub until: Instant,
    /// From here on one request may look whether it still holds.
    pub retry_at: Instant,
    /// When it was stated; attempts that started earlier say nothing about it.
    pub since: Instant,
}

/// The last failure, for people.
#[derive(Clone, PartialEq, Debug)]
pub struct LastError {
    /// Its class.
    pub kind: Kind,
    /// Its status.
    pub status: Option<u16>,
    /// When it ended.
    pub at: Instant,
}

impl std::fmt::Display for LastError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.words())?;
        self.status.map_or(Ok(()), |status| write!(f, " ({status})"))
    }
}

/// Whether a request may go to an endpoint right now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Availability {
    /// Yes.
    Usable,
    /// Yes, for whoever gets the permit.
    HalfOpen,
    /// Not while anything better exists; `None` until a probe or success says otherwise.
    Resting(Why, Option<Instant>),
    /// The endpoint said no until then: never overrun.
    Stated(Instant),
    /// Switched off in the configuration.
    Disabled,
}

/// Why an endpoint rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RestReason)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It failed recently.
    Failed,
    /// Its breaker is open.
    BreakerOpen,
    /// Its credential was refused.
    Credential,
    /// Its probe failed.
    ProbeFailed,
}

/// What is remembered about one endpoint.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Standing {
    /// Probe state.
    pub health: Health,
    /// Its probe was answered with 401 or 403.
    pub credential_problem: bool,
    /// Failures in a row that made it rest.
    pub streak: u32,
    /// Those of them that were blamed on the endpoint.
    pub blamed: u32,
    /// End of the rest of our own making.
    pub rest_until: Option<Instant>,
    /// Rests it stated.
    pub stated: Vec<StatedRest>,
    /// End and length of the time its credential is set aside.
    pub set_aside: Option<(Instant, Duration)>,
    /// The last failure that counted, or was shown.
    pub last_error: Option<LastError>,
    /// End of the last request that succeeded.
    pub last_success: Option<Instant>,
    /// Recent time to first byte, milliseconds, smoothed.
    pub latency_ms: Option<f64>,
    /// Its budgets as last stated.
    pub budgets: Vec<Bucket>,
    /// A budget is used up until then: others are asked first.
    pub low_until: Option<Instant>,
    /// It was found not to count tokens, and is not asked to until then.
    pub no_count_tokens_until: Option<Instant>,
    /// The last counted failure; attempts that started earlier say nothing new.
    incident: Option<Instant>,
    /// End of the previous incident of the credential.
    credential_incident: Option<Instant>,
}

/// Weight of a new latency sample.
const LATENCY_WEIGHT: f64 = 0.3;

impl Standing {
    /// The breaker at `now`.
    pub fn breaker(&self, now: Instant) -> Breaker {
        if self.blamed < OPEN_AFTER {
            return Breaker::Closed;
        }
        if self.rest_until.is_some_and(|until| now < until) { Breaker::Open } else { Breaker::HalfOpen }
    }

    /// Whether a request for `model` may go here at `now`. Without a model only rests of the whole endpoint count.
    pub fn availability(&self, model: Option<&str>, now: Instant) -> Availability {
        let own = self.own_rest(now);
        match (self.stated_until(model, now), own) {
            (Some(until), Some(_)) => Availability::Stated(until),
            (Some(until), None) if self.stated_for(model, now).any(|s| now < s.retry_at) => {
                Availability::Stated(until)
            }
            (None, Some((why, until))) => Availability::Resting(why, until),
            (None, None) if self.blamed < OPEN_AFTER => Availability::Usable,
            (_, None) => Availability::HalfOpen,
        }
    }

    /// False while it is remembered not to count tokens.
    pub fn counts_tokens(&self, now: Instant) -> bool {
        self.no_count_tokens_until.is_none_or(|until| now >= until)
    }

    /// The end of the rest that the endpoint stated for requests of `model`, if one holds at `now`.
    pub fn stated_until(&self, model: Option<&str>, now: Instant) -> Option<Instant> {
        self.stated_for(model, now).map(|s| s.until).max()
    }

    fn stated_for(&self, model: Option<&str>, now: Instant) -> impl Iterator<Item = &StatedRest> {
        self.stated.iter().filter(move |s| now < s.until && s.covers(model))
    }

    /// The rest of our own making that holds at `now`, and its end.
    fn own_rest(&self, now: Instant) -> Option<(Why, Option<Instant>)> {
        if let Some((until, _)) = self.set_aside.filter(|(until, _)| now < *until) {
            return Some((Why::Credential, Some(until)));
        }
        if let Some(until) = self.rest_until.filter(|until| now < *until) {
            let why = if self.blamed >= OPEN_AFTER { Why::BreakerOpen } else { Why::Failed };
            return Some((why, Some(until)));
        }
        (self.health == Health::Down).then_some((Why::ProbeFailed, None))
    }

    /// True while nothing but probes speaks against it, and they were answered: the path of the probe may be what does not
    /// work, so a request that has nowhere else to go may look.
    pub fn is_doubted_only(&self) -> bool {
        let answered = self.last_error.as_ref().is_some_and(|e| e.kind == Kind::ServerError);
        self.health == Health::Down && self.streak == 0 && answered
    }

    /// True when a success would change nothing that routing looks at.
    pub fn is_spotless(&self) -> bool {
        let clean =
            self.health == Health::Up && self.streak == 0 && self.blamed == 0 && !self.credential_problem;
        clean && self.rest_until.is_none() && self.set_aside.is_none() && self.stated.is_empty()
    }

    /// A request that started at `started` succeeded.
    pub fn succeeded(&mut self, model: Option<&str>, started: Instant, now: Instant) {
        self.last_success = Some(now);
        self.credential_worked(started);
        self.stated.retain(|s| started < s.since || !s.covers(model));
        if self.incident.is_some_and(|at| started < at) {
            return;
        }
        self.health = Health::Up;
        self.streak = 0;
        self.blamed = 0;
        self.rest_until = None;
    }

    fn credential_worked(&mut self, started: Instant) {
        if self.credential_incident.is_none_or(|at| started >= at) {
            self.set_aside = None;
            self.credential_problem = false;
        }
    }

    /// The endpoint got another credential: what is known of the old one, and what running attempts will still learn of
    /// it, says nothing any more.
    pub fn credential_replaced(&mut self, now: Instant) {
        self.set_aside = None;
        self.credential_problem = false;
        self.credential_incident = Some(now);
    }

    /// The first content of a request that started at `started` went to its client: the endpoint can be used again,
    /// though only a whole answer clears its record.
    pub fn committed(&mut self, started: Instant, ttfb: Duration) {
        self.observe_latency(ttfb);
        self.credential_worked(started);
        if self.incident.is_none_or(|at| started >= at) {
            self.health = Health::Up;
            self.rest_until = None;
            self.blamed = self.blamed.min(OPEN_AFTER - 1);
        }
    }

    /// Adds a latency sample.
    pub fn observe_latency(&mut self, sample: Duration) {
        let ms = sample.as_secs_f64() * 1e3;
        self.latency_ms = Some(self.latency_ms.map_or(ms, |old| old + (ms - old) * LATENCY_WEIGHT));
    }

    /// A request failed here. `started` is the start of its attempt.
    pub fn failed(&mut self, failure: &Failure, model: Option<&str>, started: Instant, now: Instant) {
        if failure.kind == Kind::NoCountTokens {
            self.no_count_tokens_until = Some(now + NO_COUNT_TOKENS);
            return;
        }
        self.postpone_retry(model, started, now);
        match failure.blame {
            Blame::Client | Blame::Us => return,
            Blame::Credential => self.set_credential_aside(started, now),
            Blame::Endpoint | Blame::EndpointSoft | Blame::Throttle => self.rest(failure, started, now),
            Blame::Nobody => {
                if let Some(stated) = failure.stated {
                    self.state_rest(stated, model, now);
                }
            }
        }
        if failure.kind != Kind::Stale && failure.kind != Kind::EmptyCompletion {
            self.last_error = Some(LastError { kind: failure.kind, status: failure.status, at: now });
        }
    }

    /// An attempt that looked whether a stated rest still holds, and did not succeed, was the one look of its time.
    fn postpone_retry(&mut self, model: Option<&str>, started: Instant, now: Instant) {
        for rest in self.stated.iter_mut().filter(|s| s.covers(model) && s.retry_at <= started) {
            rest.retry_at = rest.until.min(now + STATED_RETRY);
        }
    }

    /// A wait the endpoint asked for lengthens the rest, up to the longest one of our own making: only a 429 states a
    /// rest that is never overrun.
    fn rest(&mut self, failure: &Failure, started: Instant, now: Instant) {
        if self.incident.is_some_and(|at| started <= at) {
            return;
        }
        self.incident = Some(now);
        self.streak = self.streak.saturating_add(1);
        if failure.blame == Blame::Endpoint {
            self.blamed = self.blamed.saturating_add(1);
        }
        let asked = failure.stated.map_or(Duration::ZERO, |s| s.wait.min(LONGEST_REST));
        self.rest_until = Some(now + rest_length(self.streak).max(asked));
    }

    fn set_credential_aside(&mut self, started: Instant, now: Instant) {
        if self.credential_incident.is_some_and(|at| started <= at) {
            return;
        }
        self.credential_incident = Some(now);
        let length = self.set_aside.map_or(SET_ASIDE_FIRST, |(_, last)| (last * 2).min(SET_ASIDE_LONGEST));
        self.set_aside = Some((now + length, length));
    }

    fn state_rest(&mut self, stated: Stated, model: Option<&str>, now: Instant) {
        let model: Option<Arc<str>> = match stated.scope {
            Scope::Endpoint => None,
            Scope::Model => model.map(Arc::from),
        };
        self.stated.retain(|s| s.until > now && s.model != model);
        if self.stated.len() >= MAX_STATED {
            self.stated.remove(0);
        }
        let until = now + stated.wait;
        self.stated.push(StatedRest { model, until, retry_at: until.min(now + STATED_RETRY), since: now });
    }

    /// An answer stated its budgets; one that is used up stays so for `used_up`.
    pub fn stated_budgets(&mut self, budgets: Vec<Bucket>, used_up: Option<Duration>, now: Instant) {
        self.budgets = budgets;
        self.low_until = used_up.filter(|d| !d.is_zero()).map(|d| now + d);
    }

    /// True while a budget is used up.
    pub fn is_low(&self, now: Instant) -> bool {
        self.low_until.is_some_and(|until| now < until)
    }

    /// A probe was answered. `recent` is the time within which a real success outweighs a failed probe.
    pub fn probed(&mut self, result: &Probed, recent: Duration, now: Instant) {
        match result {
            Probed::Up { latency, authenticated } => self.probe_up(*latency, *authenticated),
            Probed::CredentialRefused { latency } => {
                self.probe_up(*latency, false);
                self.credential_problem = true;
            }
            Probed::Down(kind) => self.probe_down(*kind, recent, now),
        }
    }

    fn probe_up(&mut self, latency: Duration, authenticated: bool) {
        self.health = Health::Up;
        self.observe_latency(latency);
        if authenticated {
            self.credential_problem = false;
            self.set_aside = None;
        }
        if self.last_error.as_ref().is_some_and(|e| e.kind.is_transport()) {
            self.rest_until = None;
        }
    }

    fn probe_down(&mut self, kind: Kind, recent: Duration, now: Instant) {
        if self.last_success.is_some_and(|at| now.saturating_duration_since(at) < recent) {
            return;
        }
        self.health = Health::Down;
        self.last_error = Some(LastError { kind, status: None, at: now });
    }

    /// A person wants it tried again: every rest ends, a failed probe and a missing count_tokens are forgotten. An open
    /// breaker becomes half-open.
    pub fn cleared(&mut self) {
        self.stated.clear();
        self.no_count_tokens_until = None;
        self.given_a_chance();
    }

    /// As [`Standing::cleared`], but what the endpoint stated itself stays.
    pub fn given_a_chance(&mut self) {
        self.rest_until = None;
        self.set_aside = None;
        if self.health == Health::Down {
            self.health = Health::Unknown;
        }
    }

    /// The next instant at which something here changes by time alone.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        let aside = self.set_aside.map(|(until, _)| until);
        let stated = self.stated.iter().flat_map(|s| [s.until, s.retry_at]);
        let counts = self.no_count_tokens_until;
        self.rest_until
            .into_iter()
            .chain(self.low_until)
            .chain(aside)
            .chain(stated)
            .chain(counts)
            .filter(|at| *at > now)
            .min()
    }
}

impl StatedRest {
    fn covers(&self, model: Option<&str>) -> bool {
        self.model.is_none() || self.model.as_deref() == model
    }
}

/// The n-th rest in a row.
pub fn rest_length(n: u32) -> Duration {
    let doublings = n.saturating_sub(1).min(5);
    Duration::from_secs(1 << doublings).min(LONGEST_REST)
}

/// What a probe found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Probed {
    /// Any answer that is not a 5xx, or is 501. `authenticated` when it was a success with the endpoint's own credential.
    Up {
        /// To the response head.
        latency: Duration,
        /// The credential was accepted.
        authenticated: bool,
    },
    /// 401 or 403 with the endpoint's own credential: up, but people should look.
    CredentialRefused {
        /// To the response head.
        latency: Duration,
    },
    /// No answer, or another 5xx.
    Down(Kind),
}

#[cfg(test)]
mod tests;
