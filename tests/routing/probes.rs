//! Health probes: whom they ask, and what their answers change.

use cc_forwarder::domain::standing::Health;
use cc_forwarder::simulator::{Behaviour, Class, Simulator};

use crate::support::{QUICK, World};
use crate::{by, clear, endpoint, served};

/// Probes all the time.
fn often() -> String {
    QUICK.replace("check_interval: 1h", "check_interval: 20ms")
}

fn probes(sim: &Simulator) -> usize {
    sim.log(|log| log.of(Class::Models).count())
}

/// Waits for a few more probes of everybody to be over.
async fn more_probes(world: &World) {
    for sim in &world.sims {
        let before = probes(sim);
        sim.wait_for(|log| log.of(Class::Models).count() >= before + 4).await.unwrap();
    }
}

#[tokio::test]
async fn first_failure_is_down_and_first_success_is_up_in_standby_groups_too() {
    let mut world = World::with(&often(), &[("a", "main"), ("b", "spare")]).await;
    for i in [1, 0] {
        world.fleet(|view| view.endpoints[i].standing.health == Health::Up).await;
        world.sims[i].down().await.unwrap();
        world.fleet(|view| view.endpoints[i].standing.health == Health::Down).await;
        world.sims[i].up().await.unwrap();
        world.fleet(|view| view.endpoints[i].standing.health == Health::Up).await;
        world.sims[i].set_for(Class::Models, Behaviour::status(503, "api_error"));
        world.fleet(|view| view.endpoints[i].standing.health == Health::Down).await;
        world.sims[i].set_for(Class::Models, Behaviour::status(404, "not_found_error"));
        world.fleet(|view| view.endpoints[i].standing.health == Health::Up).await;
        world.sims[i].set_for(Class::Models, Behaviour::status(503, "api_error"));
        world.fleet(|view| view.endpoints[i].standing.health == Health::Down).await;
        world.sims[i].set_for(Class::Models, Behaviour::status(501, "api_error"));
        world.fleet(|view| view.endpoints[i].standing.health == Health::Up).await;
    }
    assert_eq!(by(&mut world).await, "a");
}

#[tokio::test]
async fn an_endpoint_known_to_be_down_is_not_asked_first() {
    let mut world = World::with(&often(), &[("a", "main"), ("b", "main")]).await;
    world.sims[0].down().await.unwrap();
    world.fleet(|view| view.endpoints[0].standing.health == Health::Down).await;
    assert_eq!(by(&mut world).await, "b");
    let record = world.snapshot(|s| s.totals.completed == 1).await.recent[0].clone();
    assert_eq!(record.attempts.len(), 1, "nobody had to find out: {record:?}");
}

/// With suspension on: it neither waits for a better probe nor fails.
#[tokio::test]
async fn the_only_endpoint_is_asked_although_its_probes_are_answered_with_500() {
    let patient =
        often().replace("request_suspend: { enabled: false }", "request_suspend: { enabled: true }");
    let mut world = World::with(&patient, &[("a", "main")]).await;
    world.sims[0].set_for(Class::Models, Behaviour::status(500, "api_error"));
    world.fleet(|view| view.endpoints[0].standing.health == Health::Down).await;
    assert_eq!(by(&mut world).await, "a");
    let record = world.snapshot(|s| s.totals.completed == 1).await.recent[0].clone();
    assert_eq!((record.attempts.len(), record.suspended_ms), (1, 0.0), "{record:?}");
}

#[tokio::test]
async fn a_refused_probe_is_shown_and_is_no_reason_to_stay_away() {
    let mut world = World::with(&often(), &[("a", "main")]).await;
    world.sims[0].set_for(Class::Models, Behaviour::status(401, "authentication_error"));
    world.fleet(|view| view.endpoints[0].standing.credential_problem).await;
    assert_eq!(endpoint(&world, "a").standing.health, Health::Up);
    assert_eq!(by(&mut world).await, "a");
}

#[tokio::test]
async fn a_probe_ends_a_rest_only_after_transport_failures() {
    let mut world = World::with(&often(), &[("a", "main")]).await;
    world.sims[0].set(Behaviour::status(500, "api_error"));
    assert_eq!(served(&mut world).await.1, 500);
    let rest = endpoint(&world, "a").standing.rest_until;
    more_probes(&world).await;
    assert!(rest.is_some());
    assert_eq!(endpoint(&world, "a").standing.rest_until, rest, "its probes say nothing about its messages");

    clear(&world, "a").await;
    world.sims[0].set(Behaviour::healthy());
    world.sims[0].down().await.unwrap();
    assert_eq!(served(&mut world).await.1, 502);
    assert!(endpoint(&world, "a").standing.rest_until.is_some());
    world.sims[0].up().await.unwrap();
    let back = world.fleet(|v| v.endpoints[0].standing.rest_until.is_none()).await;
    assert_eq!(back.endpoints[0].standing.health, Health::Up);
    assert_eq!(by(&mut world).await, "a");
}

#[tokio::test]
async fn a_credential_that_works_again_is_found_by_a_probe() {
    let mut world = World::with(&often(), &[("a", "main"), ("b", "main")]).await;
    for class in [Class::Models, Class::Messages] {
        world.sims[0].set_for(class, Behaviour::status(401, "authentication_error"));
    }
    assert_eq!(by(&mut world).await, "b");
    more_probes(&world).await;
    assert!(endpoint(&world, "a").standing.set_aside.is_some());
    for class in [Class::Models, Class::Messages] {
        world.sims[0].set_for(class, Behaviour::healthy());
    }
    world.fleet(|view| view.endpoints[0].standing.set_aside.is_none()).await;
    assert_eq!(by(&mut world).await, "a");
}
