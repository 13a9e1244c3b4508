//! What holds for every request, whatever the fleet, the outcomes, the clock and the dice do.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::super::testing::any_failure;
use super::*;

/// What happens around one step.
#[derive(Clone, Debug)]
struct Turn {
    failure: Failure,
    /// The fleet learns of the failure.
    told: bool,
    took: u64,
    jitter: f64,
    /// Somebody else takes the half-open permit first.
    denied: bool,
    /// Part of the sleep that passes before the wake-up, in percent.
    slept: u64,
    /// A person pauses a group.
    pause: Option<usize>,
}

fn turn_of(failure: impl Strategy<Value = Failure>) -> impl Strategy<Value = Turn> {
    let took = prop_oneof![0_u64..500, 0_u64..90_000];
    let slept = prop_oneof![3 => Just(100_u64), 1 => 0_u64..100, 1 => 100_u64..100_000];
    let pause = prop::option::weighted(0.05, 0_usize..4);
    (failure, any::<bool>(), took, 0.0..1.0_f64, any::<bool>(), slept, pause).prop_map(
        |(failure, told, took, jitter, denied, slept, pause)| Turn {
            failure,
            told,
            took,
            jitter,
            denied,
            slept,
            pause,
        },
    )
}

fn turns_of(failure: impl Strategy<Value = Failure>) -> impl Strategy<Value = Vec<Turn>> {
    prop::collection::vec(turn_of(failure), 1..60)
}

/// Failures from before the request, as endpoint and seconds before it.
fn past() -> impl Strategy<Value = Vec<(usize, u32, Failure)>> {
    prop::collection::vec((0_usize..12, 1_u32..90, any_failure()), 0..12)
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (1_u32..6, 1_u32..12, 0.0..3.0_f64, 0.0..20.0_f64, 1.0..3.0_f64).prop_map(
        |(max_attempts, max_total_attempts, base, max, multiplier)| Policy {
            max_attempts,
            max_total_attempts,
            base_delay: secs(base),
            max_delay: secs(max),
            multiplier,
            ..policy()
        },
    )
}

fn fleet_with(sizes: &[usize], past: Vec<(usize, u32, Failure)>) -> Fleet {
    let specs = specs(sizes);
    let mut fleet = Fleet::new(settings(), &specs, at(0.0));
    let mut past = past;
    past.sort_by_key(|(_, ago, _)| std::cmp::Reverse(*ago));
    for (n, ago, failure) in past {
        let (endpoint, end) = (specs[n % specs.len()].id.clone(), 100.0 - f64::from(ago));
        let started = at(end - 0.5);
        fleet.apply(Input::Failed { endpoint, model: None, started, failure }, at(end));
    }
    fleet.apply(Input::Tick, at(100.0));
    fleet
}

/// One attempt that was made.
#[derive(Debug)]
struct Made {
    number: u32,
    endpoint: EndpointId,
    free: bool,
    failure: Failure,
}

struct Drive {
    fleet: Fleet,
    policy: Policy,
    replay: Replay,
    deadline: Instant,
    now: Instant,
    made: Vec<Made>,
    naps: u32,
}

/// Early wake-ups of one request; without a limit it would never get to the end of its sleep.
const MAX_NAPS: u32 = 20;

impl Drive {
    fn new(fleet: Fleet, policy: Policy, replay: Replay, deadline: u64) -> Self {
        let deadline = at(100.0) + Duration::from_millis(deadline);
        Self { fleet, policy, replay, deadline, now: at(100.0), made: Vec::new(), naps: 0 }
    }

    /// Plays the request to its end, taking the turns round and round, and checks every step.
    fn play(mut self, turns: &[Turn]) -> (Vec<Made>, Verdict) {
        let view = self.fleet.view(self.now);
        let (mut plan, mut step) =
            Plan::start(self.policy.clone(), any_model(), self.replay, self.deadline, &view, self.now);
        for turn in turns.iter().cycle().take(5000) {
            if let Some(n) = turn.pause {
                let name = ["a", "b", "c", "d"][n];
                self.fleet.apply(Input::Pause(group(name), Pause::Until(self.now + secs(3.0))), self.now);
            }
            step = match step {
                Step::Send(attempt) => self.send(&mut plan, attempt, turn),
                Step::Sleep { until } => self.sleep(&mut plan, until, turn),
                Step::Suspend { .. } => panic!("suspended though it must not"),
                Step::Done(verdict) => return (self.made, verdict),
            };
            self.check_exhausted(plan.take_exhausted());
        }
        panic!("the plan does not end: {:?}", self.made);
    }

    fn send(&mut self, plan: &mut Plan, attempt: Attempt, turn: &Turn) -> Step {
        let view = self.fleet.view(self.now);
        if attempt.needs_permit && turn.denied {
            let permits = &view.endpoint(&attempt.spec.id).unwrap().permits;
            let taken = permits.try_half_open();
            let step = plan.on_denied(&view, self.now);
            drop(taken);
            return step;
        }
        self.check_send(&attempt, &view);
        self.now += Duration::from_millis(turn.took);
        if turn.told {
            let input = Input::Failed {
                endpoint: attempt.spec.id.clone(),
                model: any_model().model,
                started: attempt.here_since,
                failure: turn.failure.clone(),
            };
            self.fleet.apply(input, self.now);
        }
        let stale = self.made.last().is_some_and(|m| m.failure.same == Same::Free);
        let again = self.made.last().is_some_and(|m| m.endpoint == attempt.spec.id);
        self.made.push(Made {
            number: attempt.number,
            endpoint: attempt.spec.id.clone(),
            free: stale && again && attempt.fresh,
            failure: turn.failure.clone(),
        });
        plan.on_outcome(turn.failure.clone(), &self.fleet.view(self.now), self.now, turn.jitter)
    }

    fn sleep(&mut self, plan: &mut Plan, until: Instant, turn: &Turn) -> Step {
        assert!(until < self.deadline, "a sleep ends after the deadline");
        let left = until.saturating_duration_since(self.now);
        self.naps += u32::from(turn.slept < 100);
        if turn.slept == 100 || self.naps > MAX_NAPS {
            self.now = until;
        } else {
            self.now += Duration::from_secs_f64(left.as_secs_f64() * turn.slept as f64 / 100.0);
        }
        plan.on_wake(&self.fleet.view(self.now), self.now)
    }

    fn check_send(&self, attempt: &Attempt, view: &FleetView) {
        assert_eq!(attempt.number as usize, self.made.len() + 1);
        let first = self.made.iter().all(|m| m.endpoint == attempt.spec.id && m.failure.same == Same::Free);
        assert!(first || self.now < self.deadline, "sent after the deadline");
        let here: Vec<&Made> = self.made.iter().filter(|m| m.endpoint == attempt.spec.id).collect();
        let last = self.made.last();
        assert!(here.is_empty() || last.is_some_and(|m| m.endpoint == attempt.spec.id), "it was left before");
        let counted = here.iter().any(|m| m.failure.same != Same::Free);
        assert!(!(counted && attempt.first_here));
        if last.is_some_and(|m| m.failure.same == Same::Free) && attempt.fresh {
            return;
        }
        let endpoint = view.endpoint(&attempt.spec.id).unwrap();
        if let Availability::Stated(until) = endpoint.availability(Some("opus"), self.now) {
            let left = until.saturating_duration_since(self.now);
            assert!(!here.is_empty() && left <= SHORT_WAIT, "a stated rest is overrun");
        }
    }

    fn check_exhausted(&self, exhausted: Option<Exhausted>) {
        let Some(exhausted) = exhausted else { return };
        let in_group = |m: &&Made| m.endpoint.0.starts_with(&*exhausted.group.0);
        let mine: Vec<&Made> = self.made.iter().filter(in_group).collect();
        assert!(!mine.is_empty(), "a group was exhausted without being asked");
        assert!(!exhausted.blamed || mine.iter().any(|m| m.failure.blame == Blame::Endpoint));
    }
}

fn check_budget(made: &[Made], policy: &Policy) {
    let mut each: HashMap<&EndpointId, (u32, u32)> = HashMap::new();
    for m in made {
        let (counted, free) = each.entry(&m.endpoint).or_default();
        *(if m.free { free } else { counted }) += 1;
    }
    let total: u32 = each.values().map(|(counted, _)| counted).sum();
    assert!(total <= policy.max_total_attempts, "{total} attempts");
    assert!(each.values().all(|(counted, free)| *counted <= policy.max_attempts && *free <= 1), "{each:?}");
}

fn check_verdict(made: &[Made], verdict: &Verdict) {
    if let Some((number, _)) = verdict.relay {
        let relayed = made.iter().find(|m| m.number == number).expect("an attempt that was made");
        assert_eq!(Some(relayed.failure.kind), verdict.kind);
    }
    assert_eq!(verdict.kind.is_none(), made.is_empty());
    assert!(!verdict.refusal.message.contains("overloaded_error"));
    assert!(!verdict.refusal.message.contains("invalid"), "a URL in {}", verdict.refusal.message);
    assert!(verdict.refusal.retry_after.is_none_or(|wait| wait <= secs(60.0)));
    assert!(verdict.refusal.status >= 300);
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..=4, 1..=4)
}

fn any_replay() -> impl Strategy<Value = Replay> {
    prop::sample::select(vec![Replay::Free, Replay::Unprocessed, Replay::Unsent])
}

/// Failures that are the client's own.
fn client_fault() -> impl Strategy<Value = Failure> {
    prop::sample::select(vec![301, 307, 400, 404, 405, 409, 410, 413, 422, 451]).prop_map(status)
}

proptest! {
    #[test]
    fn every_request_ends_within_its_budget_and_its_deadline(
        sizes in sizes(), past in past(), policy in any_policy(), replay in any_replay(),
        deadline in 0_u64..300_000, turns in turns_of(any_failure()),
    ) {
        let drive = Drive::new(fleet_with(&sizes, past), policy.clone(), replay, deadline);
        let (made, verdict) = drive.play(&turns);
        check_budget(&made, &policy);
        check_verdict(&made, &verdict);
    }

    #[test]
    fn a_fault_of_the_client_ends_it_after_exactly_one_attempt(
        sizes in sizes(), policy in any_policy(), replay in any_replay(), turns in turns_of(client_fault()),
    ) {
        let drive = Drive::new(fleet_with(&sizes, vec![]), policy, replay, 280_000);
        let turns: Vec<Turn> = turns.into_iter().map(|t| Turn { pause: None, ..t }).collect();
        let (made, verdict) = drive.play(&turns);
        prop_assert_eq!(made.len(), 1);
        prop_assert_eq!(verdict.relay, Some((1, RelayRule::Always)));
        prop_assert_eq!(Some(verdict.refusal.status), made[0].failure.status);
    }

    #[test]
    fn a_streamed_body_goes_out_once(
        sizes in sizes(), policy in any_policy(), turns in turns_of(any_failure()),
    ) {
        let turns: Vec<Turn> = turns.into_iter().map(|t| Turn { pause: None, ..t }).collect();
        let (made, _) = Drive::new(fleet_with(&sizes, vec![]), policy, Replay::Unsent, 280_000).play(&turns);
        for earlier in made.iter().rev().skip(1) {
            let kind = earlier.failure.kind;
            prop_assert!(matches!(kind, Kind::Dns | Kind::Connect | Kind::Proxy | Kind::Tls), "after {kind:?}");
        }
    }

    #[test]
    fn what_may_have_had_an_effect_is_never_repeated(
        sizes in sizes(), past in past(), policy in any_policy(), turns in turns_of(any_failure()),
    ) {
        let drive = Drive::new(fleet_with(&sizes, past), policy, Replay::Unprocessed, 280_000);
        let (made, _) = drive.play(&turns);
        for earlier in made.iter().rev().skip(1) {
            let f = &earlier.failure;
            let untouched = matches!(f.kind, Kind::Dns | Kind::Connect | Kind::Proxy | Kind::Tls | Kind::Stale);
            let refused = matches!(f.status, Some(401..=403 | 429 | 503 | 529));
            prop_assert!(untouched || refused, "repeated after {f:?}");
        }
    }
}
