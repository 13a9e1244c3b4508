//! The failure table, row by row.

use super::super::testing::{answered, headers, spec, status, transport, wall};
use super::*;

/// blame, same endpoint again, next endpoint
type Row = (Blame, Same, Next);

const CLIENT: Row = (Blame::Client, Same::Never, Next::No);
const NOT_FOUND: Row = (Blame::Client, Same::Never, Next::AfterTransient);
const CREDENTIAL: Row = (Blame::Credential, Same::Never, Next::Yes);
const PASSED: Row = (Blame::Client, Same::Never, Next::OwnCredential);
const STATED: Row = (Blame::Nobody, Same::Never, Next::Yes);
const STATED_SHORT: Row = (Blame::Nobody, Same::UpToLimit, Next::Yes);
const THROTTLED: Row = (Blame::Throttle, Same::Once, Next::Yes);
const OVERLOADED: Row = (Blame::EndpointSoft, Same::Once, Next::Yes);
const SERVER: Row = (Blame::Endpoint, Same::UpToLimit, Next::Yes);
const TIMEOUT: Row = (Blame::Endpoint, Same::IfAlone, Next::Yes);
const CONNECT: Row = (Blame::Endpoint, Same::Once, Next::Yes);

fn row(f: &Failure) -> Row {
    (f.blame, f.same, f.next)
}

fn with(credential: Credential) -> EndpointSpec {
    EndpointSpec { credential, ..spec("any", "any", 1, 1) }
}

fn at_gate(failure: &GateFailure, spec: &EndpointSpec) -> Failure {
    classify(Seen::Gate(failure), spec, wall())
}

fn error_event(kind: &str) -> GateFailure {
    GateFailure::ErrorEvent { kind: kind.to_owned(), message: "busy".to_owned() }
}

/// The rows of the table for a status without any header.
fn expected(status: u16, refused: Row) -> Row {
    match status {
        404 => NOT_FOUND,
        401..=403 => refused,
        408 => SERVER,
        429 => THROTTLED,
        300..=499 => CLIENT,
        529 => OVERLOADED,
        _ => SERVER,
    }
}

#[test]
fn every_status_follows_the_table() {
    let own = spec("any", "any", 1, 1);
    let (pass, none) = (with(Credential::Pass), with(Credential::None));
    for code in 300..=599 {
        for (spec, refused) in [(&own, CREDENTIAL), (&none, CREDENTIAL), (&pass, PASSED)] {
            let failure = answered(code, &[], spec);
            assert_eq!(row(&failure), expected(code, refused), "{code} at {:?}", spec.credential);
            assert_eq!(failure.status, Some(code));
            assert_eq!(failure.stated, None, "{code}");
        }
    }
}

#[test]
fn a_429_with_a_stated_end_is_sat_out_only_when_short() {
    let own = spec("any", "any", 1, 1);
    let stated = |wait: &str| answered(429, &[("retry-after", wait)], &own);
    assert_eq!(row(&stated("1")), STATED_SHORT);
    assert_eq!(row(&stated("2")), STATED_SHORT);
    assert_eq!(row(&stated("3")), STATED);
    let failure = stated("3");
    assert_eq!(failure.stated, Some(Stated { wait: Duration::from_secs(3), scope: Scope::Model }));
    assert_eq!(failure.kind, Kind::RateLimited);
    assert_eq!(rest_scope(&failure), Scope::Model);
}

#[test]
fn a_429_states_its_end_with_buckets_too() {
    let own = spec("any", "any", 1, 1);
    let bucket = [
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-23T00:01:00Z"),
    ];
    assert_eq!(row(&answered(429, &bucket, &own)), STATED);
    let window = [
        ("anthropic-ratelimit-unified-7d-status", "rejected"),
        ("anthropic-ratelimit-unified-7d-reset", "1795399200"),
    ];
    let failure = answered(429, &window, &own);
    assert_eq!(row(&failure), STATED);
    assert_eq!(rest_scope(&failure), Scope::Endpoint);
}

#[test]
fn a_429_that_states_nothing_usable_is_throttled() {
    let own = spec("any", "any", 1, 1);
    for pairs in [&[][..], &[("retry-after", "soon")], &[("anthropic-ratelimit-tokens-remaining", "0")]] {
        let failure = answered(429, pairs, &own);
        assert_eq!(row(&failure), THROTTLED);
        assert_eq!((failure.kind, failure.stated), (Kind::Throttled, None));
    }
}

#[test]
fn retry_after_is_honoured_on_failures_of_the_endpoint() {
    let own = spec("any", "any", 1, 1);
    for code in [408, 500, 503, 529] {
        let long = answered(code, &[("retry-after", "20")], &own);
        assert_eq!((long.blame, long.same), (status(code).blame, Same::Never), "{code}");
        assert_eq!(long.stated.map(|s| s.wait), Some(Duration::from_secs(20)), "{code}");
        let short = answered(code, &[("retry-after", "2")], &own);
        assert_eq!(row(&short), row(&status(code)), "{code}");
        assert_eq!(short.stated.map(|s| s.wait), Some(Duration::from_secs(2)), "{code}");
    }
}

#[test]
fn retry_after_on_a_fault_of_the_client_means_nothing() {
    let own = spec("any", "any", 1, 1);
    for code in [307, 400, 401, 404, 413] {
        assert_eq!(answered(code, &[("retry-after", "20")], &own), status(code), "{code}");
    }
}

#[test]
fn x_should_retry_false_ends_retries_here_but_not_elsewhere() {
    let own = spec("any", "any", 1, 1);
    for code in 300..=599 {
        let plain = status(code);
        let told = answered(code, &[("x-should-retry", "false")], &own);
        assert_eq!(told, Failure { same: Same::Never, ..plain.clone() }, "{code}");
        for other in ["true", "no", ""] {
            assert_eq!(answered(code, &[("x-should-retry", other)], &own), plain, "{code} {other}");
        }
    }
}

#[test]
fn retry_statuses_mean_throttled_at_that_endpoint_only() {
    let relay = EndpointSpec { retry_statuses: vec![400, 404], ..spec("any", "any", 1, 1) };
    assert_eq!(row(&answered(400, &[], &relay)), THROTTLED);
    assert_eq!(row(&answered(404, &[], &relay)), THROTTLED);
    assert_eq!(row(&answered(400, &[("retry-after", "9")], &relay)), STATED);
    assert_eq!(row(&answered(413, &[], &relay)), CLIENT);
    assert_eq!(row(&at_gate(&error_event("invalid_request_error"), &relay)), THROTTLED);
    assert_eq!(row(&status(400)), CLIENT);
}

#[test]
fn every_transport_failure_follows_the_table() {
    let table = [
        (Transport::Dns, Kind::Dns, CONNECT),
        (Transport::Connect, Kind::Connect, CONNECT),
        (Transport::Proxy, Kind::Proxy, CONNECT),
        (Transport::Tls, Kind::Tls, CONNECT),
        (Transport::HeaderTimeout, Kind::HeaderTimeout, TIMEOUT),
        (Transport::IdleTimeout, Kind::IdleTimeout, TIMEOUT),
        (Transport::Reset, Kind::Reset, SERVER),
        (Transport::Stale, Kind::Stale, (Blame::Nobody, Same::Free, Next::Yes)),
    ];
    for (seen, kind, wanted) in table {
        let failure = transport(seen);
        assert_eq!((failure.kind, row(&failure), failure.status), (kind, wanted, None));
    }
}

#[test]
fn every_gate_failure_without_an_error_type_follows_the_table() {
    let table = [
        (GateFailure::Empty, Kind::Empty, SERVER),
        (GateFailure::Cut, Kind::Cut, SERVER),
        (GateFailure::Html, Kind::Html, SERVER),
        (GateFailure::Malformed, Kind::Malformed, SERVER),
        (GateFailure::JsonInsteadOfStream, Kind::Malformed, SERVER),
        (GateFailure::NotJson, Kind::Malformed, SERVER),
        (GateFailure::EmptyCompletion, Kind::EmptyCompletion, (Blame::Nobody, Same::IfAlone, Next::Yes)),
    ];
    for (seen, kind, wanted) in table {
        let failure = at_gate(&seen, &spec("any", "any", 1, 1));
        assert_eq!((failure.kind, row(&failure), failure.status), (kind, wanted, None));
    }
}

#[test]
fn error_types_in_a_200_mean_what_their_status_means() {
    let table = [
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("billing_error", 402),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("conflict_error", 409),
        ("request_too_large", 413),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("timeout_error", 504),
        ("overloaded_error", 529),
        ("an_error_of_next_year", 500),
        ("", 500),
    ];
    for spec in [spec("any", "any", 1, 1), with(Credential::Pass)] {
        for (kind, code) in table {
            let object = GateFailure::ErrorObject { kind: kind.to_owned(), message: String::new() };
            let by_status = answered(code, &[], &spec);
            assert_eq!(at_gate(&error_event(kind), &spec), by_status, "{kind}");
            assert_eq!(at_gate(&object, &spec), by_status, "{kind}");
        }
    }
}

#[test]
fn the_words_of_an_error_decide_nothing() {
    let shouting = GateFailure::ErrorEvent {
        kind: "api_error".to_owned(),
        message: "overloaded_error: 401 rate limit, retry after 9".to_owned(),
    };
    assert_eq!(row(&at_gate(&shouting, &spec("any", "any", 1, 1))), SERVER);
}

#[test]
fn our_own_fault_blames_nobody_else() {
    assert_eq!(row(&Failure::local()), (Blame::Us, Same::Never, Next::No));
    assert!(Failure::local().is_answer());
}

#[test]
fn transient_is_what_another_endpoint_or_time_can_cure() {
    for code in [408, 429, 500, 502, 503, 524, 529] {
        assert!(status(code).is_transient(), "{code}");
    }
    for code in [301, 400, 401, 402, 403, 404, 409, 413, 422] {
        assert!(!status(code).is_transient(), "{code}");
    }
}

#[test]
fn error_types_fit_their_status_both_ways() {
    for code in [400, 401, 402, 403, 404, 409, 413, 429, 500, 504] {
        assert_eq!(status_of_error_type(error_type_of_status(code)), code);
    }
    for code in 300..=599 {
        assert_ne!(error_type_of_status(code), "overloaded_error", "{code}");
    }
}

#[test]
fn briefs_name_the_status_or_the_class_and_never_upstream_text() {
    assert_eq!(status(529).brief(), "529");
    assert_eq!(status(401).brief(), "401");
    assert_eq!(transport(Transport::Connect).brief(), "connect failed");
    assert_eq!(at_gate(&error_event("overloaded_error"), &spec("any", "any", 1, 1)).brief(), "529");
    assert_eq!(should_retry(&headers(&[("x-should-retry", "TRUE")])), None);
}

#[test]
fn some_statuses_tell_a_count_that_it_is_not_supported() {
    let unsupported = (Blame::Nobody, Same::Never, Next::Yes);
    let relay = EndpointSpec { retry_statuses: vec![404], ..spec("any", "any", 1, 1) };
    let (own, none) = (spec("any", "any", 1, 1), headers(&[]));
    let counted = |code: u16, spec: &EndpointSpec| {
        let seen = Seen::Status { status: StatusCode::from_u16(code).unwrap(), headers: &none };
        classify_for(Class::CountTokens, seen, spec, wall())
    };
    for code in 300..=599 {
        let failure = counted(code, &own);
        if matches!(code, 404 | 405 | 501) {
            assert_eq!((row(&failure), failure.kind), (unsupported, Kind::NoCountTokens), "{code}");
            assert_eq!(failure.status, Some(code));
            assert!(failure.is_answer(), "nothing against the endpoint");
        } else {
            assert_eq!(failure, status(code), "{code}");
        }
    }
    assert_eq!(row(&counted(404, &relay)), THROTTLED, "as configured");
    let wrapped = error_event("not_found_error");
    let failure = classify_for(Class::CountTokens, Seen::Gate(&wrapped), &own, wall());
    assert_eq!(failure.kind, Kind::NoCountTokens);
    let failure = classify_for(Class::Messages, Seen::Gate(&wrapped), &own, wall());
    assert_eq!(failure.kind, Kind::NotFound);
}
