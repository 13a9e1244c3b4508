//! Fast tests: measuring the endpoints of the active group at the moment a request is to choose one of them.
//!
//! - only with `strategy.type: fastest` and `fast_test_enabled`, and only where there is a choice;
//! - one round at a time: who comes while one runs waits for it and shares its result, which then counts for
//!   `fast_test_cache_ttl`;
//! - nobody waits longer than `fast_test_timeout`, whoever started the round;
//! - any answer that is not a 5xx counts; without one an endpoint keeps the place its recent latency gives it, behind
//!   those that were measured. A round says nothing about health: it is shorter than a probe may be.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::probe;
use crate::config::{Strategy, StrategyKind};
use crate::domain::endpoint::{EndpointId, EndpointSpec};
use crate::domain::fleet::FleetView;
use crate::domain::route::Measured;
use crate::domain::standing::Availability;
use crate::proxy::transport::Transport;

/// Measures on demand; cheap to clone.
#[derive(Clone)]
pub struct FastTests {
    transport: Transport,
    /// Held while a round runs.
    last: Arc<Mutex<Option<Round>>>,
}

struct Round {
    asked: Vec<EndpointId>,
    ended: Instant,
    found: Arc<Measured>,
}

impl FastTests {
    /// Measures over these connections.
    pub fn new(transport: Transport) -> Self {
        Self { transport, last: Arc::default() }
    }

    /// What the endpoints of the active group take right now; nothing when that is not wanted or cannot be told in time.
    pub async fn measured(&self, strategy: &Strategy, view: &FleetView) -> Option<Arc<Measured>> {
        if strategy.kind != StrategyKind::Fastest || !strategy.fast_test_enabled {
            return None;
        }
        let began = Instant::now();
        let specs = contenders(view, began.into_std());
        if specs.len() < 2 {
            return None;
        }
        let deadline = began + strategy.fast_test_timeout;
        let mut last = timeout_at(deadline, self.last.lock()).await.ok()?;
        if let Some(round) = last.as_ref().filter(|r| r.serves(&specs, strategy, began)) {
            return Some(Arc::clone(&round.found));
        }
        let round = self.round(&specs, strategy, deadline).await;
        let found = Arc::clone(&round.found);
        *last = Some(round);
        Some(found)
    }

    async fn round(&self, specs: &[Arc<EndpointSpec>], strategy: &Strategy, deadline: Instant) -> Round {
        let results = join_all(specs.iter().map(|spec| Box::pin(self.one(spec, strategy, deadline)))).await;
        let ended = Instant::now();
        let latency = results.into_iter().flatten().collect();
        // Who waited for it may use it even where nothing is cached.
        let counts = strategy.fast_test_cache_ttl.max(strategy.fast_test_timeout);
        let found = Arc::new(Measured { latency, until: (ended + counts).into_std() });
        Round { asked: specs.iter().map(|s| s.id.clone()).collect(), ended, found }
    }

    async fn one(
        &self,
        spec: &Arc<EndpointSpec>,
        strategy: &Strategy,
        deadline: Instant,
    ) -> Option<(EndpointId, Duration)> {
        let path = &strategy.fast_test_path;
        let asked = probe::answer(&self.transport, spec, path, strategy.fast_test_timeout);
        let answer = timeout_at(deadline, asked).await;
        let found = match answer {
            Ok(Ok((status, took))) if !status.is_server_error() => Some(took),
            _ => None,
        };
        tracing::debug!(
            target: "cc_forwarder::fasttest",
            endpoint = %spec.id,
            took_ms = found.map(|d| d.as_secs_f64() * 1e3),
            "measured"
        );
        found.map(|took| (spec.id.clone(), took))
    }
}

impl Round {
    /// True when a request that asks since `began` need not measure again.
    fn serves(&self, specs: &[Arc<EndpointSpec>], strategy: &Strategy, began: Instant) -> bool {
        let shared = self.ended >= began;
        let cached = began < self.ended + strategy.fast_test_cache_ttl;
        let same = self.asked.iter().eq(specs.iter().map(|s| &s.id));
        same && (shared || cached)
    }
}

/// The endpoints a request may choose from.
fn contenders(view: &FleetView, now: std::time::Instant) -> Vec<Arc<EndpointSpec>> {
    let chosen = view.endpoints.iter().filter(|e| view.active.as_ref() == Some(&e.spec.group));
    let usable = chosen.filter(|e| e.availability(None, now) == Availability::Usable);
    usable.map(|e| Arc::clone(&e.spec)).collect()
}
