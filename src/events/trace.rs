//! Why a request went where it went: the decisions on its way, and the whole story as text.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{AttemptRecord, RequestRecord, State};
use crate::domain::endpoint::EndpointId;
use crate::domain::plan::{Decision, WaitsFor};
use crate::domain::route::{RouteReason, Skip};

/// Steps kept per request; what happens after them is still in its attempts.
const MAX_STEPS: usize = 32;

/// One decision or wait.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TraceStep {
    /// From acceptance, milliseconds.
    pub at_ms: f64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened between two attempts.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = TraceEvent)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum What {
    /// An endpoint was chosen.
    Chose {
        /// Which.
        endpoint: EndpointId,
        /// Why that one.
        why: RouteReason,
        /// What there was to choose from.
        #[serde(flatten)]
        decision: Decision,
    },
    /// The same endpoint was given a pause.
    BackedOff {
        /// How long, milliseconds.
        ms: f64,
    },
    /// The request waited in the queue.
    Waited {
        /// How long, milliseconds.
        ms: f64,
        /// What for.
        waits_for: WaitsFor,
        /// Endpoints that could not be asked then.
        skipped: Vec<Skip>,
    },
}

/// Adds a step, as long as there is room.
pub fn push(trace: &mut Vec<TraceStep>, at_ms: f64, what: What) {
    if trace.len() < MAX_STEPS {
        // Most requests have one step, and keep it for as long as they run.
        trace.reserve_exact(usize::from(trace.is_empty()));
        trace.push(TraceStep { at_ms, what });
    }
}

/// A record with its story as text, as it is serialised. The text is made only when somebody reads it: it would cost
/// every request more than the rest of its record.
#[derive(Serialize)]
pub(crate) struct Explained<'a> {
    #[serde(flatten)]
    record: &'a RequestRecord,
    explain: Vec<String>,
}

impl<'a> Explained<'a> {
    /// With the text.
    pub(crate) fn of(record: &'a RequestRecord) -> Self {
        Self { record, explain: explain(record) }
    }
}

/// The story of a request, one line a step.
pub fn explain(record: &RequestRecord) -> Vec<String> {
    let mut lines: Vec<(f64, String)> = Vec::new();
    lines.extend(record.trace.iter().map(|step| (step.at_ms, describe(&step.what))));
    lines.extend(record.attempts.iter().map(|attempt| (attempt.start_ms, tell(attempt))));
    // Stable: a choice was pushed before the attempt that followed it at the same instant.
    lines.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut story: Vec<String> = lines.into_iter().map(|(at, line)| format!("{at:.0} ms: {line}")).collect();
    story.push(format!("{:.0} ms: {}", record.duration_ms, ending(record)));
    story
}

fn describe(what: &What) -> String {
    match what {
        What::Chose { endpoint, why, decision } => {
            let order: Vec<String> = decision.order.iter().map(ToString::to_string).collect();
            let mut line = format!("chose {endpoint} ({why}) of {}", order.join(", "));
            tell_skipped(&mut line, &decision.skipped);
            line
        }
        What::BackedOff { ms } => format!("backed off for {ms:.0} ms"),
        What::Waited { ms, waits_for, skipped } => {
            let mut line = format!("waited {ms:.0} ms for {}", waits_for.words());
            tell_skipped(&mut line, skipped);
            line
        }
    }
}

fn tell_skipped(line: &mut String, skipped: &[Skip]) {
    for skip in skipped {
        // Writing to a string cannot fail.
        let _ = write!(line, "; not {} ({})", skip.endpoint, skip.reason);
    }
}

fn tell(attempt: &AttemptRecord) -> String {
    let status = attempt.status.map(|s| format!(" {s}")).unwrap_or_default();
    let end = match attempt.failure {
        Some(kind) => kind.words(),
        None if attempt.cancelled => "given up by the client",
        None => "answered",
    };
    format!("#{} {}:{status} {end}, {:.0} ms", attempt.number, attempt.endpoint, attempt.duration_ms)
}

fn ending(record: &RequestRecord) -> String {
    let because = |text: &Option<String>| text.as_deref().map(|t| format!(": {t}")).unwrap_or_default();
    match record.state {
        State::Completed => "completed".to_owned(),
        State::Failed => format!("failed{}", because(&record.error)),
        State::Cancelled => format!("cancelled{}", because(&record.cancel_reason)),
        State::Interrupted => "interrupted".to_owned(),
    }
}
