//! One request: what it was, what happened to it, and why it went where it went.

use serde::{Deserialize, Serialize};

use super::list;
use crate::events::board::{Live, Phase, Snapshot};
use crate::events::evidence::Evidence;
use crate::events::trace::{TraceStep, explain};
use crate::events::{RequestId, RequestRecord};
use crate::store::export::json::RequestView;
use crate::store::row::Row;

/// The answer of `GET /requests/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestDetail {
    /// As in a list; its attempts are in it.
    pub request: RequestView,
    /// While it runs: where it is, what failed so far, what it waits for.
    pub live: Option<Live>,
    /// The decisions on its way; null while it runs, and once only its story is kept.
    pub trace: Option<Vec<TraceStep>>,
    /// Its story, a line a step.
    pub explain: Vec<String>,
    /// Its headers, and the answers that failed it; null once they are not kept any more. They are kept in memory, for the
    /// last 1,000 requests of this run and 4 MiB in all, and only where there is a screen or an admin port.
    #[serde(default)]
    pub evidence: Option<Evidence>,
}

impl RequestDetail {
    /// Of one that ended a moment ago.
    pub(super) fn ended(record: &RequestRecord) -> Self {
        let ended = jiff::SignedDuration::try_from_secs_f64(record.duration_ms / 1e3).unwrap_or_default();
        let at = record.accepted.checked_add(ended).unwrap_or(record.accepted);
        Self {
            request: RequestView::from(&Row::of_record(record, at)),
            live: None,
            trace: Some(record.trace.clone()),
            explain: explain(record),
            evidence: None,
        }
    }

    /// Of one that the store keeps.
    pub fn stored(row: &Row, story: Vec<String>) -> Self {
        Self { request: RequestView::from(row), live: None, trace: None, explain: story, evidence: None }
    }

    /// Of one that runs; nothing when it does not.
    pub(super) fn live(snapshot: &Snapshot, id: RequestId) -> Option<Self> {
        let (live, request) = list::find(snapshot, id)?;
        let explain = so_far(&live);
        Some(Self { request, live: Some(live), trace: None, explain, evidence: None })
    }
}

/// What happened to one that runs.
fn so_far(live: &Live) -> Vec<String> {
    let under_way = matches!(live.phase, Phase::Forwarding | Phase::Streaming);
    let first = (live.attempts as usize + 1).saturating_sub(live.tried.len() + usize::from(under_way));
    let failed = live.tried.iter().enumerate().map(|(n, tried)| {
        let status = tried.status.map(|status| format!(" {status}")).unwrap_or_default();
        format!("#{} {}:{status} {}", first + n, tried.endpoint, tried.kind.words())
    });
    let at = live.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
    let now = match &live.wait {
        Some(wait) => format!("waits for {}", wait.waits_for.words()),
        None => format!("{}{at}", live.phase.as_str()),
    };
    failed.chain([now]).collect()
}
