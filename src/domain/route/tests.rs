//! The order of endpoints, sentence by sentence.

mod preference;

use super::super::endpoint::GroupId;
use super::super::fleet::{Fleet, Input, Settings};
use super::super::group::Pause;
use super::super::outcome::{Failure, Kind};
use super::super::ratelimit::Scope;
use super::super::standing::Probed;
use super::super::testing::{at, group, id, limited, secs, settings, spec, specs, status};
use super::*;

const NOW: f64 = 100.0;

fn fleet(sizes: &[usize]) -> Fleet {
    Fleet::new(settings(), &specs(sizes), at(0.0))
}

fn fleet_of(specs: Vec<EndpointSpec>) -> Fleet {
    let specs: Vec<Arc<EndpointSpec>> = specs.into_iter().map(Arc::new).collect();
    Fleet::new(settings(), &specs, at(0.0))
}

fn request() -> RouteRequest {
    RouteRequest { model: Some(Arc::from("opus")), ..RouteRequest::default() }
}

fn fail(fleet: &mut Fleet, name: &str, failure: Failure) {
    let model = Some(Arc::from("opus"));
    fleet.apply(Input::Failed { endpoint: id(name), model, started: at(NOW - 1.0), failure }, at(NOW));
}

fn probe(fleet: &mut Fleet, name: &str, result: Probed) {
    fleet.apply(Input::Probed { endpoint: id(name), started: at(NOW), result }, at(NOW));
}

fn latency(fleet: &mut Fleet, name: &str, seconds: f64) {
    probe(fleet, name, Probed::Up { latency: secs(seconds), authenticated: true });
}

/// Opens the breaker of an endpoint; it is half-open at [`NOW`].
fn half_open(fleet: &mut Fleet, name: &str) {
    for second in [10.0, 20.0, 30.0] {
        let started = at(second - 1.0);
        let failure = status(500);
        fleet.apply(Input::Failed { endpoint: id(name), model: None, started, failure }, at(second));
    }
    fleet.apply(Input::Tick, at(NOW));
}

fn ordered(fleet: &Fleet, strategy: StrategyKind, request: &RouteRequest) -> Order {
    order(&fleet.view(at(NOW)), strategy, request, at(NOW))
}

fn names(fleet: &Fleet) -> Vec<String> {
    names_by(fleet, StrategyKind::Priority)
}

fn names_by(fleet: &Fleet, strategy: StrategyKind) -> Vec<String> {
    let order = ordered(fleet, strategy, &request());
    order.candidates.iter().map(|c| c.spec.id.to_string()).collect()
}

fn skips(fleet: &Fleet) -> Vec<(String, SkipReason)> {
    let order = ordered(fleet, StrategyKind::Priority, &request());
    order.skipped.iter().map(|s| (s.endpoint.to_string(), s.reason)).collect()
}

#[test]
fn inside_a_group_priority_then_file_order_decides() {
    let each = [("x", 2), ("y", 1), ("z", 2), ("w", 1)];
    let fleet = fleet_of(each.iter().map(|(n, p)| spec(n, "g", *p, 1)).collect());
    assert_eq!(names(&fleet), ["y", "w", "x", "z"]);
}

#[test]
fn the_active_group_comes_first_then_groups_by_rank() {
    let mut fleet = fleet(&[1, 2, 1]);
    assert_eq!(names(&fleet), ["a-1", "b-1", "b-2", "c-1"]);
    fleet.apply(Input::Activate(group("c")), at(NOW));
    assert_eq!(names(&fleet), ["c-1", "a-1", "b-1", "b-2"]);
}

#[test]
fn fastest_asks_the_fastest_measured_first_inside_each_group() {
    let mut fleet = fleet(&[3, 2]);
    latency(&mut fleet, "a-2", 0.2);
    latency(&mut fleet, "a-3", 0.1);
    latency(&mut fleet, "b-2", 0.01);
    assert_eq!(names_by(&fleet, StrategyKind::Fastest), ["a-3", "a-2", "a-1", "b-2", "b-1"]);
    assert_eq!(names(&fleet), ["a-1", "a-2", "a-3", "b-1", "b-2"]);
}

#[test]
fn equally_fast_endpoints_go_by_priority() {
    let mut fleet = fleet(&[3]);
    for name in ["a-3", "a-2", "a-1"] {
        latency(&mut fleet, name, 0.2);
    }
    assert_eq!(names_by(&fleet, StrategyKind::Fastest), ["a-1", "a-2", "a-3"]);
}

#[test]
fn the_pin_leads_whatever_the_priorities_and_the_strategy() {
    let pin = Settings { pinned: Some(id("b-2")), ..settings() };
    let mut fleet = Fleet::new(pin, &specs(&[2, 2]), at(0.0));
    latency(&mut fleet, "b-1", 0.01);
    latency(&mut fleet, "b-2", 9.0);
    for strategy in [StrategyKind::Priority, StrategyKind::Fastest] {
        assert_eq!(names_by(&fleet, strategy), ["b-2", "b-1", "a-1", "a-2"]);
    }
    fail(&mut fleet, "b-2", status(500));
    assert_eq!(names(&fleet), ["b-1", "a-1", "a-2", "b-2"], "it rests: the rest stays as failover");
}

#[test]
fn the_group_of_the_pin_leads_the_last_resort_too() {
    let pin = Settings { pinned: Some(id("c-1")), ..settings() };
    let mut fleet = Fleet::new(pin, &specs(&[1, 1, 1]), at(0.0));
    for name in ["b-1", "c-1"] {
        fail(&mut fleet, name, status(500));
    }
    assert_eq!(names(&fleet), ["a-1", "c-1", "b-1"]);
}

#[test]
fn rests_of_our_own_making_are_the_last_resort_in_the_same_order() {
    let mut fleet = fleet(&[3, 2]);
    fail(&mut fleet, "a-1", status(500));
    fail(&mut fleet, "a-2", status(401));
    probe(&mut fleet, "b-1", Probed::Down(Kind::Connect));
    let order = ordered(&fleet, StrategyKind::Priority, &request());
    let tiers: Vec<(String, Tier)> =
        order.candidates.iter().map(|c| (c.spec.id.to_string(), c.tier)).collect();
    let wanted = [
        ("a-3", Tier::Usable),
        ("b-2", Tier::Usable),
        ("a-1", Tier::LastResort),
        ("a-2", Tier::LastResort),
        ("b-1", Tier::LastResort),
    ];
    assert_eq!(tiers, wanted.map(|(n, t)| (n.to_owned(), t)));
    assert_eq!(order.skipped, []);
}

#[test]
fn a_cooling_group_is_the_last_resort() {
    let mut fleet = fleet(&[1, 1]);
    fleet.apply(Input::GroupExhausted { group: group("a"), blamed: true }, at(NOW));
    let order = ordered(&fleet, StrategyKind::Priority, &request());
    assert_eq!(names(&fleet), ["b-1", "a-1"]);
    assert_eq!(order.candidates[1].tier, Tier::LastResort);
}

#[test]
fn a_stated_rest_is_left_out_for_its_model() {
    let mut fleet = fleet(&[2]);
    fail(&mut fleet, "a-1", limited(90.5, Scope::Model));
    assert_eq!(names(&fleet), ["a-2"]);
    assert_eq!(skips(&fleet), [("a-1".to_owned(), SkipReason::RateLimited { seconds: 91 })]);
    let other = RouteRequest { model: Some(Arc::from("haiku")), ..request() };
    assert_eq!(ordered(&fleet, StrategyKind::Priority, &other).candidates.len(), 2);
    assert_eq!(earliest_stated(&fleet.view(at(NOW)), &request(), at(NOW)), Some(at(NOW + 90.5)));
    assert_eq!(earliest_stated(&fleet.view(at(NOW)), &other, at(NOW)), None);
}

#[test]
fn every_other_reason_to_leave_an_endpoint_out() {
    let off = EndpointSpec { enabled: false, ..spec("off", "a", 1, 1) };
    let pass = EndpointSpec { credential: Credential::Pass, ..spec("pass", "a", 1, 1) };
    let counts_not = EndpointSpec { supports_count_tokens: Some(false), ..spec("no-count", "a", 1, 1) };
    let mut fleet = fleet_of(vec![off, pass, counts_not, spec("paused", "b", 1, 2), spec("ok", "a", 1, 1)]);
    fleet.apply(Input::Pause(group("b"), Pause::ForEver), at(NOW));
    let request = RouteRequest { own_credential_only: true, counts_tokens: true, ..request() };
    let order = ordered(&fleet, StrategyKind::Priority, &request);
    let reasons: Vec<SkipReason> = order.skipped.iter().map(|s| s.reason).collect();
    let wanted = [
        SkipReason::Disabled,
        SkipReason::ClientCredential,
        SkipReason::NoCountTokens,
        SkipReason::GroupPaused,
    ];
    assert_eq!(reasons, wanted);
    assert_eq!(order.candidates[0].spec.id, id("ok"));
}

#[test]
fn unknown_support_of_count_tokens_means_try() {
    let request = RouteRequest { counts_tokens: true, ..request() };
    assert_eq!(ordered(&fleet(&[2]), StrategyKind::Priority, &request).skipped, []);
}

#[test]
fn what_said_that_it_does_not_count_is_left_out_of_counts_only() {
    let mut fleet = fleet(&[2]);
    let failure = Failure { kind: Kind::NoCountTokens, ..status(404) };
    fail(&mut fleet, "a-1", failure);
    let counts = RouteRequest { counts_tokens: true, ..request() };
    let order = ordered(&fleet, StrategyKind::Priority, &counts);
    assert_eq!(order.skipped, [Skip { endpoint: id("a-1"), reason: SkipReason::NoCountTokens }]);
    assert_eq!(order.candidates[0].spec.id, id("a-2"));
    assert_eq!(names(&fleet), ["a-1", "a-2"]);
}

#[test]
fn a_pause_explains_more_than_a_rate_limit() {
    let mut fleet = fleet(&[1]);
    fail(&mut fleet, "a-1", limited(3600.0, Scope::Endpoint));
    fleet.apply(Input::Pause(group("a"), Pause::ForEver), at(NOW));
    assert_eq!(skips(&fleet), [("a-1".to_owned(), SkipReason::GroupPaused)]);
}

#[test]
fn in_manual_mode_only_the_active_group_is_asked() {
    let manual = Settings { auto_switch: false, ..settings() };
    let mut fleet = Fleet::new(manual, &specs(&[1, 1]), at(0.0));
    fleet.apply(Input::Activate(group("b")), at(NOW));
    assert_eq!(names(&fleet), ["b-1"]);
    assert_eq!(skips(&fleet), [("a-1".to_owned(), SkipReason::NotActiveGroup)]);
    fail(&mut fleet, "b-1", status(500));
    assert_eq!(names(&fleet), ["b-1"], "its rest sends nobody elsewhere");
    fleet.apply(Input::Pause(group("b"), Pause::ForEver), at(NOW));
    assert!(names(&fleet).is_empty());
}

#[test]
fn half_open_needs_the_permit_and_is_the_last_resort_while_it_is_taken() {
    let mut fleet = fleet(&[2]);
    half_open(&mut fleet, "a-1");
    let first = || ordered(&fleet, StrategyKind::Priority, &request()).candidates.remove(0);
    assert_eq!((first().spec.id.clone(), first().needs_permit), (id("a-1"), true));
    let view = fleet.view(at(NOW));
    let permit = view.endpoints[0].permits.try_half_open().unwrap();
    assert_eq!(names(&fleet), ["a-2", "a-1"]);
    let last = ordered(&fleet, StrategyKind::Priority, &request()).candidates.remove(1);
    assert_eq!((last.tier, last.needs_permit), (Tier::LastResort, false));
    drop(permit);
    assert_eq!(names(&fleet), ["a-1", "a-2"]);
}

#[test]
fn only_one_request_looks_whether_a_stated_rest_still_holds() {
    let mut fleet = fleet(&[1]);
    let input = Input::Failed {
        endpoint: id("a-1"),
        model: None,
        started: at(0.0),
        failure: limited(7200.0, Scope::Endpoint),
    };
    fleet.apply(input, at(1.0));
    let late = at(1000.0);
    let view = fleet.view(late);
    let routed = || order(&view, StrategyKind::Priority, &request(), late);
    assert!(routed().candidates[0].needs_permit);
    let _permit = view.endpoints[0].permits.try_half_open().unwrap();
    assert!(routed().candidates.is_empty(), "never overrun, not even as the last resort");
    assert_eq!(routed().skipped[0].reason, SkipReason::RateLimited { seconds: 6201 });
}

#[test]
fn an_endpoint_of_an_unknown_group_is_never_asked() {
    let fleet = fleet(&[1]);
    let mut view = fleet.view(at(NOW));
    view.groups[0].id = GroupId::new("other");
    assert!(order(&view, StrategyKind::Priority, &request(), at(NOW)).candidates.is_empty());
}
