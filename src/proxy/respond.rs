//! The only place that invents HTTP responses: errors in the API's own shape, and the local answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde::Serialize;

use super::headers;
use super::keepalive::Company;
use super::tap::Tap;
use crate::domain::outcome::error_type_of_status;
use crate::domain::plan::Refusal;
use crate::events::RequestId;

/// Carries our request id on every answer to a forwarded request.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-cc-forwarder-request-id");

const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// What goes to the client.
pub enum ClientBody {
    /// Whole; `None` once sent.
    Full(Option<Bytes>),
    /// Passed on from an endpoint.
    Passing(Box<Tap>),
    /// A stream that began before there was an answer.
    Accompanied(Box<Company>),
}

/// The connection to the client has to be broken: a clean end would look like a whole answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut")]
pub struct Aborted;

impl Body for ClientBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Passing(tap) => tap.poll(cx),
            Self::Accompanied(company) => company.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Passing(tap) => tap.is_end(),
            Self::Accompanied(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Passing(tap) => tap.size_hint(),
            Self::Accompanied(_) => SizeHint::default(),
        }
    }
}

/// The fields in the order in which the API writes them: people and some tools read the beginning only.
#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: ErrorDetail<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

#[derive(Serialize)]
struct ErrorDetail<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
}

/// The body of an error in the API's shape.
pub fn error_json(kind: &str, message: &str, id: Option<RequestId>) -> String {
    let request_id = id.map(|id| id.to_string());
    let body = ErrorBody { kind: "error", error: ErrorDetail { kind, message }, request_id };
    // Strings serialise without fail.
    serde_json::to_string(&body).unwrap_or_default()
}

/// The one event that ends a stream which was cut after its commit.
pub fn error_event(message: &str, id: RequestId) -> Bytes {
    Bytes::from(format!("event: error\ndata: {}\n\n", error_json("api_error", message, Some(id))))
}

/// What keeps a client waiting through a silence of the endpoint.
pub const PING_EVENT: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// An error of ours.
pub fn refuse(refusal: &Refusal, id: Option<RequestId>) -> Response<ClientBody> {
    let body = error_json(refusal.kind, &refusal.message, id);
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = full(status, "application/json", body);
    if let Some(wait) = refusal.retry_after {
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds as u64));
    }
    if let Some(value) = id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
        response.headers_mut().insert(headers::REQUEST_ID, value);
    }
    with_id(response, id)
}

/// An error with the type that fits its status.
pub fn error(status: u16, message: impl Into<String>, id: Option<RequestId>) -> Response<ClientBody> {
    let kind = error_type_of_status(status);
    refuse(&Refusal { status, kind, message: message.into(), retry_after: None }, id)
}

/// The port's own 401. Claude Code would repeat it in silence for minutes; no other try can succeed.
pub fn unauthorized(message: String) -> Response<ClientBody> {
    let mut response = error(401, message, None);
    response.headers_mut().insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
    response
}

/// A small local answer.
pub fn full(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<ClientBody> {
    let body: Bytes = body.into();
    let mut response = Response::new(ClientBody::Full(Some(body).filter(|b| !b.is_empty())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Adds our request id.
pub fn with_id(mut response: Response<ClientBody>, id: Option<RequestId>) -> Response<ClientBody> {
    if let Some(value) = id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_shape_of_the_api() {
        let id = "req-00000001".parse().unwrap();
        assert_eq!(
            error_json("api_error", "a \"b\"", Some(id)),
            r#"{"type":"error","error":{"type":"api_error","message":"a \"b\""},"request_id":"req-00000001"}"#
        );
        assert_eq!(
            error_json("api_error", "m", None),
            r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#
        );
        let event = String::from_utf8(error_event("cut", id).to_vec()).unwrap();
        assert!(event.starts_with("event: error\ndata: {") && event.ends_with("}\n\n"), "{event}");
    }
}
