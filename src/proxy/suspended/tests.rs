//! The queue by itself: order, capacity, pace, and every way out.

use std::time::Duration;

use super::*;
use crate::domain::fleet::{Fleet, Input};
use crate::domain::route::RouteRequest;
use crate::domain::testing::{at, settings, specs, transport};
use crate::events::record::Ids;

struct Bench {
    queue: Queue,
    fleet: Fleet,
    ids: Ids,
    joined: u32,
    waiting: Vec<Waiting>,
}

fn ticket(joined: u32) -> Ticket {
    let accepted = at(100.0) + Duration::from_millis(joined.into());
    Ticket { accepted, until: at(400.0), route: RouteRequest::default() }
}

impl Bench {
    /// One endpoint, just failed: it rests until second 101.
    fn new() -> Self {
        let specs = specs(&[1]);
        let mut fleet = Fleet::new(settings(), &specs, at(0.0));
        let failure = transport(crate::domain::outcome::Transport::Connect);
        let endpoint = specs[0].id.clone();
        fleet.apply(Input::Failed { endpoint, model: None, started: at(100.0), failure }, at(100.0));
        Self { queue: Queue::default(), fleet, ids: Ids::starting_at(0), joined: 0, waiting: Vec::new() }
    }

    fn join(&mut self, capacity: usize) -> bool {
        let ticket = ticket(self.joined);
        self.joined += 1;
        let place = self.queue.join(self.ids.next_id(), ticket, capacity);
        let admitted = place.is_some();
        self.waiting.extend(place);
        admitted
    }

    fn let_go(&mut self, seconds: f64) -> Vec<Released> {
        self.queue.let_go(&self.fleet.view(at(seconds)), StrategyKind::Priority, at(seconds));
        let mut released = Vec::new();
        self.waiting.retain_mut(|w| match w.told.try_recv() {
            Ok(Wake::Go(token)) => {
                released.push(token);
                false
            }
            _ => true,
        });
        released
    }
}

#[test]
fn capacity_is_exact() {
    let mut bench = Bench::new();
    let admitted = (0..101).filter(|_| bench.join(100)).count();
    assert_eq!((admitted, bench.queue.len()), (100, 100));
    bench.waiting.pop();
    assert!(bench.join(100), "a place that was left is free again");
}

#[test]
fn nobody_goes_while_nothing_is_usable() {
    let mut bench = Bench::new();
    bench.join(10);
    assert!(bench.let_go(100.5).is_empty());
    assert_eq!(bench.let_go(101.0).len(), 1);
}

#[test]
fn first_come_first_served() {
    let mut bench = Bench::new();
    (0..3).for_each(|_| assert!(bench.join(10)));
    let first = bench.waiting[0].id;
    bench.let_go(102.0);
    assert!(!bench.waiting.iter().any(|w| w.id == first), "the first one went");
    assert_eq!(bench.queue.len(), 2);
}

#[test]
fn a_person_can_resume_and_cancel() {
    let mut bench = Bench::new();
    (0..3).for_each(|_| assert!(bench.join(10)));
    let id = bench.waiting[1].id;
    assert!(bench.queue.cancel(id) && !bench.queue.cancel(id));
    assert!(matches!(bench.waiting[1].told.try_recv(), Ok(Wake::Cancelled)));
    let id = bench.waiting[2].id;
    assert!(bench.queue.resume(id), "whatever its turn");
    assert_eq!(bench.queue.resume_all(), 1);
    assert_eq!(bench.let_go(100.0).len(), 2);
}

#[test]
fn closing_ends_every_wait_and_admits_nobody() {
    let mut bench = Bench::new();
    bench.join(10);
    bench.queue.close();
    assert!(matches!(bench.waiting[0].told.try_recv(), Ok(Wake::Stopping)));
    assert!(!bench.join(10) && bench.queue.is_empty());
}

#[test]
fn a_slow_one_does_not_hold_up_the_queue_while_others_are_answered() {
    let mut bench = Bench::new();
    (0..5).for_each(|_| assert!(bench.join(10)));
    let slow = bench.let_go(102.0);
    assert!(bench.let_go(102.0).is_empty(), "the step is not through");
    bench.queue.others_commit();
    assert_eq!(bench.let_go(102.0).len(), 1);
    assert!(bench.let_go(102.0).is_empty(), "one for one");
    drop(slow);
}

#[test]
fn who_left_gives_its_turn_back_at_every_moment() {
    let mut bench = Bench::new();
    (0..4).for_each(|_| assert!(bench.join(10)));
    bench.waiting.remove(0);
    assert_eq!(bench.queue.len(), 3, "before it was let go");
    bench.queue.let_go(&bench.fleet.view(at(102.0)), StrategyKind::Priority, at(102.0));
    assert_eq!(bench.queue.len(), 2);
    bench.waiting.remove(0);
    let released = bench.let_go(102.0);
    assert_eq!(released.len(), 1, "after it was let go and before it knew");
    drop(released);
    assert_eq!(bench.let_go(102.0).len(), 1, "on its way");
}

#[test]
fn a_new_request_joins_only_behind_somebody_and_only_while_there_is_room() {
    let mut bench = Bench::new();
    let view = bench.fleet.view(at(102.0));
    let ids = Ids::starting_at(1000);
    let behind = |bench: &Bench, capacity| {
        let (new, now) = (ticket(1000), at(102.0));
        bench.queue.join_behind(ids.next_id(), new, capacity, &view, StrategyKind::Priority, now)
    };
    assert!(behind(&bench, 10).is_none(), "nobody is there");
    bench.join(10);
    assert!(behind(&bench, 1).is_none(), "no room");
    let place = behind(&bench, 2).expect("behind the first");
    assert_eq!(bench.queue.len(), 2);
    drop(place);
    assert_eq!(bench.queue.len(), 1);
    bench.queue.close();
    assert!(behind(&bench, 10).is_none());
}
