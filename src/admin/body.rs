//! The body of a request: JSON, whole, in time, and nothing in it that is not known.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::error::ApiError;
use super::guard::MAX_BODY;

/// Time for a request's body.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the body says.
pub(super) struct Json<T>(pub(super) T);

/// The body of a route that takes none: nothing, or `{}`.
pub(super) struct Empty;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read(request.into_body()).await?;
        parse(&bytes).map(Self)
    }
}

impl<S: Sync> FromRequest<S> for Empty {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Optional::<Nothing>::from_request(request, &()).await.map(|_| Self)
    }
}

/// What the body says, if there is one; `null` is none.
pub(super) struct Optional<T>(pub(super) T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for Optional<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read(request.into_body()).await?;
        match bytes.trim_ascii() {
            b"" | b"null" => Ok(Self(T::default())),
            _ => parse(&bytes).map(Self),
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A list of values in the order of the fields would be understood as well; nobody should get used to that.
    if !bytes.trim_ascii().starts_with(b"{") {
        return Err(ApiError::bad_request("the request body is not what it should be: a JSON object"));
    }
    let strange =
        |error| ApiError::bad_request(format!("the request body is not what it should be: {error}"));
    serde_json::from_slice(bytes).map_err(strange)
}

async fn read(body: Body) -> Result<Vec<u8>, ApiError> {
    let read = timeout(PATIENCE, body.collect()).await;
    let collected = read.map_err(|_| ApiError::bad_request("the request body did not arrive in time"))?;
    collected.map(|body| body.to_bytes().into()).map_err(|error| match is_too_long(&error) {
        true => too_large(),
        false => ApiError::bad_request("the request body broke off"),
    })
}

fn is_too_long(error: &axum::Error) -> bool {
    let causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |e| e.source());
    causes.into_iter().any(|cause| cause.is::<LengthLimitError>())
}

/// The body is longer than anything this port has use for.
pub(super) fn too_large() -> ApiError {
    let message = format!("the request body is larger than {MAX_BODY} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}
