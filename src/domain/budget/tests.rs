//! Limits at instants, and what becomes of them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::claude::money::PicoUsd;
use crate::domain::civil::Clock;

fn clock(zone: &str) -> Clock {
    Clock::new(TimeZone::get(zone).unwrap())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn usd(text: &str) -> PicoUsd {
    text.parse().unwrap()
}

fn id(name: &str) -> EndpointId {
    EndpointId::new(name)
}

fn group(name: &str) -> GroupId {
    GroupId::new(name)
}

fn spent(cost: &str) -> Spent {
    Spent { cost: usd(cost), unpriced: 0 }
}

/// A daily limit of one dollar on everything, told from 80 % on.
fn daily() -> Budget {
    Budget {
        scope: BudgetScope::All,
        daily: Some(1_000_000),
        monthly: None,
        warn_at_percent: 80,
        block: true,
    }
}

fn sums(zone: &str, now: &str) -> Sums {
    Sums::new(Bounds::at(&clock(zone), at(now)))
}

/// What endpoint `a` of group `main` spends now.
fn only(cost: &str) -> Sums {
    let mut sums = sums("UTC", "2026-05-05T12:00:00Z");
    sums.add(at("2026-05-05T12:00:00Z"), &id("a"), &group("main"), spent(cost));
    sums
}

#[test]
fn a_limit_is_ok_then_warned_then_over() {
    let state = |limit: u64, percent, cost: &str| {
        let budget = Budget { daily: Some(limit), warn_at_percent: percent, ..daily() };
        let status = statuses(&[budget], &only(cost)).remove(0);
        (status.state, status.blocks())
    };
    use BudgetState::{Ok, Over, Warned};
    for (limit, percent, cost, expected) in [
        (1_000_000, 80, "0", (Ok, false)),
        (1_000_000, 80, "0.799999999999", (Ok, false)),
        (1_000_000, 80, "0.8", (Warned, false)),
        (1_000_000, 80, "0.999999999999", (Warned, false)),
        (1_000_000, 80, "1", (Over, true)),
        (1_000_000, 80, "7", (Over, true)),
        (1_000_000, 100, "0.999999999999", (Ok, false)),
        (1, 1, "0.00000001", (Warned, false)),
        (0, 80, "0", (Over, true)),
        (u64::MAX, 100, "1", (Ok, false)),
    ] {
        assert_eq!(state(limit, percent, cost), expected, "{cost} of {limit} at {percent}");
    }
    let harmless = Budget { block: false, ..daily() };
    let status = statuses(&[harmless], &only("1")).remove(0);
    assert_eq!((status.state, status.blocks()), (Over, false));
}

#[test]
fn a_budget_counts_what_it_covers() {
    let now = "2026-05-05T12:00:00Z";
    let mut sums = sums("UTC", now);
    for (endpoint, in_group, cost) in
        [("a", "main", "1"), ("a", "main", "0.5"), ("b", "main", "2"), ("b", "old", "4")]
    {
        sums.add(at(now), &id(endpoint), &group(in_group), spent(cost));
    }
    let nameless = Spent { cost: usd("0"), unpriced: 3 };
    sums.add(at(now), &id("b"), &group("main"), nameless);
    for (scope, cost, unpriced) in [
        (BudgetScope::All, "7.5", 3),
        (BudgetScope::Endpoint(id("a")), "1.5", 0),
        (BudgetScope::Endpoint(id("b")), "6", 3),
        (BudgetScope::Endpoint(id("main")), "0", 0),
        (BudgetScope::Group(group("main")), "3.5", 3),
        (BudgetScope::Group(group("old")), "4", 0),
    ] {
        let status = statuses(&[Budget { scope: scope.clone(), ..daily() }], &sums).remove(0);
        assert_eq!((status.spent, status.unpriced), (usd(cost), unpriced), "{scope:?}");
    }
}

#[test]
fn a_day_and_a_month_are_counted_apart_and_by_acceptance() {
    let mut sums = sums("Europe/Berlin", "2026-05-05T12:00:00Z");
    for accepted in [
        "2026-04-30T21:59:59Z", // the last second of April
        "2026-04-30T22:00:00Z", // the first of May
        "2026-05-04T21:59:59Z", // yesterday
        "2026-05-04T22:00:00Z", // the first second of today
        "2026-05-05T12:00:00Z",
    ] {
        sums.add(at(accepted), &id("a"), &group("main"), spent("1"));
    }
    let both = Budget { monthly: Some(8_000_000), ..daily() };
    let [day, month] = statuses(&[both], &sums).try_into().unwrap();
    assert_eq!((day.period, day.spent, day.share), (Period::Day, usd("2"), 2.0));
    assert_eq!((month.period, month.spent, month.share), (Period::Month, usd("4"), 0.5));
    assert_eq!(day.resets, at("2026-05-05T22:00:00Z"));
    assert_eq!(month.resets, at("2026-05-31T22:00:00Z"));
}

#[test]
fn days_and_months_end_when_the_clock_on_the_wall_says_so() {
    for (zone, now, next_day, next_month) in [
        ("UTC", "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("UTC", "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
        // 23 hours in spring, 25 in autumn.
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-31T22:00:00Z"),
        ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-31T23:00:00Z"),
        // A zone that changes its clocks at midnight: the day begins at one.
        ("America/Santiago", "2026-09-06T03:30:00Z", "2026-09-06T04:00:00Z", "2026-10-01T03:00:00Z"),
        ("Asia/Kathmandu", "2026-05-05T18:14:59Z", "2026-05-05T18:15:00Z", "2026-05-31T18:15:00Z"),
    ] {
        let bounds = Bounds::at(&clock(zone), at(now));
        assert_eq!((bounds.next_day, bounds.next_month), (at(next_day), at(next_month)), "{zone} {now}");
        assert!(bounds.day <= at(now) && bounds.month <= bounds.day, "{zone} {now}");
    }
}

#[test]
fn midnight_forgets_the_day_and_the_first_forgets_the_month() {
    let berlin = clock("Europe/Berlin");
    let mut sums = sums("Europe/Berlin", "2026-10-25T12:00:00Z");
    let spend = |sums: &mut Sums, when: &str| sums.add(at(when), &id("a"), &group("main"), spent("1"));
    let shown = |sums: &Sums| [Period::Day, Period::Month].map(|p| sums.of(p, &BudgetScope::All).cost);
    spend(&mut sums, "2026-10-25T12:00:00Z");
    assert!(!sums.advance(&berlin, at("2026-10-25T22:59:59Z")), "the day of 25 hours is not over yet");
    assert!(!sums.advance(&berlin, at("2026-10-20T00:00:00Z")), "nor is it when the clock was set back");
    assert_eq!(shown(&sums), [usd("1"), usd("1")]);
    assert!(sums.advance(&berlin, at("2026-10-25T23:00:00Z")));
    assert_eq!(shown(&sums), [usd("0"), usd("1")]);
    spend(&mut sums, "2026-10-25T22:59:59Z");
    assert_eq!(shown(&sums), [usd("0"), usd("2")], "accepted yesterday, ended today");
    assert!(sums.advance(&berlin, at("2026-10-31T23:00:00Z")));
    assert_eq!(shown(&sums), [usd("0"), usd("0")]);
}

#[test]
fn the_words_name_budget_amounts_and_the_end() {
    let words = |budget: Budget, cost: &str| {
        let statuses = statuses(&[budget], &only(cost));
        let overruns = Overruns::of(&statuses, &clock("Europe/Berlin"));
        let message = overruns.covering(&id("a"), &group("main")).map(|o| o.message.clone());
        (statuses[0].to_string(), message)
    };
    assert_eq!(words(daily(), "0.994"), ("the daily budget: $0.99 of $1.00".into(), None));
    let (_, message) = words(daily(), "1.005");
    let expected = "The daily budget is used up: $1.00 of $1.00 spent. It resets at 2026-05-06 02:00 +02:00.";
    assert_eq!(message.as_deref(), Some(expected));
    let scope = BudgetScope::Endpoint(id("a"));
    let (shown, message) = words(Budget { scope, daily: None, monthly: Some(125), ..daily() }, "0.0005");
    assert_eq!(shown, "the monthly budget of endpoint a: $0.000500 of $0.000125");
    assert!(message.unwrap().starts_with("The monthly budget of endpoint a is used up: $0.000500 of"));
    let elsewhere = BudgetScope::Group(group("other"));
    assert_eq!(words(Budget { scope: elsewhere, daily: Some(0), ..daily() }, "1").1, None);
    assert_eq!(words(Budget { block: false, ..daily() }, "2").1, None, "it only warns");
}

#[test]
fn what_covers_everything_and_lasts_longest_speaks_first() {
    let budgets = [
        Budget { scope: BudgetScope::Endpoint(id("a")), ..daily() },
        daily(),
        Budget { daily: None, monthly: Some(1), ..daily() },
    ];
    let overruns = Overruns::of(&statuses(&budgets, &only("2")), &clock("UTC"));
    let said = |endpoint: &str| overruns.covering(&id(endpoint), &group("main")).unwrap().message.clone();
    assert!(said("a").starts_with("The monthly budget is used up"), "{}", said("a"));
    assert_eq!(said("a"), said("b"));
}

#[test]
fn a_report_is_stable_json() {
    let budgets = [Budget { scope: BudgetScope::Group(group("main")), ..daily() }];
    let report = BudgetReport::new(at("2026-05-05T12:00:00Z"), statuses(&budgets, &only("0.5")));
    assert_eq!(
        serde_json::to_string(&report).unwrap(),
        r#"{"at":"2026-05-05T12:00:00Z","over":false,"budgets":[{"scope":{"kind":"group","name":"main"},"period":"day","limit":1,"spent":0.5,"share":0.5,"state":"ok","warn_at_percent":80,"block":true,"resets":"2026-05-06T00:00:00Z","unpriced":0}]}"#
    );
    assert!(BudgetReport::new(report.at, statuses(&[daily()], &only("1"))).over);
}
