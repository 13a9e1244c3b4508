//! Requests that wait while nothing is available.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic and spawn"
)]

#[path = "suspension/edges.rs"]
mod edges;
#[path = "suspension/gate.rs"]
mod gate;
#[path = "suspension/pace.rs"]
mod pace;
mod support;
#[path = "suspension/waking.rs"]
mod waking;

use std::time::Duration;

use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::domain::fleet::Input;
use cc_forwarder::domain::group::Pause;
use cc_forwarder::domain::outcome::{Failure, Kind};
use cc_forwarder::events::State;
use cc_forwarder::simulator::Behaviour;
use support::{PATIENCE, World};
use tokio::time::timeout;

const PATIENT: &str = "
server: { port: 0, shutdown_grace: 2s }
retry: { max_attempts: 1, base_delay: 5ms, max_delay: 20ms }
health: { check_interval: 100ms, timeout: 2s }
streaming: { response_header_timeout: 5s, max_idle_time: 5s, heartbeat_interval: 0s }
request_suspend: { enabled: true, timeout: 60s, max_suspended_requests: 100 }
web: { enabled: false }
usage_tracking: { enabled: false }
logging: { level: warn }
global_timeout: 5s
";

impl World {
    async fn wait_for_queue(&self, len: usize) {
        let reached = async {
            while self.forwarder.queue().len() != len {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = || format!("{} wait, not {len}", self.forwarder.queue().len());
        timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{}", found()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_wait_one_is_refused_and_all_come_through() {
    let mut world = World::with(PATIENT, &[("a", "main"), ("b", "main")]).await;
    for sim in &world.sims {
        sim.down().await.unwrap();
    }
    let clients: Vec<_> = (0..100)
        .map(|i| {
            let client = world.client.clone();
            tokio::spawn(async move { client.messages(i % 2 == 0).await })
        })
        .collect();
    world.wait_for_queue(100).await;
    let refused = world.client.messages(false).await;
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert_eq!(refused.json()["error"]["type"], "api_error");
    assert_eq!(world.forwarder.queue().len(), 100);
    world.sims[1].up().await.unwrap();
    for client in clients {
        let answer = client.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!answer.broken);
    }
    world.wait_for_queue(0).await;
    let mut completed = 0;
    for _ in 0..101 {
        let record = world.record().await;
        completed += usize::from(record.state == State::Completed);
        assert!(record.state == State::Failed || record.suspended_ms > 0.0, "{record:?}");
    }
    assert_eq!(completed, 100);
    assert!(world.stop().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_cancelled_and_frees_its_place() {
    let mut world = World::with(PATIENT, &[("a", "main")]).await;
    world.sims[0].down().await.unwrap();
    let client = world.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(1).await;
    waiting.abort();
    world.wait_for_queue(0).await;
    assert_eq!(world.record().await.state, State::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_gives_the_error_it_would_have_got() {
    let base = PATIENT
        .replace("timeout: 60s", "timeout: 300ms")
        .replace("check_interval: 100ms", "check_interval: 1h");
    let mut world = World::with(&base, &[("a", "main"), ("b", "backup")]).await;
    world.sims[0].set(Behaviour::overloaded());
    world.sims[1].set(Behaviour::overloaded());
    let answer = world.client.messages(false).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("a: 529, b: 529"), "{}", answer.text());
    let record = world.record().await;
    assert!(record.suspended_ms > 0.0);
    let story = cc_forwarder::events::trace::explain(&record);
    let tells = |words: &str| story.iter().any(|line| line.contains(words));
    assert!(tells("chose a (first in order) of a, b") && tells("#1 a: 529 overloaded"), "{story:#?}");
    assert!(tells("chose b (after a failed: overloaded) of b") && tells("for an endpoint"), "{story:#?}");
    assert!(story.last().unwrap().contains("failed: Every endpoint failed. a: 529, b: 529"), "{story:#?}");
    let snapshot = world.snapshot(|s| s.recent.len() == 1).await;
    let shown = serde_json::to_value(&*snapshot).unwrap();
    assert_eq!(
        shown["recent"][0]["explain"],
        serde_json::json!(story),
        "whoever reads a snapshot sees it too"
    );
    assert_eq!(shown["recent"][0]["trace"][0]["step"], "chose");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_and_a_spend_cap_answer_at_once() {
    for (behaviour, status) in
        [(Behaviour::status(401, "authentication_error"), 401), (Behaviour::rate_limited(), 429)]
    {
        let mut world = World::with(PATIENT, &[("a", "main")]).await;
        world.sims[0].set(behaviour);
        for _ in 0..2 {
            assert_eq!(world.client.messages(false).await.status, status);
            assert!(world.record().await.suspended_ms == 0.0);
        }
    }
}

/// A half-open endpoint takes one request at a time. One that ends without a word about the endpoint leaves the fleet as
/// it was, and yet whoever waits may go.
#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_endpoint_that_is_free_again_wakes_who_waits() {
    let base = PATIENT.replace("check_interval: 100ms", "check_interval: 1h");
    let world = World::with(&base, &[("a", "main")]).await.settled().await;
    let (control, endpoint) = (world.forwarder.control(), EndpointId::new("a"));
    for _ in 0..3 {
        let (endpoint, started) = (endpoint.clone(), tokio::time::Instant::now().into_std());
        let failure = Failure::after_commit(Kind::Cut);
        control.tell_awaited(Input::Failed { endpoint, model: None, started, failure }).await.unwrap();
    }
    control.tell_awaited(Input::Clear(endpoint)).await.unwrap();
    world.sims[0].set(Behaviour::never_answers());
    let client = world.client.clone();
    let leaving = tokio::spawn(async move { client.messages(true).await });
    world.sims[0].wait_for(|log| log.messages().count() == 1).await.unwrap();
    let client = world.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(1).await;
    world.sims[0].set(Behaviour::healthy());
    leaving.abort();
    let answer = timeout(PATIENCE, waiting).await.expect("it waits although the endpoint is free").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_requests_until_it_is_ended() {
    let mut world = World::with(PATIENT, &[("a", "main")]).await;
    let group = GroupId::new("main");
    world.forwarder.control().tell_awaited(Input::Pause(group.clone(), Pause::ForEver)).await.unwrap();
    let client = world.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(1).await;
    world.forwarder.control().tell(Input::Resume(group));
    assert_eq!(waiting.await.unwrap().status, 200);
    assert_eq!(world.record().await.state, State::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_resumes_and_cancels_and_a_stop_answers_503() {
    let mut world = World::with(PATIENT, &[("a", "main")]).await;
    world.sims[0].down().await.unwrap();
    let client = world.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(1).await;
    let live = world.forwarder.snapshot().wait_for(|s| !s.live.is_empty()).await.unwrap().live[0].accepted.id;
    assert!(world.forwarder.queue().cancel(live));
    assert_eq!(waiting.await.unwrap().status, 503);
    assert_eq!(world.record().await.state, State::Cancelled);

    let client = world.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(1).await;
    let left = world.stop().await;
    assert_eq!(waiting.await.unwrap().status, 503);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].state, State::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keepalive_opens_the_stream_and_passes_answer_or_error_on_in_it() {
    let base = PATIENT
        .replace("max_suspended_requests: 100", "keepalive: ping")
        .replace("heartbeat_interval: 0s", "heartbeat_interval: 20ms");
    let mut world = World::with(&base, &[("a", "main")]).await;
    let direct = support::Client::new(world.sims[0].url()).messages(true).await.text();
    world.sims[0].down().await.unwrap();
    let client = world.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(1).await;
    world.sims[0].up().await.unwrap();
    let answer = waiting.await.unwrap();
    let text = answer.text();
    assert_eq!(answer.status, 200);
    assert!(text.starts_with("event: ping\n"), "{text}");
    assert!(text.ends_with(&direct), "the answer's bytes as they are");
    let sent = world.sims[0].log(|log| log.messages().last().unwrap().clone());
    assert_eq!(sent.headers.get("accept-encoding"), Some("identity"), "no header would mean any coding");
    assert_eq!(world.record().await.state, State::Completed);

    world.sims[0].down().await.unwrap();
    let client = world.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(1).await;
    let left = world.stop().await;
    let text = waiting.await.unwrap().text();
    assert!(text.contains("event: error\ndata: {") && text.ends_with("}\n\n"), "{text}");
    assert_eq!((left.len(), left[0].state), (1, State::Failed));
}
