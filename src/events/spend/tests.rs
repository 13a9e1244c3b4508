//! Records, midnights and reloads, and what is told about them.

use super::*;
use crate::claude::money::PicoUsd;
use crate::claude::price::{Bill, CostLines};
use crate::claude::usage::Usage;
use crate::config::{Budget, Level};
use crate::domain::budget::{Bounds, Period};
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::events::AttemptRecord;
use crate::logging::Capture;
use crate::store::testing;

const NOON: &str = "2026-11-23T12:00:00Z";
const MIDNIGHT: &str = "2026-11-24T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A daily budget of so many dollars on everything.
fn daily(dollars: u64, block: bool) -> Budget {
    Budget {
        scope: BudgetScope::All,
        daily: Some(dollars * 1_000_000),
        monthly: None,
        warn_at_percent: 50,
        block,
    }
}

fn config(budgets: &[Budget]) -> Arc<Config> {
    let mut config = Config::built_in();
    config.usage.budgets = budgets.to_vec();
    Arc::new(config)
}

struct Keeper {
    config: watch::Sender<Arc<Config>>,
    spend: Spend,
    log: Capture,
    told: usize,
}

impl Keeper {
    fn with(budgets: &[Budget]) -> Self {
        let log = Capture::start(Level::Info, Default::default());
        let (config, follower) = watch::channel(config(budgets));
        let clock = Clock::new(jiff::tz::TimeZone::UTC);
        let sums = Sums::new(Bounds::at(&clock, at(NOON)));
        Self { config, spend: Spend::new(follower, clock, sums, at(NOON)), log, told: 0 }
    }

    /// A request of this price ends. What is told then.
    fn spends(&mut self, dollars: Option<u64>, accepted: &str, now: &str) -> Vec<String> {
        self.spend.count(&record(dollars, accepted), at(now));
        self.told_at(now)
    }

    fn told_at(&mut self, now: &str) -> Vec<String> {
        self.spend.refresh(at(now));
        let text = self.log.text();
        let new = text.lines().skip(self.told).map(|line| {
            let (_, line) = line.split_once("budget: ").unwrap();
            line.to_owned()
        });
        let new: Vec<String> = new.collect();
        self.told += new.len();
        new
    }

    fn spent(&self) -> (String, u64) {
        let status = &self.spend.statuses()[0];
        (status.spent.to_string(), status.unpriced)
    }
}

/// One attempt at endpoint `a`, at this price or at none that is known.
fn record(dollars: Option<u64>, accepted: &str) -> RequestRecord {
    let lines =
        |dollars| CostLines { output: PicoUsd::from_micro_usd(dollars * 1_000_000), ..CostLines::default() };
    let bill = |dollars| Bill {
        lines: lines(dollars),
        cache_saved: PicoUsd::ZERO,
        cache_premium: PicoUsd::ZERO,
        cache_missed: PicoUsd::ZERO,
        rule: "test".into(),
        revision: "test".into(),
    };
    let attempt = AttemptRecord {
        number: 1,
        endpoint: EndpointId::new("a"),
        group: GroupId::new("main"),
        model_sent: None,
        model_served: None,
        start_ms: 0.0,
        connect_ms: None,
        first_byte_ms: None,
        duration_ms: 1.0,
        status: Some(200),
        failure: None,
        cancelled: false,
        usage: Usage { output: 1, ..Usage::default() },
        bill: dollars.map(bill),
    };
    RequestRecord {
        accepted: at(accepted),
        attempts: vec![attempt],
        ..RequestRecord::clone(&testing::record(1))
    }
}

#[test]
fn each_crossing_is_told_once() {
    let mut keeper = Keeper::with(&[daily(10, true)]);
    assert_eq!(keeper.spends(Some(4), NOON, NOON), [""; 0]);
    let warned = keeper.spends(Some(1), NOON, NOON);
    let expected = "the daily budget: $5.00 of $10.00 spent: 50 % and more of the limit";
    assert_eq!(warned.len(), 1);
    assert!(warned[0].starts_with(expected) && warned[0].contains("2026-11-24 00:00 +00:00"), "{warned:?}");
    assert_eq!(keeper.spends(Some(1), NOON, NOON), [""; 0]);
    let over = keeper.spends(Some(5), NOON, NOON);
    let expected = "the daily budget: $11.00 of $10.00 spent: the limit is used up; messages are refused until it resets";
    assert_eq!(over.len(), 1);
    assert!(over[0].starts_with(expected), "{over:?}");
    assert_eq!(keeper.spends(Some(100), NOON, NOON), [""; 0]);
}

#[test]
fn what_only_warns_says_so() {
    let mut keeper = Keeper::with(&[daily(1, false)]);
    let over = keeper.spends(Some(1), NOON, NOON);
    assert!(over.len() == 1 && over[0].contains("nothing is refused, for `block` is not set"), "{over:?}");
}

#[test]
fn midnight_is_a_new_day_for_whoever_is_accepted_after_it() {
    let mut keeper = Keeper::with(&[daily(10, true)]);
    keeper.spends(Some(11), NOON, NOON);
    assert_eq!(keeper.told_at("2026-11-23T23:59:59.999Z"), [""; 0]);
    let reset = keeper.told_at(MIDNIGHT);
    assert_eq!(reset, ["the daily budget: $0.00 of $10.00 spent: within the limit again"]);
    assert_eq!(keeper.spends(Some(11), NOON, MIDNIGHT), [""; 0], "accepted before midnight");
    assert_eq!(keeper.spent().0, "0");
    assert_eq!(keeper.spends(Some(11), MIDNIGHT, MIDNIGHT).len(), 1, "a crossing of the new day");
}

#[test]
fn a_record_that_comes_before_the_first_look_of_the_day_opens_it() {
    let mut keeper = Keeper::with(&[daily(10, true)]);
    keeper.spends(Some(3), NOON, NOON);
    keeper.spends(Some(1), MIDNIGHT, MIDNIGHT);
    assert_eq!(keeper.spent().0, "1");
}

#[test]
fn a_reload_applies_to_what_was_spent_already() {
    let mut keeper = Keeper::with(&[]);
    assert_eq!(keeper.spends(Some(7), NOON, NOON), [""; 0]);
    assert!(keeper.spend.statuses().is_empty());
    keeper.config.send_replace(config(&[daily(5, true)]));
    assert_eq!(keeper.told_at(NOON).len(), 1);
    assert_eq!(keeper.spend.statuses()[0].state, BudgetState::Over);
    let monthly = Budget { daily: Some(20_000_000), monthly: Some(7_000_000), ..daily(0, true) };
    keeper.config.send_replace(config(&[monthly]));
    keeper.told_at(NOON);
    let statuses = keeper.spend.statuses();
    let states: Vec<_> = statuses.iter().map(|s| (s.period, s.state)).collect();
    assert_eq!(states, [(Period::Day, BudgetState::Ok), (Period::Month, BudgetState::Over)]);
    keeper.config.send_replace(config(&[]));
    assert_eq!(keeper.told_at(NOON), [""; 0]);
    assert!(keeper.spend.statuses().is_empty());
}

#[test]
fn what_has_no_price_is_said_to_be_missing() {
    let mut keeper = Keeper::with(&[daily(10, true)]);
    keeper.spends(None, NOON, NOON);
    keeper.spends(Some(2), NOON, NOON);
    assert_eq!(keeper.spent(), ("2".into(), 1));
}

#[tokio::test(start_paused = true)]
async fn it_wakes_for_midnight_and_for_a_reload() {
    let mut keeper = Keeper::with(&[]);
    let started = tokio::time::Instant::now();
    keeper.spend.due(at("2026-11-23T23:59:55Z")).await;
    assert_eq!(started.elapsed().as_secs(), 5);
    keeper.spend.due(at(NOON)).await;
    assert_eq!(started.elapsed().as_secs(), 65, "the wall clock is looked at every minute");
    keeper.config.send_replace(config(&[daily(1, true)]));
    keeper.spend.due(at(NOON)).await;
    assert_eq!(started.elapsed().as_secs(), 65);
    assert!(keeper.spend.refresh(at(NOON)));
}
