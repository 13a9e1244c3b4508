//! Rests, breakers, credentials: when an endpoint is left alone, and what never counts.

use std::time::Duration;

use cc_forwarder::domain::standing::Breaker;
use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Class};
use tokio::time::Instant;

use crate::support::raw::messages_request;
use crate::support::{QUICK, World, messages_body};
use crate::{asked, by, clear, endpoint, served};

#[tokio::test]
async fn a_stated_rest_is_never_overrun() {
    let mut world = World::pair().await;
    world.sims[0].set(Behaviour::retry_after(300));
    assert_eq!(by(&mut world).await, "b");
    assert_eq!(by(&mut world).await, "b");
    world.sims[1].set(Behaviour::retry_after(500));
    let answer = world.client.messages(true).await;
    assert_eq!(
        (answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()),
        (429, "500"),
        "unchanged"
    );
    world.record().await;
    let answer = world.client.messages(true).await;
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(wait <= 60, "ours is at most a minute: {wait}");
    let record = world.record().await;
    assert_eq!((record.attempts.len(), record.skipped.len()), (0, 2), "{record:?}");
    assert_eq!(asked(&world), [1, 3]);
    clear(&world, "a").await;
    world.sims[0].set(Behaviour::healthy());
    assert_eq!(by(&mut world).await, "a", "a person may end it");
}

#[tokio::test]
async fn a_refused_credential_is_set_aside() {
    let mut world = World::pair().await;
    for status in [401, 402, 403] {
        world.sims[0].set(Behaviour::status(status, "authentication_error"));
        let before = asked(&world)[0];
        assert_eq!(by(&mut world).await, "b");
        assert_eq!(by(&mut world).await, "b");
        assert_eq!(asked(&world)[0], before + 1, "{status}");
        let standing = endpoint(&world, "a").standing;
        assert!(standing.set_aside.is_some() && standing.streak == 0, "{standing:?}");
        clear(&world, "a").await;
    }
    world.sims[0].set(Behaviour::healthy());
    assert_eq!(by(&mut world).await, "a");
}

#[tokio::test]
async fn a_half_open_endpoint_gets_one_request() {
    let base = QUICK.replace("response_header_timeout: 700ms", "response_header_timeout: 60s");
    let mut world =
        World::with(&base.replace("max_attempts: 2", "max_attempts: 1"), &[("a", "main"), ("b", "main")])
            .await;
    world.sims[0].set(Behaviour::reset_before_headers());
    for _ in 0..3 {
        assert_eq!(by(&mut world).await, "b");
        clear(&world, "a").await;
    }
    assert_eq!(endpoint(&world, "a").breaker(Instant::now().into_std()), Breaker::HalfOpen);
    world.sims[0].set(Behaviour::never_answers());
    let (a, b) = (asked(&world)[0], asked(&world)[1]);
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut raw = world.raw().await;
        raw.send(messages_request(true)).await;
        clients.push(raw);
    }
    world.sims[1].wait_for(|log| log.messages().count() == b + 9).await.unwrap();
    world.sims[0].wait_for(|log| log.messages().count() == a + 1).await.unwrap();
    for _ in 0..9 {
        assert_eq!(world.record().await.state, State::Completed);
    }
    assert_eq!(asked(&world)[0], a + 1, "one at a time");
    // Its client leaves: that says nothing, and the next request may look.
    drop(clients);
    assert_eq!(world.record().await.state, State::Cancelled);
    world.sims[0].set(Behaviour::healthy());
    assert_eq!(by(&mut world).await, "a");
    assert_eq!(by(&mut world).await, "a");
    assert_eq!(endpoint(&world, "a").breaker(Instant::now().into_std()), Breaker::Closed);
}

#[tokio::test]
async fn rests_end_by_themselves() {
    let mut world = World::pair().await;
    world.sims[0].script(vec![Behaviour::status(500, "api_error"); 2]);
    assert_eq!(by(&mut world).await, "b");
    assert_eq!(endpoint(&world, "a").standing.streak, 1);
    world.fleet(|view| view.endpoints[0].standing.next_change(Instant::now().into_std()).is_none()).await;
    assert_eq!(by(&mut world).await, "a");
}

/// Clients ask for one token to learn whether they may go on.
#[tokio::test]
async fn requests_for_one_token_count_for_nothing() {
    let mut world = World::pair().await;
    let body = messages_body(false).replace("\"max_tokens\":1000", "\"max_tokens\":1");
    for behaviour in
        [Behaviour::rate_limited(), Behaviour::retry_after(30), Behaviour::status(503, "api_error")]
    {
        for sim in &world.sims {
            sim.set(behaviour.clone());
        }
        world.client.send(world.client.post("/v1/messages", &body)).await;
        let record = world.record().await;
        assert!(record.one_token && record.attempts.len() > 1, "{record:?}");
        for name in ["a", "b"] {
            let standing = endpoint(&world, name).standing;
            assert_eq!((standing.streak, standing.stated.len()), (0, 0), "{behaviour:?}");
        }
    }
}

/// Only real conversations say something about an endpoint.
#[tokio::test]
async fn auxiliary_failures_count_for_nothing() {
    let mut world = World::pair().await;
    for behaviour in [
        Behaviour::status(404, "not_found_error"),
        Behaviour::status(500, "api_error"),
        Behaviour::overloaded(),
        Behaviour::status(401, "authentication_error"),
        Behaviour::reset_before_headers(),
        Behaviour::html(200),
    ] {
        for sim in &world.sims {
            sim.set_for(Class::CountTokens, behaviour.clone());
            sim.set_for(Class::Models, behaviour.clone());
            sim.set_for(Class::Other, behaviour.clone());
        }
        let count = world.client.post("/v1/messages/count_tokens", &messages_body(false));
        world.client.send(count).await;
        world.record().await;
        for path in ["/v1/models", "/v1/whatever"] {
            world.client.get(path).await;
            world.record().await;
        }
        for name in ["a", "b"] {
            let standing = endpoint(&world, name).standing;
            assert_eq!((standing.streak, standing.blamed, standing.set_aside), (0, 0, None), "{behaviour:?}");
        }
        assert_eq!(by(&mut world).await, "a");
    }
}

#[tokio::test]
async fn the_fastest_leads_and_loses_its_place_when_it_slows_down() {
    let slow = |ms| {
        let head = Duration::from_millis(ms);
        Behaviour::healthy().pace(cc_forwarder::simulator::Pace { head, ..Default::default() })
    };
    let base = format!("{}strategy: {{ type: fastest }}\n", QUICK.replace("700ms", "20s"));
    let mut sims = Vec::new();
    let mut yaml = format!("{base}endpoints:\n");
    for (name, ms) in [("a", 300), ("b", 0)] {
        let sim = cc_forwarder::simulator::Simulator::start(name).await.unwrap();
        sim.set_for(Class::Models, slow(ms));
        yaml.push_str(&crate::support::endpoint(name, "main", 1, &sim.url()));
        sims.push(sim);
    }
    let mut world = World::over(&yaml, sims).await;
    world.fleet(|view| view.endpoints.iter().all(|e| e.latency().is_some())).await;
    assert_eq!(by(&mut world).await, "b", "by its probe");
    world.sims[1].set(slow(900));
    let mut servers = Vec::new();
    while servers.len() < 10 && servers.last().is_none_or(|s| s != "a") {
        servers.push(by(&mut world).await);
    }
    assert_eq!(servers.last().unwrap(), "a", "by what requests saw: {servers:?}");
}

#[tokio::test]
async fn a_single_endpoint_is_asked_while_it_rests() {
    let mut world = World::with(QUICK, &[("a", "main")]).await;
    world.sims[0].set(Behaviour::reset_before_headers());
    for _ in 0..4 {
        assert_eq!(served(&mut world).await.1, 502);
    }
    assert_eq!(endpoint(&world, "a").breaker(Instant::now().into_std()), Breaker::Open);
    world.sims[0].set(Behaviour::healthy());
    assert_eq!(by(&mut world).await, "a");
    assert_eq!(endpoint(&world, "a").breaker(Instant::now().into_std()), Breaker::Closed);
}
