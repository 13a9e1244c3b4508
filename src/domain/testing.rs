//! Builders shared by the tests of the domain: instants of a virtual clock, endpoints, failures.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::endpoint::{BaseUrl, Credential, EndpointId, EndpointSpec, GroupId, Scheme};
use super::fleet::Settings;
use super::outcome::{Failure, SHORT_WAIT, Same, Seen, Transport, classify};
use super::ratelimit::{Scope, Stated};
use super::secret::Secret;
use crate::claude::gate::GateFailure;

/// The virtual clock at `seconds`. All tests share one origin, which is read once and only because an `Instant` can be
/// had in no other way.
pub(crate) fn at(seconds: f64) -> Instant {
    #[allow(clippy::disallowed_methods)]
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *ORIGIN + Duration::from_secs_f64(seconds)
}

pub(crate) fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub(crate) fn wall() -> jiff::Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

pub(crate) fn id(name: &str) -> EndpointId {
    EndpointId::new(name)
}

pub(crate) fn group(name: &str) -> GroupId {
    GroupId::new(name)
}

/// An endpoint with a token of its own.
pub(crate) fn spec(name: &str, group: &str, priority: u32, group_priority: u32) -> EndpointSpec {
    EndpointSpec {
        id: EndpointId::new(name),
        group: GroupId::new(group),
        url: BaseUrl {
            scheme: Scheme::Https,
            host: format!("{name}.invalid"),
            port: 443,
            authority: format!("{name}.invalid"),
            base_path: String::new(),
            secret: false,
        },
        priority,
        group_priority,
        timeout: secs(300.0),
        credential: Credential::Own { token: Some(Secret::new("tok-canary")), api_key: None },
        headers: Vec::new(),
        supports_count_tokens: None,
        models: Vec::new(),
        price_multiplier_ppm: 1_000_000,
        retry_statuses: Vec::new(),
        http2: false,
        enabled: true,
    }
}

/// Endpoints named `group-n`, one group per entry of `sizes`: `a-1`, `a-2`, …, `b-1`, ….
pub(crate) fn specs(sizes: &[usize]) -> Vec<Arc<EndpointSpec>> {
    let groups = ["a", "b", "c", "d"];
    let each = sizes.iter().zip(groups).zip(1_u32..);
    each.flat_map(|((size, group), rank)| {
        (1..=u32::try_from(*size).unwrap())
            .map(move |n| Arc::new(spec(&format!("{group}-{n}"), group, n, rank)))
    })
    .collect()
}

pub(crate) fn settings() -> Settings {
    Settings {
        auto_switch: true,
        cooldown: secs(600.0),
        check_interval: secs(30.0),
        by_latency: false,
        pinned: None,
    }
}

pub(crate) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let parse = |(n, v): &(&str, &str)| (n.parse::<HeaderName>().unwrap(), v.parse::<HeaderValue>().unwrap());
    pairs.iter().map(parse).collect()
}

/// What `status` with these headers means at `spec`.
pub(crate) fn answered(status: u16, pairs: &[(&str, &str)], spec: &EndpointSpec) -> Failure {
    let seen = Seen::Status { status: StatusCode::from_u16(status).unwrap(), headers: &headers(pairs) };
    classify(seen, spec, wall())
}

/// What `status` means at an endpoint with a credential of its own.
pub(crate) fn status(status: u16) -> Failure {
    answered(status, &[], &spec("any", "any", 1, 1))
}

pub(crate) fn transport(t: Transport) -> Failure {
    classify(Seen::Transport(t), &spec("any", "any", 1, 1), wall())
}

/// A 429 that states its end.
pub(crate) fn limited(wait: f64, scope: Scope) -> Failure {
    let wait = secs(wait);
    let same = if wait > SHORT_WAIT { Same::Never } else { Same::UpToLimit };
    let stated = Some(Stated { wait, scope });
    Failure { same, stated, ..answered(429, &[("retry-after", "1")], &spec("any", "any", 1, 1)) }
}

/// What a body that is no answer means.
pub(crate) fn gate(failure: &GateFailure) -> Failure {
    classify(Seen::Gate(failure), &spec("any", "any", 1, 1), wall())
}

/// Any failure that can be met.
pub(crate) fn any_failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        4 => prop::sample::select(vec![404, 408, 429, 500, 503, 529]).prop_map(status),
        1 => (300_u16..600).prop_map(status),
        1 => Just(answered(401, &[], &EndpointSpec { credential: Credential::Pass, ..spec("any", "any", 1, 1) })),
        1 => Just(answered(500, &[("x-should-retry", "false")], &spec("any", "any", 1, 1))),
        1 => (0_u32..40).prop_map(|s| answered(503, &[("retry-after", &s.to_string())], &spec("any", "any", 1, 1))),
        2 => (0.0..4000.0).prop_map(|w| limited(w, Scope::Model)),
        1 => (0.0..4000.0).prop_map(|w| limited(w, Scope::Endpoint)),
        3 => prop::sample::select(TRANSPORTS.to_vec()).prop_map(transport),
        1 => Just(gate(&GateFailure::EmptyCompletion)),
        1 => Just(gate(&GateFailure::Html)),
        1 => Just(Failure::local()),
    ]
}

const TRANSPORTS: [Transport; 8] = [
    Transport::Dns,
    Transport::Connect,
    Transport::Proxy,
    Transport::Tls,
    Transport::HeaderTimeout,
    Transport::IdleTimeout,
    Transport::Reset,
    Transport::Stale,
];
