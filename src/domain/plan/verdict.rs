//! What the client gets when every endpoint that could be asked has failed.
//!
//! | last word | the client gets |
//! |---|---|
//! | the client's own fault, 429 | that answer, unchanged |
//! | 529 or a refused credential of one single endpoint | that answer, unchanged |
//! | the same after several endpoints, or after waiting | 503 naming each endpoint and its status |
//! | another 5xx | that answer if its body is an Anthropic error object, else its status in our words |
//! | no response in time | 504 |
//! | an upload that broke off | 400 |
//! | anything else | 502 |
//! | nothing was asked, for spending limits are used up | 402 naming them; clients do not repeat it |
//!
//! A 404 after a transient failure elsewhere does not decide: that failure does.

use std::time::Duration;

use crate::domain::budget::{BudgetScope, Overrun};
use crate::domain::endpoint::EndpointId;
use crate::domain::fleet::FleetView;
use crate::domain::outcome::{Failure, Kind, error_type_of_status};
use crate::domain::route::{Skip, SkipReason};

/// The end of a plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// An upstream answer to pass on, if there is one.
    pub relay: Option<(u32, RelayRule)>,
    /// What to say otherwise.
    pub refusal: Refusal,
    /// The class of the failure that decided, `None` when nothing could be tried.
    pub kind: Option<Kind>,
}

/// When an upstream answer is passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelayRule {
    /// As it is.
    Always,
    /// If its body is an Anthropic error object.
    IfErrorObject,
}

impl RelayRule {
    /// True when an answer is passed on of which `is_error_object` tells whether its body is an Anthropic error object.
    pub fn allows(self, is_error_object: impl FnOnce() -> bool) -> bool {
        self == Self::Always || is_error_object()
    }
}

/// An answer of our own.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Anthropic error type.
    pub kind: &'static str,
    /// For people. Names endpoints and statuses, never upstream text or URLs.
    pub message: String,
    /// `retry-after`, at most a minute.
    pub retry_after: Option<Duration>,
}

/// Longest `retry-after` of ours: beyond it Claude Code gives up at once.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

impl Refusal {
    fn new(status: u16, message: String) -> Self {
        Self { status, kind: error_type_of_status(status), message, retry_after: None }
    }
}

/// One endpoint's last word, with the number of its attempt.
pub(super) type Word<'a> = (&'a EndpointId, u32, &'a Failure);

/// The verdict over these failures, one per endpoint, in the order they were asked. What only rounds before this one
/// asked decides nothing, but is named.
pub(super) fn of(failures: &[Word<'_>], earlier: &[Word<'_>], suspended: bool) -> Verdict {
    let deciding = deciding(failures);
    let Some((_, number, failure)) = deciding else { return nothing_tried(&[]) };
    let several = failures.len() > 1 || suspended;
    let (rule, status) = match failure.kind {
        Kind::Overloaded | Kind::Credential if several => (None, 503),
        Kind::ServerError => (Some(RelayRule::IfErrorObject), failure.status.unwrap_or(502)),
        Kind::HeaderTimeout | Kind::IdleTimeout => (None, 504),
        Kind::Upload => (None, 400),
        Kind::Local => (None, 500),
        _ if failure.status.is_some() || failure.kind == Kind::EmptyCompletion => {
            (Some(RelayRule::Always), failure.status.unwrap_or(502))
        }
        _ => (None, 502),
    };
    Verdict {
        relay: rule.map(|r| (*number, r)),
        refusal: Refusal::new(status, message(&[earlier, failures].concat())),
        kind: Some(failure.kind),
    }
}

fn deciding<'a, 'b>(failures: &'b [Word<'a>]) -> Option<&'b Word<'a>> {
    let last = failures.iter().max_by_key(|(_, n, _)| *n)?;
    if last.2.kind == Kind::NotFound {
        let transient = failures.iter().filter(|(_, _, f)| f.is_transient()).max_by_key(|(_, n, _)| *n);
        return transient.or(Some(last));
    }
    Some(last)
}

fn message(failures: &[Word<'_>]) -> String {
    let each: Vec<String> = failures.iter().map(|(id, _, f)| format!("{id}: {}", f.brief())).collect();
    let refused = failures.iter().all(|(_, _, f)| f.kind.is_refusal());
    match each.as_slice() {
        [one] if refused => format!("The endpoint refused the request. {one}"),
        [_] if failures.iter().all(|(_, _, f)| f.kind == Kind::Upload) => {
            "The request body stopped arriving.".to_owned()
        }
        [one] => format!("The endpoint failed. {one}"),
        _ => format!("Every endpoint failed. {}", each.join(", ")),
    }
}

/// The verdict when there was no endpoint to ask.
pub(super) fn nothing_tried(skipped: &[Skip]) -> Verdict {
    let limited = skipped.iter().filter_map(|s| match s.reason {
        SkipReason::RateLimited { seconds } => Some(seconds),
        _ => None,
    });
    let resting = skipped.iter().any(|s| s.reason == SkipReason::Resting);
    let each: Vec<String> = skipped.iter().map(describe).collect();
    let each = each.join(", ");
    let refusal = if let Some(seconds) = limited.min().filter(|_| !resting) {
        let wait = Duration::from_secs(seconds.max(1)).min(LONGEST_RETRY_AFTER);
        Refusal {
            retry_after: Some(wait),
            ..Refusal::new(429, format!("Every endpoint that may be used is rate limited. {each}"))
        }
    } else if skipped.iter().any(|s| s.reason == SkipReason::NoCountTokens) {
        Refusal::new(404, format!("No endpoint counts tokens. {each}"))
    } else {
        Refusal::new(503, format!("No endpoint may be used. {each}"))
    };
    Verdict { relay: None, refusal, kind: None }
}

/// The verdict when spending limits are all that kept a request from being sent, or one covers everything. Where
/// something else is in the way of another endpoint, which time or a person may clear, that decides.
pub(super) fn overspent(skipped: &[Skip], view: &FleetView) -> Option<Verdict> {
    let mut overruns: Vec<&Overrun> = Vec::new();
    for skip in skipped.iter().filter(|s| s.reason == SkipReason::Budget) {
        let overrun = view.endpoint(&skip.endpoint).and_then(|e| e.overrun.as_deref());
        overruns.extend(overrun.filter(|o| !overruns.contains(o)));
    }
    let message = match overruns.iter().find(|o| o.scope == BudgetScope::All) {
        Some(everything) => everything.message.clone(),
        None if overruns.is_empty() || skipped.iter().any(|s| s.reason.may_pass()) => return None,
        None => {
            let each: Vec<&str> = overruns.iter().map(|o| o.message.as_str()).collect();
            each.join(" ")
        }
    };
    Some(Verdict { relay: None, refusal: Refusal::new(402, message), kind: Some(Kind::Budget) })
}

fn describe(skip: &Skip) -> String {
    format!("{}: {}", skip.endpoint, skip.reason)
}
