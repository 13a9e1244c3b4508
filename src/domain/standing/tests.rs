//! Rests, breaker, stated rests, credentials and probes of one endpoint, sentence by sentence.

use super::super::outcome::Transport;
use super::super::testing::{at, limited, secs, status, transport};
use super::*;

const RECENT: Duration = Duration::from_secs(30);

/// A failure of an attempt that began a tenth of a second before it ended.
fn fail(s: &mut Standing, failure: &Failure, now: f64) {
    s.failed(failure, Some("opus"), at(now - 0.1), at(now));
}

fn succeed(s: &mut Standing, now: f64) {
    s.succeeded(Some("opus"), at(now - 0.1), at(now));
}

fn availability(s: &Standing, now: f64) -> Availability {
    s.availability(Some("opus"), at(now))
}

/// Fails `times` times in a row, each as soon as the rest before is over; the end of the last rest.
fn fail_in_a_row(s: &mut Standing, failure: &Failure, times: u32) -> f64 {
    let mut now = 1.0;
    for n in 1..=times {
        fail(s, failure, now);
        now += rest_length(n).as_secs_f64() + 1.0;
    }
    now - 1.0
}

fn up() -> Probed {
    Probed::Up { latency: secs(0.1), authenticated: true }
}

fn down() -> Probed {
    Probed::Down(Kind::Connect)
}

#[test]
fn rests_double_up_to_thirty_seconds() {
    let lengths: Vec<u64> = (1..=8).map(|n| rest_length(n).as_secs()).collect();
    assert_eq!(lengths, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(rest_length(u32::MAX), LONGEST_REST);
}

#[test]
fn every_failure_that_counts_lengthens_the_rest() {
    for failure in [status(500), status(529), status(429), transport(Transport::Reset)] {
        let mut s = Standing::default();
        let mut now = 1.0;
        for length in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            fail(&mut s, &failure, now);
            assert_eq!(s.rest_until, Some(at(now + length)), "{failure:?}");
            now += length + 1.0;
        }
    }
}

#[test]
fn the_third_endpoint_blamed_failure_opens_the_breaker() {
    let mut s = Standing::default();
    fail(&mut s, &status(500), 1.0);
    fail(&mut s, &status(500), 3.0);
    assert_eq!(s.breaker(at(3.5)), Breaker::Closed);
    assert_eq!(availability(&s, 3.5), Availability::Resting(Why::Failed, Some(at(5.0))));
    assert_eq!(availability(&s, 5.0), Availability::Usable);
    fail(&mut s, &status(500), 6.0);
    assert_eq!(s.breaker(at(6.5)), Breaker::Open);
    assert_eq!(availability(&s, 6.5), Availability::Resting(Why::BreakerOpen, Some(at(10.0))));
}

#[test]
fn soft_failures_rest_but_never_open_the_breaker() {
    for failure in [status(529), status(429)] {
        let mut s = Standing::default();
        let end = fail_in_a_row(&mut s, &failure, 9);
        assert_eq!(s.breaker(at(end - 1.0)), Breaker::Closed);
        assert_eq!(availability(&s, end - 1.0), Availability::Resting(Why::Failed, Some(at(end))));
        assert_eq!(availability(&s, end), Availability::Usable);
    }
}

#[test]
fn after_the_open_period_the_breaker_is_half_open() {
    let mut s = Standing::default();
    let end = fail_in_a_row(&mut s, &status(500), 3);
    assert_eq!(s.breaker(at(end)), Breaker::HalfOpen);
    assert_eq!(availability(&s, end), Availability::HalfOpen);
    fail(&mut s, &status(529), end + 1.0);
    assert_eq!(s.breaker(at(end + 2.0)), Breaker::Open, "a failure of the trial opens it again");
}

#[test]
fn a_success_closes_the_breaker_and_starts_the_count_anew() {
    let mut s = Standing::default();
    let end = fail_in_a_row(&mut s, &status(500), 5);
    succeed(&mut s, end + 1.0);
    assert_eq!(s.breaker(at(end + 1.0)), Breaker::Closed);
    assert_eq!(availability(&s, end + 1.0), Availability::Usable);
    fail(&mut s, &status(500), end + 2.0);
    assert_eq!(s.rest_until, Some(at(end + 3.0)));
}

#[test]
fn a_commit_makes_it_usable_but_does_not_clear_its_record() {
    let mut s = Standing::default();
    let end = fail_in_a_row(&mut s, &status(500), 3);
    s.committed(at(end + 1.0), secs(0.2));
    assert_eq!(availability(&s, end + 2.0), Availability::Usable);
    fail(&mut s, &transport(Transport::Reset), end + 3.0);
    assert_eq!(s.breaker(at(end + 4.0)), Breaker::Open, "cut after the commit, for the fourth time in a row");
    assert_eq!(s.rest_until, Some(at(end + 11.0)));
}

#[test]
fn one_incident_counts_once() {
    let mut s = Standing::default();
    for _ in 0..100 {
        s.failed(&status(500), None, at(1.0), at(5.0));
        s.failed(&status(500), None, at(2.0), at(6.0));
    }
    assert_eq!((s.streak, s.blamed), (1, 1));
    assert_eq!(s.rest_until, Some(at(6.0)));
    s.failed(&status(500), None, at(5.5), at(7.0));
    assert_eq!(s.streak, 2);
}

#[test]
fn later_tries_of_a_request_reported_from_its_first_one_count_once() {
    let mut s = Standing::default();
    let since = at(1.0);
    for end in [2.0, 3.0, 4.0] {
        s.failed(&status(500), None, since, at(end));
    }
    assert_eq!((s.streak, s.blamed), (1, 1));
}

#[test]
fn a_clock_that_did_not_move_makes_one_failure_no_second_one() {
    let mut s = Standing::default();
    s.failed(&status(500), None, at(1.0), at(1.0));
    s.failed(&status(500), None, at(1.0), at(2.0));
    assert_eq!((s.streak, s.blamed), (1, 1));
    s.failed(&status(401), None, at(3.0), at(3.0));
    s.failed(&status(401), None, at(3.0), at(4.0));
    assert_eq!(s.set_aside.map(|(_, length)| length), Some(SET_ASIDE_FIRST));
}

#[test]
fn a_late_success_of_an_old_attempt_proves_nothing() {
    let mut s = Standing::default();
    fail(&mut s, &status(500), 5.0);
    s.succeeded(None, at(1.0), at(5.5));
    s.committed(at(1.0), secs(0.2));
    assert_eq!(s.streak, 1);
    assert_eq!(availability(&s, 5.6), Availability::Resting(Why::Failed, Some(at(6.0))));
}

#[test]
fn faults_of_the_client_and_ours_leave_no_trace() {
    for failure in [status(400), status(404), status(413), Failure::local()] {
        let mut s = Standing::default();
        fail(&mut s, &failure, 1.0);
        assert_eq!(s, Standing::default());
    }
}

#[test]
fn a_stale_connection_and_an_empty_completion_leave_no_trace() {
    let mut s = Standing::default();
    fail(&mut s, &transport(Transport::Stale), 1.0);
    assert_eq!(s, Standing::default());
}

#[test]
fn retry_after_on_a_failure_lengthens_the_rest_up_to_our_longest() {
    for (wait, rest) in [(0.0, 1.0), (20.0, 20.0), (3600.0, 30.0)] {
        let mut s = Standing::default();
        let stated = Some(Stated { wait: secs(wait), scope: Scope::Endpoint });
        fail(&mut s, &Failure { stated, ..status(503) }, 1.0);
        assert_eq!(availability(&s, 1.0), Availability::Resting(Why::Failed, Some(at(1.0 + rest))));
    }
}

#[test]
fn a_stated_rest_holds_for_the_model_asked() {
    let mut s = Standing::default();
    fail(&mut s, &limited(60.0, Scope::Model), 10.0);
    assert_eq!(availability(&s, 11.0), Availability::Stated(at(70.0)));
    assert_eq!(s.availability(Some("haiku"), at(11.0)), Availability::Usable);
    assert_eq!(s.availability(None, at(11.0)), Availability::Usable);
    assert_eq!(availability(&s, 70.0), Availability::Usable);
    assert_eq!(s.streak, 0);
}

#[test]
fn a_rejected_window_rests_the_whole_endpoint() {
    let mut s = Standing::default();
    fail(&mut s, &limited(60.0, Scope::Endpoint), 10.0);
    for model in [None, Some("opus"), Some("haiku")] {
        assert_eq!(s.availability(model, at(11.0)), Availability::Stated(at(70.0)));
    }
}

#[test]
fn of_two_stated_rests_the_later_end_holds() {
    let mut s = Standing::default();
    fail(&mut s, &limited(7200.0, Scope::Endpoint), 1.0);
    fail(&mut s, &limited(1200.0, Scope::Model), 10.0);
    assert_eq!(availability(&s, 11.0), Availability::Stated(at(7201.0)));
}

#[test]
fn a_stated_rest_is_looked_at_every_fifteen_minutes() {
    for look in [status(400), status(500), limited(9000.0, Scope::Model), transport(Transport::Connect)] {
        let mut s = Standing::default();
        fail(&mut s, &limited(9000.0, Scope::Model), 0.1);
        assert!(matches!(availability(&s, 900.0), Availability::Stated(_)));
        assert_eq!(availability(&s, 900.2), Availability::HalfOpen);
        fail(&mut s, &look, 901.0);
        assert!(matches!(availability(&s, 1000.0), Availability::Stated(_)), "{look:?}");
        assert!(matches!(availability(&s, 1800.9), Availability::Stated(_)), "{look:?}");
        assert_eq!(availability(&s, 1801.1), Availability::HalfOpen, "{look:?}");
    }
}

#[test]
fn a_success_ends_a_stated_rest_of_its_model_only() {
    let mut s = Standing::default();
    fail(&mut s, &limited(9000.0, Scope::Model), 1.0);
    s.failed(&limited(9000.0, Scope::Model), Some("haiku"), at(1.0), at(2.0));
    succeed(&mut s, 1000.0);
    assert_eq!(availability(&s, 1000.0), Availability::Usable);
    assert!(s.stated_until(Some("haiku"), at(1000.0)).is_some());
}

#[test]
fn a_stream_that_began_before_the_429_does_not_end_its_rest() {
    let mut s = Standing::default();
    fail(&mut s, &limited(3600.0, Scope::Model), 10.0);
    s.succeeded(Some("opus"), at(5.0), at(60.0));
    assert_eq!(availability(&s, 60.0), Availability::Stated(at(3610.0)));
}

#[test]
fn a_rest_of_our_own_never_opens_the_way_through_a_stated_one() {
    let own: [fn(&mut Standing); 3] = [
        |s| fail(s, &status(401), 20.0),
        |s| fail(s, &status(500), 20.0),
        |s| s.probed(&down(), RECENT, at(20.0)),
    ];
    for rest in own {
        let mut s = Standing::default();
        fail(&mut s, &limited(3600.0, Scope::Model), 10.0);
        rest(&mut s);
        assert_eq!(availability(&s, 20.0), Availability::Stated(at(3610.0)));
    }
}

#[test]
fn remembered_stated_rests_are_bounded() {
    let mut s = Standing::default();
    for n in 0..1000 {
        let model = format!("model-{n}");
        s.failed(&limited(9000.0, Scope::Model), Some(&model), at(1.0), at(2.0));
    }
    assert_eq!(s.stated.len(), MAX_STATED);
}

#[test]
fn a_refused_credential_is_set_aside_for_a_minute_doubling_to_ten() {
    let mut s = Standing::default();
    let mut now = 1.0;
    for length in [60.0, 120.0, 240.0, 480.0, 600.0, 600.0] {
        fail(&mut s, &status(401), now);
        let until = now + length;
        assert_eq!(availability(&s, now), Availability::Resting(Why::Credential, Some(at(until))));
        assert_eq!(availability(&s, until), Availability::Usable, "it ends by itself");
        now = until + 1000.0;
    }
    assert_eq!((s.streak, s.blamed), (0, 0));
}

#[test]
fn concurrent_refusals_of_a_credential_double_nothing() {
    let mut s = Standing::default();
    for _ in 0..50 {
        s.failed(&status(403), None, at(1.0), at(2.0));
    }
    assert_eq!(s.set_aside, Some((at(62.0), SET_ASIDE_FIRST)));
}

#[test]
fn what_ends_a_set_aside_credential() {
    type Cure = (&'static str, fn(&mut Standing));
    let cures: [Cure; 4] = [
        ("a request", |s| succeed(s, 5.0)),
        ("the commit of a request", |s| s.committed(at(4.0), secs(0.1))),
        ("a probe", |s| s.probed(&up(), RECENT, at(5.0))),
        ("a person", Standing::cleared),
    ];
    for (name, cure) in cures {
        let mut s = Standing::default();
        fail(&mut s, &status(401), 1.0);
        cure(&mut s);
        assert_eq!(s.set_aside, None, "{name}");
        fail(&mut s, &status(401), 10.0);
        assert_eq!(s.set_aside, Some((at(70.0), SET_ASIDE_FIRST)), "{name} ends the doubling");
    }
}

#[test]
fn what_does_not_end_a_set_aside_credential() {
    let mut s = Standing::default();
    fail(&mut s, &status(401), 2.0);
    s.succeeded(None, at(1.0), at(3.0));
    s.probed(&Probed::Up { latency: secs(0.1), authenticated: false }, RECENT, at(4.0));
    s.probed(&Probed::CredentialRefused { latency: secs(0.1) }, RECENT, at(5.0));
    assert_eq!(availability(&s, 5.0), Availability::Resting(Why::Credential, Some(at(62.0))));
}

#[test]
fn the_first_probe_failure_marks_down_and_the_first_success_up() {
    let mut s = Standing::default();
    s.probed(&down(), RECENT, at(1.0));
    assert_eq!(availability(&s, 1.0), Availability::Resting(Why::ProbeFailed, None));
    s.probed(&up(), RECENT, at(2.0));
    assert_eq!((s.health, availability(&s, 2.0)), (Health::Up, Availability::Usable));
}

#[test]
fn a_recent_success_outweighs_a_failed_probe() {
    let mut s = Standing::default();
    succeed(&mut s, 10.0);
    s.probed(&down(), RECENT, at(39.9));
    assert_eq!(s.health, Health::Up);
    s.probed(&down(), RECENT, at(40.0));
    assert_eq!(s.health, Health::Down);
}

#[test]
fn a_request_that_succeeds_brings_a_down_endpoint_up() {
    for cure in [|s: &mut Standing| succeed(s, 5.0), |s: &mut Standing| s.committed(at(4.0), secs(0.1))] {
        let mut s = Standing::default();
        s.probed(&down(), RECENT, at(1.0));
        cure(&mut s);
        assert_eq!(availability(&s, 5.0), Availability::Usable);
    }
}

#[test]
fn a_probe_ends_a_rest_only_after_transport_failures() {
    for t in [Transport::Connect, Transport::Reset, Transport::HeaderTimeout] {
        assert!(rest_ends_by_probe(&transport(t)), "{t:?}");
    }
    for code in [500, 503, 529, 429] {
        assert!(!rest_ends_by_probe(&status(code)), "{code}");
    }
}

fn rest_ends_by_probe(failure: &Failure) -> bool {
    let mut s = Standing::default();
    fail(&mut s, failure, 1.0);
    s.probed(&up(), RECENT, at(1.5));
    availability(&s, 1.5) == Availability::Usable
}

#[test]
fn a_probe_makes_an_open_breaker_half_open_at_most() {
    let mut s = Standing::default();
    let end = fail_in_a_row(&mut s, &transport(Transport::Connect), 3);
    s.probed(&up(), RECENT, at(end - 1.0));
    assert_eq!(availability(&s, end - 1.0), Availability::HalfOpen);
}

#[test]
fn a_refused_probe_is_up_with_a_credential_problem() {
    let mut s = Standing::default();
    s.probed(&Probed::CredentialRefused { latency: secs(0.1) }, RECENT, at(1.0));
    assert_eq!((s.health, s.credential_problem), (Health::Up, true));
    succeed(&mut s, 2.0);
    assert!(!s.credential_problem);
}

#[test]
fn a_person_ends_every_rest() {
    let mut s = Standing::default();
    let end = fail_in_a_row(&mut s, &status(500), 3);
    fail(&mut s, &limited(9000.0, Scope::Endpoint), end - 1.0);
    fail(&mut s, &status(401), end - 1.0);
    s.probed(&down(), RECENT, at(end - 1.0));
    s.cleared();
    assert_eq!(availability(&s, end - 1.0), Availability::HalfOpen);
    assert_eq!(s.next_change(at(end - 1.0)), None);
}

#[test]
fn the_next_change_is_the_earliest_end() {
    let mut s = Standing::default();
    fail(&mut s, &limited(3600.0, Scope::Model), 1.0);
    fail(&mut s, &status(401), 2.0);
    fail(&mut s, &status(500), 3.0);
    let mut ends = Vec::new();
    let mut now = at(3.0);
    while let Some(next) = s.next_change(now) {
        ends.push(next);
        now = next;
    }
    assert_eq!(ends, [at(4.0), at(62.0), at(901.0), at(3601.0)]);
}

#[test]
fn latency_is_smoothed() {
    let mut s = Standing::default();
    s.observe_latency(secs(1.0));
    assert_eq!(s.latency_ms, Some(1000.0));
    s.observe_latency(secs(2.0));
    assert!((s.latency_ms.unwrap() - 1300.0).abs() < 1e-6);
}

#[test]
fn a_missing_count_tokens_is_remembered_for_an_hour_and_moves_nothing_else() {
    let mut s = Standing::default();
    let unsupported = Failure {
        kind: Kind::NoCountTokens,
        status: Some(501),
        blame: Blame::Nobody,
        ..transport(Transport::Reset)
    };
    assert!(s.counts_tokens(at(1.0)));
    fail(&mut s, &unsupported, 1.0);
    assert!(!s.counts_tokens(at(1.0)) && !s.counts_tokens(at(3600.9)) && s.counts_tokens(at(3601.0)));
    assert_eq!(s.next_change(at(2.0)), Some(at(3601.0)));
    let untouched = Standing { no_count_tokens_until: s.no_count_tokens_until, ..Standing::default() };
    assert_eq!(s, untouched);
    succeed(&mut s, 2.0);
    assert!(!s.counts_tokens(at(3.0)), "messages say nothing about it");
    s.cleared();
    assert!(s.counts_tokens(at(3.0)));
}
