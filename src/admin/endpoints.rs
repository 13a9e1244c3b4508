//! Endpoints: how they are, and what may be done to them.
//!
//! | route | does |
//! |---|---|
//! | `GET /endpoints?group` | [`EndpointsView`], in file order |
//! | `POST /endpoints/{name}/priority` `{"priority": 2}` | gives it another priority |
//! | `POST /endpoints/priorities` `{"priorities": {"a": 1, "b": 2}}` | likewise for several, all or none |
//! | `POST /endpoints/{name}/health-check` | probes it now: [`Checked`], also when it is down |
//! | `POST /endpoints/{name}/enable`, `…/disable` | uses it, or stops using it |
//! | `POST /endpoints/{name}/clear` | ends its rests |
//!
//! Priorities, enable and disable last until the next reload; `POST /config/priorities` writes priorities into the file.

use super::openapi::errors::{Conflict, NotFound, Refused};
use super::orders::Done;
use std::collections::BTreeMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Admin;
use super::body::{Empty, Json};
use super::error::{self, ApiError};
use super::name::Name;
use super::params::{NoParams, Params};
use crate::control::command::Checked;
use crate::control::command::Command;
use crate::domain::endpoint::EndpointId;
use crate::domain::order::Order;
use crate::events::board::{EndpointStatus, endpoint_status};

/// The answer of `GET /endpoints`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointsView {
    /// When it was true.
    pub at: Timestamp,
    /// The endpoint of `-p`.
    pub pinned: Option<EndpointId>,
    /// In file order.
    pub endpoints: Vec<EndpointStatus>,
}

/// The body of `POST /endpoints/{name}/priority`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityOrder {
    /// Lower is asked first.
    #[schema(maximum = 4_294_967_295_u32)]
    pub priority: u32,
}

/// The body of `POST /endpoints/priorities` and of `POST /config/priorities/review`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrioritiesOrder {
    /// By name of the endpoint; lower is asked first.
    #[schema(example = json!({ "main-a": 1 }))]
    pub priorities: BTreeMap<EndpointId, u32>,
}

/// Everything below `/endpoints`.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new()
        .routes(routes!(endpoints))
        .routes(routes!(priorities))
        .routes(routes!(priority))
        .routes(routes!(health_check))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(clear))
}

/// Endpoints, in file order.
#[utoipa::path(
    get, path = "/endpoints", tag = "endpoints",
    params(("group" = Option<String>, Query, description = "Those of this group")),
    responses((status = 200, body = EndpointsView)),
)]
async fn endpoints(State(admin): State<Admin>, mut params: Params) -> Result<Response, ApiError> {
    let group = params.text("group")?;
    params.finish()?;
    let view = describe(&admin, group.as_deref()).await;
    Ok(error::json(StatusCode::OK, &view))
}

/// From the fleet itself, so that an order's effect is seen by whoever gave it; its counts are those of the snapshot.
async fn describe(admin: &Admin, group: Option<&str>) -> EndpointsView {
    let snapshot = admin.snapshot().await;
    let fleet = admin.control.view();
    let now = Instant::now().into_std();
    let stats = |name: &EndpointId| snapshot.endpoints.iter().find(|e| e.name == *name)?.stats.clone();
    let wanted = fleet.endpoints.iter().filter(|e| group.is_none_or(|group| &*e.spec.group.0 == group));
    EndpointsView {
        at: Timestamp::now(),
        pinned: fleet.pinned.clone(),
        endpoints: wanted
            .map(|e| EndpointStatus { stats: stats(&e.spec.id), ..endpoint_status(e, now) })
            .collect(),
    }
}

/// Gives an endpoint another priority, until the next reload.
#[utoipa::path(
    post, path = "/endpoints/{name}/priority", tag = "endpoints", params(("name" = String, Path, description = "Of the endpoint, percent-encoded")),
    request_body = PriorityOrder, responses((status = 200, body = Done), NotFound, Conflict, Refused),
)]
async fn priority(
    State(admin): State<Admin>,
    name: Name,
    _: NoParams,
    Json(order): Json<PriorityOrder>,
) -> Result<Response, ApiError> {
    admin.obey(Command::SetPriorities(vec![(name.endpoint(), order.priority)])).await
}

/// Gives several endpoints other priorities, all or none, until the next reload.
#[utoipa::path(
    post, path = "/endpoints/priorities", tag = "endpoints",
    request_body = PrioritiesOrder, responses((status = 200, body = Done), NotFound, Conflict, Refused),
)]
async fn priorities(
    State(admin): State<Admin>,
    _: NoParams,
    Json(order): Json<PrioritiesOrder>,
) -> Result<Response, ApiError> {
    admin.obey(Command::SetPriorities(edits(order.priorities)?)).await
}

/// Priorities as commands take them.
///
/// # Errors
/// When there are none.
pub(super) fn edits(priorities: BTreeMap<EndpointId, u32>) -> Result<Vec<(EndpointId, u32)>, ApiError> {
    match priorities.is_empty() {
        true => Err(ApiError::bad_request("`priorities` names no endpoint")),
        false => Ok(priorities.into_iter().collect()),
    }
}

/// Probes an endpoint now; 200 also when it is down.
#[utoipa::path(
    post, path = "/endpoints/{name}/health-check", tag = "endpoints", params(("name" = String, Path, description = "Of the endpoint, percent-encoded")),
    responses((status = 200, body = Checked), NotFound),
)]
async fn health_check(
    State(admin): State<Admin>,
    name: Name,
    _: NoParams,
    _: Empty,
) -> Result<Response, ApiError> {
    let checked = admin.orders.check(name.endpoint()).await;
    let mut checked = checked.map_err(|refusal| admin.masked(refusal.into()))?;
    checked.message = admin.mask(&checked.message);
    Ok(error::json(StatusCode::OK, &checked))
}

/// Uses an endpoint again, until the next reload.
#[utoipa::path(
    post, path = "/endpoints/{name}/enable", tag = "endpoints", params(("name" = String, Path, description = "Of the endpoint, percent-encoded")),
    responses((status = 200, body = Done), NotFound, Conflict, Refused),
)]
async fn enable(State(admin): State<Admin>, name: Name, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::SetEnabled(name.endpoint(), true)).await
}

/// Stops using an endpoint, until the next reload.
#[utoipa::path(
    post, path = "/endpoints/{name}/disable", tag = "endpoints", params(("name" = String, Path, description = "Of the endpoint, percent-encoded")),
    responses((status = 200, body = Done), NotFound, Conflict, Refused),
)]
async fn disable(
    State(admin): State<Admin>,
    name: Name,
    _: NoParams,
    _: Empty,
) -> Result<Response, ApiError> {
    admin.obey(Command::SetEnabled(name.endpoint(), false)).await
}

/// Ends what an endpoint rests for.
#[utoipa::path(
    post, path = "/endpoints/{name}/clear", tag = "endpoints", params(("name" = String, Path, description = "Of the endpoint, percent-encoded")),
    responses((status = 200, body = Done), NotFound, Conflict),
)]
async fn clear(State(admin): State<Admin>, name: Name, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::Order(Order::Clear { endpoint: name.endpoint() })).await
}
