//! Scenarios on a virtual clock, and properties over random fleets and inputs.

mod properties;

use super::super::group::{GroupState, Reason};
use super::super::outcome::{Kind, Transport};
use super::super::ratelimit::Scope;
use super::super::testing::{at, group, id, limited, secs, settings, specs, status, transport};
use super::*;

/// A fleet whose inputs are written as calls with the second they happen at.
struct Scene {
    fleet: Fleet,
}

impl Scene {
    fn new(settings: Settings, sizes: &[usize]) -> Self {
        Self { fleet: Fleet::new(settings, &specs(sizes), at(0.0)) }
    }

    fn input(&mut self, now: f64, input: Input) -> Vec<String> {
        let applied = self.fleet.apply(input, at(now));
        applied.changes.iter().map(ToString::to_string).collect()
    }

    fn fail(&mut self, now: f64, name: &str, failure: Failure) -> Vec<String> {
        let started = at(now - 0.1);
        let model = Some(Arc::from("opus"));
        self.input(now, Input::Failed { endpoint: id(name), model, started, failure })
    }

    fn succeed(&mut self, now: f64, name: &str) -> Vec<String> {
        let started = at(now - 0.1);
        self.input(now, Input::Succeeded { endpoint: id(name), model: Some(Arc::from("opus")), started })
    }

    fn exhaust(&mut self, now: f64, name: &str) -> Vec<String> {
        self.input(now, Input::GroupExhausted { group: group(name), blamed: true })
    }

    fn probe_down(&mut self, now: f64, name: &str) -> Vec<String> {
        let result = Probed::Down(Kind::Connect);
        self.input(now, Input::Probed { endpoint: id(name), started: at(now - 0.1), result })
    }

    fn tick(&mut self, now: f64) -> Vec<String> {
        self.input(now, Input::Tick)
    }

    fn active(&self, now: f64) -> String {
        self.fleet.view(at(now)).active.map_or_else(|| "none".to_owned(), |g| g.to_string())
    }

    fn state(&self, now: f64, name: &str) -> GroupState {
        self.fleet.view(at(now)).group(&group(name)).unwrap().state
    }

    /// The instant of the next timed change, in seconds.
    fn next(&self, now: f64) -> Option<f64> {
        self.fleet.next_change(at(now)).map(|i| i.saturating_duration_since(at(0.0)).as_secs_f64())
    }
}

fn auto(sizes: &[usize]) -> Scene {
    Scene::new(settings(), sizes)
}

fn manual(sizes: &[usize]) -> Scene {
    Scene::new(Settings { auto_switch: false, ..settings() }, sizes)
}

fn pinned(name: &str, sizes: &[usize]) -> Scene {
    Scene::new(Settings { pinned: Some(id(name)), ..settings() }, sizes)
}

#[test]
fn the_best_rank_is_active_and_ties_go_by_file_order() {
    assert_eq!(auto(&[1, 1]).active(0.0), "a");
    let mut tied: Vec<EndpointSpec> = specs(&[1, 1, 1]).iter().map(|s| (**s).clone()).collect();
    tied.iter_mut().zip([9, 5, 5]).for_each(|(s, rank)| s.group_priority = rank);
    let tied: Vec<Arc<EndpointSpec>> = tied.into_iter().map(Arc::new).collect();
    let fleet = Fleet::new(settings(), &tied, at(0.0));
    assert_eq!(fleet.view(at(0.0)).active, Some(group("b")));
}

/// An active group is not always one that can serve: its reason says what it was chosen for.
#[test]
fn an_active_group_says_what_it_is_the_best_of() {
    let why = |s: &Scene, now| {
        let view = s.fleet.view(at(now));
        view.group(view.active.as_ref().unwrap()).unwrap().why
    };
    let mut s = auto(&[1, 1]);
    assert_eq!(why(&s, 0.0), Reason::BestRank, "nobody has been asked yet, and all may be");
    s.probe_down(1.0, "a-1");
    assert_eq!((s.active(1.0).as_str(), why(&s, 1.0)), ("b", Reason::BestRank));
    s.probe_down(1.0, "b-1");
    assert_eq!((s.active(1.0).as_str(), why(&s, 1.0)), ("a", Reason::BestOfUnusable));
    let mut cooling = auto(&[1, 1]);
    cooling.exhaust(1.0, "a");
    cooling.exhaust(1.0, "b");
    assert_eq!((cooling.active(1.0).as_str(), why(&cooling, 1.0)), ("a", Reason::BestOfCooling));
}

#[test]
fn a_failed_group_cools_and_comes_back() {
    let mut s = auto(&[1, 1]);
    let rests = s.fail(1.0, "a-1", status(500));
    assert_eq!(
        rests,
        [
            "active group: a -> b",
            "group a: Active -> Standby",
            "group b: Standby -> Active",
            "endpoint a-1: unknown -> resting"
        ]
    );
    assert_eq!(s.exhaust(1.0, "a"), ["group a: Standby -> Cooling"]);
    assert_eq!(s.next(1.0), Some(2.0));
    assert_eq!(s.tick(2.0), ["endpoint a-1: resting -> unknown"]);
    assert_eq!(s.active(2.0), "b", "its endpoint is usable, but the group cools");
    assert_eq!(s.next(2.0), Some(601.0));
    let back = s.tick(601.0);
    assert_eq!(back[0], "active group: b -> a");
    assert_eq!(s.state(601.0, "a"), GroupState::Active);
}

#[test]
fn failures_nobody_is_to_blame_for_cool_nothing() {
    let mut s = auto(&[1, 1]);
    s.input(1.0, Input::GroupExhausted { group: group("a"), blamed: false });
    assert_eq!(s.state(1.0, "a"), GroupState::Active);
}

#[test]
fn a_group_cools_only_if_another_can_serve() {
    let mut alone = auto(&[1]);
    alone.exhaust(1.0, "a");
    assert_eq!(alone.next(1.0), None);
    let mut paused = auto(&[1, 1]);
    paused.input(1.0, Input::Pause(group("b"), Pause::ForEver));
    paused.exhaust(2.0, "a");
    assert_eq!(paused.next(2.0), None);
    let mut down = auto(&[1, 1]);
    down.probe_down(1.0, "b-1");
    down.exhaust(2.0, "a");
    assert_eq!(down.next(2.0), None);
}

#[test]
fn when_every_group_cools_endpoint_states_alone_decide() {
    let mut s = auto(&[1, 1]);
    s.exhaust(1.0, "a");
    s.exhaust(2.0, "b");
    assert_eq!(s.active(2.0), "a");
    s.fail(3.0, "a-1", status(500));
    assert_eq!(s.active(3.0), "b");
    s.fail(3.5, "b-1", status(500));
    assert_eq!(s.active(3.5), "a", "nothing is usable: rank decides");
}

#[test]
fn a_pause_is_never_ignored() {
    let mut s = auto(&[1, 1]);
    s.input(1.0, Input::Pause(group("a"), Pause::ForEver));
    assert_eq!(s.active(1.0), "b");
    s.exhaust(2.0, "b");
    s.fail(2.0, "b-1", status(500));
    assert_eq!(s.active(2.0), "b");
    s.input(3.0, Input::Pause(group("b"), Pause::ForEver));
    assert_eq!(s.active(3.0), "none");
    s.input(4.0, Input::Resume(group("a")));
    assert_eq!(s.active(4.0), "a");
}

#[test]
fn a_pause_for_two_seconds_ends_by_itself() {
    let mut s = auto(&[1, 1]);
    s.input(1.0, Input::Pause(group("a"), Pause::Until(at(3.0))));
    assert_eq!((s.active(2.9), s.next(1.0)), ("b".to_owned(), Some(3.0)));
    assert_eq!(
        s.tick(3.0),
        ["active group: b -> a", "group a: Paused -> Active", "group b: Active -> Standby"]
    );
    assert_eq!(s.next(3.0), None);
}

#[test]
fn activate_holds_until_the_group_fails_completely() {
    let mut s = auto(&[2, 2]);
    s.input(1.0, Input::Activate(group("b")));
    assert_eq!(s.active(1.0), "b");
    s.fail(2.0, "b-1", status(500));
    s.succeed(3.0, "a-1");
    s.tick(500.0);
    assert_eq!(s.active(500.0), "b");
    assert_eq!(s.fleet.view(at(500.0)).activated, Some(group("b")));
    s.exhaust(501.0, "b");
    assert_eq!((s.active(501.0), s.fleet.view(at(501.0)).activated), ("a".to_owned(), None));
    s.tick(2000.0);
    assert_eq!(s.active(2000.0), "a", "once dropped it stays dropped");
}

#[test]
fn activate_holds_until_released() {
    let mut s = auto(&[1, 1]);
    s.input(1.0, Input::Activate(group("b")));
    s.input(2.0, Input::Release);
    assert_eq!(s.active(2.0), "a");
    assert!(!s.fleet.apply(Input::Release, at(3.0)).dirty);
}

#[test]
fn activate_ends_a_pause_and_a_cooldown() {
    let mut s = auto(&[1, 1]);
    s.exhaust(1.0, "a");
    s.input(2.0, Input::Activate(group("a")));
    assert_eq!((s.active(2.0), s.next(2.0)), ("a".to_owned(), None));
    s.input(3.0, Input::Pause(group("b"), Pause::ForEver));
    s.input(4.0, Input::Activate(group("b")));
    assert_eq!(s.active(4.0), "b");
}

#[test]
fn an_unhealthy_group_that_is_activated_gets_a_fresh_start() {
    let mut s = auto(&[1, 2]);
    s.probe_down(1.0, "b-1");
    s.fail(1.0, "b-2", status(401));
    s.input(2.0, Input::Activate(group("b")));
    assert_eq!(s.active(2.0), "b");
    let view = s.fleet.view(at(2.0));
    assert!(view.endpoints.iter().all(|e| e.availability(None, at(2.0)) == Availability::Usable));
}

#[test]
fn activating_a_healthy_group_leaves_its_rests_alone() {
    let mut s = auto(&[1, 2]);
    s.probe_down(1.0, "b-1");
    s.input(2.0, Input::Activate(group("b")));
    assert_eq!(s.active(2.0), "b");
    let view = s.fleet.view(at(2.0));
    assert_eq!(view.endpoint(&id("b-1")).unwrap().condition(at(2.0)), Condition::Down);
}

#[test]
fn an_activation_cannot_overrun_a_stated_rest() {
    let mut s = auto(&[1, 1]);
    s.fail(1.0, "b-1", limited(60.0, Scope::Endpoint));
    s.input(2.0, Input::Activate(group("b")));
    assert_eq!(s.active(2.0), "a");
    s.tick(61.0);
    assert_eq!(s.active(61.0), "b", "it takes effect at the end of the rest");
}

#[test]
fn the_pinned_endpoint_makes_its_group_active_and_never_drops() {
    let mut s = pinned("b-2", &[1, 2]);
    assert_eq!(s.active(0.0), "b");
    s.exhaust(1.0, "b");
    assert_eq!(s.active(1.0), "a", "the rest stays as failover");
    s.tick(601.0);
    assert_eq!(s.active(601.0), "b");
    s.input(602.0, Input::Activate(group("a")));
    assert_eq!(s.active(602.0), "a", "a person may still decide otherwise");
    s.input(603.0, Input::Release);
    assert_eq!((s.active(603.0), s.fleet.view(at(603.0)).pinned), ("b".to_owned(), Some(id("b-2"))));
}

#[test]
fn manual_mode_starts_with_the_best_healthy_group() {
    let mut s = manual(&[1, 1, 1]);
    assert_eq!(s.active(0.0), "a");
    s.probe_down(1.0, "a-1");
    assert_eq!(s.active(1.0), "b");
    s.succeed(2.0, "b-1");
    s.succeed(3.0, "a-1");
    assert_eq!(s.active(3.0), "b", "from now on only people switch");
}

#[test]
fn in_manual_mode_only_people_switch() {
    let mut s = manual(&[1, 1]);
    s.succeed(1.0, "a-1");
    for now in [2.0, 4.0, 8.0, 16.0] {
        s.fail(now, "a-1", status(500));
        s.exhaust(now, "a");
        assert_eq!((s.active(now), s.state(now, "a")), ("a".to_owned(), GroupState::Active));
    }
    s.probe_down(100.0, "a-1");
    assert_eq!(s.active(100.0), "a");
    s.input(101.0, Input::Activate(group("b")));
    assert_eq!(s.active(101.0), "b");
    s.input(102.0, Input::Pause(group("b"), Pause::ForEver));
    assert_eq!(s.active(102.0), "none");
    s.input(103.0, Input::Resume(group("b")));
    assert_eq!(s.active(103.0), "b");
}

#[test]
fn manual_mode_respects_the_pin_at_start() {
    let settings = Settings { auto_switch: false, pinned: Some(id("b-1")), ..settings() };
    assert_eq!(Scene::new(settings, &[1, 1]).active(0.0), "b");
}

#[test]
fn a_timed_change_is_announced_even_when_something_else_came_between() {
    let mut s = auto(&[1, 1]);
    s.succeed(0.5, "b-1");
    s.fail(1.0, "a-1", status(500));
    assert!(!s.fleet.apply(succeeded("b-1", 2.0), at(2.001)).dirty, "nothing new about b-1");
    assert_eq!(s.next(2.002), Some(2.0), "the end of the rest of a-1 was not shown yet");
    assert_eq!(s.tick(2.002)[0], "active group: b -> a");
    assert_eq!(s.next(2.003), None);
}

fn succeeded(name: &str, started: f64) -> Input {
    Input::Succeeded { endpoint: id(name), model: None, started: at(started) }
}

#[test]
fn a_commit_shows_that_an_endpoint_works() {
    let mut s = auto(&[1]);
    let commit = Input::Committed { endpoint: id("a-1"), started: at(1.0), ttfb: secs(0.3) };
    assert_eq!(s.input(1.5, commit.clone()), ["endpoint a-1: unknown -> up"]);
    assert!(!s.fleet.apply(commit.clone(), at(1.6)).dirty);
    let mut fastest = Scene::new(Settings { by_latency: true, ..settings() }, &[1]);
    fastest.input(1.5, commit.clone());
    let slower = Input::Committed { endpoint: id("a-1"), started: at(1.0), ttfb: secs(0.9) };
    assert!(fastest.fleet.apply(slower, at(1.6)).dirty, "latency decides the order");
}

#[test]
fn a_person_clears_the_rests_of_an_endpoint() {
    let mut s = auto(&[1, 1]);
    s.fail(1.0, "a-1", limited(7200.0, Scope::Endpoint));
    assert_eq!(s.active(1.0), "b");
    let changes = s.input(2.0, Input::Clear(id("a-1")));
    assert_eq!(changes.last().unwrap(), "endpoint a-1: rate limited -> unknown");
    assert_eq!((s.active(2.0), s.next(2.0)), ("a".to_owned(), None));
}

#[test]
fn what_changes_nothing_makes_no_new_view() {
    let mut s = auto(&[1]);
    s.succeed(1.0, "a-1");
    let before = s.fleet.view(at(1.0)).revision;
    s.succeed(2.0, "a-1");
    s.fail(2.0, "a-1", status(400));
    s.fail(2.0, "a-1", transport(Transport::Stale));
    s.fail(2.0, "unknown", status(500));
    s.input(2.0, Input::Activate(group("unknown")));
    assert_eq!(s.fleet.view(at(2.0)).revision, before);
}

#[test]
fn permits_are_shared_by_all_views_and_returned_on_drop() {
    let s = auto(&[1]);
    let (one, other) = (s.fleet.view(at(0.0)), s.fleet.view(at(0.0)));
    let permit = one.endpoints[0].permits.try_half_open().unwrap();
    assert!(other.endpoints[0].permits.try_half_open().is_none());
    drop(permit);
    assert!(other.endpoints[0].permits.try_half_open().is_some());
    let counted = one.endpoints[0].permits.enter();
    assert_eq!(other.endpoints[0].permits.in_flight(), 1);
    drop(counted);
    assert_eq!(other.endpoints[0].permits.in_flight(), 0);
}
