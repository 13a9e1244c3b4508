use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use super::*;
use crate::domain::endpoint::{EndpointId, GroupId, Scheme};

fn spec(credential: Credential) -> EndpointSpec {
    EndpointSpec {
        id: EndpointId::new("a"),
        group: GroupId::new("g"),
        url: BaseUrl {
            scheme: Scheme::Https,
            host: "api.example".into(),
            port: 8443,
            authority: "api.example:8443".into(),
            base_path: String::new(),
            secret: false,
        },
        priority: 1,
        group_priority: 1,
        timeout: Duration::from_secs(1),
        credential,
        headers: Vec::new(),
        supports_count_tokens: None,
        models: Vec::new(),
        price_multiplier_ppm: 1_000_000,
        retry_statuses: Vec::new(),
        http2: false,
        enabled: true,
    }
}

fn own(token: &str, api_key: Option<&str>) -> Credential {
    let secret = |text: &str| Secret::new(Arc::from(text));
    Credential::Own { token: Some(secret(token)), api_key: api_key.map(secret) }
}

fn map(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    map
}

fn listing(map: &HeaderMap) -> Vec<String> {
    map.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect()
}

#[test]
fn hop_by_hop_headers_and_those_named_by_connection_are_dropped() {
    let client = map(&[
        ("Connection", "keep-alive, X-Private"),
        ("connection", "x-other ,, bad name"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic x"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("expect", "100-continue"),
        ("x-private", "1"),
        ("x-other", "1"),
        ("x-cc-forwarder-token", "t"),
        ("host", "localhost:9000"),
        ("anthropic-beta", "a"),
        ("x-kept", "1"),
        ("anthropic-beta", "b"),
        ("content-length", "3"),
    ]);
    let out = outbound_headers(&client, &spec(Credential::None));
    assert_eq!(
        listing(&out),
        [
            "host: api.example:8443",
            "anthropic-beta: a",
            "anthropic-beta: b",
            "x-kept: 1",
            "content-length: 3"
        ]
    );
}

#[test]
fn an_own_credential_replaces_the_clients() {
    let client = map(&[("authorization", "Bearer client"), ("x-api-key", "client-key"), ("x-a", "1")]);
    let out = outbound_headers(&client, &spec(own("mine", None)));
    assert_eq!(listing(&out), ["host: api.example:8443", "x-a: 1", "authorization: Bearer mine"]);
    assert!(out[AUTHORIZATION].is_sensitive());

    let both = outbound_headers(&client, &spec(own("mine", Some("key"))));
    assert_eq!(both[X_API_KEY], "key");
    assert!(both[X_API_KEY].is_sensitive());

    let none = outbound_headers(&client, &spec(Credential::None));
    assert_eq!(listing(&none), ["host: api.example:8443", "x-a: 1"]);
}

#[test]
fn pass_keeps_the_clients_credential_and_marks_it() {
    let client = map(&[("authorization", "Bearer client"), ("x-api-key", "client-key")]);
    let out = outbound_headers(&client, &spec(Credential::Pass));
    assert_eq!(out[AUTHORIZATION], "Bearer client");
    assert_eq!(out[X_API_KEY], "client-key");
    assert!(out[AUTHORIZATION].is_sensitive() && out[X_API_KEY].is_sensitive());
}

#[test]
fn endpoint_headers_come_last_and_replace_every_value() {
    let mut spec = spec(own("mine", None));
    spec.headers = map(&[
        ("authorization", "Custom x"),
        ("anthropic-beta", "y"),
        ("anthropic-beta", "z"),
        ("host", "virtual.example"),
    ])
    .into_iter()
    .scan(None, |last, (name, value)| {
        *last = name.or(last.take());
        last.clone().map(|name| (name, value))
    })
    .collect();
    let client = map(&[("anthropic-beta", "a"), ("anthropic-beta", "b")]);
    let out = outbound_headers(&client, &spec);
    assert_eq!(out.get_all("anthropic-beta").iter().collect::<Vec<_>>(), ["y", "z"]);
    assert_eq!(out.get_all(AUTHORIZATION).iter().collect::<Vec<_>>(), ["Custom x"]);
    assert_eq!(out.get_all(HOST).iter().collect::<Vec<_>>(), ["virtual.example"]);
    assert!(spec.headers.iter().all(|(name, _)| out[name].is_sensitive()));
}

#[test]
fn a_secret_that_fits_no_header_is_left_out() {
    let out = outbound_headers(&HeaderMap::new(), &spec(own("line\nbreak", None)));
    assert_eq!(listing(&out), ["host: api.example:8443"]);
}

#[test]
fn probes_carry_what_requests_carry() {
    let out = probe_headers(&spec(own("mine", None)));
    assert_eq!(
        listing(&out),
        ["host: api.example:8443", "anthropic-version: 2023-06-01", "authorization: Bearer mine"]
    );
    let pass = probe_headers(&spec(Credential::Pass));
    assert_eq!(listing(&pass), ["host: api.example:8443", "anthropic-version: 2023-06-01"]);
}

#[test]
fn answers_lose_hop_by_hop_headers_only() {
    let upstream = map(&[
        ("content-length", "12"),
        ("content-encoding", "gzip"),
        ("date", "x"),
        ("server", "y"),
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("proxy-authenticate", "Basic"),
        ("set-cookie", "a"),
        ("set-cookie", "b"),
        ("authorization", "odd but theirs"),
    ]);
    assert_eq!(
        listing(&response_headers(upstream)),
        [
            "content-length: 12",
            "content-encoding: gzip",
            "date: x",
            "server: y",
            "set-cookie: a",
            "set-cookie: b",
            "authorization: odd but theirs"
        ]
    );
}

#[test]
fn targets_keep_the_clients_bytes() {
    let mut base = spec(Credential::None).url;
    let target = |base: &BaseUrl, uri: &str| request_target(base, &uri.parse::<Uri>().unwrap());
    let odd = "/v1//messages/%2e%2E/a;b=c?beta=true&x=%20&y=a//b??";
    assert_eq!(target(&base, odd).unwrap().to_string(), odd);
    assert_eq!(target(&base, "http://ignored.example/v1?x").unwrap().to_string(), "/v1?x");
    base.base_path = "/api/anthropic".into();
    assert_eq!(target(&base, odd).unwrap().to_string(), format!("/api/anthropic{odd}"));
    assert_eq!(target(&base, "/").unwrap().to_string(), "/api/anthropic/");
    assert_eq!(target(&base, "*"), Err(TargetError::NoPath));
    assert_eq!(target(&base, "example.com:443"), Err(TargetError::NoPath));
    let longest = target(&base, &format!("/{}", "a".repeat(65_530)));
    assert!(longest == Err(TargetError::Invalid), "base path and path together pass 64 KiB");
}
