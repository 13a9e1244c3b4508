//! Who is let in, at every route and at those that do not exist.

use http::Method;

use crate::scene::{SAMPLES, Sample, Scene};
use crate::support::Answer;
use crate::support::raw::Raw;

/// It is an error in the port's shape, with this status and code.
pub(crate) fn is_error(answer: &Answer, status: u16, code: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert_eq!(answer.headers["content-type"], "application/json", "{text}");
    let error = &answer.json()["error"];
    assert_eq!(error["code"], code, "{text}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    assert!(error["hint"].is_null() || error["hint"].is_string(), "{text}");
}

fn everywhere() -> impl Iterator<Item = (Method, &'static str)> {
    let unknown = [(Method::GET, "/"), (Method::GET, "/api/v1/nothing"), (Method::DELETE, "/api/v1/status")];
    SAMPLES.into_iter().map(|sample| (sample.method, sample.path)).chain(unknown)
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_everywhere() {
    let scene = Scene::new().await;
    for (method, path) in everywhere() {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("host", "evil.example")],
            &[("host", "evil.example:8010"), ("origin", "http://evil.example:8010")],
        ] {
            let answer = scene.ask(&method, path, headers).await;
            is_error(&answer, 403, "forbidden");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn its_own_pages_and_listed_ones_pass() {
    let scene = Scene::with(", allowed_hosts: [admin.lan], allowed_origins: ['https://tool.example']").await;
    let own = scene.admin.url("");
    for headers in [
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")][..],
        &[("origin", "https://tool.example"), ("sec-fetch-site", "cross-site")],
        &[("host", "admin.lan")],
        &[("host", "localhost")],
        &[("sec-fetch-site", "none")],
    ] {
        let answer = scene.ask(&Method::GET, "/api/v1/status", headers).await;
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text());
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_token_is_asked_for_everywhere() {
    let scene = Scene::with(", token: canary-admin").await;
    for (method, path) in everywhere() {
        for headers in [
            &[][..],
            &[("authorization", "Bearer wrong")],
            &[("authorization", "Bearer ")],
            &[("authorization", "Basic canary-admin")],
            &[("authorization", "canary-admin")],
            &[("x-api-key", "canary-admin")],
        ] {
            let answer = scene.ask(&method, path, headers).await;
            is_error(&answer, 401, "unauthorized");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert!(!answer.text().contains("canary"), "{}", answer.text());
        }
    }
    let answer = scene.ask(&Method::GET, "/health", &[("authorization", "bearer canary-admin")]).await;
    assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (200, Some("healthy")));
    scene.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_json() {
    let scene = Scene::new().await;
    for path in ["/", "/api", "/api/v1", "/api/v1/nothing", "/api/v1/usage/", "/health/"] {
        is_error(&scene.admin.get(path).await, 404, "not_found");
    }
    for Sample { method, path, .. } in SAMPLES {
        let answer = scene.ask(&Method::DELETE, path, &[]).await;
        is_error(&answer, 405, "method_not_allowed");
        let allow = answer.headers["allow"].to_str().unwrap();
        assert!(allow.split(',').any(|allowed| allowed.trim() == method.as_str()), "{path}: {allow}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn what_no_route_knows_is_named() {
    let scene = Scene::new().await;
    for Sample { method, path, body } in SAMPLES {
        let answer = scene.send(&method, &format!("{path}?no_such=1&by=model"), &[], body).await;
        is_error(&answer, 400, "bad_request");
        assert!(answer.text().contains("`no_such`"), "{}", answer.text());
        if method == Method::POST {
            let more = body.strip_suffix('}').map_or("{".to_owned(), |body| format!("{body}, "));
            let answer = scene.send(&method, path, &[], &format!("{more}\"no_such\": 1}}")).await;
            is_error(&answer, 400, "bad_request");
            assert!(answer.text().contains("`no_such`"), "{path}: {}", answer.text());
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn nothing_large_is_taken() {
    let scene = Scene::new().await;
    for (method, path) in everywhere() {
        let answer = scene.send(&method, path, &[], &" ".repeat(64 * 1024 + 1)).await;
        is_error(&answer, 413, "too_large");
    }
    for Sample { path, .. } in SAMPLES.into_iter().filter(|sample| sample.method == Method::POST) {
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n10001\r\n{}\r\n0\r\n\r\n",
            " ".repeat(0x10001)
        );
        let mut raw = Raw::connect(scene.world.forwarder.admin_address().unwrap()).await;
        raw.send(chunked.as_bytes()).await;
        assert!(raw.head().await.starts_with("HTTP/1.1 413 "), "{path}");
    }
    let long = format!("/health?{}", "x".repeat(40_000));
    assert!(scene.ask(&Method::GET, &long, &[]).await.status.is_client_error());
    scene.stop().await;
}
