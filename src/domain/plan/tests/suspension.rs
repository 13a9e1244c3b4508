//! When a request waits instead of failing, and how it goes on.

use proptest::prelude::*;

use super::super::super::testing::any_failure;
use super::*;

fn patient() -> Policy {
    Policy { suspend: true, ..policy() }
}

fn waiting(sizes: &[usize]) -> Run {
    Run::with(Fleet::new(settings(), &specs(sizes), at(0.0)), patient(), Replay::Free, 280.0)
}

impl Run {
    fn resume(&mut self) -> String {
        let view = self.fleet.view(at(self.now));
        self.step = self.plan.on_resume(false, &view, at(self.now));
        self.words()
    }

    /// Fails every attempt in the same way and sits out every back-off.
    fn exhaust(&mut self, failure: &Failure) -> String {
        loop {
            match &self.step {
                Step::Send(_) => drop(self.fail(failure.clone())),
                Step::Sleep { until } => {
                    self.now = until.saturating_duration_since(at(0.0)).as_secs_f64();
                    let view = self.fleet.view(at(self.now));
                    self.step = self.plan.on_wake(&view, at(self.now));
                }
                _ => return self.words(),
            }
        }
    }
}

#[test]
fn what_time_can_cure_is_waited_for() {
    for failure in [transport(Transport::Connect), transport(Transport::Reset), status(500), status(529)] {
        assert_eq!(waiting(&[2]).exhaust(&failure), "suspend", "{failure:?}");
        assert_eq!(waiting(&[1]).exhaust(&failure), "suspend", "{failure:?}");
    }
    assert_eq!(waiting(&[1]).exhaust(&limited(30.0, Scope::Model)), "suspend");
}

#[test]
fn what_time_cannot_cure_is_answered_at_once() {
    for failure in [status(400), status(401), status(403), status(413), status(429), status(404)] {
        assert!(waiting(&[2]).exhaust(&failure).starts_with("done"), "{failure:?}");
    }
    assert!(waiting(&[1]).exhaust(&limited(3000.0, Scope::Model)).starts_with("done 429"));
}

#[test]
fn a_round_after_a_wait_is_one_try_per_endpoint() {
    let mut run = waiting(&[2]);
    run.exhaust(&status(500));
    assert_eq!(run.resume(), "a-1");
    assert_eq!(run.fail(status(500)), "a-2");
    assert_eq!(run.fail(status(500)), "suspend");
}

#[test]
fn a_person_who_resumes_it_has_rests_overrun_once_but_no_stated_one() {
    let mut run = waiting(&[3]);
    run.tell_failed("a-3", limited(60.0, Scope::Endpoint));
    assert_eq!(run.exhaust(&status(500)), "suspend");
    ["a-1", "a-2"].into_iter().for_each(|name| run.tell_failed(name, status(500)));
    assert_eq!(run.resume(), "suspend", "nothing is usable");
    let view = run.fleet.view(at(run.now));
    run.step = run.plan.on_resume(true, &view, at(run.now));
    assert_eq!(run.words(), "a-1");
    assert_eq!(run.fail(status(500)), "a-2");
    assert_eq!(run.fail(status(500)), "suspend");
    assert_eq!(run.resume(), "suspend", "an order holds for one round");
}

#[test]
fn it_says_what_it_waits_for() {
    let suspended = |fleet: Fleet| match Run::with(fleet, patient(), Replay::Free, 280.0).step {
        Step::Suspend { waits_for, .. } => waits_for,
        step => panic!("{step:?}"),
    };
    let fleet = |failures: &[(&str, Failure)]| {
        let mut fleet = Fleet::new(settings(), &specs(&[1, 1]), at(0.0));
        for (name, failure) in failures {
            let (endpoint, failure) = (id(name), failure.clone());
            fleet.apply(Input::Failed { endpoint, model: None, started: at(99.9), failure }, at(99.9));
        }
        fleet
    };
    let reset = || limited(60.0, Scope::Endpoint);
    let down = || transport(Transport::Connect);
    assert_eq!(suspended(fleet(&[("a-1", reset()), ("b-1", reset())])), WaitsFor::Reset);
    assert_eq!(suspended(fleet(&[("a-1", reset()), ("b-1", down())])), WaitsFor::Recovery);
    let mut paused = fleet(&[("a-1", limited(600.0, Scope::Endpoint))]);
    paused.apply(Input::Pause(group("b"), Pause::ForEver), at(99.9));
    assert_eq!(suspended(paused), WaitsFor::Resume);
}

/// A 429 without an end at one endpoint says nothing about another one's stated end, nor about other models'.
#[test]
fn a_throttled_endpoint_that_states_an_end_for_this_model_is_waited_for() {
    let mut fleet = Fleet::new(settings(), &specs(&[1]), at(0.0));
    for (model, failure, now) in [("haiku", status(429), 90.0), ("opus", limited(60.0, Scope::Model), 99.9)] {
        let (endpoint, model) = (id("a-1"), Some(Arc::from(model)));
        fleet.apply(Input::Failed { endpoint, model, started: at(now), failure }, at(now));
    }
    let mut run = Run::with(fleet, patient(), Replay::Free, 280.0);
    assert_eq!(run.words(), "suspend");
    run.tell_failed("a-1", status(429));
    assert_eq!(run.resume(), "suspend");
}

#[test]
fn without_room_it_ends_as_if_there_were_no_queue() {
    let mut run = waiting(&[1]);
    run.exhaust(&status(529));
    let view = run.fleet.view(at(run.now));
    run.step = run.plan.on_no_room(&view, at(run.now));
    assert_eq!(run.words(), "done 529");
}

#[test]
fn after_a_wait_in_vain_a_529_is_a_503() {
    let mut run = waiting(&[1]);
    run.exhaust(&status(529));
    let view = run.fleet.view(at(380.0));
    run.step = run.plan.on_waited_in_vain(&view, at(380.0));
    assert_eq!(run.words(), "done 503");
}

#[test]
fn a_new_request_waits_for_rests_but_not_for_a_refused_credential() {
    let start = |failure: Failure| {
        let mut fleet = Fleet::new(settings(), &specs(&[1]), at(0.0));
        fleet.apply(Input::Failed { endpoint: id("a-1"), model: None, started: at(99.9), failure }, at(99.9));
        Run::with(fleet, patient(), Replay::Free, 280.0).words()
    };
    assert_eq!(start(transport(Transport::Connect)), "suspend");
    assert_eq!(start(status(401)), "a-1", "a wrong key answers at once");
}

#[test]
fn a_pause_is_waited_for() {
    let mut fleet = Fleet::new(settings(), &specs(&[1]), at(0.0));
    fleet.apply(Input::Pause(group("a"), Pause::ForEver), at(1.0));
    assert_eq!(Run::with(fleet, patient(), Replay::Free, 280.0).words(), "suspend");
}

proptest! {
    #[test]
    fn it_ends_by_its_deadline_however_often_it_is_resumed(
        sizes in prop::collection::vec(1_usize..4, 1..3),
        failures in prop::collection::vec((any_failure(), 0.0_f64..20.0), 1..40),
        by_person: bool,
    ) {
        let mut run = waiting(&sizes);
        let mut turns = failures.iter().cycle();
        for _ in 0..5000 {
            let (failure, pause) = turns.next().unwrap();
            match &run.step {
                Step::Send(_) => { run.fail(failure.clone()); }
                Step::Sleep { until } => {
                    run.now = until.saturating_duration_since(at(0.0)).as_secs_f64();
                    let view = run.fleet.view(at(run.now));
                    run.step = run.plan.on_wake(&view, at(run.now));
                }
                Step::Suspend { until, .. } => {
                    prop_assert!(at(run.now) < *until, "no wait begins after the deadline");
                    run.now += 0.5 + pause;
                    let view = run.fleet.view(at(run.now));
                    run.step = if at(run.now) < *until {
                        run.plan.on_resume(by_person, &view, at(run.now))
                    } else {
                        run.plan.on_waited_in_vain(&view, at(run.now))
                    };
                }
                Step::Done(_) => return Ok(()),
            }
        }
        prop_assert!(false, "it does not end");
    }

    #[test]
    fn who_is_let_go_because_something_is_usable_asks_it(
        passes in prop::collection::vec(any::<bool>(), 1..5),
        failures in prop::collection::vec(any_failure(), 1..40),
    ) {
        let named = |(n, pass): (usize, &bool)| {
            let own = spec(&format!("e-{n}"), if n % 2 == 0 { "g" } else { "h" }, 1, 1);
            Arc::new(if *pass { EndpointSpec { credential: Credential::Pass, ..own } } else { own })
        };
        let specs: Vec<_> = passes.iter().enumerate().map(named).collect();
        let mut fleet = Fleet::new(settings(), &specs, at(0.0));
        fleet.apply(Input::Pause(group("h"), Pause::ForEver), at(1.0));
        let mut run = Run::with(fleet, patient(), Replay::Free, 280.0);
        for failure in failures {
            match &run.step {
                Step::Send(_) => { run.fail(failure); }
                Step::Sleep { .. } => { run.wake(); }
                Step::Suspend { .. } => {
                    let view = run.fleet.view(at(run.now));
                    let order = route::order(&view, StrategyKind::Priority, run.plan.route(), at(run.now));
                    let ready = order.candidates.first().is_some_and(|c| c.tier.is_usable());
                    run.resume();
                    prop_assert!(!ready || matches!(run.step, Step::Send(_)), "let go for nothing");
                }
                Step::Done(_) => return Ok(()),
            }
        }
    }
}

#[test]
fn a_refused_credential_of_the_client_is_told_at_once_whatever_is_paused() {
    let pass = EndpointSpec { credential: Credential::Pass, ..spec("x", "g", 1, 1) };
    let refused = answered(401, &[], &pass);
    let mut fleet = Fleet::new(settings(), &[pass, spec("own", "h", 1, 2)].map(Arc::new), at(0.0));
    fleet.apply(Input::Pause(group("h"), Pause::ForEver), at(1.0));
    let run = Run::with(fleet, patient(), Replay::Free, 280.0);
    assert_eq!(run.all_fail(&refused), ["x", "done 401"]);
}

#[test]
fn what_waits_is_what_the_client_was_not_refused_for() {
    let pass = EndpointSpec { credential: Credential::Pass, ..spec("x", "g", 1, 1) };
    let refused = answered(401, &[], &pass);
    let fleet = Fleet::new(settings(), &[pass, spec("own", "g", 2, 1)].map(Arc::new), at(0.0));
    let mut run = Run::with(fleet, Policy { max_attempts: 1, ..patient() }, Replay::Free, 280.0);
    assert_eq!(run.fail(refused), "own");
    assert_eq!(run.fail(status(529)), "suspend");
    assert!(run.plan.route().own_credential_only, "a queue that offers `x` would let it go for nothing");
}
