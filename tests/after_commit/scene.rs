//! Two endpoints, the first of which misbehaves, and one streaming client.

use std::sync::Arc;

use cc_forwarder::domain::endpoint::EndpointId;
use cc_forwarder::domain::standing::Standing;
use cc_forwarder::events::{RequestRecord, State};
use cc_forwarder::simulator::{Behaviour, Simulator};
use tokio::time::Instant;

use crate::support::{Answer, Client, QUICK, World};

/// A forwarder before `a`, which does this, and a healthy `b`. `change` is made to the usual configuration.
pub(crate) async fn scene(behaviour: Behaviour, change: impl Fn(&str) -> String) -> World {
    let world = World::with(&change(QUICK), &[("a", "main"), ("b", "main")]).await.settled().await;
    world.sims[0].set(behaviour);
    world
}

/// With the usual configuration.
pub(crate) async fn plain_scene(behaviour: Behaviour) -> World {
    scene(behaviour, str::to_owned).await
}

/// What `a` would answer if it behaved like this, asked directly.
pub(crate) async fn direct(behaviour: Behaviour, stream: bool) -> Answer {
    let twin = Simulator::start("a").await.unwrap();
    twin.set(behaviour);
    Client::new(twin.url()).messages(stream).await
}

/// The events of a stream, each with its blank line.
pub(crate) fn events(answer: &Answer) -> Vec<String> {
    answer.text().split_inclusive("\n\n").map(str::to_owned).collect()
}

pub(crate) fn standing(world: &World) -> Standing {
    let view = world.forwarder.control().view();
    view.endpoint(&EndpointId("a".into())).unwrap().standing.clone()
}

/// The endpoint is blamed already, its request is recorded, and the next one goes elsewhere.
pub(crate) async fn assert_blamed(world: &mut World, label: &str) -> Arc<RequestRecord> {
    let rest = standing(world);
    assert_eq!(rest.streak, 1, "{label}: {rest:?}");
    let next = world.client.messages(true).await;
    // On a machine that stood still for longer than the rest the next request says nothing.
    if rest.rest_until.is_some_and(|until| Instant::now().into_std() < until) {
        assert_eq!(next.headers["x-served-by"], "b", "{label}");
    }
    let record = world.record().await;
    assert_eq!((record.state, record.attempts.len()), (State::Failed, 1), "{label}: {record:?}");
    record
}

/// The endpoint did nothing wrong.
pub(crate) async fn assert_completed(world: &mut World, label: &str) {
    let record = world.record().await;
    assert_eq!((record.state, record.failure), (State::Completed, None), "{label}: {record:?}");
    assert!(record.usage.output > 0, "{label}: {record:?}");
    world.sims[0].set(Behaviour::healthy());
    assert_eq!(world.client.messages(true).await.headers["x-served-by"], "a", "{label}");
    assert_eq!(standing(world).streak, 0, "{label}");
}
