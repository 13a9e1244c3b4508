//! `GET /metrics` over real sockets: the same text on both ports, in the format, with what a run came to.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may unwrap like the tests")]

#[path = "metrics/exposition.rs"]
mod exposition;
mod support;

use cc_forwarder::simulator::{Behaviour, Reply, Usage};
use http::{Method, Request};
use http_body_util::Full;

use exposition::Page;
use support::{Answer, Client, QUICK, World};

const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const HOSTILE: &str = "evil\"} 1\ncc_forwarder_x 2\\ \u{1b}[2J\r";

/// Two endpoints, a budget, an admin port.
async fn world(more: &str) -> World {
    let usage = "usage_tracking: { enabled: false, model_pricing: { \"claude-sonnet-*\": { input: 1, output: 1 } }, \
                 budgets: [{ daily: 5 }, { daily: 7, endpoint: a }, { daily: 9 }] }\ntimezone: UTC";
    let base = QUICK
        .replace("web: { enabled: false }", "web: { port: 0 }")
        .replace("usage_tracking: { enabled: false }", usage);
    World::with(&format!("{base}{more}"), &[("a", "main"), ("b", "main")]).await.settled().await
}

fn admin(world: &World) -> Client {
    Client::new(format!("http://{}", world.forwarder.admin_address().expect("an admin port")))
}

fn page(answer: &Answer) -> Page {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], TYPE);
    Page::read(&answer.text())
}

fn a_dollar() -> Behaviour {
    Behaviour::healthy().usage(Usage { input: 900_000, output: 100_000, ..Usage::default() })
}

fn overloaded() -> Behaviour {
    let reply = Reply::Error { status: 529, kind: "overloaded_error".into(), message: "busy".into() };
    Behaviour::healthy().reply(reply)
}

async fn ask(client: &Client, method: Method, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(client.url("/metrics"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn the_counts_are_those_of_the_run() {
    let mut world = world("").await;
    let admin = admin(&world);
    let before = page(&admin.get("/metrics").await);
    assert_eq!(before.value("cc_forwarder_requests_total{class=messages,state=completed}"), 0.0);
    world.sims.iter().for_each(|sim| sim.set(a_dollar()));
    world.sims[0].script(vec![overloaded(), overloaded(), a_dollar()]);
    for stream in [false, true] {
        let answer = world.client.messages(stream).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        world.record().await;
    }
    let pages = [page(&admin.get("/metrics").await), page(&world.client.get("/metrics").await)];
    for page in &pages {
        for (sample, value) in [
            ("cc_forwarder_requests_total{class=messages,state=completed}", 2.0),
            ("cc_forwarder_requests_total{class=messages,state=failed}", 0.0),
            ("cc_forwarder_retries_total", 1.0),
            ("cc_forwarder_failovers_total", 1.0),
            ("cc_forwarder_rescued_total", 1.0),
            ("cc_forwarder_attempt_failures_total{endpoint=a,kind=overloaded}", 2.0),
            ("cc_forwarder_request_duration_seconds_count{class=messages}", 2.0),
            ("cc_forwarder_time_to_first_byte_seconds_bucket{class=messages,le=+Inf}", 2.0),
            ("cc_forwarder_unpriced_total", 0.0),
            ("cc_forwarder_budget_spent_usd{limit=1,name=,period=day,scope=all}", 2.0),
            ("cc_forwarder_budget_limit_usd{limit=2,name=a,period=day,scope=endpoint}", 7.0),
            ("cc_forwarder_budget_limit_usd{limit=3,name=,period=day,scope=all}", 9.0),
            ("cc_forwarder_suspended", 0.0),
            ("cc_forwarder_in_flight{endpoint=a}", 0.0),
            ("cc_forwarder_group_state{group=main,state=active}", 1.0),
            ("cc_forwarder_group_state{group=main,state=paused}", 0.0),
            ("cc_forwarder_stream_events_dropped_total", 0.0),
            ("endpoint_forwarder_endpoints_total", 2.0),
        ] {
            assert_eq!(page.value(sample), value, "{sample}");
        }
        let tokens =
            |kind| page.sum("cc_forwarder_tokens_total", &format!("kind={kind},model=claude-sonnet-5-5"));
        assert_eq!((tokens("input"), tokens("output")), (1_800_000.0, 200_000.0));
        assert_eq!(page.sum("cc_forwarder_cost_usd_total", ""), 2.0);
        assert_eq!(page.sum("cc_forwarder_attempts_total", ""), 4.0);
        let healthy = format!("name=b,priority=0,url={}", world.sims[1].url());
        assert_eq!(page.sum("endpoint_forwarder_endpoint_healthy", &healthy), 1.0, "{healthy} in {page:#?}");
        let fails = format!("name=b,url={}", world.sims[1].url());
        assert_eq!(page.count("endpoint_forwarder_endpoint_consecutive_fails", &fails), 1, "{fails}");
        page.not_below(&before);
    }
    world.stop().await;
}

#[tokio::test]
async fn names_that_clients_choose_break_nothing() {
    let mut world = world("").await;
    world.sims.iter().for_each(|sim| sim.set(a_dollar()));
    for n in 0..80 {
        let model = if n == 0 { HOSTILE.to_owned() } else { format!("model-{n}") };
        let body = serde_json::json!({ "model": model, "max_tokens": 9, "messages": [] }).to_string();
        assert_eq!(world.client.send(world.client.post("/v1/messages", &body)).await.status, 200);
        world.record().await;
    }
    let page = page(&admin(&world).get("/metrics").await);
    let hostile = "kind=input,model=evil\"} 1\ncc_forwarder_x 2\\ \u{fffd}[2J\u{fffd}";
    assert_eq!(page.sum("cc_forwarder_tokens_total", hostile), 900_000.0);
    assert_eq!(page.sum("cc_forwarder_tokens_total", "kind=input,model=other"), 16.0 * 900_000.0);
    assert_eq!(page.sum("cc_forwarder_tokens_total", "kind=input"), 80.0 * 900_000.0);
    assert_eq!(page.value("cc_forwarder_unpriced_total"), 80.0);
    world.stop().await;
}

#[tokio::test]
async fn both_doors_are_guarded() {
    let world = world("auth: { enabled: true, token: door-token }\n").await;
    let (admin, proxy) = (admin(&world), &world.client);
    for client in [&admin, proxy] {
        assert_eq!(ask(client, Method::GET, &[("host", "evil.example")]).await.status, 403);
        assert_eq!(ask(client, Method::GET, &[("origin", "https://evil.example")]).await.status, 403);
    }
    assert_eq!(ask(proxy, Method::GET, &[]).await.status, 401);
    let shown = [("authorization", "Bearer door-token")];
    assert_eq!(page(&ask(proxy, Method::GET, &shown).await).value("cc_forwarder_suspended"), 0.0);
    for (client, shown) in [(&admin, &[][..]), (proxy, &shown[..])] {
        let head = ask(client, Method::HEAD, shown).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.headers["content-type"], TYPE);
        let wrong = ask(client, Method::POST, shown).await;
        assert_eq!(wrong.status, 405, "{}", wrong.text());
        assert!(wrong.headers["allow"].to_str().unwrap().contains("GET"));
    }
    assert!(world.stop().await.is_empty(), "no request was forwarded");
}
