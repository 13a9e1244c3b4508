//! Requests that have not ended, as screens and scripts see them.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::claude::money::PicoUsd;
use crate::claude::usage::Usage;
use crate::domain::endpoint::EndpointId;
use crate::domain::outcome::Kind;
use crate::domain::pricebook::PriceBook;
use crate::events::progress::Progress;
use crate::events::{Accepted, Described, State, Wait};

/// A request that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = LiveRequest)]
pub struct Live {
    /// What was known at its start.
    #[serde(flatten)]
    pub accepted: Arc<Accepted>,
    /// What its body said.
    pub described: Arc<Described>,
    /// Where it is.
    pub phase: Phase,
    /// The endpoint asked last.
    pub endpoint: Option<EndpointId>,
    /// Attempts so far.
    pub attempts: u32,
    /// While suspended: how it waits.
    pub wait: Option<Wait>,
    /// The failure of the last attempt that failed.
    pub last_failure: Option<(EndpointId, Kind)>,
    /// The attempts that failed so far, the newest [`MAX_TRIED`] of them.
    pub tried: Vec<Tried>,
    /// Since when the answer has been passed on.
    pub streaming_since: Option<Timestamp>,
    /// The model that answers, once the answer has named it.
    pub served_model: Option<Arc<str>>,
    /// Tokens of the answer that is being passed on.
    pub usage: Usage,
    /// What they cost by now; nothing without a known price.
    pub cost: Option<PicoUsd>,
    /// Where these come from.
    #[serde(skip)]
    pub(super) progress: Option<Arc<Progress>>,
}

/// An attempt that failed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = TriedAttempt)]
pub struct Tried {
    /// Where.
    pub endpoint: EndpointId,
    /// How.
    pub kind: Kind,
    /// With which status.
    pub status: Option<u16>,
}

/// Failed attempts kept per live request.
pub const MAX_TRIED: usize = 16;

/// Where a request is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RequestPhase)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Accepted, nothing sent.
    Pending,
    /// Waiting for an endpoint's answer.
    Forwarding,
    /// An attempt failed, the next one follows.
    Retrying,
    /// Waiting until an endpoint is available.
    Suspended,
    /// The answer is being passed on.
    Streaming,
}

impl Phase {
    /// The name in answers and filters: the same as the serialised one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Forwarding => "forwarding",
            Self::Retrying => "retrying",
            Self::Suspended => "suspended",
            Self::Streaming => "streaming",
        }
    }

    /// The phase of this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Forwarding, Self::Retrying, Self::Suspended, Self::Streaming];
        all.into_iter().find(|phase| phase.as_str() == name)
    }
}

/// Where a request is, or how it ended: one word, each its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RequestStatus)]
#[serde(untagged)]
pub enum Stage {
    /// It runs.
    Live(Phase),
    /// It does not.
    Ended(State),
}

impl Live {
    /// An attempt failed.
    pub(super) fn retry(&mut self, failed: Tried) {
        self.phase = Phase::Retrying;
        self.last_failure = Some((failed.endpoint.clone(), failed.kind));
        self.tried.push(failed);
        let surplus = self.tried.len().saturating_sub(MAX_TRIED);
        self.tried.drain(..surplus);
    }

    /// The answer is passed on from so many milliseconds after acceptance.
    pub(super) fn stream(&mut self, after_ms: f64, progress: Arc<Progress>) {
        self.phase = Phase::Streaming;
        let after = jiff::SignedDuration::try_from_secs_f64(after_ms / 1e3).unwrap_or_default();
        self.streaming_since = self.accepted.at.checked_add(after).ok();
        self.progress = Some(progress);
    }

    /// With the tokens used by now.
    pub(super) fn measured(&self) -> Self {
        let Some(progress) = &self.progress else { return self.clone() };
        Self { usage: progress.usage(), served_model: progress.model().cloned(), ..self.clone() }
    }

    /// The model that answers, else the one asked for.
    pub fn model(&self) -> Option<&str> {
        self.served_model.as_deref().or(self.described.model.as_deref())
    }
}

impl Snapshot {
    /// Puts on running answers what they cost by now.
    pub fn price(&mut self, book: &PriceBook) {
        for live in self.live.iter_mut().filter(|live| !live.usage.is_empty()) {
            let (Some(endpoint), Some(model)) = (&live.endpoint, live.model()) else { continue };
            let bill = book.bill(endpoint, model, live.accepted.at, &live.usage);
            live.cost = bill.map(|bill| bill.lines.total());
        }
    }
}
