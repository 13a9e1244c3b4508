//! What endpoints say of their budgets, and what routing makes of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

mod support;

use std::time::Duration;

use cc_forwarder::simulator::Behaviour;
use support::World;

/// A whole answer that says: this was the last request until then.
fn last_request(reset: jiff::Timestamp) -> Behaviour {
    Behaviour::healthy()
        .header("anthropic-ratelimit-requests-limit", "50")
        .header("anthropic-ratelimit-requests-remaining", "0")
        .header("anthropic-ratelimit-requests-reset", reset.to_string())
}

async fn served_by(world: &World) -> String {
    let answer = world.client.messages(false).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.headers["x-served-by"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_endpoint_that_has_used_up_a_budget_comes_after_the_others_but_still_answers() {
    let world = World::pair().await;
    let reset = jiff::Timestamp::now() + Duration::from_secs(600);
    world.sims[0].set(last_request(reset));
    assert_eq!(served_by(&world).await, "a");
    let view = world.fleet(|view| !view.endpoints[0].standing.budgets.is_empty()).await;
    let bucket = &view.endpoints[0].standing.budgets[0];
    assert_eq!((bucket.name.as_str(), bucket.limit, bucket.remaining), ("requests", Some(50), Some(0)));
    assert_eq!(served_by(&world).await, "b", "another one is asked first");
    world.sims[1].set(Behaviour::overloaded());
    assert_eq!(served_by(&world).await, "a", "but it may still be asked");
    let snapshot = world.snapshot(|s| !s.endpoints[0].budgets.is_empty()).await;
    assert_eq!(snapshot.endpoints[0].budgets[0].remaining, Some(0));
    assert!(snapshot.endpoints[1].budgets.is_empty(), "nothing stated, nothing known");
}
