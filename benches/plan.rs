//! Decisions per request: the order of endpoints, the plan's first step, and its step after a failure.
//!
//! Six endpoints in three groups, as a person with several accounts and relays has them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cc_forwarder::config::{Env, Source, load};
use cc_forwarder::domain::fleet::{Fleet, FleetView, Settings};
use cc_forwarder::domain::outcome::{Seen, Transport, classify};
use cc_forwarder::domain::plan::{Plan, Policy, Replay, Step};
use cc_forwarder::domain::route::{RouteRequest, StrategyKind, order};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

struct NoEnv;

impl Env for NoEnv {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &std::path::Path, _: u64) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, _: &std::path::Path) -> bool {
        false
    }
}

/// The picture of a fleet of which nothing bad is known, and its clock.
fn fleet() -> (FleetView, Instant) {
    let names = (1..=3).flat_map(|group| (1..=2).map(move |n| (group, n)));
    let endpoints = names.map(|(group, n)| {
        format!("  - {{ name: e{group}{n}, url: \"https://e{group}{n}.invalid\", group: g{group}, group-priority: {group}, priority: {n}, token: t }}\n")
    });
    let yaml = format!("endpoints:\n{}", endpoints.collect::<String>());
    let config = match load::parse(&yaml, Source::BuiltIn, &NoEnv) {
        Ok(loaded) => loaded.config,
        Err(problems) => unreachable!("the bench's own configuration: {problems}"),
    };
    let settings = Settings {
        auto_switch: true,
        cooldown: Duration::from_secs(600),
        check_interval: Duration::from_secs(30),
        by_latency: false,
        pinned: None,
    };
    let now = tokio::time::Instant::now().into_std();
    (Fleet::new(settings, &config.endpoints, now).view(now), now)
}

fn request() -> RouteRequest {
    RouteRequest { model: Some(Arc::from("claude-opus-4-8")), ..RouteRequest::default() }
}

fn policy() -> Policy {
    Policy {
        max_attempts: 3,
        max_total_attempts: 10,
        base_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(30),
        multiplier: 2.0,
        strategy: StrategyKind::Priority,
        suspend: false,
    }
}

fn start(view: &FleetView, now: Instant) -> (Plan, Step) {
    Plan::start(policy(), request(), Replay::Free, now + Duration::from_secs(300), view, now)
}

/// The order of all endpoints.
#[divan::bench(args = [StrategyKind::Priority, StrategyKind::Fastest, StrategyKind::Balanced])]
fn route_order(bencher: Bencher<'_, '_>, strategy: StrategyKind) {
    let ((view, now), request) = (fleet(), request());
    bencher.bench(|| order(black_box(&view), strategy, black_box(&request), now));
}

/// What every request pays.
#[divan::bench]
fn plan_start(bencher: Bencher<'_, '_>) {
    let (view, now) = fleet();
    bencher.bench(|| start(black_box(&view), now));
}

/// What a request pays for its first failure.
#[divan::bench]
fn plan_on_outcome(bencher: Bencher<'_, '_>) {
    let (view, now) = fleet();
    let failure =
        classify(Seen::Transport(Transport::Connect), &view.endpoints[0].spec, jiff::Timestamp::UNIX_EPOCH);
    bencher
        .with_inputs(|| (start(&view, now).0, failure.clone()))
        .bench_values(|(mut plan, failure)| (plan.on_outcome(failure, black_box(&view), now, 0.5), plan));
}
