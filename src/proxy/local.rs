//! What is answered here and never forwarded: warm-ups and health. Outside the request log and the statistics.

use http::{Method, Response, StatusCode};
use tokio::time::Instant;

use super::Shared;
use super::respond::{self, ClientBody};
use crate::domain::fleet::FleetView;
use crate::events::health;

/// Answers that need no credential.
pub fn open(shared: &Shared, head: &http::request::Parts) -> Option<Response<ClientBody>> {
    match (&head.method, head.uri.path()) {
        (&Method::HEAD, "/" | "/api/hello") => Some(respond::full(StatusCode::OK, "text/plain", "")),
        (&Method::GET | &Method::HEAD, "/health") => Some(health(&shared.control.view(), false)),
        _ => None,
    }
}

/// Answers that need the port's credential, if it has one.
pub fn guarded(shared: &Shared, head: &http::request::Parts) -> Option<Response<ClientBody>> {
    match (&head.method, head.uri.path()) {
        (&Method::GET | &Method::HEAD, "/health/detailed") => Some(health(&shared.control.view(), true)),
        // Ours by name: an endpoint must never be asked for it.
        (_, "/metrics") => Some(respond::error(404, "This version serves no metrics.", None)),
        _ => None,
    }
}

fn health(view: &FleetView, detailed: bool) -> Response<ClientBody> {
    let (status, body) = health::describe(view, Instant::now().into_std(), jiff::Timestamp::now(), detailed);
    respond::full(status, "application/json", body.to_string())
}
