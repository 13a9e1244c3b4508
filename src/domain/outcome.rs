//! What one failed attempt means: whose fault it is, whether the same endpoint is tried again, whether the next one is.
//!
//! The whole failure table is [`classify`]; nothing else in the program looks at a status code to decide. It works on
//! types and status codes, never on text.
//!
//! | seen | blame | same endpoint again | next endpoint |
//! |---|---|---|---|
//! | 3xx, 400, 409, 413, 422, other 4xx | client | no | no |
//! | 404 | client | no | only after a transient failure elsewhere |
//! | 401, 402, 403 with the endpoint's own credential | credential | no | yes |
//! | the same with the client's credential | client | no | endpoints with their own |
//! | 429 with a stated end | nobody | if the wait is short | yes |
//! | 429 without | nobody (a short rest) | once | yes |
//! | 529, `overloaded_error` | endpoint, softly | once | yes |
//! | 408, other 5xx, `api_error` | endpoint | up to the limit | yes |
//! | no response head in time | endpoint | not while another is untried | yes |
//! | DNS, connect, TLS | endpoint | once | yes |
//! | reset, empty, cut, HTML, malformed | endpoint | up to the limit | yes |
//! | empty completion | nobody | once | yes |
//! | a reused connection that was already closed | nobody | at once, free | - |
//! | an upload that broke off | client | no | no |
//! | 404, 405, 501 to count_tokens | nobody (it is remembered) | no | yes |
//!
//! A `retry-after` is honoured on 408, 5xx and 529 too: a longer one than [`SHORT_WAIT`] ends the tries at that endpoint.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::endpoint::{Credential, EndpointSpec};
use super::ratelimit::{self, Scope, Stated};
use crate::claude::gate::GateFailure;
use crate::claude::request::Class;

/// What an attempt ran into before its answer was committed to the client.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// A response head whose status is not a success.
    Status {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: &'a HeaderMap,
    },
    /// A success status whose body turned out not to be an answer.
    Gate(&'a GateFailure),
    /// No usable response at all.
    Transport(Transport),
}

/// How the connection to an endpoint failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// The name did not resolve.
    Dns,
    /// Refused, unreachable, or not connected in time.
    Connect,
    /// The outbound proxy refused or failed.
    Proxy,
    /// The TLS handshake failed.
    Tls,
    /// Connected, but no response head in time.
    HeaderTimeout,
    /// A head, then silence longer than the idle limit.
    IdleTimeout,
    /// Closed, reset or unintelligible before the head, or cut while held by the gate.
    Reset,
    /// A pooled connection that the endpoint had closed before it saw this request.
    Stale,
    /// The client's own upload failed or stalled.
    Upload,
}

/// The class of a failure, as recorded and shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FailureKind)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The endpoint says the request itself is wrong.
    ClientError,
    /// 404.
    NotFound,
    /// The endpoint's own credential was refused.
    Credential,
    /// The client's credential was refused.
    ClientCredential,
    /// Rate limited until a stated time.
    RateLimited,
    /// Rate limited, no end stated.
    Throttled,
    /// At capacity.
    Overloaded,
    /// 408 and 5xx.
    ServerError,
    /// No response head in time.
    HeaderTimeout,
    /// Silence in the middle.
    IdleTimeout,
    /// Name resolution.
    Dns,
    /// TCP connect.
    Connect,
    /// Outbound proxy.
    Proxy,
    /// TLS handshake.
    Tls,
    /// Connection lost before a response.
    Reset,
    /// A success without content.
    Empty,
    /// A body that ended early.
    Cut,
    /// A web page instead of an answer.
    Html,
    /// A body that is not what the API sends.
    Malformed,
    /// A completion without content or tokens.
    EmptyCompletion,
    /// A reused connection that was already closed.
    Stale,
    /// The client's upload failed.
    Upload,
    /// The endpoint does not count tokens.
    NoCountTokens,
    /// A spending limit is used up.
    Budget,
    /// Our own limit or fault.
    Local,
}

impl Kind {
    /// Short words for messages: what happened, without naming upstream text.
    pub fn words(self) -> &'static str {
        match self {
            Self::ClientError => "request refused",
            Self::NotFound => "not found",
            Self::Credential => "credential refused",
            Self::ClientCredential => "client credential refused",
            Self::RateLimited => "rate limited",
            Self::Throttled => "throttled",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server error",
            Self::HeaderTimeout => "no response in time",
            Self::IdleTimeout => "went silent",
            Self::Dns => "name not resolved",
            Self::Connect => "connect failed",
            Self::Proxy => "outbound proxy failed",
            Self::Tls => "TLS failed",
            Self::Reset => "connection lost",
            Self::Empty => "empty response",
            Self::Cut => "response cut",
            Self::Html => "web page instead of an answer",
            Self::Malformed => "malformed response",
            Self::EmptyCompletion => "empty completion",
            Self::Stale => "connection was closed",
            Self::Upload => "the request body stopped arriving",
            Self::NoCountTokens => "does not count tokens",
            Self::Budget => "budget used up",
            Self::Local => "internal error",
        }
    }

    /// A word or two: its status where it had one that says something.
    pub fn brief(self, status: Option<u16>) -> String {
        match (self, status) {
            (Self::Html, _) => "web page".to_owned(),
            (Self::HeaderTimeout, _) => "silent".to_owned(),
            (Self::Connect, _) => "refused".to_owned(),
            (Self::Reset, _) => "lost".to_owned(),
            (Self::Cut, _) => "cut".to_owned(),
            (Self::Overloaded, Some(200)) => "overload".to_owned(),
            (_, Some(status)) if status != 200 => status.to_string(),
            (kind, _) => kind.words().to_owned(),
        }
    }

    /// True when the endpoint answered that the request is the client's to change.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::ClientError | Self::NotFound | Self::ClientCredential)
    }

    /// True for failures of the connection rather than of the service behind it. A probe that gets through proves
    /// these cured.
    pub fn is_transport(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Connect
                | Self::Proxy
                | Self::Tls
                | Self::Reset
                | Self::HeaderTimeout
                | Self::IdleTimeout
        )
    }
}

/// Whose fault a failure is; decides what it does to the endpoint's standing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The endpoint: counts towards its breaker.
    Endpoint,
    /// The endpoint, softly: it rests but its breaker stays.
    EndpointSoft,
    /// The endpoint's credential.
    Credential,
    /// The client.
    Client,
    /// Nobody, but the endpoint asked for a pause without saying how long.
    Throttle,
    /// Nobody.
    Nobody,
    /// This program.
    Us,
}

/// Whether the same endpoint is asked again by this request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Same {
    /// Not again.
    Never,
    /// At once, outside every budget (the endpoint never saw the request).
    Free,
    /// One more try.
    Once,
    /// Up to the configured tries.
    UpToLimit,
    /// Up to the configured tries, but only when no other endpoint is left to try.
    IfAlone,
}

/// Whether other endpoints are asked by this request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// No: this answer is the client's.
    No,
    /// Only when an earlier endpoint failed transiently; then that one decides the answer.
    AfterTransient,
    /// Those with a credential of their own.
    OwnCredential,
    /// Yes.
    Yes,
}

/// One classified failure.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// Its class.
    pub kind: Kind,
    /// The HTTP status it came with, or the one its error type stands for.
    pub status: Option<u16>,
    /// Whose fault.
    pub blame: Blame,
    /// The same endpoint again?
    pub same: Same,
    /// Another endpoint?
    pub next: Next,
    /// When the endpoint said it can be asked again.
    pub stated: Option<Stated>,
}

/// Longest stated wait that is sat out on the same endpoint.
pub const SHORT_WAIT: Duration = Duration::from_secs(2);
/// An endpoint that was silent this long when its client left is blamed softly.
const SILENCE_TO_BLAME: Duration = Duration::from_secs(120);

impl Failure {
    fn new(kind: Kind, blame: Blame, same: Same, next: Next) -> Self {
        Self { kind, status: None, blame, same, next, stated: None }
    }

    fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// A fault of this program: never counted against an endpoint, never retried.
    pub fn local() -> Self {
        Self::new(Kind::Local, Blame::Us, Same::Never, Next::No)
    }

    /// An answer that broke after it had begun: nothing is retried, but the endpoint's standing and the next request's
    /// routing learn of it.
    pub fn after_commit(kind: Kind) -> Self {
        Self::new(kind, Blame::Endpoint, Same::Never, Next::Yes)
    }

    /// An error of this type that the endpoint sent after its answer had begun.
    pub fn of_error_type(error_type: &str) -> Self {
        let status = status_of_error_type(error_type);
        let (kind, blame) = match status {
            529 => (Kind::Overloaded, Blame::EndpointSoft),
            429 => (Kind::Throttled, Blame::Throttle),
            500..=599 => (Kind::ServerError, Blame::Endpoint),
            _ => (Kind::ClientError, Blame::Client),
        };
        Self::new(kind, blame, Same::Never, Next::No).with_status(status)
    }

    /// A client left an endpoint that had been silent for `silence`. Long silence is held against the endpoint, softly:
    /// clients are patient, so one that leaves then has given up; a shorter one says nothing.
    pub fn of_silence(silence: Duration) -> Option<Self> {
        let failure = Self::new(Kind::IdleTimeout, Blame::EndpointSoft, Same::Never, Next::No);
        (silence >= SILENCE_TO_BLAME).then_some(failure)
    }

    /// True when trying again later or elsewhere may cure it.
    pub fn is_transient(&self) -> bool {
        self.next == Next::Yes && !matches!(self.blame, Blame::Credential)
    }

    /// True for what is the client's to know and says nothing against the endpoint's group.
    pub fn is_answer(&self) -> bool {
        matches!(self.blame, Blame::Client | Blame::Us)
            || matches!(self.kind, Kind::EmptyCompletion | Kind::NoCountTokens)
    }

    /// `529` or `connect failed`: what stands behind the endpoint's name in our error messages.
    pub fn brief(&self) -> String {
        match (self.kind, self.status) {
            (
                Kind::ServerError | Kind::Overloaded | Kind::Credential | Kind::RateLimited | Kind::Throttled,
                Some(s),
            ) => s.to_string(),
            (kind, Some(s)) if kind.is_refusal() => s.to_string(),
            (kind, _) => kind.words().to_owned(),
        }
    }
}

/// True when the outcomes of a request of this class say something about an endpoint: only real conversations do, no
/// auxiliary calls, and not the one-token requests by which clients look whether they may go on.
pub fn moves_health(class: Class, one_token: bool) -> bool {
    class == Class::Messages && !one_token
}

/// What `seen` means to a request of this class; see [`classify`].
pub fn classify_for(class: Class, seen: Seen<'_>, spec: &EndpointSpec, wall: jiff::Timestamp) -> Failure {
    let failure = classify(seen, spec, wall);
    if class == Class::CountTokens { of_count(failure) } else { failure }
}

/// Endpoints without count_tokens say so in these ways. A status that `retry_statuses` names keeps that meaning.
fn of_count(failure: Failure) -> Failure {
    let by_status_alone = matches!(failure.kind, Kind::NotFound | Kind::ClientError | Kind::ServerError);
    match failure.status {
        Some(status @ (404 | 405 | 501)) if by_status_alone => {
            Failure::new(Kind::NoCountTokens, Blame::Nobody, Same::Never, Next::Yes).with_status(status)
        }
        _ => failure,
    }
}

/// What `seen` means at this endpoint. `wall` is the current time, for resets stated as a date.
pub fn classify(seen: Seen<'_>, spec: &EndpointSpec, wall: jiff::Timestamp) -> Failure {
    match seen {
        Seen::Transport(t) => transport(t),
        Seen::Gate(failure) => gate(failure, spec),
        Seen::Status { status, headers } => {
            let failure = by_status(status.as_u16(), spec, || ratelimit::stated_wait(headers, wall));
            let failure = honour_retry_after(failure, headers, wall);
            if should_retry(headers) == Some(false) {
                Failure { same: Same::Never, ..failure }
            } else {
                failure
            }
        }
    }
}

/// A wait that came with a failure of the endpoint. Unlike that of a 429 it is about the service, not about a budget.
fn honour_retry_after(failure: Failure, headers: &HeaderMap, wall: jiff::Timestamp) -> Failure {
    if !matches!(failure.blame, Blame::Endpoint | Blame::EndpointSoft) {
        return failure;
    }
    let Some(wait) = ratelimit::retry_after(headers, wall) else { return failure };
    let same = if wait > SHORT_WAIT { Same::Never } else { failure.same };
    Failure { same, stated: Some(Stated { wait, scope: Scope::Endpoint }), ..failure }
}

/// `x-should-retry`, the API's own word on the matter.
fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

fn by_status(status: u16, spec: &EndpointSpec, stated: impl FnOnce() -> Option<Stated>) -> Failure {
    let failure = match status {
        429 => rate_limited(stated()),
        s if spec.retry_statuses.contains(&s) => rate_limited(stated()),
        529 => Failure::new(Kind::Overloaded, Blame::EndpointSoft, Same::Once, Next::Yes),
        401..=403 => credential(&spec.credential),
        404 => Failure::new(Kind::NotFound, Blame::Client, Same::Never, Next::AfterTransient),
        408 | 500..=599 => Failure::new(Kind::ServerError, Blame::Endpoint, Same::UpToLimit, Next::Yes),
        _ => Failure::new(Kind::ClientError, Blame::Client, Same::Never, Next::No),
    };
    failure.with_status(status)
}

fn credential(credential: &Credential) -> Failure {
    match credential {
        Credential::Pass => {
            Failure::new(Kind::ClientCredential, Blame::Client, Same::Never, Next::OwnCredential)
        }
        _ => Failure::new(Kind::Credential, Blame::Credential, Same::Never, Next::Yes),
    }
}

fn rate_limited(stated: Option<Stated>) -> Failure {
    match stated {
        Some(s) => {
            let same = if s.wait <= SHORT_WAIT { Same::UpToLimit } else { Same::Never };
            Failure { stated: Some(s), ..Failure::new(Kind::RateLimited, Blame::Nobody, same, Next::Yes) }
        }
        None => Failure::new(Kind::Throttled, Blame::Throttle, Same::Once, Next::Yes),
    }
}

fn transport(t: Transport) -> Failure {
    let (kind, same) = match t {
        Transport::Dns => (Kind::Dns, Same::Once),
        Transport::Connect => (Kind::Connect, Same::Once),
        Transport::Proxy => (Kind::Proxy, Same::Once),
        Transport::Tls => (Kind::Tls, Same::Once),
        Transport::HeaderTimeout => (Kind::HeaderTimeout, Same::IfAlone),
        Transport::IdleTimeout => (Kind::IdleTimeout, Same::IfAlone),
        Transport::Reset => (Kind::Reset, Same::UpToLimit),
        Transport::Upload => return Failure::new(Kind::Upload, Blame::Client, Same::Never, Next::No),
        Transport::Stale => return Failure::new(Kind::Stale, Blame::Nobody, Same::Free, Next::Yes),
    };
    Failure::new(kind, Blame::Endpoint, same, Next::Yes)
}

fn gate(failure: &GateFailure, spec: &EndpointSpec) -> Failure {
    let kind = match failure {
        GateFailure::ErrorEvent { kind, .. } | GateFailure::ErrorObject { kind, .. } => {
            return by_status(status_of_error_type(kind), spec, || None);
        }
        GateFailure::EmptyCompletion => {
            // Who answers nothing once does so again; the plan believes the second one in any case.
            return Failure::new(Kind::EmptyCompletion, Blame::Nobody, Same::IfAlone, Next::Yes);
        }
        GateFailure::Empty => Kind::Empty,
        GateFailure::Cut => Kind::Cut,
        GateFailure::Html => Kind::Html,
        GateFailure::Malformed | GateFailure::JsonInsteadOfStream | GateFailure::NotJson => Kind::Malformed,
    };
    Failure::new(kind, Blame::Endpoint, Same::UpToLimit, Next::Yes)
}

/// The HTTP status an Anthropic error type stands for (the API's published error list); 500 for types yet unknown.
pub fn status_of_error_type(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

/// The Anthropic error type that fits a status of ours.
pub fn error_type_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        408 | 504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// What a stated rest applies to, for callers that only have the failure.
pub fn rest_scope(failure: &Failure) -> Scope {
    failure.stated.map_or(Scope::Model, |s| s.scope)
}

#[cfg(test)]
mod tests;
