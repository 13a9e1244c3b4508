//! Groups: which one serves, why, and what may be done to them.
//!
//! | route | does |
//! |---|---|
//! | `GET /groups` | [`GroupsView`], in rank order; each says what may be done to it, and why not |
//! | `POST /groups/{name}/activate?force` | makes it the active one; with `force=true` whatever its state |
//! | `POST /groups/{name}/release` | ranks decide again; it must be the one a person activated |
//! | `POST /groups/{name}/pause` `{"duration": "30m"}` | stops using it, for ever without a duration |
//! | `POST /groups/{name}/resume` | uses it again |

use super::openapi::errors::{Conflict, NotFound};
use super::orders::Done;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::body::{Empty, Optional};
use super::error::{self, ApiError};
use super::name::Name;
use super::params::{NoParams, Params, wrong};
use crate::config;
use crate::control::command::Command;
use crate::domain::endpoint::GroupId;
use crate::domain::order::Order;
use crate::events::board::{GroupStatus, group_status};

/// The answer of `GET /groups`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GroupsView {
    /// When it was true.
    pub at: Timestamp,
    /// Requests go here first.
    pub active_group: Option<GroupId>,
    /// In rank order.
    pub groups: Vec<GroupStatus>,
}

/// The body of `POST /groups/{name}/pause`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseOrder {
    /// For how long, such as `30m` or `1h30m`; for ever without.
    #[serde(default)]
    #[schema(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$", example = "30m")]
    pub duration: Option<String>,
}

/// Everything below `/groups`.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new()
        .routes(routes!(groups))
        .routes(routes!(activate))
        .routes(routes!(release))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

/// Groups, in rank order, each with what may be done to it.
#[utoipa::path(
    get, path = "/groups", tag = "groups", responses((status = 200, body = GroupsView)),
)]
async fn groups(State(admin): State<Admin>, _: NoParams) -> Response {
    let (view, now) = (admin.control.view(), Instant::now().into_std());
    let groups = view.groups.iter().map(|group| group_status(&view, group, now)).collect();
    let view = GroupsView { at: Timestamp::now(), active_group: view.active.clone(), groups };
    error::json(StatusCode::OK, &view)
}

/// Makes a group the active one until it fails a whole request or is released.
#[utoipa::path(
    post, path = "/groups/{name}/activate", tag = "groups",
    params(("name" = String, Path, description = "Of the group, percent-encoded"), ("force" = Option<bool>, Query, description = "Whatever its state")),
    responses((status = 200, body = Done), NotFound, Conflict),
)]
async fn activate(
    State(admin): State<Admin>,
    name: Name,
    mut params: Params,
    _: Empty,
) -> Result<Response, ApiError> {
    let force = params.parsed("force")?.unwrap_or(false);
    params.finish()?;
    admin.obey(Command::Order(Order::Activate { group: name.group(), force })).await
}

/// Lets ranks decide again; the group must be the one a person activated.
#[utoipa::path(
    post, path = "/groups/{name}/release", tag = "groups", params(("name" = String, Path, description = "Of the group, percent-encoded")),
    responses((status = 200, body = Done), NotFound, Conflict),
)]
async fn release(
    State(admin): State<Admin>,
    name: Name,
    _: NoParams,
    _: Empty,
) -> Result<Response, ApiError> {
    let (view, group) = (admin.control.view(), name.group());
    if view.group(&group).is_none() {
        let known: Vec<String> = view.groups.iter().map(|group| group.id.to_string()).collect();
        let text = format!("there is no group \"{group}\"; there is: {}", known.join(", "));
        return Err(admin.masked(ApiError::not_found(text)));
    }
    match &view.activated {
        Some(activated) if *activated != group => Err(admin.masked(ApiError::conflict(format!(
            "a person activated group {activated}, not {group}; release that one"
        )))),
        _ => admin.obey(Command::Order(Order::Release)).await,
    }
}

/// Stops using a group, for ever or for a time.
#[utoipa::path(
    post, path = "/groups/{name}/pause", tag = "groups", params(("name" = String, Path, description = "Of the group, percent-encoded")),
    request_body(content = Option<PauseOrder>, content_type = "application/json"),
    responses((status = 200, body = Done), NotFound, Conflict),
)]
async fn pause(
    State(admin): State<Admin>,
    name: Name,
    _: NoParams,
    Optional(order): Optional<PauseOrder>,
) -> Result<Response, ApiError> {
    let read = |text: String| config::positive_duration(&text).map_err(|why| wrong("duration", &text, why));
    let duration = order.duration.map(read).transpose()?;
    admin.obey(Command::pause(name.group(), duration)).await
}

/// Uses a group again that is paused or cools.
#[utoipa::path(
    post, path = "/groups/{name}/resume", tag = "groups", params(("name" = String, Path, description = "Of the group, percent-encoded")),
    responses((status = 200, body = Done), NotFound, Conflict),
)]
async fn resume(State(admin): State<Admin>, name: Name, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::Order(Order::Resume { group: name.group() })).await
}
