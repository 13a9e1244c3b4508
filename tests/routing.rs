//! Which endpoint a request meets: groups, cooldowns, pins, rests, breakers, probes.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

#[path = "routing/groups.rs"]
mod groups;
#[path = "routing/probes.rs"]
mod probes;
#[path = "routing/rests.rs"]
mod rests;
mod support;

use cc_forwarder::domain::endpoint::EndpointId;
use cc_forwarder::domain::fleet::{EndpointView, Input};
use support::World;

/// Sends one streaming request and says which endpoint had the last word, and with which status.
async fn served(world: &mut World) -> (String, u16) {
    let status = world.client.messages(true).await.status.as_u16();
    let record = world.record().await;
    (record.endpoint.as_ref().map_or("-".to_owned(), ToString::to_string), status)
}

/// As [`served`], for an answer.
async fn by(world: &mut World) -> String {
    let (name, status) = served(world).await;
    assert_eq!(status, 200, "{name}");
    name
}

/// Messages requests each endpoint has seen.
fn asked(world: &World) -> Vec<usize> {
    world.sims.iter().map(|s| s.messages().len()).collect()
}

async fn tell(world: &World, input: Input) {
    world.forwarder.control().tell_awaited(input).await.unwrap();
}

/// A person ends every rest of an endpoint.
async fn clear(world: &World, name: &str) {
    tell(world, Input::Clear(EndpointId::new(name))).await;
}

fn endpoint(world: &World, name: &str) -> EndpointView {
    world.forwarder.control().view().endpoint(&EndpointId::new(name)).unwrap().clone()
}
