//! What is answered here and never forwarded: warm-ups and health. Outside the request log and the statistics.

use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Shared;
use super::respond::{self, ClientBody};
use crate::domain::fleet::FleetView;
use crate::domain::standing::Availability;
use crate::events::board::endpoint_status;

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
    let (status, body) = describe(view, Instant::now().into_std(), jiff::Timestamp::now(), detailed);
    respond::full(status, "application/json", body.to_string())
}

/// `healthy` when every enabled endpoint could serve, `unhealthy` (503) only when nothing could.
pub fn describe(
    view: &FleetView,
    now: std::time::Instant,
    at: jiff::Timestamp,
    detailed: bool,
) -> (StatusCode, Value) {
    let enabled = view.endpoints.iter().filter(|e| e.spec.enabled).count();
    let up = view.endpoints.iter().filter(|e| is_usable(e.availability(None, now))).count();
    let word = match up {
        0 => "unhealthy",
        n if n == enabled => "healthy",
        _ => "degraded",
    };
    let status = if up == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut body = json!({ "status": word, "healthy_endpoints": up, "total_endpoints": enabled });
    if let Some(object) = body.as_object_mut().filter(|_| detailed) {
        let each: Vec<_> = view.endpoints.iter().map(|e| endpoint_status(e, now)).collect();
        object.insert("timestamp".to_owned(), json!(at));
        object.insert("active_group".to_owned(), json!(view.active));
        object.insert("endpoints".to_owned(), json!(each));
    }
    (status, body)
}

fn is_usable(availability: Availability) -> bool {
    matches!(availability, Availability::Usable | Availability::HalfOpen)
}
