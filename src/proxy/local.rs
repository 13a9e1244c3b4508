//! What is answered here and never forwarded: warm-ups, health and metrics. Outside the request log and the statistics.

use http::header::ALLOW;
use http::{HeaderValue, Method, Response, StatusCode};
use tokio::time::Instant;

use super::Shared;
use super::respond::{self, ClientBody};
use crate::domain::fleet::FleetView;
use crate::events::health;
use crate::events::meters::text;
use crate::events::pictures::Pictures;

/// Answers that need no credential.
pub fn open(shared: &Shared, head: &http::request::Parts) -> Option<Response<ClientBody>> {
    match (&head.method, head.uri.path()) {
        (&Method::HEAD, "/" | "/api/hello") => Some(respond::full(StatusCode::OK, "text/plain", "")),
        (&Method::GET | &Method::HEAD, "/health") => Some(health(&shared.control.view(), false)),
        _ => None,
    }
}

/// Answers that need the port's credential, if it has one.
pub async fn guarded(shared: &Shared, head: &http::request::Parts) -> Option<Response<ClientBody>> {
    match (&head.method, head.uri.path()) {
        (&Method::GET | &Method::HEAD, "/health/detailed") => Some(health(&shared.control.view(), true)),
        // Ours by name: an endpoint must never be asked for it.
        (&Method::GET | &Method::HEAD, "/metrics") => Some(metrics(&shared.pictures).await),
        (_, "/metrics") => Some(only_to_read()),
        _ => None,
    }
}

fn health(view: &FleetView, detailed: bool) -> Response<ClientBody> {
    let (status, body) = health::describe(view, Instant::now().into_std(), jiff::Timestamp::now(), detailed);
    respond::full(status, "application/json", body.to_string())
}

async fn metrics(pictures: &Pictures) -> Response<ClientBody> {
    match pictures.measures().await {
        Some(measures) => respond::full(StatusCode::OK, text::CONTENT_TYPE, text::write(&measures)),
        None => respond::error(503, "The forwarder is stopping.", None),
    }
}

fn only_to_read() -> Response<ClientBody> {
    let mut response = respond::error(405, "/metrics takes GET and HEAD.", None);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
