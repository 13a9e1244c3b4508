//! The order in which endpoints are asked for one request.
//!
//! 1. Usable endpoints of the active group, in the order of the strategy.
//! 2. Usable endpoints of the other groups by rank (automatic mode only; cooling and paused groups left out).
//! 3. Those of both that said a budget is used up, though they still answer; and, for one request at a time, those against
//!    which nothing speaks but an answer to a probe: perhaps they only do not know the path it asks for.
//! 4. Last resort: what rests by our own decision, in the same order, then cooling groups. An endpoint that said until
//!    when it cannot serve is not in the list at all, nor is one that is switched off, in a paused group, or (for
//!    requests that cost money) covered by a spending limit that is used up.
//!
//! The endpoint of `-p` leads its group, and its group comes right after the active one (which it is, while it can serve).
//! The endpoint that a request's session belongs to leads all usable ones, except that of `-p` in the active group.
//!
//! Inside a group: by number, then file order; `fastest` puts what was measured for this request first, then recent
//! latency; `balanced` the fewest requests in flight, then the number, then whoever was asked longest ago.

mod key;
mod reason;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use reason::{RouteReason, Unfit, reason};
use serde::{Deserialize, Serialize};

use self::key::{Context, Key};
use super::endpoint::{Credential, EndpointId, EndpointSpec};
use super::fleet::{EndpointView, FleetView, GroupView};
use super::group::GroupState;
use super::session::Preferred;
use super::standing::{Availability, Why};

/// How endpoints inside a group are ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StrategyKind {
    /// By number, then file order.
    Priority,
    /// By recent latency to the first byte.
    Fastest,
    /// New sessions to the endpoint with the fewest requests in flight.
    Balanced,
}

/// What routing needs to know of a request.
#[derive(Clone, Debug, Default)]
pub struct RouteRequest {
    /// The model asked for.
    pub model: Option<Arc<str>>,
    /// Only endpoints with a credential of their own.
    pub own_credential_only: bool,
    /// Only endpoints not known to lack count_tokens.
    pub counts_tokens: bool,
    /// It costs money: only endpoints whose budgets have something left.
    pub billed: bool,
    /// The endpoint its session belongs to.
    pub preferred: Option<Preferred>,
    /// What a fast test found.
    pub measured: Option<Arc<Measured>>,
}

/// What one fast test found: times to the response head, of endpoints that answered.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// Per endpoint.
    pub latency: HashMap<EndpointId, Duration>,
    /// When it stops to count.
    pub until: Instant,
}

/// One endpoint that may be asked.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The endpoint.
    pub spec: Arc<EndpointSpec>,
    /// Its tier; lower tiers are asked first.
    pub tier: Tier,
    /// It is half-open: only with the permit.
    pub needs_permit: bool,
}

/// How good a candidate is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EndpointTier)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Nothing speaks against it.
    Usable,
    /// It may be asked, but said that a budget is used up, or a probe was answered with a failure.
    Low,
    /// It rests by our own decision, or its group cools.
    LastResort,
}

impl Tier {
    /// True when a request may go there without a second thought.
    pub fn is_usable(self) -> bool {
        self != Self::LastResort
    }
}

/// An endpoint that is not asked, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SkippedEndpoint)]
pub struct Skip {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Why not.
    pub reason: SkipReason,
}

/// Why an endpoint is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Switched off in the configuration.
    Disabled,
    /// It rests by our own decision, and the request did not get to it.
    Resting,
    /// Its group is paused.
    GroupPaused,
    /// Manual mode, and its group is not the active one.
    NotActiveGroup,
    /// It said until when it is out of budget.
    RateLimited {
        /// Seconds left.
        seconds: u64,
    },
    /// It would need the client's credential, which was refused.
    ClientCredential,
    /// It does not count tokens.
    NoCountTokens,
    /// A spending limit that covers it is used up.
    Budget,
}

impl SkipReason {
    /// True for what time or a person at the fleet may clear while a request waits.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Resting | Self::GroupPaused | Self::RateLimited { .. })
    }
}

/// Everything routing decided.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// The rest.
    pub skipped: Vec<Skip>,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("switched off"),
            Self::Resting => f.write_str("resting after failures"),
            Self::GroupPaused => f.write_str("its group is paused"),
            Self::NotActiveGroup => f.write_str("its group is not the active one"),
            Self::RateLimited { seconds } => write!(f, "rate limited for another {seconds} s"),
            Self::ClientCredential => f.write_str("needs the client's credential"),
            Self::NoCountTokens => f.write_str("does not count tokens"),
            Self::Budget => f.write_str("its budget is used up"),
        }
    }
}

/// The order of endpoints for this request at `now`.
pub fn order(view: &FleetView, strategy: StrategyKind, request: &RouteRequest, now: Instant) -> Order {
    let mut order = Order::default();
    let mut ranked: Vec<(Key, Candidate)> = Vec::with_capacity(view.endpoints.len());
    let context = Context::new(view, strategy, request, now);
    for (index, endpoint) in view.endpoints.iter().enumerate() {
        match judge(view, endpoint, request, now) {
            Ok((candidate, group_rank)) => {
                ranked.push((context.key(endpoint, &candidate, group_rank, index), candidate));
            }
            Err(reason) => order.skipped.push(Skip { endpoint: endpoint.spec.id.clone(), reason }),
        }
    }
    ranked.sort_by(|(a, _), (b, _)| a.compare(b));
    order.candidates = ranked.into_iter().map(|(_, c)| c).collect();
    order
}

/// When the first of the endpoints that stated a rest can be asked again, if those are all there is to wait for.
pub fn earliest_stated(view: &FleetView, request: &RouteRequest, now: Instant) -> Option<Instant> {
    view.endpoints
        .iter()
        .filter_map(|e| match e.availability(request.model.as_deref(), now) {
            Availability::Stated(until) => Some(until),
            _ => None,
        })
        .min()
}

fn judge(
    view: &FleetView,
    endpoint: &EndpointView,
    request: &RouteRequest,
    now: Instant,
) -> Result<(Candidate, usize), SkipReason> {
    let (group_rank, group) = ranked_group(view, endpoint).ok_or(SkipReason::NotActiveGroup)?;
    if !endpoint.spec.enabled {
        return Err(SkipReason::Disabled);
    }
    if request.billed && endpoint.overrun.is_some() {
        return Err(SkipReason::Budget);
    }
    match group.state {
        GroupState::Paused => return Err(SkipReason::GroupPaused),
        GroupState::Standby | GroupState::Cooling if !view.auto_switch => {
            return Err(SkipReason::NotActiveGroup);
        }
        _ => {}
    }
    if request.counts_tokens && !endpoint.may_count_tokens(now) {
        return Err(SkipReason::NoCountTokens);
    }
    if request.own_credential_only && endpoint.spec.credential == Credential::Pass {
        return Err(SkipReason::ClientCredential);
    }
    let (tier, needs_permit) = tier_of(endpoint, request.model.as_deref(), now)?;
    let tier = if group.state == GroupState::Cooling { Tier::LastResort } else { tier };
    Ok((Candidate { spec: Arc::clone(&endpoint.spec), tier, needs_permit }, group_rank))
}

fn tier_of(endpoint: &EndpointView, model: Option<&str>, now: Instant) -> Result<(Tier, bool), SkipReason> {
    match endpoint.availability(model, now) {
        Availability::Usable if endpoint.standing.is_low(now) => Ok((Tier::Low, false)),
        Availability::Usable => Ok((Tier::Usable, false)),
        Availability::HalfOpen if !endpoint.permits.half_open_taken() => Ok((Tier::Usable, true)),
        Availability::HalfOpen => match endpoint.standing.stated_until(model, now) {
            Some(until) => Err(limited(until, now)),
            None => Ok((Tier::LastResort, false)),
        },
        Availability::Resting(Why::ProbeFailed, _)
            if endpoint.standing.is_doubted_only() && !endpoint.permits.half_open_taken() =>
        {
            Ok((Tier::Low, true))
        }
        Availability::Resting(..) => Ok((Tier::LastResort, false)),
        Availability::Stated(until) => Err(limited(until, now)),
        Availability::Disabled => Err(SkipReason::Disabled),
    }
}

/// Whole seconds, rounded up: who waits that long is not early.
fn limited(until: Instant, now: Instant) -> SkipReason {
    let left = until.saturating_duration_since(now);
    SkipReason::RateLimited { seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0) }
}

/// The endpoint's group and its place: the active group, then that of `-p`, then by rank.
fn ranked_group<'a>(view: &'a FleetView, endpoint: &EndpointView) -> Option<(usize, &'a GroupView)> {
    let (rank, group) = view.groups.iter().enumerate().find(|(_, g)| g.id == endpoint.spec.group)?;
    let place = if view.active.as_ref() == Some(&group.id) {
        0
    } else if view.pinned_group() == Some(&group.id) {
        1
    } else {
        rank + 2
    };
    Some((place, group))
}

#[cfg(test)]
mod tests;
