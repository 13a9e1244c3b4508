//! What a plan answers with: send, sleep, wait, or stop.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Verdict, WaitsFor};
use crate::domain::endpoint::{EndpointId, EndpointSpec, GroupId};
use crate::domain::route::Skip;

/// How freely a request may be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replay {
    /// As often as the budget allows.
    Free,
    /// Only while it certainly had no effect: the endpoint never got it, or refused it for lack of capacity.
    Unprocessed,
    /// Only after a failure to connect: its body is streamed, and gone once a connection took some of it.
    Unsent,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Ask this endpoint.
    Send(Attempt),
    /// Wait until then, or until the fleet changes; then call [`super::Plan::on_wake`].
    Sleep {
        /// The end of the back-off.
        until: Instant,
    },
    /// Nothing can be asked now, but time can cure that: wait in the queue, until then at most. Then call
    /// [`super::Plan::on_resume`], [`super::Plan::on_no_room`] or [`super::Plan::on_waited_in_vain`].
    Suspend {
        /// The deadline of the request.
        until: Instant,
        /// What can help.
        waits_for: WaitsFor,
    },
    /// The end.
    Done(Verdict),
}

/// What one routing decision had to choose from.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RouteDecision)]
pub struct Decision {
    /// Endpoints that could be asked, best first; those this request had tried already are left out.
    pub order: Vec<EndpointId>,
    /// The others, and why not.
    pub skipped: Vec<Skip>,
}

impl Step {
    /// True for an attempt at this endpoint.
    pub fn asks(&self, id: &EndpointId) -> bool {
        matches!(self, Self::Send(attempt) if attempt.spec.id == *id)
    }
}

/// One try.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Counted from 1 over the whole request.
    pub number: u32,
    /// Whom to ask.
    pub spec: Arc<EndpointSpec>,
    /// Not over a pooled connection.
    pub fresh: bool,
    /// Only with the endpoint's half-open permit; without it call [`super::Plan::on_denied`].
    pub needs_permit: bool,
    /// The first try of this request at this endpoint, or its free repetition.
    pub first_here: bool,
    /// When this request first turned to this endpoint. A failure reported as started then is counted at most once per
    /// request and endpoint, because every later one is older than the first that counted.
    pub here_since: Instant,
}

/// A group in which nothing usable is left for this request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exhausted {
    /// The group.
    pub group: GroupId,
    /// Every failure in it was the endpoints' own fault.
    pub blamed: bool,
}
