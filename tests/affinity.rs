//! Where sessions go: what keeps them, what moves them, and the reason on the record; balance; fast tests.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]
#![allow(clippy::disallowed_methods, reason = "every task a test spawns is waited for")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::domain::fleet::Input;
use cc_forwarder::domain::group::Pause;
use cc_forwarder::domain::order::Order;
use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::domain::route::{RouteReason, SkipReason, Unfit};
use cc_forwarder::events::RequestRecord;
use cc_forwarder::simulator::{Behaviour, Class, Pace};
use support::{Answer, PATIENCE, QUICK, World, messages_body};
use tokio::time::timeout;

/// Two groups of one endpoint each: `a` is better.
const TWO_GROUPS: [(&str, &str); 2] = [("a", "main"), ("b", "backup")];

fn id(name: &str) -> EndpointId {
    EndpointId::new(name)
}

fn group(name: &str) -> GroupId {
    GroupId::new(name)
}

/// Quick timers and this policy.
fn policy(group: &str) -> String {
    QUICK.replace("group: { cooldown: 600s }", &format!("group: {{ cooldown: 600s, {group} }}"))
}

impl World {
    async fn post(&self, session: &str, path: &str) -> Answer {
        let mut request = self.client.post(path, &messages_body(false));
        if !session.is_empty() {
            request.headers_mut().insert("x-claude-code-session-id", session.parse().unwrap());
        }
        self.client.send(request).await
    }

    /// One request of a session; without a name it has none.
    async fn ask(&mut self, session: &str) -> Arc<RequestRecord> {
        assert_eq!(self.post(session, "/v1/messages").await.status, 200);
        self.record().await
    }

    /// Where a request of this session goes, and why.
    async fn goes(&mut self, session: &str) -> (String, RouteReason) {
        let record = self.ask(session).await;
        (record.endpoint.as_ref().unwrap().to_string(), record.route.clone().unwrap())
    }

    async fn tell(&self, input: Input) {
        self.forwarder.control().tell_awaited(input).await.unwrap();
    }

    /// The session `s` has been driven from `a` to `b`, and `a` is well again.
    async fn driven_out(base: &str) -> Self {
        let mut world = Self::with(base, &TWO_GROUPS).await;
        assert_eq!(world.goes("s").await, ("a".to_owned(), RouteReason::Best));
        world.sims[0].set(Behaviour::overloaded());
        let why = Unfit::Failed(Kind::Overloaded);
        assert_eq!(world.goes("s").await, ("b".to_owned(), RouteReason::SessionMoved { from: id("a"), why }));
        world.sims[0].set(Behaviour::healthy());
        world.tell(Input::Clear(id("a"))).await;
        world.tell(Input::Resume(group("main"))).await;
        world
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_session_stays_while_new_ones_go_back() {
    let mut world = World::driven_out(QUICK).await;
    assert_eq!(world.goes("s").await, ("b".to_owned(), RouteReason::SessionStays));
    assert_eq!(world.goes("t").await, ("a".to_owned(), RouteReason::Best));
    assert_eq!(world.goes("").await, ("a".to_owned(), RouteReason::Best), "no session is a new one");
    assert_eq!(world.goes("s").await, ("b".to_owned(), RouteReason::SessionStays));
    world.sims[1].set(Behaviour::overloaded());
    let why = Unfit::Failed(Kind::Overloaded);
    assert_eq!(world.goes("s").await, ("a".to_owned(), RouteReason::SessionMoved { from: id("b"), why }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_goes_back() {
    let mut world = World::driven_out(&policy("session_idle: 1ms")).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(
        world.goes("s").await,
        ("a".to_owned(), RouteReason::SessionReturned { from: id("b"), idle: 0 })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn immediate_sends_every_next_request_back() {
    let mut world = World::driven_out(&policy("fail_back: immediate")).await;
    let back = world.goes("s").await;
    assert!(matches!(back.1, RouteReason::SessionReturned { ref from, .. } if *from == id("b")), "{back:?}");
    assert_eq!(back.0, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_leaves_it_to_people() {
    let mut world = World::driven_out(&policy("fail_back: manual, session_idle: 1ms")).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(world.goes("s").await, ("b".to_owned(), RouteReason::SessionStays));
    world.forwarder.control().order(Order::Activate { group: group("main"), force: false }).await.unwrap();
    assert_eq!(world.goes("s").await, ("a".to_owned(), RouteReason::SessionOrdered { from: id("b") }));
    assert_eq!(world.goes("s").await, ("a".to_owned(), RouteReason::SessionStays));
    assert_eq!(world.goes("t").await, ("a".to_owned(), RouteReason::Activated));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_people_hold_for_the_next_request_of_every_session() {
    let mut world = World::with(QUICK, &TWO_GROUPS).await;
    let control = world.forwarder.control().clone();
    world.ask("s").await;
    control.order(Order::Activate { group: group("backup"), force: false }).await.unwrap();
    assert_eq!(world.goes("s").await, ("b".to_owned(), RouteReason::SessionOrdered { from: id("a") }));
    control.order(Order::Release).await.unwrap();
    assert_eq!(world.goes("s").await, ("a".to_owned(), RouteReason::SessionOrdered { from: id("b") }));
    world.tell(Input::Pause(group("main"), Pause::ForEver)).await;
    let why = Unfit::Skipped(SkipReason::GroupPaused);
    assert_eq!(world.goes("s").await, ("b".to_owned(), RouteReason::SessionMoved { from: id("a"), why }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_asked_for_before_an_order_does_not_bind_the_session_to_its_endpoint() {
    let mut world = World::with(QUICK, &TWO_GROUPS).await;
    let pace = Pace { head: Duration::from_millis(300), ..Pace::default() };
    world.sims[0].set(Behaviour::healthy().pace(pace));
    let client = world.client.clone();
    let mut request = client.post("/v1/messages", &messages_body(false));
    request.headers_mut().insert("x-claude-code-session-id", "s".parse().unwrap());
    let slow = tokio::spawn(async move { client.send(request).await });
    world.sims[0].wait_for(|log| log.messages().count() == 1).await.unwrap();
    let order = Order::Activate { group: group("backup"), force: false };
    world.forwarder.control().order(order).await.unwrap();
    assert_eq!(slow.await.unwrap().status, 200);
    assert_eq!(world.record().await.endpoint, Some(id("a")), "what runs stays");
    assert_eq!(world.goes("s").await.0, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn token_counts_follow_their_session_and_never_move_it() {
    let mut world = World::driven_out(QUICK).await;
    assert_eq!(world.post("s", "/v1/messages/count_tokens").await.status, 200);
    let counted = world.record().await;
    assert_eq!(
        (counted.endpoint.clone(), counted.route.clone()),
        (Some(id("b")), Some(RouteReason::SessionStays))
    );
    assert_eq!(world.post("u", "/v1/messages/count_tokens").await.status, 200);
    assert_eq!(world.record().await.endpoint, Some(id("a")));
    world.forwarder.control().order(Order::Activate { group: group("backup"), force: false }).await.unwrap();
    let first = world.goes("u").await;
    assert_eq!(first, ("b".to_owned(), RouteReason::Activated), "it was not known by its token count");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_in_the_body_counts_like_the_header() {
    let mut world = World::driven_out(QUICK).await;
    let user = serde_json::json!({ "session_id": "s", "device_id": "d", "account_uuid": "" }).to_string();
    let mut body: serde_json::Value = serde_json::from_str(&messages_body(true)).unwrap();
    body["metadata"] = serde_json::json!({ "user_id": user });
    let answer = world.client.send(world.client.post("/v1/messages", &body.to_string())).await;
    assert_eq!(answer.status, 200);
    let record = world.record().await;
    assert_eq!(
        (record.session.as_deref(), record.route.clone()),
        (Some("s"), Some(RouteReason::SessionStays))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn balanced_spreads_new_sessions_under_load_and_keeps_them() {
    let base = format!("{QUICK}\nstrategy: {{ type: balanced }}\n");
    let mut world = World::with(&base, &[("a", "main"), ("b", "main"), ("c", "main")]).await;
    for sim in &world.sims {
        // All sixty are on their way at once: nothing is answered before the last one has come.
        sim.set(Behaviour::healthy().pace(Pace { head: Duration::from_millis(500), ..Pace::default() }));
    }
    let asked = (0..60).map(|n| {
        let mut request = world.client.post("/v1/messages", &messages_body(true));
        request.headers_mut().insert("x-claude-code-session-id", format!("s{n}").parse().unwrap());
        let client = world.client.clone();
        tokio::spawn(async move { client.send(request).await })
    });
    for answer in asked.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    let mut homes: BTreeMap<Arc<str>, EndpointId> = BTreeMap::new();
    for _ in 0..60 {
        let record = world.record().await;
        homes.insert(record.session.clone().unwrap(), record.endpoint.clone().unwrap());
    }
    let shares: Vec<usize> =
        ["a", "b", "c"].map(|name| homes.values().filter(|home| **home == id(name)).count()).to_vec();
    assert!(shares.iter().all(|n| (15..=25).contains(n)), "{shares:?}");
    world.sims.iter().for_each(|sim| sim.set(Behaviour::healthy()));
    for (session, home) in homes.iter().take(9) {
        assert_eq!(world.goes(session).await, (home.to_string(), RouteReason::SessionStays));
    }
}

/// `fastest` with fast tests over two endpoints; `a` does not pass them.
async fn measured_world(timings: &str) -> World {
    let strategy = format!(
        "strategy: {{ type: fastest, fast_test_enabled: true, fast_test_path: /v1/models?fast, {timings} }}"
    );
    let endpoints = [("a", "main"), ("b", "main")];
    let world = World::with(&format!("{QUICK}\n{strategy}\n"), &endpoints).await.settled().await;
    world.sims[0].set_for(Class::Models, Behaviour::status(500, "api_error"));
    world
}

fn tests_at(world: &World, sim: usize) -> usize {
    world.sims[sim].log(|log| log.requests().filter(|r| r.target.ends_with("?fast")).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_share_one_fast_test_and_go_where_it_was_passed() {
    let mut world = measured_world("fast_test_cache_ttl: 60s, fast_test_timeout: 20s").await;
    let clients: Vec<_> = (0..12)
        .map(|_| {
            let client = world.client.clone();
            tokio::spawn(async move { client.messages(true).await })
        })
        .collect();
    for client in clients {
        assert_eq!(client.await.unwrap().status, 200);
        assert_eq!(world.record().await.endpoint, Some(id("b")));
    }
    assert_eq!((tests_at(&world, 0), tests_at(&world, 1)), (1, 1), "one round for all, then the cache");
    let credential = world.sims[1].requests().into_iter().find(|r| r.target.ends_with("?fast")).unwrap();
    assert_eq!(credential.headers.get("authorization"), Some("Bearer tok-b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cache_every_request_measures_and_the_timeout_bounds_it() {
    let mut world = measured_world("fast_test_cache_ttl: 0s, fast_test_timeout: 2s").await;
    for n in 1..=2 {
        assert_eq!(world.goes("").await.0, "b");
        assert_eq!(tests_at(&world, 1), n);
    }
    world.goes("s").await;
    assert_eq!(world.goes("s").await.1, RouteReason::SessionStays);
    assert_eq!(tests_at(&world, 1), 3, "a session that stays does not measure");
    world.sims[0].set_for(Class::Models, Behaviour::healthy());
    world.sims[1].set_for(Class::Models, Behaviour::never_answers());
    assert_eq!(timeout(PATIENCE, world.goes("")).await.unwrap().0, "a", "only a answered in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_fast_test_is_answered_requests_go_on_all_the_same() {
    let mut world = measured_world("fast_test_cache_ttl: 60s, fast_test_timeout: 20s").await;
    world.sims[1].set_for(Class::Models, Behaviour::status(500, "api_error"));
    world.ask("").await;
    assert_eq!((tests_at(&world, 0), tests_at(&world, 1)), (1, 1));
    assert_eq!(
        world.forwarder.control().view().endpoints[0].standing.streak,
        0,
        "it says nothing about health"
    );
}
