//! Can time cure what stopped a request?
//!
//! | about at least one endpoint that may be asked | waiting can help |
//! |---|---|
//! | its group is paused | yes |
//! | it rests by our own decision, its breaker is open, its probe failed | yes |
//! | its last word was a transport failure, a 5xx or a 529 | yes |
//! | it stated a rest that ends before the deadline | yes |
//! | it stated a later one, or throttled without saying until when | no |
//! | a spending limit that covers it is used up | no |
//! | its credential was refused, or the request itself | no |
//!
//! One that waits already goes on waiting while any row but the last two holds: what it waits for may throttle somebody
//! else meanwhile and serve it all the same.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::domain::endpoint::{Credential, EndpointId};
use crate::domain::fleet::{EndpointView, FleetView};
use crate::domain::group::GroupState;
use crate::domain::outcome::{Failure, Kind};
use crate::domain::route::RouteRequest;
use crate::domain::standing::{Availability, Health, Why};

/// What a request waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Those who came earlier wait at the endpoint that it would ask.
    Turn,
    /// An endpoint that failed, or rests for it, has to be well again.
    Recovery,
    /// A rate limit has to end.
    Reset,
    /// A person has to resume a paused group, or its pause to end.
    Resume,
}

impl WaitsFor {
    /// For people: what follows "waits for".
    pub fn words(self) -> &'static str {
        match self {
            Self::Turn => "its turn",
            Self::Recovery => "an endpoint to recover",
            Self::Reset => "a rate limit to end",
            Self::Resume => "a paused group",
        }
    }
}

/// What waiting can help with, the likeliest first. `last` is an endpoint's last word to this request in this round.
pub(super) fn possible<'a>(
    view: &FleetView,
    request: &RouteRequest,
    last: impl Fn(&EndpointId) -> Option<&'a Failure>,
    deadline: Instant,
    now: Instant,
) -> Option<WaitsFor> {
    let cures = open_to(view, request).filter_map(|(e, paused)| match last(&e.spec.id) {
        _ if paused => Some(WaitsFor::Resume),
        Some(failure) => failure_passes(failure, deadline, now),
        None => match e.availability(request.model.as_deref(), now) {
            Availability::Resting(..) if throttled(e) => None,
            availability => rest_passes(availability, deadline),
        },
    });
    cures.min()
}

/// True for one that waits when nothing it could be sent to will be well before its deadline.
pub fn waits_in_vain(view: &FleetView, request: &RouteRequest, deadline: Instant, now: Instant) -> bool {
    let can_help = |(e, paused): (&EndpointView, bool)| match e.availability(request.model.as_deref(), now) {
        _ if paused => true,
        // Whoever is sent there during such a rest fails at once and is back here: it would go round and round.
        Availability::Resting(..) if failed_of_late(e, now) => true,
        availability => rest_passes(availability, deadline).is_some(),
    };
    !open_to(view, request).any(can_help)
}

/// The endpoints that may be asked for this request once they are well, and whether their group is paused.
fn open_to<'a>(
    view: &'a FleetView,
    request: &'a RouteRequest,
) -> impl Iterator<Item = (&'a EndpointView, bool)> {
    let of_client = |e: &EndpointView| e.spec.credential == Credential::Pass;
    let may_be_asked = move |e: &&EndpointView| {
        e.spec.enabled
            && !(request.billed && e.overrun.is_some())
            && !(request.own_credential_only && of_client(e))
    };
    view.endpoints.iter().filter(may_be_asked).filter_map(|e| match view.group(&e.spec.group)?.state {
        GroupState::Paused => Some((e, true)),
        GroupState::Standby | GroupState::Cooling if !view.auto_switch => None,
        _ => Some((e, false)),
    })
}

/// It rests for a failure, whatever else it rests for.
fn failed_of_late(endpoint: &EndpointView, now: Instant) -> bool {
    let standing = &endpoint.standing;
    standing.health == Health::Down || standing.rest_until.is_some_and(|until| now < until)
}

/// Its rest, if it has one, comes from a 429 that stated no end: it may be a spending limit.
fn throttled(endpoint: &EndpointView) -> bool {
    endpoint.standing.last_error.as_ref().is_some_and(|e| e.kind == Kind::Throttled)
}

fn failure_passes(failure: &Failure, deadline: Instant, now: Instant) -> Option<WaitsFor> {
    match failure.kind {
        Kind::RateLimited => failure.stated.filter(|s| now + s.wait < deadline).map(|_| WaitsFor::Reset),
        Kind::Throttled => None,
        _ => failure.is_transient().then_some(WaitsFor::Recovery),
    }
}

fn rest_passes(availability: Availability, deadline: Instant) -> Option<WaitsFor> {
    match availability {
        Availability::Usable | Availability::HalfOpen => Some(WaitsFor::Recovery),
        Availability::Resting(why, _) => (why != Why::Credential).then_some(WaitsFor::Recovery),
        Availability::Stated(until) => (until < deadline).then_some(WaitsFor::Reset),
        Availability::Disabled => None,
    }
}
