//! How an endpoint answers one attempt or probe, as a scenario writes it.
//!
//! | written | the endpoint |
//! |---|---|
//! | `ok` | answers |
//! | `529`, `{is: 429, headers: {retry-after: 30}}` | answers with that status and an error object |
//! | `overloaded event` | 200, and an error event of that type before any content |
//! | `empty`, `cut`, `html`, `malformed`, `empty completion` | 200, and a body that is no answer |
//! | `dns`, `connect`, `proxy`, `tls`, `reset`, `stale` | cannot be reached in that way |
//! | `silence`, `stall` | sends no head in time, or nothing more after it |
//! | `breaks` | answers, and breaks off in the middle |
//!
//! `{is: ok, after: 2s, streams: 1m}`: the first byte (or the failure) comes after two seconds, the end a minute later.

use std::collections::BTreeMap;
use std::time::Duration;

use cc_forwarder::claude::gate::GateFailure;
use cc_forwarder::claude::request::Class;
use cc_forwarder::config::Config;
use cc_forwarder::control::probe;
use cc_forwarder::domain::endpoint::EndpointSpec;
use cc_forwarder::domain::outcome::{self, Failure, Seen, Transport};
use cc_forwarder::domain::standing::Probed;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_yaml::Value;

use super::file::Span;

/// One scripted answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    what: What,
    /// Of the head, if there is one.
    pub(crate) headers: HeaderMap,
    after: Option<Duration>,
    /// From the first byte to the end.
    pub(crate) streams: Duration,
}

#[derive(Clone, Debug)]
enum What {
    Real { breaks: bool },
    Status(StatusCode),
    Gate(GateFailure),
    Transport(Transport),
}

/// What an attempt came to.
pub(crate) enum Told {
    /// An answer that is passed on, and whether it breaks off.
    Real { breaks: bool },
    /// A failure, and the status under which its answer could be passed on.
    Failed(Failure, Option<u16>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
    is: Value,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    after: Option<Span>,
    streams: Option<Span>,
}

impl Answer {
    /// An answer at once.
    pub(crate) fn ok() -> Self {
        Self::from(What::Real { breaks: false })
    }

    fn from(what: What) -> Self {
        Self { what, headers: HeaderMap::new(), after: None, streams: Duration::ZERO }
    }

    /// From the start of an attempt to its first byte or failure.
    pub(crate) fn after(&self, config: &Config) -> Duration {
        self.after.unwrap_or(match self.what {
            What::Transport(Transport::HeaderTimeout) => config.streaming.response_header_timeout,
            What::Transport(Transport::IdleTimeout) => config.streaming.max_idle_time,
            _ => Duration::ZERO,
        })
    }

    /// The status of its head.
    pub(crate) fn status(&self) -> u16 {
        if let What::Status(status) = self.what { status.as_u16() } else { 200 }
    }

    /// True when a head came, whatever followed.
    pub(crate) fn has_head(&self) -> bool {
        !matches!(self.what, What::Transport(_))
    }

    /// What it is to an attempt for a request of this class.
    pub(crate) fn told(&self, class: Class, spec: &EndpointSpec, wall: jiff::Timestamp) -> Told {
        let classify = |seen| outcome::classify_for(class, seen, spec, wall);
        match &self.what {
            What::Real { breaks } => Told::Real { breaks: *breaks },
            What::Status(status) => {
                let failure = classify(Seen::Status { status: *status, headers: &self.headers });
                Told::Failed(failure, Some(status.as_u16()))
            }
            What::Gate(gate) => {
                let failure = classify(Seen::Gate(gate));
                let kept = if *gate == GateFailure::EmptyCompletion { Some(200) } else { failure.status };
                Told::Failed(failure, kept)
            }
            What::Transport(transport) => Told::Failed(classify(Seen::Transport(*transport)), None),
        }
    }

    /// What it is to a probe.
    pub(crate) fn probed(&self, spec: &EndpointSpec, wall: jiff::Timestamp) -> Probed {
        let latency = self.after.unwrap_or(Duration::from_millis(50));
        match &self.what {
            What::Status(status) => probe::judge(*status, &spec.credential, latency),
            What::Transport(transport) => {
                Probed::Down(outcome::classify(Seen::Transport(*transport), spec, wall).kind)
            }
            What::Real { .. } | What::Gate(_) => probe::judge(StatusCode::OK, &spec.credential, latency),
        }
    }
}

impl What {
    fn of(value: &Value) -> Result<Self, String> {
        if let Some(status) = value.as_u64() {
            let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok());
            let failed = status.filter(|s| !s.is_success());
            return failed
                .map(Self::Status)
                .ok_or_else(|| "a status is one of failure; else say `ok`".to_owned());
        }
        let word = value.as_str().ok_or("an answer is a word, a status, or a mapping with `is`")?;
        let overloaded =
            || GateFailure::ErrorEvent { kind: "overloaded_error".to_owned(), message: String::new() };
        Ok(match word {
            "ok" => Self::Real { breaks: false },
            "breaks" => Self::Real { breaks: true },
            "overloaded event" => Self::Gate(overloaded()),
            "empty" => Self::Gate(GateFailure::Empty),
            "cut" => Self::Gate(GateFailure::Cut),
            "html" => Self::Gate(GateFailure::Html),
            "malformed" => Self::Gate(GateFailure::Malformed),
            "empty completion" => Self::Gate(GateFailure::EmptyCompletion),
            "dns" => Self::Transport(Transport::Dns),
            "connect" => Self::Transport(Transport::Connect),
            "proxy" => Self::Transport(Transport::Proxy),
            "tls" => Self::Transport(Transport::Tls),
            "reset" => Self::Transport(Transport::Reset),
            "stale" => Self::Transport(Transport::Stale),
            "silence" => Self::Transport(Transport::HeaderTimeout),
            "stall" => Self::Transport(Transport::IdleTimeout),
            other => return Err(format!("`{other}` is no answer")),
        })
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_mapping() {
            return What::of(&value).map(Self::from).map_err(D::Error::custom);
        }
        let full: Full = serde_yaml::from_value(value).map_err(D::Error::custom)?;
        let what = What::of(&full.is).map_err(D::Error::custom)?;
        Ok(Self {
            headers: headers(&full.headers).map_err(D::Error::custom)?,
            after: full.after.map(|s| s.0),
            streams: full.streams.map_or(Duration::ZERO, |s| s.0),
            ..Self::from(what)
        })
    }
}

fn headers(pairs: &BTreeMap<String, Value>) -> Result<HeaderMap, String> {
    let pair = |(name, value): (&String, &Value)| {
        let text = value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|n| n.to_string()));
        let value = text.and_then(|t| HeaderValue::try_from(t).ok());
        let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no header"))?;
        Ok((name.clone(), value.ok_or_else(|| format!("`{name}` needs a text or a number"))?))
    };
    pairs.iter().map(pair).collect()
}
