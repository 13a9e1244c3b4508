//! Where sessions stay, when they may leave, and how many are remembered.

use proptest::prelude::*;

use super::super::testing::{at, id, secs};
use super::*;

const BY_SESSION: Rules = Rules { fail_back: FailBack::Session, idle: None };

fn session(name: &str) -> Arc<str> {
    Arc::from(name)
}

/// One whole answer of `endpoint`.
fn answer(sessions: &mut Sessions, name: &str, endpoint: &str, orders: u64, now: f64) {
    sessions.committed(&session(name), &id(endpoint), orders, at(now));
    sessions.ended(&session(name), &id(endpoint), false, at(now));
}

/// A session `s` that `a` answered at second 0.
fn known() -> Sessions {
    let mut sessions = Sessions::default();
    answer(&mut sessions, "s", "a", 0, 0.0);
    sessions
}

fn after(sessions: &Sessions, rules: Rules, now: f64) -> Affinity {
    sessions.affinity("s", rules, 0, at(now))
}

#[test]
fn an_unknown_session_is_new() {
    assert_eq!(known().affinity("t", BY_SESSION, 0, at(0.0)), Affinity::New);
    assert_eq!(Affinity::New.preferred(0), None);
}

#[test]
fn a_running_session_stays_until_it_has_been_idle() {
    let idle = |seconds: f64| Affinity::Idle(id("a"), secs(seconds));
    let rules = |idle: Option<f64>| Rules { idle: idle.map(secs), ..BY_SESSION };
    for (rules, now, wanted) in [
        (rules(None), 299.0, Affinity::Stays(id("a"))),
        (rules(None), 300.0, idle(300.0)),
        (rules(Some(10.0)), 9.0, Affinity::Stays(id("a"))),
        (rules(Some(10.0)), 10.0, idle(10.0)),
        (rules(Some(0.0)), 0.0, idle(0.0)),
    ] {
        assert_eq!(after(&known(), rules, now), wanted);
    }
}

#[test]
fn a_session_that_wrote_cache_for_an_hour_stays_an_hour() {
    let mut sessions = known();
    sessions.committed(&session("s"), &id("a"), 0, at(10.0));
    sessions.ended(&session("s"), &id("a"), true, at(20.0));
    answer(&mut sessions, "s", "a", 0, 30.0);
    assert_eq!(after(&sessions, BY_SESSION, 3629.0), Affinity::Stays(id("a")));
    assert_eq!(after(&sessions, BY_SESSION, 3630.0), Affinity::Idle(id("a"), secs(3600.0)));
    let short = Rules { idle: Some(secs(60.0)), ..BY_SESSION };
    assert_eq!(after(&sessions, short, 90.0), Affinity::Idle(id("a"), secs(60.0)), "a set time wins");
    answer(&mut sessions, "s", "b", 0, 100.0);
    assert_eq!(
        after(&sessions, BY_SESSION, 400.0),
        Affinity::Idle(id("b"), secs(300.0)),
        "b has no such cache"
    );
}

#[test]
fn cache_written_elsewhere_says_nothing() {
    let mut sessions = known();
    sessions.committed(&session("s"), &id("a"), 0, at(1.0));
    answer(&mut sessions, "s", "b", 0, 2.0);
    sessions.ended(&session("s"), &id("a"), true, at(3.0));
    assert_eq!(after(&sessions, BY_SESSION, 303.0), Affinity::Idle(id("b"), secs(300.0)));
}

#[test]
fn a_session_with_a_running_answer_is_not_idle() {
    let mut sessions = known();
    sessions.committed(&session("s"), &id("a"), 0, at(1.0));
    assert_eq!(after(&sessions, BY_SESSION, 9000.0), Affinity::Stays(id("a")));
    sessions.ended(&session("s"), &id("a"), false, at(9000.0));
    assert_eq!(after(&sessions, BY_SESSION, 9299.0), Affinity::Stays(id("a")));
    assert_eq!(after(&sessions, BY_SESSION, 9300.0), Affinity::Idle(id("a"), secs(300.0)));
}

#[test]
fn the_other_policies() {
    let manual = Rules { fail_back: FailBack::Manual, idle: None };
    assert_eq!(after(&known(), manual, 1e6), Affinity::Stays(id("a")), "only a person moves it");
    assert_eq!(known().affinity("s", manual, 1, at(1.0)), Affinity::Ordered(id("a")));
    let immediate = Rules { fail_back: FailBack::Immediate, idle: None };
    let leans = after(&known(), immediate, 7.0);
    assert_eq!(leans, Affinity::Leans(id("a"), secs(7.0)));
    let preferred = Preferred { endpoint: id("a"), orders: 3, in_group: true };
    assert_eq!(leans.preferred(3), Some(preferred));
}

#[test]
fn the_endpoint_that_answered_last_counts() {
    let mut sessions = known();
    answer(&mut sessions, "s", "b", 0, 1.0);
    assert_eq!(after(&sessions, BY_SESSION, 2.0), Affinity::Stays(id("b")));
}

#[test]
fn an_order_of_a_person_ends_every_affinity_once() {
    let mut sessions = known();
    assert_eq!(sessions.affinity("s", BY_SESSION, 1, at(1.0)), Affinity::Ordered(id("a")));
    assert_eq!(Affinity::Ordered(id("a")).preferred(1), None);
    answer(&mut sessions, "s", "b", 1, 2.0);
    assert_eq!(sessions.affinity("s", BY_SESSION, 1, at(3.0)), Affinity::Stays(id("b")));
    answer(&mut sessions, "s", "a", 0, 4.0);
    let stays = sessions.affinity("s", BY_SESSION, 1, at(5.0));
    assert_eq!(stays, Affinity::Stays(id("b")), "what was asked before the order does not overrule it");
}

#[test]
fn the_one_that_was_silent_longest_is_forgotten_first() {
    let mut sessions = Sessions::default();
    for n in 0..MAX_SESSIONS {
        answer(&mut sessions, &n.to_string(), "a", 0, 0.0);
    }
    answer(&mut sessions, "0", "a", 0, 1.0);
    answer(&mut sessions, "one more", "a", 0, 2.0);
    assert_eq!(sessions.len(), MAX_SESSIONS);
    let is_known = |name: &str| sessions.affinity(name, BY_SESSION, 0, at(3.0)) != Affinity::New;
    assert_eq!(["0", "1", "2", "one more"].map(is_known), [true, false, true, true]);
}

#[test]
fn the_end_of_an_answer_to_a_forgotten_session_changes_nothing() {
    let mut sessions = Sessions::default();
    sessions.ended(&session("s"), &id("a"), true, at(0.0));
    assert!(sessions.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn never_more_than_the_limit_and_both_indexes_agree(
        steps in prop::collection::vec((0_u32..60_000, 0_u8..3, 0_u64..3), 20_000..22_000),
    ) {
        let mut sessions = Sessions::default();
        for (n, (name, act, orders)) in steps.into_iter().enumerate() {
            let (name, now) = (session(&name.to_string()), at(n as f64));
            match act {
                0 => sessions.ended(&name, &id("a"), true, now),
                _ => sessions.committed(&name, &id(if act == 1 { "a" } else { "b" }), orders, now),
            }
            prop_assert!(sessions.len() <= MAX_SESSIONS);
            prop_assert_eq!(sessions.by_age.len(), sessions.len());
        }
        for (turn, name) in &sessions.by_age {
            prop_assert_eq!(sessions.known.get(name).map(|k| k.turn), Some(*turn));
        }
    }
}
