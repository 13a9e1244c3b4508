//! Sessions, balance and fast tests in the order of endpoints.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::super::fleet::InFlight;
use super::*;
use crate::domain::testing::any_failure;

fn prefer(endpoint: &str, orders: u64, in_group: bool) -> RouteRequest {
    RouteRequest { preferred: Some(Preferred { endpoint: id(endpoint), orders, in_group }), ..request() }
}

fn names_for(fleet: &Fleet, strategy: StrategyKind, request: &RouteRequest) -> Vec<String> {
    ordered(fleet, strategy, request).candidates.iter().map(|c| c.spec.id.to_string()).collect()
}

const STRATEGIES: [StrategyKind; 3] = [StrategyKind::Priority, StrategyKind::Fastest, StrategyKind::Balanced];

#[test]
fn the_endpoint_of_a_session_leads_whatever_the_groups_and_the_strategy() {
    let mut fleet = fleet(&[2, 2]);
    latency(&mut fleet, "a-1", 0.01);
    for strategy in STRATEGIES {
        let names = names_for(&fleet, strategy, &prefer("b-2", 0, false));
        assert_eq!(names, ["b-2", "a-1", "a-2", "b-1"], "{strategy:?}");
    }
}

#[test]
fn it_does_not_lead_once_a_person_gave_an_order() {
    let mut fleet = fleet(&[1, 1]);
    fleet.apply(Input::Activate(group("a")), at(NOW));
    assert_eq!(names_for(&fleet, StrategyKind::Priority, &prefer("b-1", 0, false)), ["a-1", "b-1"]);
    assert_eq!(names_for(&fleet, StrategyKind::Priority, &prefer("b-1", 1, false)), ["b-1", "a-1"]);
}

#[test]
fn in_its_group_it_leads_only_where_numbers_do_not_rank() {
    let fleet = fleet(&[2, 2]);
    let first = |strategy, name| names_for(&fleet, strategy, &prefer(name, 0, true))[0].clone();
    assert_eq!(first(StrategyKind::Balanced, "a-2"), "a-2");
    assert_eq!(first(StrategyKind::Fastest, "a-2"), "a-2");
    assert_eq!(first(StrategyKind::Priority, "a-2"), "a-1");
    assert_eq!(first(StrategyKind::Balanced, "b-2"), "a-1");
}

#[test]
fn the_pin_leads_while_its_group_is_active() {
    let pin = Settings { pinned: Some(id("b-1")), ..settings() };
    let mut fleet = Fleet::new(pin, &specs(&[1, 2]), at(0.0));
    let names =
        |fleet: &Fleet, orders| names_for(fleet, StrategyKind::Priority, &prefer("a-1", orders, false));
    assert_eq!(names(&fleet, 0), ["b-1", "a-1", "b-2"]);
    fail(&mut fleet, "b-1", status(500));
    assert_eq!(names(&fleet, 0), ["a-1", "b-2", "b-1"]);
    fleet.apply(Input::Clear(id("b-1")), at(NOW));
    fleet.apply(Input::Activate(group("a")), at(NOW));
    assert_eq!(names(&fleet, 1), ["a-1", "b-1", "b-2"]);
}

#[test]
fn orders_count_what_people_decide_for_all_sessions() {
    let mut fleet = fleet(&[1, 1]);
    let mut after = |input| {
        fleet.apply(input, at(NOW));
        fleet.view(at(NOW)).orders
    };
    assert_eq!(after(Input::Tick), 0);
    assert_eq!(after(Input::Release), 0, "there was nothing to release");
    assert_eq!(after(Input::Activate(group("b"))), 1);
    assert_eq!(after(Input::GroupExhausted { group: group("b"), blamed: true }), 1, "nobody's order");
    assert_eq!(after(Input::Activate(group("b"))), 2);
    assert_eq!(after(Input::Release), 3);
    assert_eq!(after(Input::Pause(group("a"), Pause::ForEver)), 3, "what is paused is left anyway");
}

fn measured(pairs: &[(&str, f64)], until: f64) -> RouteRequest {
    let latency = pairs.iter().map(|(name, seconds)| (id(name), secs(*seconds))).collect();
    RouteRequest { measured: Some(Arc::new(Measured { latency, until: at(until) })), ..request() }
}

#[test]
fn a_fast_test_outweighs_recent_latency_while_it_counts() {
    let mut fleet = fleet(&[3]);
    latency(&mut fleet, "a-1", 0.1);
    latency(&mut fleet, "a-2", 0.2);
    let by = |request: &RouteRequest| names_for(&fleet, StrategyKind::Fastest, request);
    assert_eq!(by(&measured(&[("a-2", 0.9), ("a-3", 0.8)], NOW + 1.0)), ["a-3", "a-2", "a-1"]);
    assert_eq!(by(&measured(&[("a-3", 0.8)], NOW)), ["a-1", "a-2", "a-3"], "too old");
    assert_eq!(by(&measured(&[], NOW + 1.0)), ["a-1", "a-2", "a-3"], "nobody answered");
}

#[test]
fn balanced_asks_the_least_loaded_then_the_best_number_then_in_turn() {
    let fleet = fleet_of(vec![spec("x", "g", 1, 1), spec("y", "g", 1, 1), spec("z", "g", 2, 1)]);
    let view = fleet.view(at(NOW));
    let first = || names_by(&fleet, StrategyKind::Balanced)[0].clone();
    let ask = |name: &str| view.endpoint(&id(name)).unwrap().permits.enter();
    let turns: Vec<String> = std::iter::repeat_with(|| {
        let name = first();
        drop(ask(&name));
        name
    })
    .take(4)
    .collect();
    assert_eq!(turns, ["x", "y", "x", "y"], "idle: equal numbers take turns");
    let _busy = [ask("x"), ask("y")];
    assert_eq!(first(), "z");
    let _more = [ask("z"), ask("z")];
    assert_eq!(first(), "x");
}

#[test]
fn a_thousand_new_sessions_spread_evenly() {
    let fleet = fleet(&[3, 1]);
    let view = fleet.view(at(NOW));
    let mut running: Vec<InFlight> = Vec::new();
    let mut got: BTreeMap<String, u32> = BTreeMap::new();
    let mut dice = 1_usize;
    for _ in 0..1000 {
        let name = names_by(&fleet, StrategyKind::Balanced)[0].clone();
        running.push(view.endpoint(&id(&name)).unwrap().permits.enter());
        *got.entry(name).or_default() += 1;
        if running.len() > 40 {
            dice = dice * 1_103_515_245 % 2_147_483_647;
            running.swap_remove(dice % 40);
        }
    }
    let shares: Vec<u32> = got.values().copied().collect();
    assert_eq!(shares.len(), 3, "the other group is not asked: {got:?}");
    assert!(shares.iter().all(|n| (320..=347).contains(n)), "{got:?}");
}

proptest! {
    #[test]
    fn the_preferred_leads_if_and_only_if_it_is_usable(
        preferred in 0_usize..6, strategy in prop::sample::select(STRATEGIES.to_vec()),
        past in prop::collection::vec((0_usize..6, 0.0..100.0_f64, any_failure()), 0..20),
        paused in prop::option::of(0_usize..3),
    ) {
        let specs = specs(&[2, 2, 2]);
        let mut fleet = Fleet::new(settings(), &specs, at(0.0));
        let mut past = past;
        past.sort_by(|(_, a, _), (_, b, _)| a.total_cmp(b));
        for (n, end, failure) in past {
            let input = Input::Failed { endpoint: specs[n].id.clone(), model: None, started: at(end), failure };
            fleet.apply(input, at(end));
        }
        if let Some(n) = paused {
            fleet.apply(Input::Pause(group(["a", "b", "c"][n]), Pause::ForEver), at(NOW));
        }
        let name = specs[preferred].id.0.to_string();
        let order = ordered(&fleet, strategy, &prefer(&name, 0, false));
        let without = ordered(&fleet, strategy, &request());
        let usable = without.candidates.iter().any(|c| c.spec.id == id(&name) && c.tier == Tier::Usable);
        let leads = order.candidates.first().is_some_and(|c| c.spec.id == id(&name) && c.tier == Tier::Usable);
        prop_assert_eq!(usable, leads);
        let sorted = |order: &Order| {
            let mut all: Vec<_> = order.candidates.iter().map(|c| c.spec.id.clone()).collect();
            all.sort();
            all
        };
        prop_assert_eq!(sorted(&order), sorted(&without), "a preference adds and removes nobody");
        prop_assert!(order.candidates.is_sorted_by_key(|c| c.tier));
    }
}
