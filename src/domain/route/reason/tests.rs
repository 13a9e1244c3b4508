//! Every reason, and the words for it.

use super::super::StrategyKind;
use super::*;
use crate::domain::fleet::{Fleet, Input, Settings};
use crate::domain::group::Pause;
use crate::domain::ratelimit::Scope;
use crate::domain::route::order;
use crate::domain::standing::Probed;
use crate::domain::testing::{at, group, id, limited, secs, settings, specs, status};

const NOW: f64 = 100.0;

fn fleet(sizes: &[usize]) -> Fleet {
    Fleet::new(settings(), &specs(sizes), at(0.0))
}

fn fail(fleet: &mut Fleet, name: &str, failure: Failure) {
    fleet.apply(Input::Failed { endpoint: id(name), model: None, started: at(99.0), failure }, at(NOW));
}

/// The words for why a request with this past goes where the order says, having failed at `failed`.
fn words(fleet: &Fleet, affinity: &Affinity, failed: &[(&str, Failure)]) -> String {
    let view = fleet.view(at(NOW));
    let preferred = affinity.preferred(view.orders);
    let request = RouteRequest { preferred, ..RouteRequest::default() };
    let failed: Vec<(EndpointId, Failure)> = failed.iter().map(|(n, f)| (id(n), f.clone())).collect();
    let failures: Vec<(&EndpointId, &Failure)> = failed.iter().map(|(id, f)| (id, f)).collect();
    let order = order(&view, StrategyKind::Priority, &request, at(NOW));
    let untried = |id: &&EndpointId| !failed.iter().any(|(f, _)| f == *id);
    let chosen = order.candidates.iter().map(|c| &c.spec.id).find(untried).unwrap();
    format!("{chosen}: {}", reason(&view, &request, affinity, chosen, &failures, at(NOW)))
}

#[test]
fn without_a_session() {
    let new = Affinity::New;
    let mut plain = fleet(&[2, 1]);
    assert_eq!(words(&plain, &new, &[]), "a-1: first in order");
    assert_eq!(words(&plain, &new, &[("a-1", status(500))]), "a-2: after a-1 failed: server error");
    plain.apply(Input::Activate(group("b")), at(NOW));
    assert_eq!(words(&plain, &new, &[]), "b-1: its group was activated by a person");
    let pin = Settings { pinned: Some(id("b-1")), ..settings() };
    assert_eq!(words(&Fleet::new(pin, &specs(&[1, 1]), at(0.0)), &new, &[]), "b-1: the endpoint of -p");
    let mut resting = fleet(&[1]);
    fail(&mut resting, "a-1", status(500));
    assert_eq!(words(&resting, &new, &[]), "a-1: nothing better was left");
    let mut doubted = fleet(&[1]);
    let result = Probed::Down(Kind::ServerError);
    doubted.apply(Input::Probed { endpoint: id("a-1"), started: at(99.0), result }, at(NOW));
    assert_eq!(words(&doubted, &new, &[]), "a-1: nothing better was left");
}

#[test]
fn a_session_that_stays_or_goes_back() {
    let fleet = fleet(&[2, 1]);
    assert_eq!(words(&fleet, &Affinity::Stays(id("b-1")), &[]), "b-1: the session stays");
    assert_eq!(words(&fleet, &Affinity::Idle(id("a-1"), secs(400.0)), &[]), "a-1: the session stays");
    let idle = Affinity::Idle(id("b-1"), secs(400.5));
    assert_eq!(words(&fleet, &idle, &[]), "a-1: the session left b-1 after 400 s without an answer");
    let leans = Affinity::Leans(id("b-1"), secs(2.0));
    assert_eq!(words(&fleet, &leans, &[]), "a-1: the session left b-1 after 2 s without an answer");
    let ordered = Affinity::Ordered(id("b-1"));
    assert_eq!(words(&fleet, &ordered, &[]), "a-1: the session left b-1 by a person's order");
}

#[test]
fn a_session_that_could_not_stay() {
    let stays = |name: &str| Affinity::Stays(id(name));
    let left = |fleet: &Fleet, name: &str| words(fleet, &stays(name), &[]);
    assert_eq!(left(&fleet(&[1]), "x"), "a-1: the session left x: it is not configured any more");
    assert_eq!(
        words(&fleet(&[2]), &stays("a-2"), &[("a-2", status(529))]),
        "a-1: the session left a-2: it failed: overloaded"
    );
    let mut resting = fleet(&[2]);
    fail(&mut resting, "a-2", status(500));
    assert_eq!(left(&resting, "a-2"), "a-1: the session left a-2: it rests after failures");
    let mut limits = fleet(&[2]);
    fail(&mut limits, "a-2", limited(60.0, Scope::Endpoint));
    assert_eq!(left(&limits, "a-2"), "a-1: the session left a-2: rate limited for another 60 s");
    let mut low = fleet(&[2]);
    let used_up = Some(secs(60.0));
    low.apply(Input::Budgets { endpoint: id("a-2"), budgets: Vec::new(), used_up }, at(NOW));
    assert_eq!(left(&low, "a-2"), "a-1: the session left a-2: a budget of it is used up");
    let mut doubted = fleet(&[2]);
    let result = Probed::Down(Kind::ServerError);
    doubted.apply(Input::Probed { endpoint: id("a-2"), started: at(99.0), result }, at(NOW));
    assert_eq!(left(&doubted, "a-2"), "a-1: the session left a-2: it rests after failures");
    let mut cools = fleet(&[1, 1]);
    cools.apply(Input::GroupExhausted { group: group("b"), blamed: true }, at(NOW));
    assert_eq!(left(&cools, "b-1"), "a-1: the session left b-1: its group cools");
    let mut paused = fleet(&[1, 1]);
    paused.apply(Input::Pause(group("b"), Pause::ForEver), at(NOW));
    assert_eq!(left(&paused, "b-1"), "a-1: the session left b-1: its group is paused");
}

#[test]
fn a_pin_takes_a_session_from_a_usable_endpoint() {
    let pin = Settings { pinned: Some(id("b-1")), ..settings() };
    let fleet = Fleet::new(pin, &specs(&[1, 1]), at(0.0));
    assert_eq!(words(&fleet, &Affinity::Stays(id("a-1")), &[]), "b-1: the endpoint of -p");
}

#[test]
fn a_reason_is_a_tagged_object() {
    let moved = RouteReason::SessionMoved { from: id("a"), why: Unfit::Failed(Kind::Overloaded) };
    let json =
        serde_json::json!({ "reason": "session_moved", "from": "a", "why": { "failed": "overloaded" } });
    assert_eq!(serde_json::to_value(&moved).unwrap(), json);
    assert_eq!(serde_json::to_value(RouteReason::Best).unwrap(), serde_json::json!({ "reason": "best" }));
}
