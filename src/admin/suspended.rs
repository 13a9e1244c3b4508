//! Requests that wait until an endpoint is available.
//!
//! | route | does |
//! |---|---|
//! | `GET /suspended` | [`SuspendedView`], in the order in which they will go |
//! | `POST /suspended/{id}/resume` | lets it go on now |
//! | `POST /suspended/{id}/cancel` | ends it; its client gets an error |
//! | `POST /suspended/resume-all` | lets all go on now |

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/suspended", get(suspended))
        .route("/suspended/resume-all", post(resume_all))
        .route("/suspended/{id}/resume", post(resume))
        .route("/suspended/{id}/cancel", post(cancel))
}

async fn suspended(State(admin): State<Admin>, _: NoParams) -> Response {
    let (snapshot, config) = (admin.snapshot(), admin.config());
    let view = SuspendedView {
        at: snapshot.at,
        enabled: config.suspend.enabled,
        capacity: config.suspend.max_suspended,
        queue: snapshot.queue.clone(),
    };
    error::json(StatusCode::OK, &view)
}

async fn resume_all(State(admin): State<Admin>, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::ResumeAll).await
}

async fn resume(State(admin): State<Admin>, name: Name, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::ResumeRequest(name.request()?)).await
}

async fn cancel(State(admin): State<Admin>, name: Name, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::CancelRequest(name.request()?)).await
}
