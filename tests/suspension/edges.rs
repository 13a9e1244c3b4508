//! What should never happen to a queue: requests that are forgotten, run in circles, or keep a place they have left.

use std::collections::HashSet;
use std::time::Duration;

use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::domain::fleet::Input;
use cc_forwarder::domain::order::{Order, Refused};
use cc_forwarder::domain::outcome::{Failure, Kind};
use cc_forwarder::domain::standing::Breaker;
use cc_forwarder::events::State;
use cc_forwarder::events::board::Snapshot;
use cc_forwarder::simulator::{Behaviour, Pace, Simulator};
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::PATIENT;
use crate::support::{Answer, World, config, endpoint, messages_body};

fn patient() -> String {
    PATIENT.replace("check_interval: 100ms", "check_interval: 1h")
}

fn ask(world: &World) -> JoinHandle<Answer> {
    let client = world.client.clone();
    tokio::spawn(async move { client.messages(true).await })
}

async fn waiting(world: &World, more: usize) -> Vec<JoinHandle<Answer>> {
    let before = world.forwarder.queue().len();
    let clients = (0..more).map(|_| ask(world)).collect();
    world.wait_for_queue(before + more).await;
    clients
}

async fn tell(world: &World, input: Input) {
    world.forwarder.control().tell_awaited(input).await.unwrap();
}

fn pause(group: &str) -> Order {
    Order::Pause { group: GroupId::new(group), duration: None }
}

fn resume(group: &str) -> Order {
    Order::Resume { group: GroupId::new(group) }
}

async fn order(world: &World, order: Order) -> Result<(), String> {
    world.forwarder.control().order(order).await.map_err(|e| e.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn those_for_whom_nothing_is_left_are_told_so_at_once() {
    let base = format!("{}group: {{ auto_switch_between_groups: false }}\n", patient());
    let world = World::with(&base, &[("a", "main"), ("b", "spare")]).await.settled().await;
    world.sims[0].down().await.unwrap();
    let clients = waiting(&world, 20).await;
    let yaml = |rank: usize, name: &str, group: &str| {
        endpoint(name, group, u32::try_from(rank).unwrap() + 1, &world.sims[rank].url())
    };
    let off = yaml(0, "a", "main").replace(" }", ", enabled: false }");
    let next = format!("{base}\nendpoints:\n{off}{}", yaml(1, "b", "spare"));
    world.forwarder.reload(config(&next)).await.unwrap();
    for client in clients {
        let answer = client.await.unwrap();
        assert!([502, 503].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    assert_eq!(world.forwarder.queue().len(), 0);
    let fresh = world.client.messages(true).await;
    assert!(fresh.status == 503 && fresh.text().contains("a: switched off"), "{}", fresh.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_with_a_wrong_key_is_told_to_all() {
    let mut world = World::with(&patient(), &[("a", "main")]).await;
    world.sims[0].down().await.unwrap();
    let clients = waiting(&world, 5).await;
    world.sims[0].set(Behaviour::status(401, "authentication_error"));
    world.sims[0].up().await.unwrap();
    for client in clients {
        let answer = client.await.unwrap();
        assert!([401, 503].contains(&answer.status.as_u16()), "{}", answer.text());
        assert_eq!(world.record().await.failure, Some(Kind::Credential));
    }
}

/// The endpoint that refused the client's credential looks usable to everybody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_of_the_client_is_not_tried_in_circles() {
    let (pass, own) = (Simulator::start("p").await.unwrap(), Simulator::start("o").await.unwrap());
    let yaml = format!(
        "{}\nendpoints:\n  - {{ name: p, url: \"{}\", group: main, credential: pass }}\n{}",
        patient(),
        pass.url(),
        endpoint("o", "main", 1, &own.url())
    );
    let mut world = World::over(&yaml, vec![pass, own]).await;
    world.sims[0].set(Behaviour::status(401, "authentication_error"));
    world.sims[1].down().await.unwrap();
    let client = waiting(&world, 1).await.remove(0);
    world.sims[1].up().await.unwrap();
    assert_eq!(client.await.unwrap().status, 200);
    let record = world.record().await;
    let asked: Vec<&str> = record.attempts.iter().map(|a| &*a.endpoint.0).collect();
    assert_eq!(asked.iter().filter(|name| **name == "p").count(), 1, "{asked:?}");
    assert!(record.trace.len() < 12, "{:?}", record.trace);
}

/// Their failures say nothing about an endpoint, so it would look usable for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_one_token_is_answered_at_once() {
    let mut world = World::with(&patient(), &[("a", "main")]).await.settled().await;
    world.sims[0].set(Behaviour::status(503, "api_error"));
    let body = messages_body(false).replace("\"max_tokens\":1000", "\"max_tokens\":1");
    let answer = world.client.send(world.client.post("/v1/messages", &body)).await;
    assert_eq!(answer.status, 503);
    let record = world.record().await;
    assert_eq!((record.attempts.len(), record.suspended_ms), (1, 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_exact_while_clients_leave_in_every_stage() {
    const PLACES: usize = 8;
    let base = patient().replace("max_suspended_requests: 100", "max_suspended_requests: 8");
    let mut world = World::with(&base, &[("a", "main")]).await.settled().await;
    let main = GroupId::new("main");
    world.sims[0].set(Behaviour::never_answers());
    let (mut asked, mut ended) = (0, HashSet::new());
    for round in 0..6 {
        order(&world, pause("main")).await.unwrap();
        let clients = waiting(&world, PLACES).await;
        let refused = world.client.messages(true).await;
        assert_eq!(refused.status, 503, "{}", refused.text());
        asked += PLACES + 1;
        tell(&world, Input::Resume(main.clone())).await;
        // One is on its way; the others wait, are cancelled by a person, or leave.
        world.sims[0].wait_for(|log| log.in_flight() > 0).await.unwrap();
        if round % 2 == 0 {
            // A snapshot may be as old as the round before.
            let current =
                |s: &Snapshot| s.queue.len() == PLACES - 1 && s.queue.iter().all(|q| !ended.contains(&q.id));
            let waiting = world.snapshot(|s| current(s)).await;
            let cancelled = waiting.queue.iter().filter(|q| world.forwarder.queue().cancel(q.id)).count();
            assert_eq!(cancelled, PLACES - 1);
        }
        clients.iter().for_each(JoinHandle::abort);
        world.wait_for_queue(0).await;
        for _ in 0..=PLACES {
            let record = world.record().await;
            assert!(matches!(record.state, State::Cancelled | State::Failed), "{record:?}");
            assert!(ended.insert(record.id), "one record each");
        }
    }
    assert!(world.has_no_record(), "{asked} were asked and no more");
    world.sims[0].set(Behaviour::healthy());
    assert_eq!(world.client.messages(true).await.status, 200);
    assert_eq!(world.forwarder.control().view().endpoints[0].permits.in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_resume_and_leaving_at_once_leave_one_record_each() {
    let mut world = World::with(&patient(), &[("a", "main")]).await.settled().await;
    let mut seen = HashSet::new();
    for _ in 0..4 {
        order(&world, pause("main")).await.unwrap();
        let clients = waiting(&world, 40).await;
        let current = |s: &Snapshot| s.queue.len() == 40 && s.queue.iter().all(|q| !seen.contains(&q.id));
        let ids: Vec<_> = world.snapshot(|s| current(s)).await.queue.iter().map(|q| q.id).collect();
        let queue = world.forwarder.queue().clone();
        let (cancelled, resumed) = (ids.clone(), ids.clone());
        let cancels = {
            let queue = queue.clone();
            tokio::spawn(
                async move { cancelled.into_iter().step_by(2).filter(|id| queue.cancel(*id)).count() },
            )
        };
        let resumes =
            tokio::spawn(
                async move { resumed.into_iter().step_by(3).filter(|id| queue.resume(*id)).count() },
            );
        let ends = order(&world, resume("main"));
        clients.iter().skip(1).step_by(5).for_each(JoinHandle::abort);
        ends.await.unwrap();
        let cancelled = cancels.await.unwrap();
        resumes.await.unwrap();
        let answers = join_all(clients).await;
        let refused = answers.iter().flatten().filter(|a| a.status == 503).count();
        assert!(
            refused <= cancelled && answers.iter().flatten().all(|a| [200, 503].contains(&a.status.as_u16()))
        );
        for _ in 0..40 {
            let record = world.record().await;
            assert!(ids.contains(&record.id) && seen.insert(record.id), "{record:?}");
        }
        assert_eq!(world.forwarder.queue().len(), 0);
    }
    assert!(world.has_no_record());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_while_an_endpoint_is_looked_at_lets_nobody_else_in() {
    let world = World::with(&patient(), &[("a", "main")]).await.settled().await;
    for _ in 0..3 {
        let (endpoint, started) = (EndpointId::new("a"), tokio::time::Instant::now().into_std());
        let failure = Failure::after_commit(Kind::Cut);
        tell(&world, Input::Failed { endpoint, model: None, started, failure }).await;
    }
    order(&world, Order::Clear { endpoint: EndpointId::new("a") }).await.unwrap();
    let pace = Pace { head: Duration::from_millis(300), ..Pace::default() };
    world.sims[0].set(Behaviour::healthy().pace(pace));
    let looking = ask(&world);
    world.sims[0].wait_for(|log| log.messages().count() == 1).await.unwrap();
    let clients = waiting(&world, 3).await;
    order(&world, pause("main")).await.unwrap();
    assert_eq!(looking.await.unwrap().status, 200, "what runs stays");
    let now = tokio::time::Instant::now().into_std();
    assert_eq!(world.forwarder.control().view().endpoints[0].breaker(now), Breaker::Closed);
    world.wait_for_queue(3).await;
    assert_eq!(world.sims[0].messages().len(), 1, "nobody went during the pause");
    order(&world, resume("main")).await.unwrap();
    for client in clients {
        assert_eq!(client.await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_a_usable_endpoint_takes_force_and_serves_nobody() {
    let sims = [Simulator::start("a").await.unwrap(), Simulator::start("b").await.unwrap()];
    let off = endpoint("b", "spare", 2, &sims[1].url()).replace(" }", ", enabled: false }");
    let yaml = format!("{}\nendpoints:\n{}{off}", patient(), endpoint("a", "main", 1, &sims[0].url()));
    let world = World::over(&yaml, sims.into()).await;
    let activate = |force| Order::Activate { group: GroupId::new("spare"), force };
    assert_eq!(order(&world, activate(false)).await.unwrap_err(), Refused::NothingUsable.to_string());
    order(&world, activate(true)).await.unwrap();
    assert_eq!(world.client.messages(true).await.status, 200, "the other group serves");
    assert!(world.sims[1].messages().is_empty());
    order(&world, pause("main")).await.unwrap();
    let client = waiting(&world, 1).await.remove(0);
    order(&world, resume("main")).await.unwrap();
    assert_eq!(client.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_given_at_once_come_one_after_the_other() {
    let world = World::with(&patient(), &[("a", "main"), ("b", "spare"), ("c", "third")]).await;
    let control = world.forwarder.control();
    for _ in 0..20 {
        let activate = |group: &str| Order::Activate { group: GroupId::new(group), force: true };
        let done = join_all([
            control.order(activate("spare")),
            control.order(activate("third")),
            control.order(pause("spare")),
            control.order(Order::Release),
            control.order(resume("spare")),
        ])
        .await;
        let view = control.view();
        let active: Vec<_> = view
            .groups
            .iter()
            .filter(|g| Some(&g.id) == view.active.as_ref())
            .map(|g| g.id.clone())
            .collect();
        assert_eq!(active.len(), 1, "{done:?}");
        assert!(view.activated.is_none(), "the release came last: {done:?}");
        assert_eq!(world.client.messages(true).await.headers["x-served-by"], "a");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_ends_waits_and_attempts_to_come_but_not_the_one_that_runs() {
    let mut world = World::with(&patient(), &[("a", "main")]).await.settled().await;
    let timed = |world: &World, seconds: &str| {
        let client = world.client.clone();
        let mut request = client.post("/v1/messages", &messages_body(false));
        request.headers_mut().insert("x-stainless-timeout", seconds.parse().unwrap());
        async move { client.send(request).await }
    };
    let pace = Pace { head: Duration::from_millis(1300), ..Pace::default() };
    world.sims[0].set(Behaviour::healthy().pace(pace));
    assert_eq!(timed(&world, "21").await.status, 200, "it was asked before the deadline");
    assert_eq!(world.record().await.attempts.len(), 1);
    world.sims[0].set(Behaviour::status(500, "api_error"));
    assert_eq!(timed(&world, "20").await.status, 500, "nothing is left to wait");
    let record = world.record().await;
    assert_eq!((record.attempts.len(), record.suspended_ms), (1, 0.0));
    tell(&world, Input::Clear(EndpointId::new("a"))).await;
    assert_eq!(timed(&world, "20.5").await.status, 500);
    assert!(world.record().await.suspended_ms > 0.0, "half a second is");
    tell(&world, Input::Pause(GroupId::new("main"), cc_forwarder::domain::group::Pause::ForEver)).await;
    let patient = tokio::spawn(timed(&world, "NOT_GIVEN"));
    world.wait_for_queue(1).await;
    tell(&world, Input::Clear(EndpointId::new("a"))).await;
    world.sims[0].set(Behaviour::healthy());
    order(&world, resume("main")).await.unwrap();
    assert_eq!(patient.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_during_the_keepalive_is_cancelled() {
    let base = patient()
        .replace("max_suspended_requests: 100", "keepalive: ping")
        .replace("heartbeat_interval: 0s", "heartbeat_interval: 20ms");
    let mut world = World::with(&base, &[("a", "main")]).await;
    world.sims[0].down().await.unwrap();
    let response = world.client.open(world.client.post("/v1/messages", &messages_body(true))).await;
    assert_eq!(response.status(), 200);
    world.wait_for_queue(1).await;
    drop(response);
    world.wait_for_queue(0).await;
    assert_eq!(world.record().await.state, State::Cancelled);
}
