//! Budgets end to end: what is counted, who is told, and what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

mod support;

use cc_forwarder::config::Level;
use cc_forwarder::domain::budget::BudgetState;
use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::domain::route::SkipReason;
use cc_forwarder::events::State;
use cc_forwarder::logging::Capture;
use cc_forwarder::simulator::{Behaviour, Usage};

use support::{QUICK, World, config, endpoint};

/// Every message costs a dollar: a million tokens at a dollar a million.
fn a_dollar() -> Behaviour {
    Behaviour::healthy().usage(Usage { input: 900_000, output: 100_000, ..Usage::default() })
}

/// Settings with these budgets, in a zone that any machine knows.
fn with_budgets(budgets: &str) -> String {
    let usage = format!(
        "usage_tracking: {{ enabled: false, model_pricing: {{ \"claude-sonnet-*\": {{ input: 1, output: 1 }} }}, \
         budgets: [{budgets}] }}\ntimezone: UTC"
    );
    QUICK.replace("usage_tracking: { enabled: false }", &usage)
}

async fn world(budgets: &str) -> World {
    let world = World::with(&with_budgets(budgets), &[("a", "main"), ("b", "main")]).await;
    world.sims.iter().for_each(|sim| sim.set(a_dollar()));
    world
}

async fn served_by(world: &World) -> String {
    let answer = world.client.messages(false).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.headers["x-served-by"].to_str().unwrap().to_owned()
}

/// Waits until nothing that costs money goes to these endpoints.
async fn over(world: &World, names: &[&str]) {
    world
        .fleet(|view| {
            names.iter().all(|n| view.endpoints.iter().any(|e| *e.spec.id.0 == **n && e.overrun.is_some()))
        })
        .await;
}

#[tokio::test]
async fn a_budget_that_is_used_up_refuses_the_next_message() {
    let log = Capture::start(Level::Info, Default::default());
    let mut world = world("{ daily: 1, block: true }").await;
    assert_eq!(served_by(&world).await, "a");
    over(&world, &["a", "b"]).await;
    let snapshot = world.snapshot(|s| s.budgets.iter().any(|b| b.state == BudgetState::Over)).await;
    let status = &snapshot.budgets[0];
    assert_eq!((status.spent.to_string(), status.unpriced, status.block), ("1".into(), 0, true));

    for stream in [false, true] {
        let answer = world.client.messages(stream).await;
        let resets = status.resets.strftime("%Y-%m-%d %H:%M +00:00");
        let message = format!("The daily budget is used up: $1.00 of $1.00 spent. It resets at {resets}.");
        let id = answer.headers["x-cc-forwarder-request-id"].to_str().unwrap();
        let expected = format!(
            r#"{{"type":"error","error":{{"type":"billing_error","message":"{message}"}},"request_id":"{id}"}}"#
        );
        assert_eq!((answer.status.as_u16(), answer.text()), (402, expected));
        assert!(!answer.headers.contains_key("retry-after"));
    }
    assert_eq!(world.sims.iter().map(|s| s.messages().len()).sum::<usize>(), 1);

    let body = support::messages_body(false);
    let counted = world.client.send(world.client.post("/v1/messages/count_tokens", &body)).await;
    assert_eq!(counted.status, 200, "counting costs nothing: {}", counted.text());

    assert_eq!(world.record().await.state, State::Completed);
    let refused = world.record().await;
    assert_eq!(
        (refused.state, refused.status, refused.failure),
        (State::Failed, Some(402), Some(Kind::Budget))
    );
    assert!(refused.attempts.is_empty() && refused.skipped.iter().all(|s| s.reason == SkipReason::Budget));
    world.stop().await;
    let told = log.text().lines().filter(|line| line.contains("the limit is used up")).count();
    assert_eq!(told, 1, "{}", log.text());
}

#[tokio::test]
async fn an_endpoint_over_its_budget_leaves_messages_to_the_others() {
    let budgets = "{ endpoint: a, daily: 1, block: true }, { endpoint: b, monthly: 2, block: true }";
    let world = world(budgets).await;
    assert_eq!(served_by(&world).await, "a");
    over(&world, &["a"]).await;
    assert_eq!(served_by(&world).await, "b");
    assert_eq!(served_by(&world).await, "b");
    over(&world, &["a", "b"]).await;
    let answer = world.client.messages(false).await;
    assert_eq!(answer.status, 402);
    let text = answer.text();
    let named = text.contains("The daily budget of endpoint a is used up: $1.00 of $1.00 spent.")
        && text.contains("The monthly budget of endpoint b is used up: $2.00 of $2.00 spent.");
    assert!(named, "{text}");
    world.stop().await;
}

#[tokio::test]
async fn what_waits_for_an_endpoint_is_refused_when_only_budgets_are_left() {
    let budgets = with_budgets("{ group: main, daily: 1, block: true }");
    let suspending =
        budgets.replace("request_suspend: { enabled: false }", "request_suspend: { timeout: 60s }");
    let world = World::with(&suspending, &[("a", "main"), ("b", "main")]).await;
    world.sims.iter().for_each(|sim| sim.set(a_dollar()));
    served_by(&world).await;
    over(&world, &["a", "b"]).await;
    assert_eq!(world.client.messages(false).await.status, 402, "time cannot cure it");
    world.stop().await;
}

#[tokio::test]
async fn a_budget_without_block_only_warns_and_only_once_for_each_step() {
    let log = Capture::start(Level::Info, Default::default());
    let world = world("{ daily: 4, warn_at_percent: 50 }").await;
    for spent in 1_u64..=6 {
        assert_eq!(served_by(&world).await, "a");
        let dollars = cc_forwarder::claude::money::PicoUsd::from_micro_usd(spent * 1_000_000);
        world.snapshot(|s| s.budgets.iter().any(|b| b.spent == dollars)).await;
    }
    world.stop().await;
    let text = log.text();
    let told: Vec<&str> = text.lines().filter(|line| line.contains("the daily budget")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("WARN") && told[0].contains("$2.00 of $4.00 spent: 50 % and more"), "{told:?}");
    assert!(
        told[1].contains("WARN") && told[1].contains("$4.00 of $4.00 spent: the limit is used up"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_reload_changes_the_limit_at_once() {
    let world = world("{ daily: 1, block: true }").await;
    served_by(&world).await;
    over(&world, &["a", "b"]).await;
    let endpoints: String =
        ["a", "b"].iter().zip(&world.sims).map(|(name, sim)| endpoint(name, "main", 1, &sim.url())).collect();
    let raised = format!("{}\nendpoints:\n{endpoints}", with_budgets("{ daily: 3, block: true }"));
    let report = world.forwarder.reload(config(&raised)).await.unwrap();
    assert_eq!(report.applied, ["usage_tracking.budgets"]);
    world.fleet(|view| view.endpoints.iter().all(|e| e.overrun.is_none())).await;
    assert_eq!(served_by(&world).await, "a");
    let snapshot = world.snapshot(|s| s.budgets.iter().any(|b| b.spent.to_string() == "2")).await;
    assert_eq!(snapshot.budgets[0].limit.to_string(), "3", "what was spent before counts on");
    world.stop().await;
}

#[tokio::test]
async fn tokens_without_a_price_are_said_to_be_missing() {
    let world = world("{ daily: 1, block: true }").await;
    world.sims[0].set(a_dollar().content(|c| c.model = Some("somebody-elses-model".into())));
    served_by(&world).await;
    let snapshot = world.snapshot(|s| s.budgets.iter().any(|b| b.unpriced == 1)).await;
    assert_eq!(snapshot.budgets[0].spent.to_string(), "0");
    world.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_with_what_was_spent() {
    let root = tempfile::tempdir().unwrap();
    let store = format!("enabled: true, database_path: {:?}", root.path().join("usage.redb"));
    let limit = |dollars: u32| {
        let budgets = format!("{{ endpoint: a, daily: {dollars}, block: true }}");
        with_budgets(&budgets).replacen(
            "enabled: false, model_pricing",
            &format!("{store}, model_pricing"),
            1,
        )
    };
    let world = World::with(&limit(1), &[("a", "main")]).await;
    world.sims[0].set(a_dollar());
    assert_eq!(served_by(&world).await, "a");
    world.stop().await;

    let world = World::with(&limit(1), &[("a", "main")]).await;
    let before = world.forwarder.pictures().fresh().await;
    assert_eq!(
        (before.budgets[0].spent.to_string(), before.budgets[0].state),
        ("1".into(), BudgetState::Over)
    );
    assert_eq!(world.client.messages(false).await.status, 402, "the first request already");
    world.stop().await;

    let world = World::with(&limit(2), &[("a", "main")]).await;
    world.sims[0].set(a_dollar());
    assert_eq!(served_by(&world).await, "a");
    over(&world, &["a"]).await;
    assert_eq!(world.client.messages(true).await.status, 402);
    world.stop().await;
}
