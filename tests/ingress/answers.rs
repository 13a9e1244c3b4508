//! Refusals and local answers, and that none of them is a request: no record, nothing upstream.

use cc_forwarder::simulator::Behaviour;

use crate::support::raw::{Seen, messages_request};
use crate::support::{QUICK, World};

/// An error in the API's shape.
fn assert_error(seen: &Seen, status: u16, kind: &str) {
    assert_eq!(seen.status, status, "{seen:?}");
    let body = seen.json();
    assert_eq!(body["type"], "error", "{body}");
    assert_eq!(body["error"]["type"], kind, "{body}");
    assert!(body["error"]["message"].as_str().is_some_and(|m| m.len() > 10), "{body}");
}

/// Nothing was forwarded and nothing recorded.
async fn assert_untouched(world: World) {
    for sim in &world.sims {
        assert_eq!(sim.messages().len(), 0);
    }
    assert_eq!(world.forwarder.pictures().fresh().await.totals.accepted, 0);
    assert!(world.stop().await.is_empty());
}

fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n{headers}\r\n")
}

#[tokio::test]
async fn targets_that_are_no_paths_are_refused() {
    let world = World::pair().await;
    let connect = "CONNECT example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_error(&world.raw().await.ask(connect).await, 405, "invalid_request_error");
    let trace = "TRACE /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_error(&world.raw().await.ask(trace).await, 405, "invalid_request_error");
    for target in ["http://example.com/v1/messages", "*"] {
        let method = if target == "*" { "OPTIONS" } else { "GET" };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_error(&world.raw().await.ask(request).await, 400, "invalid_request_error");
    }
    assert_untouched(world).await;
}

#[tokio::test]
async fn hosts_and_pages_are_checked() {
    let base = QUICK.replace(
        "shutdown_grace: 2s",
        "shutdown_grace: 2s, allowed_hosts: [proxy.lan], allowed_origins: ['https://tool.example']",
    );
    let world = World::with(&base, &[("a", "main")]).await;
    let refused = [
        "Host: evil.example\r\n",
        "Host: 127.0.0.1.evil.example\r\n",
        "Host: localhost\r\nOrigin: https://evil.example\r\n",
        "Host: localhost\r\nOrigin: null\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
        "Host: proxy.lan.evil.example\r\n",
        "",
    ];
    for headers in refused {
        assert_error(&world.raw().await.ask(get("/health", headers)).await, 403, "permission_error");
    }
    let passed = [
        "Host: localhost:1234\r\n",
        "Host: 127.0.0.1\r\n",
        "Host: [::1]:8088\r\n",
        "Host: host.docker.internal:8088\r\n",
        "Host: proxy.lan\r\n",
        "Host: localhost\r\nOrigin: https://tool.example\r\nSec-Fetch-Site: cross-site\r\n",
        "Host: localhost\r\nSec-Fetch-Site: same-origin\r\n",
        "Host: localhost\r\nSec-Fetch-Site: none\r\n",
    ];
    for headers in passed {
        assert_eq!(world.raw().await.ask(get("/health", headers)).await.status, 200, "{headers}");
    }
    assert_untouched(world).await;
}

#[tokio::test]
async fn a_credential_opens_the_door_in_three_ways() {
    let base = format!("{QUICK}auth: {{ enabled: true, token: let-me-in }}\n");
    let mut world = World::with(&base, &[("a", "main")]).await;
    for wrong in [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: let-me-in\r\n",
        "Authorization: Basic let-me-in\r\n",
        "X-Api-Key: let-me-i\r\n",
        "X-Api-Key: \r\n",
        "X-Cc-Forwarder-Token: \r\n",
    ] {
        let request = messages_request(true).replacen("\r\n\r\n", &format!("\r\n{wrong}\r\n"), 1);
        let refused = world.raw().await.ask(request).await;
        assert_error(&refused, 401, "authentication_error");
        assert_eq!(
            refused.header("x-should-retry"),
            Some("false"),
            "Claude Code repeats a plain 401 for minutes"
        );
        assert!(
            !refused.text().contains("x-api-key"),
            "Claude Code shows its own text then: {}",
            refused.text()
        );
        let request = get("/health/detailed", &format!("Host: localhost\r\n{wrong}"));
        assert_error(&world.raw().await.ask(request).await, 401, "authentication_error");
    }
    assert!(world.has_no_record());
    for right in [
        "Authorization: Bearer let-me-in\r\n",
        "authorization: bearer let-me-in\r\n",
        "X-Api-Key: let-me-in\r\n",
        "X-Cc-Forwarder-Token: let-me-in\r\nAuthorization: Bearer of-the-client\r\n",
    ] {
        let request = messages_request(true).replacen("\r\n\r\n", &format!("\r\n{right}\r\n"), 1);
        assert_eq!(world.raw().await.ask(request).await.status, 200, "{right}");
        world.record().await;
        let request = get("/health/detailed", &format!("Host: localhost\r\n{right}"));
        assert_eq!(world.raw().await.ask(request).await.status, 200, "{right}");
    }
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn warm_ups_and_health_are_answered_here() {
    let base = format!("{QUICK}auth: {{ enabled: true, token: let-me-in }}\n");
    let world = World::with(&base, &[("a", "main"), ("b", "main")]).await;
    for target in ["/", "/api/hello", "/health"] {
        let mut raw = world.raw().await;
        raw.send(format!("HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        assert_eq!(raw.answer("HEAD").await.status, 200, "{target}");
        assert_eq!(raw.ask(get("/health", "Host: localhost\r\n")).await.status, 200, "no body was sent");
    }
    let health = world.raw().await.ask(get("/health", "Host: localhost\r\n")).await;
    assert_eq!(
        health.json(),
        serde_json::json!({"status": "healthy", "healthy_endpoints": 2, "total_endpoints": 2})
    );
    let request = get("/health/detailed", "Host: localhost\r\nX-Api-Key: let-me-in\r\n");
    let detailed = world.raw().await.ask(request).await.json();
    assert_eq!(detailed["endpoints"].as_array().unwrap().len(), 2, "{detailed}");
    assert_eq!(
        (detailed["active_group"].as_str(), detailed["status"].as_str()),
        (Some("main"), Some("healthy"))
    );
    assert_untouched(world).await;
}

#[tokio::test]
async fn health_says_degraded_and_unhealthy() {
    let mut world = World::pair().await;
    for (sim, status, word) in [(0, 200, "degraded"), (1, 503, "unhealthy")] {
        world.sims[sim].down().await.unwrap();
        world.client.messages(false).await;
        world.record().await;
        let health = world.client.get("/health").await;
        assert_eq!((health.status.as_u16(), health.json()["status"].as_str()), (status, Some(word)));
    }
}

#[tokio::test]
async fn every_forwarded_answer_carries_our_id_and_our_errors_repeat_it() {
    let mut world = World::pair().await;
    let answer = world.client.messages(true).await;
    let record = world.record().await;
    assert_eq!(answer.headers["x-cc-forwarder-request-id"], record.id.to_string().as_str());
    assert!(answer.headers.contains_key("request-id"), "the endpoint's own id stays: {:?}", answer.headers);
    assert_eq!(record.upstream_id.as_deref(), answer.headers["request-id"].to_str().ok());

    world.sims.iter().for_each(|s| s.set(Behaviour::reset_before_headers()));
    let answer = world.client.messages(true).await;
    let record = world.record().await;
    let id = record.id.to_string();
    assert_eq!(answer.status, 502);
    assert_eq!(answer.headers["x-cc-forwarder-request-id"], id.as_str());
    assert_eq!(answer.json()["request_id"], id.as_str());
    assert_eq!(answer.json()["error"]["type"], "api_error");
}
