//! What people may ask of the fleet, and why not when they may not.
//!
//! | order | refused when | effect |
//! |---|---|---|
//! | activate | the group cools, or none of its endpoints is usable | leads until it fails a whole request, or is released |
//! | force | never | the same, and what it rested for is forgotten |
//! | release | nothing was activated | ranks decide again |
//! | pause | – | the group is not used, for ever or for a time |
//! | resume | the group neither is paused nor cools | the group may be used again |
//! | clear | the endpoint has nothing to clear | its rests end |
//!
//! The rules are here once: screens ask [`allowed`] what to offer, the fleet's owner asks [`accept`] what to do.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::endpoint::{EndpointId, GroupId};
use super::fleet::{EndpointView, FleetView, GroupView, Input};
use super::group::{GroupState, Pause};
use super::standing::Availability;

/// A person's wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// Make this the active group.
    Activate {
        /// Which.
        group: GroupId,
        /// Even if it cools or nothing in it is usable.
        force: bool,
    },
    /// Let ranks decide again.
    Release,
    /// Do not use this group.
    Pause {
        /// Which.
        group: GroupId,
        /// For how long; for ever without.
        duration: Option<Duration>,
    },
    /// Use this group again.
    Resume {
        /// Which.
        group: GroupId,
    },
    /// Forget what this endpoint rests for.
    Clear {
        /// Which.
        endpoint: EndpointId,
    },
}

/// Why an order is not carried out. The text says what to do instead.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[schema(as = RefusedOrder)]
#[serde(rename_all = "snake_case", tag = "refused")]
pub enum Refused {
    /// No group has that name.
    #[error("there is no group \"{group}\"; there is: {}", known.join(", "))]
    UnknownGroup {
        /// What was asked for.
        group: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No endpoint has that name.
    #[error("there is no endpoint \"{endpoint}\"; there is: {}", known.join(", "))]
    UnknownEndpoint {
        /// What was asked for.
        endpoint: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It rests after every endpoint failed.
    #[error("it cools for another {seconds} s after every endpoint of it failed; force it to use it now")]
    Cooling {
        /// Seconds left.
        seconds: u64,
    },
    /// None of its endpoints may be asked.
    #[error("none of its endpoints is usable now; force it to try them all the same")]
    NothingUsable,
    /// It leads already, by a person's word.
    #[error("it is active already, and holds until it fails or is released")]
    AlreadyActivated,
    /// No person made a group the active one.
    #[error("no group was activated by a person; there is nothing to release")]
    NothingToRelease,
    /// It neither is paused nor cools.
    #[error("it is neither paused nor cooling")]
    NotPaused,
    /// It does not rest.
    #[error("it does not rest; there is nothing to clear")]
    NothingToClear,
}

/// What may be done to a group now; each is `None` when it may, else why not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AllowedOrders)]
pub struct Allowed {
    /// Make it the active one.
    pub activate: Option<Refused>,
    /// Make it the active one whatever its state.
    pub force: Option<Refused>,
    /// Let ranks decide again.
    pub release: Option<Refused>,
    /// Stop using it, or change for how long.
    pub pause: Option<Refused>,
    /// Use it again.
    pub resume: Option<Refused>,
}

/// What may be done to this group at `now`.
pub fn allowed(view: &FleetView, group: &GroupView, now: Instant) -> Allowed {
    Allowed {
        activate: may_activate(view, group, false, now).err(),
        force: may_activate(view, group, true, now).err(),
        release: may_release(view).err(),
        pause: None,
        resume: may_resume(group).err(),
    }
}

/// The input that carries out this order at `now`.
///
/// # Errors
/// When the order makes no sense now.
pub fn accept(order: Order, view: &FleetView, now: Instant) -> Result<Input, Refused> {
    match order {
        Order::Activate { group, force } => {
            may_activate(view, find(view, &group)?, force, now)?;
            Ok(Input::Activate(group))
        }
        Order::Release => may_release(view).map(|()| Input::Release),
        Order::Pause { group, duration } => {
            find(view, &group)?;
            Ok(Input::Pause(group, duration.map_or(Pause::ForEver, |d| Pause::Until(now + d))))
        }
        Order::Resume { group } => {
            may_resume(find(view, &group)?)?;
            Ok(Input::Resume(group))
        }
        Order::Clear { endpoint } => may_clear(view, &endpoint, now).map(|()| Input::Clear(endpoint)),
    }
}

fn find<'a>(view: &'a FleetView, id: &GroupId) -> Result<&'a GroupView, Refused> {
    view.group(id).ok_or_else(|| Refused::UnknownGroup {
        group: id.to_string(),
        known: view.groups.iter().map(|g| g.id.to_string()).collect(),
    })
}

fn may_activate(view: &FleetView, group: &GroupView, force: bool, now: Instant) -> Result<(), Refused> {
    let leads = group.state == GroupState::Active;
    if leads && view.activated.as_ref() == Some(&group.id) {
        return Err(Refused::AlreadyActivated);
    }
    if force {
        return Ok(());
    }
    if let Some(until) = group.cooling_until.filter(|until| now < *until) {
        let left = until.saturating_duration_since(now);
        return Err(Refused::Cooling { seconds: left.as_secs_f64().ceil() as u64 });
    }
    let usable = |a| matches!(a, Availability::Usable | Availability::HalfOpen);
    let mut members = view.endpoints.iter().filter(|e| e.spec.group == group.id);
    if members.any(|e| usable(e.availability(None, now))) { Ok(()) } else { Err(Refused::NothingUsable) }
}

fn may_release(view: &FleetView) -> Result<(), Refused> {
    if view.activated.is_some() { Ok(()) } else { Err(Refused::NothingToRelease) }
}

fn may_resume(group: &GroupView) -> Result<(), Refused> {
    let resting = matches!(group.state, GroupState::Paused) || group.cooling_until.is_some();
    if resting { Ok(()) } else { Err(Refused::NotPaused) }
}

fn may_clear(view: &FleetView, id: &EndpointId, now: Instant) -> Result<(), Refused> {
    let endpoint = view.endpoint(id).ok_or_else(|| Refused::UnknownEndpoint {
        endpoint: id.to_string(),
        known: view.endpoints.iter().map(|e| e.spec.id.to_string()).collect(),
    })?;
    clearable(endpoint, now)
}

/// Whether an endpoint rests for anything that a person may clear.
///
/// # Errors
/// When it does not.
pub fn clearable(endpoint: &EndpointView, now: Instant) -> Result<(), Refused> {
    let fine = endpoint.availability(None, now) == Availability::Usable
        && endpoint.standing.stated.is_empty()
        && endpoint.standing.counts_tokens(now);
    if fine { Err(Refused::NothingToClear) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::fleet::Fleet;
    use super::super::group::Reason;
    use super::super::outcome::Transport;
    use super::super::testing::{at, group, id, secs, settings, specs, transport};
    use super::*;

    fn fleet() -> Fleet {
        Fleet::new(settings(), &specs(&[1, 1]), at(0.0))
    }

    fn order(fleet: &mut Fleet, order: Order, now: f64) -> Result<(), Refused> {
        let input = accept(order, &fleet.view(at(now)), at(now))?;
        fleet.apply(input, at(now));
        Ok(())
    }

    fn activate(name: &str, force: bool) -> Order {
        Order::Activate { group: group(name), force }
    }

    #[test]
    fn activate_holds_until_released() {
        let mut fleet = fleet();
        assert_eq!(order(&mut fleet, Order::Release, 1.0), Err(Refused::NothingToRelease));
        assert_eq!(order(&mut fleet, activate("b", false), 1.0), Ok(()));
        assert_eq!(fleet.view(at(2.0)).active, Some(group("b")));
        let why: Vec<_> = fleet.view(at(2.0)).groups.iter().map(|g| (g.why, g.since)).collect();
        assert_eq!(why, [(Reason::OtherServes, Some(at(1.0))), (Reason::Activated, Some(at(1.0)))]);
        assert_eq!(order(&mut fleet, activate("b", false), 2.0), Err(Refused::AlreadyActivated));
        assert_eq!(order(&mut fleet, Order::Release, 3.0), Ok(()));
        assert_eq!(fleet.view(at(3.0)).active, Some(group("a")));
    }

    #[test]
    fn a_group_without_usable_endpoints_takes_force() {
        let mut fleet = fleet();
        let failure = transport(Transport::Connect);
        fleet.apply(Input::Failed { endpoint: id("b-1"), model: None, started: at(1.0), failure }, at(1.0));
        assert_eq!(order(&mut fleet, activate("b", false), 1.5), Err(Refused::NothingUsable));
        assert_eq!(order(&mut fleet, activate("b", true), 1.5), Ok(()));
        assert_eq!(fleet.view(at(1.5)).active, Some(group("b")));
    }

    #[test]
    fn a_cooling_group_says_how_long() {
        let mut fleet = fleet();
        fleet.apply(Input::GroupExhausted { group: group("a"), blamed: true }, at(1.0));
        let refused = order(&mut fleet, activate("a", false), 2.0).unwrap_err();
        assert!(matches!(refused, Refused::Cooling { seconds } if seconds > 0), "{refused}");
        assert_eq!(order(&mut fleet, Order::Resume { group: group("a") }, 2.0), Ok(()));
        assert_eq!(fleet.view(at(2.0)).active, Some(group("a")));
    }

    #[test]
    fn a_pause_with_a_duration_ends_by_itself() {
        let mut fleet = fleet();
        let pause = Order::Pause { group: group("a"), duration: Some(secs(2.0)) };
        assert_eq!(order(&mut fleet, pause, 1.0), Ok(()));
        assert_eq!(fleet.view(at(2.9)).active, Some(group("b")));
        fleet.apply(Input::Tick, at(3.0));
        assert_eq!(fleet.view(at(3.0)).active, Some(group("a")));
        assert_eq!(order(&mut fleet, Order::Resume { group: group("a") }, 3.0), Err(Refused::NotPaused));
    }

    #[test]
    fn unknown_names_list_what_there_is() {
        let refused = order(&mut fleet(), activate("x", true), 1.0).unwrap_err();
        assert_eq!(refused.to_string(), "there is no group \"x\"; there is: a, b");
        let refused = order(&mut fleet(), Order::Clear { endpoint: id("x") }, 1.0).unwrap_err();
        assert_eq!(refused.to_string(), "there is no endpoint \"x\"; there is: a-1, b-1");
    }

    #[test]
    fn what_is_offered_is_what_is_accepted() {
        let mut fleet = fleet();
        fleet.apply(Input::Pause(group("b"), Pause::ForEver), at(1.0));
        let view = fleet.view(at(2.0));
        for shown in &view.groups {
            let offer = allowed(&view, shown, at(2.0));
            let id = || shown.id.clone();
            for (offered, order) in [
                (&offer.activate, Order::Activate { group: id(), force: false }),
                (&offer.force, Order::Activate { group: id(), force: true }),
                (&offer.release, Order::Release),
                (&offer.pause, Order::Pause { group: id(), duration: None }),
                (&offer.resume, Order::Resume { group: id() }),
            ] {
                assert_eq!(accept(order, &view, at(2.0)).err(), *offered);
            }
        }
    }
}
