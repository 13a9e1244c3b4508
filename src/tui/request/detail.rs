//! All that is known of one request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Entry, millis};
use crate::claude::price::CostLines;
use crate::claude::usage::Usage;
use crate::domain::outcome::Kind;
use crate::events::board::Live;
use crate::events::trace::{self, TraceStep, What};
use crate::events::{AttemptRecord, RequestRecord};

/// See the module.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Its line in the log.
    pub entry: Arc<Entry>,
    /// Names and numbers with their labels, in reading order; what is not known is not among them.
    pub facts: Vec<(&'static str, Fact)>,
    /// The attempts, in order. Empty while it runs: their times are known at its end.
    pub attempts: Vec<Attempt>,
    /// Waits and pauses between them; nothing when only their story was kept.
    pub pauses: Vec<Pause>,
    /// Tokens over all attempts.
    pub usage: Usage,
    /// What they cost, as far as prices are known.
    pub cost: Option<CostLines>,
    /// Attempts that used tokens no price is known for.
    pub unpriced: u32,
    /// The decisions on its way, a line each.
    pub story: Vec<String>,
    /// The failure in words.
    pub error: Option<String>,
}

/// Something known.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    /// As it is.
    Open(String),
    /// May tell something about a person: hosts, addresses, paths.
    Private(String),
}

/// One attempt on the common time axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// Where.
    pub endpoint: String,
    /// From acceptance.
    pub start: Duration,
    /// Time to connect; nothing on a reused connection.
    pub connect: Option<Duration>,
    /// From its start to the response head.
    pub first_byte: Option<Duration>,
    /// From its start to its end.
    pub length: Duration,
    /// The endpoint's status.
    pub status: Option<u16>,
    /// How it ended, in words.
    pub end: String,
    /// It was answered.
    pub ok: bool,
    /// What it was asked for and answered with, where that is not the model of the request.
    pub model: Option<String>,
    /// Tokens it reported.
    pub usage: Usage,
    /// What they cost; nothing without tokens or without a price.
    pub cost: Option<CostLines>,
}

/// A time in which nobody was asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Pause {
    /// What it was: `suspended`, `backed off`.
    pub what: &'static str,
    /// From acceptance.
    pub start: Duration,
    /// How long.
    pub length: Duration,
}

impl Detail {
    /// With the waits and pauses among these decisions.
    #[must_use]
    pub fn with_trace(self, trace: &[TraceStep]) -> Self {
        Self { pauses: pauses(trace), ..self }
    }

    /// Of a request that has ended.
    pub fn of_record(record: &RequestRecord) -> Self {
        let priced = record.attempts.iter().any(|a| a.bill.is_some());
        Self {
            entry: Arc::new(Entry::ended(record)),
            facts: facts(record),
            attempts: record.attempts.iter().map(|a| attempt(a, record.model.as_deref())).collect(),
            pauses: pauses(&record.trace),
            usage: record.usage.clone(),
            cost: priced.then_some(record.cost),
            unpriced: record.unpriced,
            story: trace::explain(record),
            error: record.error.clone().or_else(|| record.cancel_reason.clone()),
        }
    }

    /// Of a request that runs.
    pub fn of_live(live: &Live, now: Timestamp) -> Self {
        let open = |text: &Option<Arc<str>>| text.as_deref().map(|text| Fact::Open(text.into()));
        let accepted = &live.accepted;
        let facts = [
            ("endpoint", live.endpoint.as_ref().map(|e| Fact::Open(e.to_string()))),
            ("session", open(&live.described.session)),
            ("agent", open(&accepted.agent)),
            ("asked for", open(&live.described.model)),
            ("request", Some(Fact::Private(format!("{} {}", accepted.method, accepted.path)))),
            ("client", client(accepted.client, accepted.user_agent.as_deref())),
            ("body in", Some(Fact::Open(bytes(live.described.bytes_in)))),
        ];
        let told = live.tried.iter().map(|tried| {
            let status = tried.status.map(|s| format!(" {s}")).unwrap_or_default();
            format!("{}:{status} {}", tried.endpoint, tried.kind.words())
        });
        let waits = live.wait.as_ref().map(|wait| format!("waits for {}", wait.waits_for.words()));
        Self {
            entry: Arc::new(Entry::live(live, now)),
            facts: known(facts),
            attempts: Vec::new(),
            pauses: Vec::new(),
            usage: live.usage.clone(),
            cost: None,
            unpriced: 0,
            story: told.chain(waits).collect(),
            error: None,
        }
    }
}

/// Those facts that are known.
pub(super) fn known<const N: usize>(facts: [(&'static str, Option<Fact>); N]) -> Vec<(&'static str, Fact)> {
    facts.into_iter().filter_map(|(label, fact)| Some((label, fact?))).collect()
}

fn facts(record: &RequestRecord) -> Vec<(&'static str, Fact)> {
    let open = |text: &Option<Arc<str>>| text.as_deref().map(|text| Fact::Open(text.into()));
    let kind = if record.stream { "stream" } else { "whole" };
    known([
        ("endpoint's id", record.upstream_id.clone().map(Fact::Open)),
        ("session", open(&record.session)),
        ("agent", open(&record.agent)),
        ("asked for", open(&record.model)),
        ("answered by", open(&record.served_model)),
        ("group", record.group.as_ref().map(|g| Fact::Open(g.to_string()))),
        ("chosen as", record.route.as_ref().map(|why| Fact::Open(why.to_string()))),
        ("request", Some(Fact::Private(format!("{} {}", record.method, record.path)))),
        ("class", Some(Fact::Open(format!("{}, {kind}", record.class)))),
        ("client", client(record.client, record.user_agent.as_deref())),
        ("body in", Some(Fact::Open(bytes(record.bytes_in)))),
        ("body out", Some(Fact::Open(bytes(record.bytes_out)))),
        ("failure", record.failure.map(|kind| Fact::Open(kind.words().to_owned()))),
    ])
}

pub(super) fn client(address: Option<IpAddr>, agent: Option<&str>) -> Option<Fact> {
    let address = address.map(|a| a.to_string());
    let parts: Vec<&str> = address.as_deref().into_iter().chain(agent).collect();
    (!parts.is_empty()).then(|| Fact::Private(parts.join("  ")))
}

pub(in crate::tui) fn bytes(n: u64) -> String {
    match n {
        0..10_000 => format!("{n} bytes"),
        _ => format!("{:.1} kB", n as f64 / 1e3),
    }
}

fn attempt(attempt: &AttemptRecord, asked: Option<&str>) -> Attempt {
    let model = attempt.model_served.as_deref().or(attempt.model_sent.as_deref());
    Attempt {
        number: attempt.number,
        endpoint: attempt.endpoint.to_string(),
        start: millis(attempt.start_ms),
        connect: attempt.connect_ms.map(millis),
        first_byte: attempt.first_byte_ms.map(millis),
        length: millis(attempt.duration_ms),
        status: attempt.status,
        end: match attempt.failure {
            Some(kind) => Kind::words(kind).to_owned(),
            None if attempt.cancelled => "given up by the client".to_owned(),
            None => "answered".to_owned(),
        },
        ok: attempt.failure.is_none() && !attempt.cancelled,
        model: model.filter(|model| asked != Some(model)).map(str::to_owned),
        usage: attempt.usage.clone(),
        cost: attempt.bill.as_ref().map(|bill| bill.lines),
    }
}

fn pauses(trace: &[TraceStep]) -> Vec<Pause> {
    trace.iter().filter_map(|step| pause(step.at_ms, &step.what)).collect()
}

fn pause(at_ms: f64, what: &What) -> Option<Pause> {
    let (what, ms) = match what {
        What::Chose { .. } => return None,
        What::BackedOff { ms } => ("backed off", *ms),
        What::Waited { ms, .. } => ("suspended", *ms),
    };
    Some(Pause { what, start: millis(at_ms), length: millis(ms) })
}
