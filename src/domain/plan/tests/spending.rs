//! Requests that meet spending limits which are used up.

use super::*;
use crate::claude::money::PicoUsd;
use crate::domain::budget::{Bounds, Budget, BudgetScope, Overruns, Spent, Sums, statuses};
use crate::domain::civil::Clock;
use crate::domain::fleet::Condition;

/// Limits of a cent a day on these, with everything spent: by `a-1` of group `a`, and by `b-1` of `b`.
fn overspent(scopes: &[BudgetScope]) -> Input {
    let clock = Clock::new(jiff::tz::TimeZone::UTC);
    let now: jiff::Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
    let mut sums = Sums::new(Bounds::at(&clock, now));
    let cent = Spent { cost: PicoUsd::from_micro_usd(10_000), unpriced: 0 };
    for (endpoint, in_group) in [("a-1", "a"), ("b-1", "b")] {
        sums.add(now, &id(endpoint), &group(in_group), cent);
    }
    let budget = |scope: &BudgetScope| Budget {
        scope: scope.clone(),
        daily: Some(10_000),
        monthly: None,
        warn_at_percent: 80,
        block: true,
    };
    let budgets: Vec<Budget> = scopes.iter().map(budget).collect();
    Input::Overspent(Overruns::of(&statuses(&budgets, &sums), &clock))
}

fn endpoint(name: &str) -> BudgetScope {
    BudgetScope::Endpoint(id(name))
}

fn fleet(scopes: &[BudgetScope]) -> Fleet {
    let mut fleet = Fleet::new(settings(), &specs(&[2, 1]), at(0.0));
    fleet.apply(overspent(scopes), at(50.0));
    fleet
}

fn start(fleet: &Fleet, billed: bool, suspend: bool) -> Step {
    let (route, policy) = (RouteRequest { billed, ..any_model() }, Policy { suspend, ..policy() });
    let view = fleet.view(at(100.0));
    Plan::start(policy, route, Replay::Free, at(380.0), &view, at(100.0)).1
}

fn asked(step: &Step) -> &str {
    match step {
        Step::Send(attempt) => &attempt.spec.id.0,
        _ => "nobody",
    }
}

fn refusal(step: Step) -> (u16, String) {
    match step {
        Step::Done(verdict) => (verdict.refusal.status, verdict.refusal.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endpoint_or_group_over_its_budget_is_left_out_of_what_costs_money() {
    for (scopes, billed, free) in [
        (vec![], "a-1", "a-1"),
        (vec![endpoint("a-1")], "a-2", "a-1"),
        (vec![endpoint("a-2")], "a-1", "a-1"),
        (vec![BudgetScope::Group(group("a"))], "b-1", "b-1"),
        (vec![BudgetScope::Group(group("a")), endpoint("b-1")], "nobody", "a-1"),
        (vec![BudgetScope::All], "nobody", "a-1"),
    ] {
        let fleet = fleet(&scopes);
        assert_eq!(asked(&start(&fleet, true, true)), billed, "{scopes:?}");
        assert_eq!(asked(&start(&fleet, false, true)), free, "{scopes:?}");
    }
}

#[test]
fn when_budgets_are_all_that_is_in_the_way_it_is_a_402_at_once() {
    let (status, message) = refusal(start(&fleet(&[BudgetScope::All, endpoint("a-1")]), true, true));
    let everything =
        "The daily budget is used up: $0.02 of $0.01 spent. It resets at 2026-05-06 00:00 +00:00.";
    assert_eq!((status, message.as_str()), (402, everything));

    let scopes = [BudgetScope::Group(group("a")), endpoint("b-1")];
    let (status, message) = refusal(start(&fleet(&scopes), true, true));
    assert_eq!(status, 402);
    assert_eq!(
        message,
        "The daily budget of group a is used up: $0.01 of $0.01 spent. It resets at 2026-05-06 00:00 +00:00. \
         The daily budget of endpoint b-1 is used up: $0.01 of $0.01 spent. It resets at 2026-05-06 00:00 +00:00."
    );
}

#[test]
fn what_waiting_may_clear_elsewhere_comes_before_the_budget() {
    let mut fleet = fleet(&[BudgetScope::Group(group("a"))]);
    fleet.apply(Input::Pause(group("b"), Pause::ForEver), at(60.0));
    assert!(matches!(start(&fleet, true, true), Step::Suspend { .. }), "group b may be resumed");
    assert_eq!(refusal(start(&fleet, true, false)).0, 503);
    fleet.apply(overspent(&[BudgetScope::All]), at(61.0));
    assert_eq!(refusal(start(&fleet, true, true)).0, 402, "that would not help");
}

#[test]
fn a_failure_that_was_met_decides() {
    let fleet = fleet(&[BudgetScope::Group(group("a"))]);
    let (route, view) = (RouteRequest { billed: true, ..any_model() }, fleet.view(at(100.0)));
    let policy = Policy { max_attempts: 1, ..policy() };
    let (mut plan, step) = Plan::start(policy, route, Replay::Free, at(380.0), &view, at(100.0));
    assert_eq!(asked(&step), "b-1");
    let step = plan.on_outcome(status(500), &view, at(101.0), 0.5);
    assert_eq!(refusal(step).0, 500, "the one within its budget was asked, and failed");
}

#[test]
fn a_limit_that_is_lifted_or_reset_lets_requests_through_again() {
    let mut fleet = fleet(&[BudgetScope::Group(group("a"))]);
    let view = fleet.view(at(100.0));
    assert_eq!(view.active, Some(group("b")), "the group with something left is the active one");
    assert_eq!(view.endpoints[0].condition(at(100.0)), Condition::OverBudget);
    let again = overspent(&[BudgetScope::Group(group("a"))]);
    assert!(!fleet.apply(again, at(101.0)).dirty, "nothing new");
    assert!(fleet.apply(Input::Overspent(Overruns::default()), at(102.0)).dirty);
    assert_eq!(asked(&start(&fleet, true, true)), "a-1");
    assert_eq!(fleet.view(at(103.0)).active, Some(group("a")));
}
