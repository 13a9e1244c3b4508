//! Whether anything can serve, as both ports tell it. Pure.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::board::endpoint_status;
use crate::domain::fleet::FleetView;
use crate::domain::standing::Availability;

/// Whether anything can serve.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = HealthView)]
pub struct Health {
    /// `healthy`, `degraded` or `unhealthy`.
    pub status: String,
    /// Enabled endpoints that could serve.
    pub healthy_endpoints: usize,
    /// Enabled endpoints.
    pub total_endpoints: usize,
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
    let health = Health { status: word.to_owned(), healthy_endpoints: up, total_endpoints: enabled };
    let mut body = json!(health);
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
