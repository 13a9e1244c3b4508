//! `GET /api/v1/stream?events=a,b`: what happens, as it happens, as server-sent events.
//!
//! | parameter | meaning |
//! |---|---|
//! | `events` | types with commas between them; without it all but `log` |
//! | `Last-Event-ID` (a header) | go on behind this one |
//!
//! Each event has a type, an `id` (but for `lagged`) and one line of JSON: see [`crate::events::feed`]. A picture of
//! everything (`snapshot`, where that is wanted) comes first, and again after `lagged`, which tells a reader that it missed
//! events: it was too slow, was away for too long, or this is another process than before. `lagged` comes whatever
//! `events` says.
//!
//! Ends when the port closes.

use std::convert::Infallible;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::error::ApiError;
use super::openapi::errors::Busy;
use super::params::{self, Params};
use super::serve::Stop;
use crate::events::feed::{Kinds, MAX_READERS};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Keeps a reverse proxy from holding events back.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `/api/v1/stream`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(read))
}

/// What happens, as it happens.
#[utoipa::path(
    get, path = "/stream", tag = "program",
    params(
        ("events" = Option<String>, Query, description = "Types with commas between them; without it all but `log`"),
        ("Last-Event-ID" = Option<String>, Header, description = "Goes on behind this event"),
    ),
    responses(
        (status = 200, description = "Server-sent events", body = String, content_type = "text/event-stream"),
        Busy,
    ),
)]
async fn read(
    State(admin): State<Admin>,
    Extension(stop): Extension<Stop>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let kinds = wanted(params)?;
    // What is no text is no id of ours.
    let last = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default());
    let busy = || ApiError::busy(format!("{MAX_READERS} readers have this stream open"));
    let reader = admin.pictures.read(kinds, last).ok_or_else(busy)?;
    let events = stream::unfold((reader, stop), async |(mut reader, stop)| {
        let text = stop.gently.run_until_cancelled(reader.next()).await??;
        Some((Ok::<_, Infallible>(text), (reader, stop)))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

fn wanted(mut params: Params) -> Result<Kinds, ApiError> {
    let events = params.text("events")?;
    params.finish()?;
    match events {
        Some(names) => names.parse().map_err(|error| params::wrong("events", &names, error)),
        None => Ok(Kinds::default()),
    }
}
