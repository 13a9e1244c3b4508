//! `GET /metrics`: what is counted, as text for scrapers; see [`crate::events::meters::text`].

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::error::ApiError;
use super::openapi::errors::NotCollected;
use super::params::NoParams;
use crate::events::meters::text;

/// `/metrics`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// What is counted, in the Prometheus text format 0.0.4.
#[utoipa::path(
    get, path = "/metrics", tag = "program",
    responses(
        (status = 200, description = "Counts, gauges and histograms", body = String, content_type = "text/plain"),
        NotCollected,
    ),
)]
async fn metrics(State(admin): State<Admin>, _: NoParams) -> Result<Response, ApiError> {
    let measures = admin.pictures.measures().await.ok_or_else(ApiError::stopping)?;
    let headers = [(CONTENT_TYPE, text::CONTENT_TYPE), (CACHE_CONTROL, "no-store")];
    Ok((headers, text::write(&measures)).into_response())
}
