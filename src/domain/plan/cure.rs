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

use std::time::Instant;

use crate::domain::endpoint::{Credential, EndpointId};
use crate::domain::fleet::{EndpointView, FleetView};
use crate::domain::group::GroupState;
use crate::domain::outcome::{Failure, Kind};
use crate::domain::route::RouteRequest;
use crate::domain::standing::{Availability, Why};

/// True when waiting can help. `last` is an endpoint's last word to this request in this round.
pub(super) fn possible<'a>(
    view: &FleetView,
    request: &RouteRequest,
    last: impl Fn(&EndpointId) -> Option<&'a Failure>,
    deadline: Instant,
    now: Instant,
) -> bool {
    let may_be_asked = |e: &&EndpointView| {
        e.spec.enabled
            && !(request.billed && e.overrun.is_some())
            && !(request.own_credential_only && e.spec.credential == Credential::Pass)
    };
    view.endpoints.iter().filter(may_be_asked).any(|e| match view.group(&e.spec.group).map(|g| g.state) {
        None => false,
        Some(GroupState::Paused) => true,
        Some(GroupState::Standby | GroupState::Cooling) if !view.auto_switch => false,
        Some(_) => match last(&e.spec.id) {
            Some(failure) => failure_passes(failure, deadline, now),
            None => !throttled(e) && rest_passes(e.availability(request.model.as_deref(), now), deadline),
        },
    })
}

/// Its rest, if it has one, comes from a 429 that stated no end: it may be a spending limit.
fn throttled(endpoint: &EndpointView) -> bool {
    endpoint.standing.last_error.as_ref().is_some_and(|e| e.kind == Kind::Throttled)
}

fn failure_passes(failure: &Failure, deadline: Instant, now: Instant) -> bool {
    match failure.kind {
        Kind::RateLimited => failure.stated.is_some_and(|s| now + s.wait < deadline),
        Kind::Throttled => false,
        _ => failure.is_transient(),
    }
}

fn rest_passes(availability: Availability, deadline: Instant) -> bool {
    match availability {
        Availability::Usable | Availability::HalfOpen => true,
        Availability::Resting(why, _) => why != Why::Credential,
        Availability::Stated(until) => until < deadline,
        Availability::Disabled => false,
    }
}
