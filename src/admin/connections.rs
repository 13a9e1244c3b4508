//! `GET /connections`: what is open now, what came of everything so far, and how that spreads over the endpoints.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::error;
use super::params::NoParams;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::events::board::{EndpointStatus, Live, Phase, Snapshot, Totals};

/// Most requests an answer lists.
const MOST: usize = 1_000;

/// The answer of `GET /connections`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConnectionsView {
    /// When it was true.
    pub at: Timestamp,
    /// Counts since the start of the program.
    pub totals: Totals,
    /// Requests that have not ended.
    pub active: u64,
    /// Of them: waiting in the queue.
    pub suspended: u64,
    /// Of them: with an answer that is being passed on.
    pub streaming: u64,
    /// The oldest 1,000 of them, oldest first.
    pub live: Vec<Live>,
    /// In file order.
    pub per_endpoint: Vec<EndpointLoad>,
}

/// What an endpoint has to do, and had.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointLoad {
    /// Its name.
    pub endpoint: EndpointId,
    /// Its group.
    pub group: GroupId,
    /// Attempts under way.
    pub in_flight: u32,
    /// Attempts that ended, of every class, since the program started.
    pub attempts: u64,
    /// Failures among them.
    pub failed: u64,
    /// Half of its last 200 answers began sooner, milliseconds; null before the first.
    pub first_byte_p50_ms: Option<f64>,
}

/// `/connections`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(connections))
}

/// What is open now.
#[utoipa::path(
    get, path = "/connections", tag = "requests", responses((status = 200, body = ConnectionsView)),
)]
async fn connections(State(admin): State<Admin>, _: NoParams) -> Response {
    error::json(StatusCode::OK, &describe(&*admin.snapshot().await))
}

fn describe(snapshot: &Snapshot) -> ConnectionsView {
    let phase = |phase: Phase| snapshot.live.iter().filter(|live| live.phase == phase).count() as u64;
    ConnectionsView {
        at: snapshot.at,
        totals: snapshot.totals.clone(),
        active: snapshot.live.len() as u64,
        suspended: phase(Phase::Suspended),
        streaming: phase(Phase::Streaming),
        live: snapshot.live.iter().take(MOST).cloned().collect(),
        per_endpoint: snapshot.endpoints.iter().map(load).collect(),
    }
}

fn load(endpoint: &EndpointStatus) -> EndpointLoad {
    let stats = endpoint.stats.as_ref();
    EndpointLoad {
        endpoint: endpoint.name.clone(),
        group: endpoint.group.clone(),
        in_flight: endpoint.in_flight,
        attempts: stats.map_or(0, |stats| stats.attempts),
        failed: stats.map_or(0, |stats| stats.failed),
        first_byte_p50_ms: stats.and_then(|stats| stats.first_byte_p50_ms),
    }
}
