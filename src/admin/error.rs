//! What goes wrong on the admin port, in one shape: `{"error": {"code", "message", "hint"}}`.
//!
//! | code | status | when |
//! |---|---|---|
//! | `bad_request` | 400 | a parameter or body that cannot be understood |
//! | `unauthorized` | 401 | `web.token` is set and was not shown |
//! | `forbidden` | 403 | a web page, or a name that is not ours |
//! | `not_found` | 404 | no such route or thing |
//! | `method_not_allowed` | 405 | the route is there, the method is not |
//! | `conflict` | 409 | what is there stands in the way |
//! | `too_large` | 413 | a request body above the limit |
//! | `refused` | 422 | what was asked for was tried, and failed: the message says at what |
//! | `busy` | 429 | as many such answers as may be are under way |
//! | `store_failed` | 500 | the ledger could not be read or written |
//! | `backup_failed` | 500 | the copy could not be written |
//! | `no_store` | 503 | nothing is recorded (`usage_tracking.enabled: false`, or the file could not be opened) |
//! | `no_logs` | 503 | log lines are not collected |
//! | `stopping` | 503 | the program ends |
//!
//! `code` is for programs and stays; `message` says what happened, `hint` (may be null) what to do.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// An answer that says why there is no other.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}{}", hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct ApiError {
    /// As HTTP has it.
    pub status: StatusCode,
    /// For programs.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// The body of an error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// What happened.
    pub error: Detail,
}

/// See the table of the module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ErrorDetail)]
pub struct Detail {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// What to do.
    #[serde(default)]
    pub hint: Option<String>,
}

impl ApiError {
    /// An error without a hint.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// A parameter or body that cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// Nothing of that name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// What is there stands in the way.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// It was tried, and failed.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message)
    }

    /// As many such answers as may be are under way.
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message).hint("try again when that has ended")
    }

    /// Nothing is recorded.
    pub fn no_store() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_store", "this forwarder keeps no record of requests")
            .hint("set `usage_tracking.enabled: true` and restart; if it is set, the log says why the file is not in use")
    }

    /// Log lines are not collected.
    pub fn no_logs() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_logs", "this forwarder does not collect its log lines")
            .hint("the program does when it runs by itself; a part of another one need not")
    }

    /// Nobody is left who could answer.
    pub fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "this forwarder is stopping")
    }

    /// The ledger could not be read or written.
    pub fn store_failed(reason: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store_failed", reason.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::store_failed(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = Detail { code: self.code.to_owned(), message: self.message, hint: self.hint };
        json(self.status, &ErrorBody { error })
    }
}

/// A JSON document as an answer.
pub fn json(status: StatusCode, document: &impl Serialize) -> Response {
    match serde_json::to_string(document) {
        Ok(text) => written(status, text),
        Err(error) => {
            tracing::error!(target: "cc_forwarder::admin", %error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Finished JSON as an answer.
pub fn written(status: StatusCode, text: String) -> Response {
    let json = HeaderValue::from_static("application/json");
    // What it says is true now and nobody else's business.
    let headers = [(CONTENT_TYPE, json), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, text).into_response()
}
