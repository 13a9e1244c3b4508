//! Whatever a snapshot holds comes back from JSON as it was.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv6Addr};

use serde::de::DeserializeOwned;

use super::*;
use crate::domain::budget::{BudgetScope, BudgetState, Period};
use crate::domain::fleet::{Change, Condition};
use crate::domain::group::GroupState;
use crate::domain::order::Refused;
use crate::domain::plan::{Decision, WaitsFor};
use crate::domain::ratelimit::Bucket;
use crate::domain::route::{RouteReason, Skip, SkipReason, Unfit};
use crate::events::record::testing::record;
use crate::events::trace::{TraceStep, What};
use crate::tui::testing::busy;

/// There and back again: as text, then as a value.
fn again<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(&again(value), value);
}

/// For what cannot be compared itself.
fn says_the_same<T: Serialize + DeserializeOwned>(value: &T) {
    let json = |value: &T| serde_json::to_value(value).unwrap();
    assert_eq!(json(&again(value)), json(value));
}

fn name(text: &str) -> EndpointId {
    EndpointId::new(text)
}

fn skips() -> Vec<Skip> {
    let reasons = [
        SkipReason::Disabled,
        SkipReason::Resting,
        SkipReason::GroupPaused,
        SkipReason::NotActiveGroup,
        SkipReason::RateLimited { seconds: 9 },
        SkipReason::ClientCredential,
        SkipReason::NoCountTokens,
        SkipReason::Budget,
    ];
    reasons.map(|reason| Skip { endpoint: name("a"), reason }).to_vec()
}

fn routes() -> [RouteReason; 10] {
    let from = name("a");
    let moved = |why| RouteReason::SessionMoved { from: name("b"), why };
    [
        RouteReason::Best,
        RouteReason::Pinned,
        RouteReason::Activated,
        RouteReason::LastResort,
        RouteReason::Failover { from: from.clone(), kind: Kind::Html },
        RouteReason::SessionStays,
        RouteReason::SessionReturned { from: from.clone(), idle: 301 },
        RouteReason::SessionOrdered { from },
        moved(Unfit::Failed(Kind::Overloaded)),
        moved(Unfit::Skipped(SkipReason::RateLimited { seconds: 7 })),
    ]
}

fn told() -> RequestRecord {
    let decision = Decision { order: vec![name("a"), name("b")], skipped: skips() };
    let chose = |why| What::Chose { endpoint: name("a"), why, decision: decision.clone() };
    let waited = What::Waited { ms: 1_500.25, waits_for: WaitsFor::Reset, skipped: skips() };
    let steps = routes().map(chose).into_iter().chain([What::BackedOff { ms: 0.5 }, waited]);
    RequestRecord {
        trace: steps.zip(0..).map(|(what, n)| TraceStep { at_ms: f64::from(n), what }).collect(),
        route: Some(RouteReason::LastResort),
        client: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        skipped: skips(),
        cancel_reason: Some("client \"left\"\n".to_owned()),
        ..record(&[Some(Kind::IdleTimeout), None])
    }
}

fn limit(scope: BudgetScope) -> BudgetStatus {
    BudgetStatus {
        scope,
        period: Period::Month,
        limit: "5".parse().unwrap(),
        spent: "4.123456789012".parse().unwrap(),
        share: 0.75,
        state: BudgetState::Warned,
        warn_at_percent: 80,
        block: true,
        resets: Timestamp::UNIX_EPOCH,
        unpriced: 1,
    }
}

fn full() -> Snapshot {
    let mut snapshot = busy();
    let scopes =
        [BudgetScope::All, BudgetScope::Endpoint(name("a")), BudgetScope::Group(GroupId::new("main"))];
    snapshot.budgets = scopes.map(limit).into();
    snapshot.recent.push(Arc::new(told()));
    snapshot.ledger = Some(LedgerStatus {
        unsaved: 3,
        oldest_age: Some(1.5),
        failing: Some("disk full".to_owned()),
        last_commit: Some(Timestamp::UNIX_EPOCH),
    });
    snapshot.pinned = Some(name("主线-丙"));
    snapshot.endpoints[0].budgets = vec![Bucket {
        name: "tokens".to_owned(),
        limit: Some(u64::MAX),
        remaining: None,
        utilization: Some(0.5),
        status: Some("rejected".to_owned()),
        reset: Some(Timestamp::UNIX_EPOCH),
    }];
    if let Some(wait) = snapshot.live.iter_mut().find_map(|live| live.wait.as_mut()) {
        wait.skipped = skips().into();
    }
    snapshot
}

#[test]
fn a_snapshot_comes_back_whole() {
    let snapshot = full();
    says_the_same(&snapshot);
    let seen = again(&snapshot);
    assert!(seen.queue.len() == 2 && seen.live.len() == 4, "the picture has something of everything");
    assert_eq!(
        (&seen.totals, &seen.minutes, &seen.budgets),
        (&snapshot.totals, &snapshot.minutes, &snapshot.budgets)
    );
    assert_eq!(seen.ledger, snapshot.ledger);
    let answering = |snapshot: &Snapshot| -> Vec<Option<String>> {
        snapshot.live.iter().map(|live| live.model().map(str::to_owned)).collect()
    };
    assert_eq!(answering(&seen), answering(&snapshot));
    says_the_same(&Board::new(Timestamp::UNIX_EPOCH).totals().clone());
}

#[test]
fn the_story_of_a_record_is_made_anew_by_whoever_reads_it() {
    let record = told();
    let seen = again(&record);
    assert_eq!(trace::explain(&seen), trace::explain(&record));
    assert_eq!((seen.trace.len(), seen.attempts.len()), (12, 2));
}

#[test]
fn every_reason_comes_back() {
    routes().iter().for_each(comes_back);
    skips().iter().for_each(comes_back);
    let unfit = [Unfit::Resting, Unfit::UsedUp, Unfit::GroupCools, Unfit::Gone];
    unfit.map(|why| RouteReason::SessionMoved { from: name("a"), why }).iter().for_each(comes_back);
    let known = vec!["a".to_owned()];
    let refused = [
        Refused::UnknownGroup { group: "x".to_owned(), known: known.clone() },
        Refused::UnknownEndpoint { endpoint: "x".to_owned(), known },
        Refused::Cooling { seconds: 3 },
        Refused::NothingUsable,
        Refused::AlreadyActivated,
        Refused::NothingToRelease,
        Refused::NotPaused,
        Refused::NothingToClear,
    ];
    refused.iter().for_each(comes_back);
    let (from, to) = (None, Some(GroupId::new("main")));
    let changes = [
        Change::Active { from, to },
        Change::Group { id: GroupId::new("main"), from: GroupState::Cooling, to: GroupState::Paused },
        Change::Endpoint { id: name("a"), from: Condition::HalfOpen, to: Condition::OverBudget },
    ];
    changes.iter().for_each(comes_back);
}

#[test]
fn an_id_that_is_none_is_refused() {
    let wrong = serde_json::from_str::<RequestId>("\"req-1\"").unwrap_err();
    assert!(wrong.to_string().contains("eight hex digits"), "{wrong}");
}
