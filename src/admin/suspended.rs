//! Requests that wait until an endpoint is available.
//!
//! | route | does |
//! |---|---|
//! | `GET /suspended` | [`SuspendedView`], in the order in which they will go |
//! | `POST /suspended/{id}/resume` | lets it go on now |
//! | `POST /suspended/{id}/cancel` | ends it; its client gets an error |
//! | `POST /suspended/resume-all` | lets all go on now |

use super::openapi::errors::{Conflict, NotFound};
use super::orders::Done;
use crate::events::RequestId;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::body::Empty;
use super::error::{self, ApiError};
use super::name::Name;
use super::params::NoParams;
use crate::control::command::Command;
use crate::events::board::Queued;

/// The answer of `GET /suspended`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SuspendedView {
    /// When it was true.
    pub at: Timestamp,
    /// Requests are suspended at all (`request_suspend.enabled`).
    pub enabled: bool,
    /// As many may wait (`request_suspend.max_suspended_requests`).
    pub capacity: u32,
    /// Those that wait.
    pub queue: Vec<Queued>,
}

/// Everything below `/suspended`.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new()
        .routes(routes!(suspended))
        .routes(routes!(resume_all))
        .routes(routes!(resume))
        .routes(routes!(cancel))
}

/// Requests that wait, in the order in which they will go.
#[utoipa::path(
    get, path = "/suspended", tag = "suspended", responses((status = 200, body = SuspendedView)),
)]
async fn suspended(State(admin): State<Admin>, _: NoParams) -> Response {
    let (snapshot, config) = (admin.snapshot().await, admin.config());
    let view = SuspendedView {
        at: snapshot.at,
        enabled: config.suspend.enabled,
        capacity: config.suspend.max_suspended,
        queue: snapshot.queue.clone(),
    };
    error::json(StatusCode::OK, &view)
}

/// Lets all that wait go on now.
#[utoipa::path(
    post, path = "/suspended/resume-all", tag = "suspended",
    responses((status = 200, body = Done), Conflict),
)]
async fn resume_all(State(admin): State<Admin>, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::ResumeAll).await
}

/// Lets one that waits go on now.
#[utoipa::path(
    post, path = "/suspended/{id}/resume", tag = "suspended", params(("id" = RequestId, Path)),
    responses((status = 200, body = Done), NotFound),
)]
async fn resume(State(admin): State<Admin>, name: Name, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::ResumeRequest(name.request()?)).await
}

/// Ends one that waits; its client gets an error.
#[utoipa::path(
    post, path = "/suspended/{id}/cancel", tag = "suspended", params(("id" = RequestId, Path)),
    responses((status = 200, body = Done), NotFound),
)]
async fn cancel(State(admin): State<Admin>, name: Name, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::CancelRequest(name.request()?)).await
}
