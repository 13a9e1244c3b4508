//! Single requests: what is sent where, when, and how often.

mod properties;
mod spending;
mod suspension;
mod verdicts;

use super::super::endpoint::Credential;
use super::super::fleet::{Fleet, Input};
use super::super::group::Pause;
use super::super::outcome::Transport;
use super::super::ratelimit::Scope;
use super::super::route::StrategyKind;
use super::super::testing::{
    answered, at, gate, group, id, limited, secs, settings, spec, specs, status, transport,
};
use super::*;
use crate::claude::gate::GateFailure;

fn policy() -> Policy {
    Policy {
        max_attempts: 3,
        max_total_attempts: 10,
        base_delay: secs(1.0),
        max_delay: secs(30.0),
        multiplier: 2.0,
        strategy: StrategyKind::Priority,
        suspend: false,
    }
}

fn any_model() -> RouteRequest {
    RouteRequest { model: Some(Arc::from("opus")), ..RouteRequest::default() }
}

/// One request against a fleet that learns of nothing unless told. Every attempt takes a tenth of a second, jitter is
/// a half, and the steps are written as words: `a-1`, `a-1 fresh`, `sleep 0.5`, `done 502`.
struct Run {
    fleet: Fleet,
    plan: Plan,
    step: Step,
    now: f64,
}

impl Run {
    fn with(fleet: Fleet, policy: Policy, replay: Replay, deadline: f64) -> Self {
        let view = fleet.view(at(100.0));
        let (plan, step) = Plan::start(policy, any_model(), replay, at(100.0 + deadline), &view, at(100.0));
        Self { fleet, plan, step, now: 100.0 }
    }

    fn of(fleet: Fleet) -> Self {
        Self::with(fleet, policy(), Replay::Free, 280.0)
    }

    fn new(sizes: &[usize]) -> Self {
        Self::of(Fleet::new(settings(), &specs(sizes), at(0.0)))
    }

    fn words(&self) -> String {
        match &self.step {
            Step::Send(a) if a.fresh => format!("{} fresh", a.spec.id),
            Step::Send(a) => a.spec.id.to_string(),
            Step::Sleep { until } => {
                format!("sleep {:.2}", until.saturating_duration_since(at(self.now)).as_secs_f64())
            }
            Step::Suspend { .. } => "suspend".to_owned(),
            Step::Done(verdict) => format!("done {}", verdict.refusal.status),
        }
    }

    fn fail(&mut self, failure: Failure) -> String {
        assert!(matches!(self.step, Step::Send(_)), "nothing was sent: {}", self.words());
        self.now += 0.1;
        let view = self.fleet.view(at(self.now));
        self.step = self.plan.on_outcome(failure, &view, at(self.now), 0.5);
        self.words()
    }

    /// Wakes at the end of the sleep.
    fn wake(&mut self) -> String {
        let Step::Sleep { until } = self.step else { panic!("not asleep: {}", self.words()) };
        self.wake_at(until.saturating_duration_since(at(0.0)).as_secs_f64())
    }

    fn wake_at(&mut self, now: f64) -> String {
        self.now = now;
        self.step = self.plan.on_wake(&self.fleet.view(at(now)), at(now));
        self.words()
    }

    fn tell(&mut self, input: Input) {
        self.fleet.apply(input, at(self.now));
    }

    fn tell_failed(&mut self, name: &str, failure: Failure) {
        let input = Input::Failed { endpoint: id(name), model: None, started: at(self.now), failure };
        self.tell(input);
    }

    /// The steps until the end when every attempt fails like this.
    fn all_fail(mut self, failure: &Failure) -> Vec<String> {
        let mut steps = vec![self.words()];
        while !matches!(self.step, Step::Done(_)) {
            let next = match self.step {
                Step::Sleep { .. } => self.wake(),
                _ => self.fail(failure.clone()),
            };
            steps.push(next);
        }
        steps
    }
}

#[test]
fn transient_failures_are_repeated_up_to_max_attempts_then_the_next_is_asked() {
    let wanted =
        ["a-1", "sleep 0.50", "a-1", "sleep 1.00", "a-1", "a-2", "sleep 0.50", "a-2", "sleep 1.00", "a-2"];
    for failure in [status(500), status(408), transport(Transport::Reset), gate(&GateFailure::Html)] {
        let steps = Run::new(&[2]).all_fail(&failure);
        assert_eq!(steps[..10], wanted, "{failure:?}");
        assert_eq!(steps.len(), 11);
    }
}

#[test]
fn connect_failures_and_529_are_repeated_once() {
    for failure in [transport(Transport::Connect), transport(Transport::Dns), status(529)] {
        let steps = Run::new(&[2]).all_fail(&failure);
        assert_eq!(steps[..6], ["a-1", "sleep 0.50", "a-1", "a-2", "sleep 0.50", "a-2"], "{failure:?}");
    }
}

#[test]
fn no_headers_in_time_is_repeated_only_while_nothing_else_is_untried() {
    let steps = Run::new(&[1, 1]).all_fail(&transport(Transport::HeaderTimeout));
    assert_eq!(steps, ["a-1", "b-1", "sleep 0.50", "b-1", "sleep 1.00", "b-1", "done 504"]);
}

#[test]
fn a_refused_credential_goes_on_at_once() {
    assert_eq!(Run::new(&[1, 1]).all_fail(&status(401)), ["a-1", "b-1", "done 503"]);
}

#[test]
fn a_refused_credential_of_the_client_goes_on_only_where_another_one_is_used() {
    let pass = |name: &str| EndpointSpec { credential: Credential::Pass, ..spec(name, "g", 1, 1) };
    let refused = answered(401, &[], &pass("any"));
    let specs = [pass("x"), pass("y"), spec("own", "g", 1, 1)].map(Arc::new);
    let mut run = Run::of(Fleet::new(settings(), &specs, at(0.0)));
    assert_eq!(run.fail(refused.clone()), "own");
    assert_eq!(run.plan.take_exhausted(), None, "a fault of the client is no failure of the group");
    let run = Run::of(Fleet::new(settings(), &specs[..2], at(0.0)));
    assert_eq!(run.all_fail(&refused), ["x", "done 401"]);
}

#[test]
fn a_404_goes_on_only_after_a_transient_failure() {
    assert_eq!(Run::new(&[2]).all_fail(&status(404)), ["a-1", "done 404"]);
    let mut run = Run::new(&[3]);
    run.fail(limited(60.0, Scope::Model));
    assert_eq!(run.words(), "a-2");
    assert_eq!(run.fail(status(404)), "a-3");
}

#[test]
fn a_short_stated_wait_is_sat_out_and_a_long_one_is_not() {
    let mut run = Run::new(&[2]);
    assert_eq!(run.fail(limited(1.5, Scope::Model)), "sleep 1.55");
    assert_eq!(run.wake(), "a-1");
    assert_eq!(run.fail(limited(30.0, Scope::Model)), "a-2");
}

#[test]
fn a_429_without_an_end_is_repeated_once_after_a_short_wait() {
    assert_eq!(
        Run::new(&[1, 1]).all_fail(&status(429)),
        ["a-1", "sleep 1.00", "a-1", "b-1", "sleep 1.00", "b-1", "done 429"]
    );
}

#[test]
fn x_should_retry_false_goes_to_the_next_at_once() {
    let told = answered(500, &[("x-should-retry", "false")], &spec("any", "any", 1, 1));
    assert_eq!(Run::new(&[2]).all_fail(&told), ["a-1", "a-2", "done 500"]);
}

#[test]
fn a_short_retry_after_of_a_5xx_lengthens_the_back_off() {
    let mut run = Run::new(&[1]);
    assert_eq!(run.fail(answered(503, &[("retry-after", "2")], &spec("any", "any", 1, 1))), "sleep 2.00");
}

#[test]
fn a_stale_connection_is_replaced_at_once_once_and_outside_the_budget() {
    let tight = Policy { max_attempts: 1, max_total_attempts: 1, ..policy() };
    let fleet = || Fleet::new(settings(), &specs(&[2]), at(0.0));
    let mut run = Run::with(fleet(), tight, Replay::Free, 280.0);
    assert_eq!(run.fail(transport(Transport::Stale)), "a-1 fresh");
    assert!(matches!(&run.step, Step::Send(a) if a.first_here && a.number == 2));
    assert_eq!(run.fail(transport(Transport::Stale)), "done 502");
}

#[test]
fn after_a_stale_connection_no_further_attempt_there_reuses_one() {
    let mut run = Run::new(&[1]);
    assert_eq!(run.fail(transport(Transport::Stale)), "a-1 fresh");
    assert!(run.fail(status(500)).starts_with("sleep"));
    assert_eq!(run.wake(), "a-1 fresh");
}

#[test]
fn a_body_that_can_be_sent_once_never_meets_a_reused_connection() {
    let fleet = Fleet::new(settings(), &specs(&[1]), at(0.0));
    let run = Run::with(fleet, policy(), Replay::Unsent, 280.0);
    let steps = run.all_fail(&transport(Transport::Connect));
    assert_eq!(steps, ["a-1 fresh", "sleep 0.50", "a-1 fresh", "done 502"]);
}

#[test]
fn a_stale_first_connection_is_replaced_even_after_the_deadline_a_later_one_is_not() {
    let run = || Run::with(Fleet::new(settings(), &specs(&[2]), at(0.0)), policy(), Replay::Free, 0.15);
    assert_eq!(run().fail(transport(Transport::Stale)), "a-1 fresh");
    let mut late = run();
    assert_eq!(late.fail(status(401)), "a-2");
    assert_eq!(late.fail(transport(Transport::Stale)), "done 502");
}

#[test]
fn an_empty_completion_is_a_failure_once_per_request() {
    let empty = gate(&GateFailure::EmptyCompletion);
    let mut alone = Run::new(&[1]);
    assert_eq!(alone.fail(empty.clone()), "a-1");
    assert_eq!(alone.fail(empty.clone()), "done 502");
    let mut run = Run::new(&[2, 1]);
    assert_eq!(run.fail(empty.clone()), "a-2");
    assert_eq!(run.fail(empty), "done 502");
    let Step::Done(verdict) = &run.step else { panic!("not done") };
    assert_eq!(verdict.relay, Some((2, RelayRule::Always)), "the second one is the answer");
    assert_eq!(run.plan.take_exhausted(), None);
}

#[test]
fn the_total_budget_ends_it() {
    let steps = Run::new(&[6]).all_fail(&status(500));
    assert_eq!(steps.iter().filter(|s| s.starts_with("a-")).count(), 10);
}

#[test]
fn after_the_deadline_nothing_new_begins() {
    let mut run = Run::with(Fleet::new(settings(), &specs(&[2]), at(0.0)), policy(), Replay::Free, 0.55);
    assert_eq!(run.fail(status(500)), "a-2", "a back-off that would end after it is not begun");
    let run = Run::with(Fleet::new(settings(), &specs(&[2]), at(0.0)), policy(), Replay::Free, 0.0);
    assert_eq!(run.all_fail(&status(500)), ["a-1", "done 500"], "the first attempt is always made");
}

#[test]
fn who_wakes_after_the_deadline_sends_nothing() {
    let mut run = Run::with(Fleet::new(settings(), &specs(&[2]), at(0.0)), policy(), Replay::Free, 1.0);
    assert_eq!(run.fail(status(500)), "sleep 0.50");
    assert_eq!(run.wake_at(101.0), "done 500");
}

#[test]
fn an_early_wake_goes_back_to_sleep_unless_something_better_came_up() {
    let mut run = Run::new(&[1, 1]);
    run.fail(status(500));
    assert_eq!(run.wake_at(100.2), "sleep 0.40");
    let result = super::super::standing::Probed::Down(Kind::Tls);
    run.tell(Input::Probed { endpoint: id("a-1"), started: at(100.0), result });
    assert_eq!(run.wake_at(100.3), "b-1");
}

#[test]
fn a_new_try_uses_the_endpoint_as_it_is_configured_by_then() {
    let mut run = Run::new(&[1]);
    run.fail(status(500));
    let mut next = specs(&[1]);
    std::sync::Arc::make_mut(&mut next[0]).url.host = "moved.invalid".to_owned();
    run.tell(Input::Reload { settings: settings(), specs: next });
    let Step::Send(attempt) = run.plan.on_wake(&run.fleet.view(at(102.0)), at(102.0)) else { panic!() };
    assert_eq!(attempt.spec.url.host, "moved.invalid");
}

#[test]
fn a_pause_or_a_stated_rest_ends_the_tries_at_an_endpoint() {
    let news: [fn(&mut Run); 2] = [
        |run| run.tell(Input::Pause(group("a"), Pause::ForEver)),
        |run| run.tell_failed("a-1", limited(60.0, Scope::Endpoint)),
    ];
    for news in news {
        let mut asleep = Run::new(&[1]);
        assert_eq!(asleep.fail(status(500)), "sleep 0.50");
        news(&mut asleep);
        assert_eq!(asleep.wake(), "done 500");
        let mut awake = Run::new(&[1]);
        news(&mut awake);
        assert_eq!(awake.fail(status(500)), "done 500");
    }
}

#[test]
fn when_only_rests_of_our_own_are_left_they_are_tried_in_order() {
    let mut fleet = Fleet::new(settings(), &specs(&[2]), at(0.0));
    for name in ["a-1", "a-2"] {
        let input =
            Input::Failed { endpoint: id(name), model: None, started: at(99.0), failure: status(500) };
        fleet.apply(input, at(100.0));
    }
    assert_eq!(Run::of(fleet).all_fail(&status(401)), ["a-1", "a-2", "done 503"]);
}

#[test]
fn an_exhausted_group_is_reported_once_with_its_blame() {
    let mut run = Run::new(&[2, 1]);
    run.fail(status(401));
    assert_eq!(run.plan.take_exhausted(), None, "a-2 is left");
    run.fail(status(401));
    assert_eq!(run.plan.take_exhausted(), Some(Exhausted { group: group("a"), blamed: false }));
    assert_eq!(run.plan.take_exhausted(), None);
    let told = answered(500, &[("x-should-retry", "false")], &spec("any", "any", 1, 1));
    assert_eq!(run.fail(told), "done 500");
    assert_eq!(run.plan.take_exhausted(), Some(Exhausted { group: group("b"), blamed: true }));
}

#[test]
fn a_fault_of_the_client_exhausts_nothing() {
    let mut run = Run::new(&[1, 1]);
    assert_eq!(run.fail(status(400)), "done 400");
    assert_eq!(run.plan.take_exhausted(), None);
}

#[test]
fn here_since_stays_that_of_the_first_try() {
    let mut run = Run::new(&[2]);
    run.fail(status(500));
    run.wake();
    assert!(matches!(&run.step, Step::Send(a) if a.here_since == at(100.0) && !a.first_here));
    run.fail(status(401));
    assert!(matches!(&run.step, Step::Send(a) if a.here_since == at(run.now) && a.first_here));
}

#[test]
fn a_denied_permit_sends_the_request_elsewhere_and_costs_nothing() {
    let mut fleet = Fleet::new(settings(), &specs(&[2]), at(0.0));
    for end in [10.0, 20.0, 30.0] {
        let started = at(end - 1.0);
        let failure = status(500);
        fleet.apply(Input::Failed { endpoint: id("a-1"), model: None, started, failure }, at(end));
    }
    fleet.apply(Input::Tick, at(90.0));
    let mut run = Run::of(fleet);
    assert!(matches!(&run.step, Step::Send(a) if a.needs_permit && a.spec.id == id("a-1")));
    let view = run.fleet.view(at(100.0));
    let permit = view.endpoints[0].permits.try_half_open();
    run.step = run.plan.on_denied(&view, at(100.0));
    assert!(matches!(&run.step, Step::Send(a) if a.number == 1 && a.spec.id == id("a-2")));
    drop(permit);
    let mut denials = 0;
    let mut step = run.plan.on_outcome(status(401), &view, at(100.1), 0.5);
    while matches!(&step, Step::Send(a) if a.needs_permit) {
        step = run.plan.on_denied(&view, at(100.1));
        denials += 1;
    }
    assert!(matches!(step, Step::Done(_)));
    assert_eq!(denials, MAX_DENIED, "a permit that keeps slipping away ends the request");
}

#[test]
fn the_back_off_grows_to_its_maximum() {
    let delays: Vec<f64> = (1..=8).map(|n| back_off(&policy(), n).as_secs_f64()).collect();
    assert_eq!(delays, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
    assert_eq!(back_off(&policy(), u32::MAX), secs(30.0));
    assert_eq!(back_off(&Policy { max_delay: secs(0.5), ..policy() }, 1), secs(0.5));
}
