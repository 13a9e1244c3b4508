//! Who goes when: order, pace, and whom a new request has to let go first.

use std::sync::Arc;

use proptest::prelude::*;

use super::pace::SLOW;
use super::*;
use crate::domain::fleet::{Fleet, Input};
use crate::domain::group::Pause;
use crate::domain::outcome::Transport;
use crate::domain::testing::{at, group, id, limited, settings, specs, status, transport};
use crate::domain::{fleet::FleetView, outcome::Failure, ratelimit::Scope};

/// One endpoint, `a-1`, and requests that are accepted from second 100 on, a millisecond apart.
struct Bench {
    fleet: Fleet,
    line: Line<u32>,
    joined: u32,
}

fn ticket(seconds: f64, model: &str) -> Ticket {
    let route = RouteRequest { model: Some(Arc::from(model)), ..RouteRequest::default() };
    Ticket { accepted: at(seconds), until: at(seconds + 280.0), route }
}

impl Bench {
    fn new(waiting: u32) -> Self {
        Self::of(&[1], waiting)
    }

    fn of(sizes: &[usize], waiting: u32) -> Self {
        let fleet = Fleet::new(settings(), &specs(sizes), at(0.0));
        let mut bench = Self { fleet, line: Line::default(), joined: 0 };
        (0..waiting).for_each(|_| bench.join("opus"));
        bench
    }

    fn join(&mut self, model: &str) {
        self.line.join(ticket(100.0 + f64::from(self.joined) / 1e3, model), self.joined);
        self.joined += 1;
    }

    fn fail(&mut self, name: &str, model: &str, failure: Failure, now: f64) {
        let input =
            Input::Failed { endpoint: id(name), model: Some(Arc::from(model)), started: at(now), failure };
        self.fleet.apply(input, at(now));
    }

    fn view(&self, now: f64) -> FleetView {
        self.fleet.view(at(now))
    }

    fn let_go(&mut self, now: f64) -> Vec<(u32, Turn)> {
        let view = self.view(now);
        std::iter::from_fn(|| self.line.next(&view, StrategyKind::Priority, at(now))).collect()
    }

    fn count(&mut self, now: f64) -> usize {
        self.let_go(now).len()
    }

    fn commit(&mut self, turns: Vec<(u32, Turn)>) {
        turns.into_iter().for_each(|(_, turn)| self.line.committed(turn));
    }

    /// A request that comes at `now` would overtake somebody.
    fn yields(&self, model: &str, now: f64) -> bool {
        self.line.is_ahead_of(&ticket(now, model), &self.view(now), StrategyKind::Priority, at(now))
    }
}

#[test]
fn steps_double_as_they_commit_and_everybody_goes_in_turn() {
    let mut bench = Bench::new(100);
    let mut gone = Vec::new();
    for step in [1, 2, 4, 8, 16, 32, 37] {
        let released = bench.let_go(102.0);
        assert_eq!(released.len(), step);
        assert_eq!(bench.count(102.0), 0, "the step is not through yet");
        gone.extend(released.iter().map(|(who, _)| *who));
        bench.commit(released);
    }
    assert!(gone.into_iter().eq(0..100));
    assert_eq!(bench.line.pace.take(at(103.0)).map(|_| bench.line.pace.take(at(103.0))), Some(None));
}

#[test]
fn a_failure_starts_the_steps_anew_once_the_others_are_through() {
    let mut bench = Bench::new(20);
    let first = bench.let_go(102.0);
    bench.commit(first);
    let mut second = bench.let_go(102.0);
    let (_, turn) = second.pop().unwrap();
    bench.line.failed(turn);
    assert_eq!(bench.count(102.0), 0, "the other one is still on its way");
    let (_, turn) = second.pop().unwrap();
    bench.line.failed(turn);
    assert_eq!(bench.count(102.0), 1);
}

#[test]
fn who_leaves_lets_another_one_go_and_nothing_else_changes() {
    let mut bench = Bench::new(20);
    let first = bench.let_go(102.0);
    bench.commit(first);
    let mut second = bench.let_go(102.0);
    let (_, turn) = second.pop().unwrap();
    bench.line.given_back(turn);
    second.extend(bench.let_go(102.0));
    assert_eq!(second.len(), 2, "one for one");
    bench.commit(second);
    assert_eq!(bench.count(102.0), 4, "nothing failed");
}

#[test]
fn who_is_slow_does_not_hold_up_the_others() {
    let mut bench = Bench::new(20);
    let slow = bench.let_go(102.0);
    assert_eq!(bench.line.next_change(at(102.0)), Some(at(102.0) + SLOW));
    assert_eq!(bench.count(111.9), 0);
    assert_eq!(bench.count(112.0), 1, "nobody has committed: no larger step");
    bench.commit(slow);
    assert_eq!(bench.count(112.1), 0);
    assert_eq!(bench.count(122.0), 2, "somebody has");
    assert_eq!(bench.line.next_change(at(133.0)), None, "what has passed is no reason to wake");
}

/// Others are answered while those who wait cannot go: that is no reason to let all of them go together later.
#[test]
fn what_others_commit_meanwhile_does_not_let_everybody_go_at_once() {
    let mut bench = Bench::new(50);
    bench.fail("a-1", "opus", limited(60.0, Scope::Model), 101.0);
    assert_eq!(bench.count(102.0), 0);
    (0..100).for_each(|_| assert!(bench.line.others_commit()));
    assert_eq!(bench.count(102.0), 0, "its model still rests");
    let first = bench.let_go(162.0);
    assert_eq!(first.len(), 1);
    bench.commit(first);
    assert_eq!(bench.count(162.0), 2);
    assert!(!Bench::new(0).line.others_commit(), "nobody waits");
}

#[test]
fn a_new_outage_starts_with_one() {
    let mut bench = Bench::new(7);
    for _ in 0..3 {
        let released = bench.let_go(102.0);
        bench.commit(released);
    }
    bench.join("opus");
    let on_the_way = bench.let_go(103.0);
    assert_eq!((on_the_way.len(), bench.line.len()), (1, 0));
    (0..9).for_each(|_| bench.join("opus"));
    assert_eq!(bench.count(104.0), 0, "somebody is still on the way");
    bench.commit(on_the_way);
    assert_eq!(bench.count(104.0), 2);
}

#[test]
fn one_whose_model_rests_does_not_hold_up_the_others() {
    let mut bench = Bench::new(2);
    bench.join("haiku");
    bench.fail("a-1", "opus", limited(60.0, Scope::Model), 101.0);
    let released = bench.let_go(102.0);
    assert_eq!(released.iter().map(|(who, _)| *who).collect::<Vec<_>>(), [2]);
}

#[test]
fn nobody_goes_while_nothing_is_usable_and_everybody_when_nothing_ever_will_be() {
    let mut bench = Bench::of(&[1, 1], 3);
    for name in ["a-1", "b-1"] {
        bench.fail(name, "opus", transport(Transport::Connect), 101.0);
    }
    assert_eq!(bench.count(101.5), 0);
    bench.fail("a-1", "opus", limited(900.0, Scope::Endpoint), 101.5);
    assert_eq!(bench.count(101.6), 0, "the other one may come back");
    bench.fleet.apply(Input::Pause(group("b"), Pause::ForEver), at(101.6));
    bench.fail("b-1", "opus", status(401), 101.6);
    assert_eq!(bench.count(101.7), 0, "a pause can be ended");
    bench.fleet.apply(Input::Resume(group("b")), at(101.8));
    assert_eq!(bench.count(102.1), 1, "a refused credential is nothing to wait for");
}

/// Whoever tried it now would be back at once.
#[test]
fn a_refused_credential_of_an_endpoint_that_fails_is_not_tried_in_circles() {
    let mut bench = Bench::new(3);
    bench.fail("a-1", "opus", status(401), 101.0);
    bench.fail("a-1", "opus", transport(Transport::Connect), 101.5);
    assert_eq!(bench.count(102.4), 0);
    assert_eq!(bench.count(102.5), 1, "its rest is over");
}

#[test]
fn a_throttled_endpoint_is_waited_for_by_those_who_wait() {
    let mut bench = Bench::new(3);
    bench.fail("a-1", "opus", status(429), 101.0);
    assert_eq!(bench.count(101.5), 0);
    assert_eq!(bench.count(102.0), 1);
}

#[test]
fn a_new_request_joins_behind_those_it_would_overtake() {
    let mut bench = Bench::new(3);
    assert!(bench.yields("opus", 102.0));
    assert!(!bench.yields("opus", 99.0), "it came earlier");
    assert!(!bench.yields("haiku", 102.0), "nothing is wrong with the endpoint");
    bench.fail("a-1", "opus", limited(60.0, Scope::Model), 102.0);
    assert!(!bench.yields("haiku", 103.0), "they wait for something else");
    assert!(!bench.yields("opus", 103.0), "it cannot go anywhere itself");
    let mut down = Bench::new(3);
    down.fail("a-1", "sonnet", transport(Transport::Connect), 101.0);
    assert!(!down.yields("opus", 101.5), "nobody can go anywhere");
    assert!(down.yields("haiku", 102.0), "it has answered nobody since it failed");
    let input = Input::Succeeded { endpoint: id("a-1"), model: None, started: at(102.0) };
    down.fleet.apply(input, at(103.0));
    assert!(!down.yields("haiku", 103.0) && down.yields("opus", 103.0));
    assert!(!Bench::new(0).yields("opus", 102.0));
}

#[test]
fn who_would_ask_another_endpoint_overtakes_nobody() {
    let mut bench = Bench::of(&[2], 0);
    bench.fail("a-1", "haiku", limited(60.0, Scope::Model), 100.0);
    bench.join("opus");
    assert!(bench.yields("opus", 102.0), "both would ask a-1");
    assert!(!bench.yields("haiku", 102.0), "this one would ask a-2");
}

#[test]
fn who_was_slow_is_never_taken_for_another() {
    let mut bench = Bench::new(1);
    let slow = bench.let_go(102.0)[0].1;
    bench.join("opus");
    let second = bench.let_go(114.0)[0].1;
    bench.line.failed(second);
    bench.join("opus");
    let third = bench.let_go(114.0)[0].1;
    assert_ne!(slow, third);
    bench.line.committed(slow);
    bench.join("opus");
    assert!(bench.let_go(114.0).is_empty(), "the third has not been answered");
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Join,
    LetGo,
    Commit(usize),
    Fail(usize),
    Leave(usize),
    Later,
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Join),
        3 => Just(Act::LetGo),
        4 => (0usize..64).prop_map(Act::Commit),
        1 => (0usize..64).prop_map(Act::Fail),
        1 => (0usize..64).prop_map(Act::Leave),
        1 => Just(Act::Later),
    ]
}

proptest! {
    /// However they end: never more on the way than the step, and never nobody while somebody waits.
    #[test]
    fn the_pace_is_kept_and_never_gets_stuck(acts in prop::collection::vec(any_act(), 1..200)) {
        let mut bench = Bench::new(5);
        let (mut turns, mut now): (Vec<(Turn, f64)>, f64) = (Vec::new(), 102.0);
        for act in acts {
            let mut pick = |n: usize| (!turns.is_empty()).then(|| turns.remove(n % turns.len()).0);
            match act {
                Act::Join => bench.join("opus"),
                Act::LetGo => {}
                Act::Commit(n) => pick(n).into_iter().for_each(|t| bench.line.committed(t)),
                Act::Fail(n) => pick(n).into_iter().for_each(|t| bench.line.failed(t)),
                Act::Leave(n) => pick(n).into_iter().for_each(|t| bench.line.given_back(t)),
                Act::Later => now += 4.0,
            }
            let step = bench.line.pace.step();
            let started_anew = bench.let_go(now).into_iter().map(|(_, turn)| (turn, now)).collect::<Vec<_>>();
            let fresh = |turns: &[(Turn, f64)]| {
                turns.iter().filter(|(_, since)| at(now) < at(*since) + SLOW).count()
            };
            turns.extend(started_anew.iter().copied());
            if !started_anew.is_empty() {
                prop_assert!(fresh(&turns) <= bench.line.pace.step().max(step) as usize);
            }
            prop_assert!(bench.line.is_empty() || fresh(&turns) > 0, "somebody waits for nothing");
        }
    }
}

#[test]
fn waits_are_bounded_by_their_deadline() {
    let mut bench = Bench::new(1);
    bench.fail("a-1", "opus", limited(279.0, Scope::Model), 100.5);
    assert_eq!(bench.count(101.0), 0);
    bench.fail("a-1", "opus", limited(600.0, Scope::Model), 101.0);
    assert_eq!(bench.count(102.0), 1, "to be told that it waits in vain");
}
