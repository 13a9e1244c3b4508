//! What ends a wait: every cause by itself.

use std::time::Duration;

use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::domain::fleet::Input;
use cc_forwarder::domain::order::Order;
use cc_forwarder::domain::outcome::{Failure, Kind};
use cc_forwarder::events::trace::explain;
use cc_forwarder::events::{RequestId, State};
use cc_forwarder::simulator::Behaviour;
use tokio::task::JoinHandle;

use super::PATIENT;
use crate::support::{Answer, World, config, endpoint};

/// Nobody is probed by the clock; only who is awaited is.
fn patient() -> String {
    PATIENT.replace("check_interval: 100ms", "check_interval: 1h")
}

async fn order(world: &World, order: Order) {
    world.forwarder.control().order(order).await.unwrap();
}

/// One more that waits.
async fn one_waits(world: &World) -> JoinHandle<Answer> {
    let (client, before) = (world.client.clone(), world.forwarder.queue().len());
    let waiting = tokio::spawn(async move { client.messages(true).await });
    world.wait_for_queue(before + 1).await;
    waiting
}

async fn came_through(waiting: JoinHandle<Answer>) {
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.broken), (200, false), "{}", answer.text());
}

/// `a` failed so often that it rests for half a minute, which no probe can end.
async fn resting_for_long() -> World {
    let world = World::with(&patient(), &[("a", "main")]).await.settled().await;
    for _ in 0..6 {
        let (endpoint, started) = (EndpointId::new("a"), tokio::time::Instant::now().into_std());
        let failure = Failure::after_commit(Kind::Cut);
        let input = Input::Failed { endpoint, model: None, started, failure };
        world.forwarder.control().tell_awaited(input).await.unwrap();
    }
    world
}

async fn ids(world: &World, len: usize) -> Vec<RequestId> {
    world.snapshot(|s| s.queue.len() == len).await.queue.iter().map(|q| q.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_two_seconds_ends_by_itself() {
    let mut world = World::with(&patient(), &[("a", "main")]).await;
    let duration = Some(Duration::from_secs(2));
    order(&world, Order::Pause { group: GroupId::new("main"), duration }).await;
    let began = tokio::time::Instant::now();
    came_through(one_waits(&world).await).await;
    assert!(began.elapsed() >= Duration::from_millis(1900), "{:?}", began.elapsed());
    let record = world.record().await;
    assert!(record.suspended_ms > 0.0 && record.attempts.len() == 1);
    assert!(explain(&record)[0].contains("for a paused group; not a (its group is paused)"), "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_rest_and_a_cause_that_is_gone() {
    let mut world = World::with(&patient(), &[("a", "main")]).await;
    world.sims[0].script(vec![Behaviour::status(500, "api_error")]);
    assert_eq!(world.client.messages(true).await.status, 200);
    let record = world.record().await;
    assert_eq!((record.attempts.len(), record.attempts[0].status), (2, Some(500)));
    assert!(record.suspended_ms > 500.0, "the rest is a second: {record:?}");
}

/// The connection was refused, so the probe that gets through ends the wait: nothing else would for ten minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_of_those_that_are_awaited() {
    let base = format!("{}group: {{ cooldown: 600s }}\n", patient());
    let mut world = World::with(&base, &[("a", "main"), ("b", "main")]).await;
    for sim in &world.sims {
        sim.down().await.unwrap();
    }
    let waiting = one_waits(&world).await;
    world.sims[1].up().await.unwrap();
    came_through(waiting).await;
    assert_eq!(world.record().await.endpoint, Some(EndpointId::new("b")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_resumes_one_and_the_answer_it_gets() {
    let mut world = resting_for_long().await;
    let (first, second) = (one_waits(&world).await, one_waits(&world).await);
    let ids = ids(&world, 2).await;
    assert!(world.forwarder.queue().resume(ids[1]), "whatever its turn");
    came_through(second).await;
    came_through(first).await;
    let records = [world.record().await, world.record().await];
    assert_eq!(records.map(|r| r.id), [ids[1], ids[0]], "that answer let the other one go");
    let resting = world.forwarder.control().view().endpoints[0].standing.rest_until;
    assert_eq!(resting, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_resumes_in_vain_leaves_the_queue_as_it_was() {
    let mut world = resting_for_long().await;
    world.sims[0].set(Behaviour::status(500, "api_error"));
    let (first, second) = (one_waits(&world).await, one_waits(&world).await);
    let before = ids(&world, 2).await;
    assert_eq!(world.forwarder.queue().resume_all(), 2);
    world.sims[0].wait_for(|log| log.messages().count() == 2).await.unwrap();
    world.wait_for_queue(2).await;
    let twice = world.snapshot(|s| s.queue.iter().filter(|q| q.last_failure.is_some()).count() == 2).await;
    assert_eq!(twice.queue.iter().map(|q| q.id).collect::<Vec<_>>(), before, "each in its old place");
    let queued = &twice.queue[1];
    assert_eq!((queued.position, queued.described.model.as_deref()), (2, Some("claude-sonnet-5-5")));
    assert!(queued.wait.deadline > queued.wait.since && queued.accepted <= queued.wait.since);
    world.sims[0].set(Behaviour::healthy());
    order(&world, Order::Clear { endpoint: EndpointId::new("a") }).await;
    came_through(first).await;
    came_through(second).await;
    assert_eq!(world.record().await.attempts.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_group_that_a_person_chooses_in_manual_mode() {
    let base = format!("{}group: {{ auto_switch_between_groups: false }}\n", patient());
    let mut world = World::with(&base, &[("a", "main"), ("b", "spare")]).await.settled().await;
    world.sims[0].set(Behaviour::status(503, "api_error"));
    let waiting = one_waits(&world).await;
    assert!(world.sims[1].messages().is_empty(), "it never moves by itself");
    order(&world, Order::Activate { group: GroupId::new("spare"), force: false }).await;
    came_through(waiting).await;
    let record = world.record().await;
    assert_eq!((record.endpoint.clone(), record.state), (Some(EndpointId::new("b")), State::Completed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_with_an_endpoint_that_works() {
    let mut world = resting_for_long().await;
    let waiting = one_waits(&world).await;
    let other = cc_forwarder::simulator::Simulator::start("b").await.unwrap();
    let yaml = format!("{}\nendpoints:\n{}", patient(), endpoint("b", "main", 1, &other.url()));
    world.forwarder.reload(config(&yaml)).await.unwrap();
    came_through(waiting).await;
    assert_eq!(world.record().await.endpoint, Some(EndpointId::new("b")));
}
