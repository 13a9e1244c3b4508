//! What the client gets, row by row.

use super::super::super::fleet::Settings;
use super::super::super::route::SkipReason;
use super::*;

/// The verdict after one attempt per failure, each at the next endpoint.
fn verdict(failures: &[Failure]) -> Verdict {
    let fleet = Fleet::new(settings(), &specs(&[failures.len()]), at(0.0));
    let mut run = Run::with(fleet, Policy { max_attempts: 1, ..policy() }, Replay::Free, 280.0);
    for failure in failures {
        run.fail(failure.clone());
    }
    done(run)
}

fn done(run: Run) -> Verdict {
    match run.step {
        Step::Done(verdict) => verdict,
        _ => panic!("not done: {}", run.words()),
    }
}

fn says(v: &Verdict) -> (Option<(u32, RelayRule)>, u16, &'static str) {
    (v.relay, v.refusal.status, v.refusal.kind)
}

#[test]
fn faults_of_the_client_pass_unchanged_after_one_attempt() {
    for code in (300..500).filter(|c| !matches!(c, 401..=403 | 408 | 429)) {
        let v = verdict(&[status(code)]);
        assert_eq!((v.relay, v.refusal.status), (Some((1, RelayRule::Always)), code));
    }
}

#[test]
fn a_single_endpoint_passes_its_refused_credential_its_429_and_its_529() {
    for code in [401, 402, 403, 429, 529] {
        let v = verdict(&[status(code)]);
        assert_eq!((v.relay, v.refusal.status), (Some((1, RelayRule::Always)), code));
    }
}

#[test]
fn after_several_a_529_or_a_refused_credential_becomes_a_503() {
    for last in [529, 401, 402, 403] {
        let v = verdict(&[transport(Transport::Connect), status(last)]);
        assert_eq!(says(&v), (None, 503, "api_error"), "{last}");
        assert_eq!(v.refusal.message, format!("Every endpoint failed. a-1: connect failed, a-2: {last}"));
        assert_eq!(v.refusal.retry_after, None);
    }
}

#[test]
fn after_several_a_429_passes_unchanged() {
    for last in [status(429), limited(90.0, Scope::Model)] {
        let v = verdict(&[status(529), last]);
        assert_eq!(says(&v), (Some((2, RelayRule::Always)), 429, "rate_limit_error"));
    }
}

#[test]
fn another_5xx_passes_if_its_body_is_an_error_object() {
    for (code, kind) in
        [(500, "api_error"), (502, "api_error"), (504, "timeout_error"), (408, "timeout_error")]
    {
        let v = verdict(&[status(529), status(code)]);
        assert_eq!(says(&v), (Some((2, RelayRule::IfErrorObject)), code, kind));
    }
}

#[test]
fn without_an_answer_the_status_is_ours() {
    let table = [
        (transport(Transport::HeaderTimeout), 504, "timeout_error"),
        (transport(Transport::IdleTimeout), 504, "timeout_error"),
        (transport(Transport::Dns), 502, "api_error"),
        (transport(Transport::Connect), 502, "api_error"),
        (transport(Transport::Proxy), 502, "api_error"),
        (transport(Transport::Tls), 502, "api_error"),
        (transport(Transport::Reset), 502, "api_error"),
        (gate(&GateFailure::Empty), 502, "api_error"),
        (gate(&GateFailure::Cut), 502, "api_error"),
        (gate(&GateFailure::Html), 502, "api_error"),
        (gate(&GateFailure::Malformed), 502, "api_error"),
        (Failure::local(), 500, "api_error"),
    ];
    for (failure, code, kind) in table {
        let v = verdict(std::slice::from_ref(&failure));
        assert_eq!(says(&v), (None, code, kind), "{failure:?}");
        assert_eq!(v.kind, Some(failure.kind));
    }
}

#[test]
fn a_404_after_a_transient_failure_does_not_decide() {
    let v = verdict(&[status(500), status(404)]);
    assert_eq!(says(&v), (Some((1, RelayRule::IfErrorObject)), 500, "api_error"));
    let v = verdict(&[status(500), transport(Transport::Connect), status(404)]);
    assert_eq!(says(&v), (None, 502, "api_error"), "the last transient one decides");
    let v = verdict(&[status(529), status(404)]);
    assert_eq!(says(&v), (None, 503, "api_error"));
}

#[test]
fn a_404_after_a_refused_credential_is_the_answer() {
    let v = verdict(&[status(401), status(404)]);
    assert_eq!(says(&v), (Some((2, RelayRule::Always)), 404, "not_found_error"));
}

#[test]
fn when_all_said_until_when_it_is_a_429_with_a_wait_of_a_minute_at_most() {
    for (waits, retry_after) in [([30.0, 20.5], 21), ([3600.0, 7200.0], 60), ([0.2, 9.0], 1)] {
        let mut fleet = Fleet::new(settings(), &specs(&[1, 1]), at(0.0));
        for (name, wait) in ["a-1", "b-1"].into_iter().zip(waits) {
            let failure = limited(wait, Scope::Endpoint);
            let started = at(99.0);
            fleet.apply(Input::Failed { endpoint: id(name), model: None, started, failure }, at(100.0));
        }
        let v = done(Run::of(fleet));
        assert_eq!(says(&v), (None, 429, "rate_limit_error"));
        assert_eq!((v.refusal.retry_after, v.kind), (Some(Duration::from_secs(retry_after)), None));
    }
}

#[test]
fn when_all_are_paused_it_is_a_503_that_says_so() {
    let mut fleet = Fleet::new(settings(), &specs(&[1, 1]), at(0.0));
    for name in ["a", "b"] {
        fleet.apply(Input::Pause(group(name), Pause::ForEver), at(1.0));
    }
    let run = Run::of(fleet);
    assert!(run.plan.decision().skipped.iter().all(|s| s.reason == SkipReason::GroupPaused));
    let v = done(run);
    assert_eq!(says(&v), (None, 503, "api_error"));
    assert_eq!(
        v.refusal.message,
        "No endpoint may be used. a-1: its group is paused, b-1: its group is paused"
    );
}

#[test]
fn when_the_active_group_of_manual_mode_is_paused_it_is_a_503() {
    let manual = Settings { auto_switch: false, ..settings() };
    let mut fleet = Fleet::new(manual, &specs(&[1, 1]), at(0.0));
    fleet.apply(Input::Activate(group("a")), at(1.0));
    fleet.apply(Input::Pause(group("a"), Pause::ForEver), at(2.0));
    assert_eq!(says(&done(Run::of(fleet))).1, 503);
}

#[test]
fn when_none_counts_tokens_it_is_a_404() {
    let counts_not = EndpointSpec { supports_count_tokens: Some(false), ..spec("x", "g", 1, 1) };
    let fleet = Fleet::new(settings(), &[Arc::new(counts_not)], at(0.0));
    let route = RouteRequest { counts_tokens: true, ..any_model() };
    let view = fleet.view(at(1.0));
    let (_, step) = Plan::start(policy(), route, Replay::Unprocessed, at(2.0), &view, at(1.0));
    assert!(matches!(step, Step::Done(v) if says(&v) == (None, 404, "not_found_error")));
}

#[test]
fn without_any_endpoint_it_is_a_503() {
    assert_eq!(says(&done(Run::of(Fleet::new(settings(), &[], at(0.0))))), (None, 503, "api_error"));
}
