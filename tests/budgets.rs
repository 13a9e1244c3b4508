//! What endpoints say of their budgets, and what routing makes of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use cc_forwarder::domain::fleet::FleetView;
use cc_forwarder::domain::route::{RouteReason, Unfit};
use cc_forwarder::domain::standing::{Availability, Breaker};
use cc_forwarder::simulator::Behaviour;
use support::{World, messages_body};
use tokio::time::Instant;

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

/// One request for this model, and who answered it.
async fn served_for(world: &World, model: &str) -> String {
    let body = messages_body(false).replace("claude-sonnet-5-5", model);
    let answer = world.client.send(world.client.post("/v1/messages", &body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.headers["x-served-by"].to_str().unwrap().to_owned()
}

fn asked(world: &World, sim: usize) -> usize {
    world.sims[sim].messages().len()
}

/// How `a` stands for this model.
fn stands(world: &World, model: &str) -> Availability {
    world.forwarder.control().view().endpoints[0].availability(Some(model), Instant::now().into_std())
}

const MODEL: &str = "claude-sonnet-5-5";

#[tokio::test]
async fn a_refusal_that_states_its_end_is_not_followed_by_another_request_before_it() {
    let now = jiff::Timestamp::now();
    let minute = Duration::from_secs(60);
    for (refusal, seconds, other_models) in [
        (Behaviour::retry_after(30), 30, true),
        (Behaviour::bucket_empty(now + minute), 60, true),
        (Behaviour::window_used_up(now + minute), 60, false),
        // A week, but of one model.
        (Behaviour::bucket_empty(now + 7 * 24 * 60 * minute), 7 * 24 * 3600, true),
    ] {
        let world = World::pair().await;
        let refused = refusal.clone();
        world.sims[0].rule(move |r| {
            let this = r.body.windows(MODEL.len()).any(|w| w == MODEL.as_bytes());
            this.then(|| refused.clone())
        });
        let before = Instant::now().into_std();
        for _ in 0..4 {
            assert_eq!(served_for(&world, MODEL).await, "b");
        }
        assert_eq!(asked(&world, 0), 1, "{refusal:?}");
        let Availability::Stated(until) = stands(&world, MODEL) else { panic!("{refusal:?}") };
        // The reset is a date, of which some seconds may have gone by.
        let rest = (until - before).as_secs_f64() - f64::from(seconds);
        assert!(rest.abs() < 15.0, "{rest} s off: {refusal:?}");
        let other = served_for(&world, "claude-haiku-4-5").await;
        assert_eq!(other == "a", other_models, "{refusal:?}");
        let standing = &world.forwarder.control().view().endpoints[0].standing;
        assert_eq!((standing.streak, standing.blamed), (0, 0), "nobody is to blame");
    }
}

#[tokio::test]
async fn it_is_asked_again_when_the_reset_has_come() {
    let world = World::pair().await;
    // Longer than what is sat out on the spot.
    let reset = jiff::Timestamp::now() + Duration::from_secs(4);
    world.sims[0].script(vec![Behaviour::bucket_empty(reset)]);
    assert_eq!(served_for(&world, MODEL).await, "b");
    assert!(matches!(stands(&world, MODEL), Availability::Stated(_)));
    let usable = |view: &Arc<FleetView>| {
        let now = Instant::now().into_std();
        view.endpoints[0].availability(Some(MODEL), now) == Availability::Usable
    };
    world.fleet(usable).await;
    // It is stated in whole seconds.
    assert!(jiff::Timestamp::now() + Duration::from_secs(1) >= reset, "not before");
    assert_eq!(served_for(&world, MODEL).await, "a");
}

#[tokio::test]
async fn a_refusal_that_states_nothing_is_soon_forgotten() {
    let world = World::pair().await;
    world.sims[0].script(vec![Behaviour::rate_limited(), Behaviour::rate_limited()]);
    assert_eq!(served_for(&world, MODEL).await, "b");
    let view = world.forwarder.control().view();
    let (standing, now) = (&view.endpoints[0].standing, Instant::now().into_std());
    assert!(
        standing.stated.is_empty() && standing.rest_until.is_some_and(|at| at < now + Duration::from_secs(2))
    );
    assert_eq!((standing.blamed, standing.breaker(now)), (0, Breaker::Closed));
    world.fleet(|view| view.endpoints[0].standing.next_change(Instant::now().into_std()).is_none()).await;
    assert_eq!(served_for(&world, MODEL).await, "a");
}

#[tokio::test]
async fn a_session_leaves_an_endpoint_whose_budget_is_used_up_and_says_why() {
    let mut world = World::pair().await;
    world.sims[0].set(last_request(jiff::Timestamp::now() + Duration::from_secs(600)));
    let ask = async |world: &mut World| {
        let mut request = world.client.post("/v1/messages", &messages_body(false));
        request.headers_mut().insert("x-claude-code-session-id", "s".parse().unwrap());
        assert_eq!(world.client.send(request).await.status, 200);
        world.record().await.route.clone().unwrap()
    };
    assert_eq!(ask(&mut world).await, RouteReason::Best);
    world.fleet(|view| view.endpoints[0].standing.low_until.is_some()).await;
    let from = world.forwarder.control().view().endpoints[0].spec.id.clone();
    assert_eq!(ask(&mut world).await, RouteReason::SessionMoved { from, why: Unfit::UsedUp });
    assert_eq!(ask(&mut world).await, RouteReason::SessionStays);
}
