//! Who may ask at all: in front of every route, also of those that do not exist.
//!
//! | request | answer |
//! |---|---|
//! | a target that is no path | 400 |
//! | a `Host` that is not ours, or a web page of another site | 403, see [`crate::domain::browser`] |
//! | `web.token` is set and not shown as `Authorization: Bearer` | 401 |
//! | a body that says it is above [`MAX_BODY`] | 413 |
//!
//! A body that turns out larger breaks off at the limit and is answered likewise. Beyond this machine the token is always set: the configuration
//! is refused otherwise, unless it says `web.allow_unauthenticated`.

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::Limited;

use super::error::ApiError;
use super::{Admin, body};
use crate::config::Web;
use crate::domain::browser::{self, Door};
use crate::domain::secret::{Secret, bearer};

/// Largest request body, bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// Lets a request on to its route, or refuses it.
pub async fn pass(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let refused = refuse(&admin.config.borrow().web, &request);
    let mut response = match refused {
        None => next.run(request.map(|body| Body::new(Limited::new(body, MAX_BODY)))).await,
        Some(error) => {
            tracing::warn!(
                target: "cc_forwarder::admin",
                method = %request.method(), path = request.uri().path(), status = error.status.as_u16(),
                "turned away: {}", error.message
            );
            error.into_response()
        }
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn refuse(web: &Web, request: &Request) -> Option<ApiError> {
    let uri = request.uri();
    if uri.scheme().is_some() || uri.authority().is_some() || !uri.path().starts_with('/') {
        return Some(ApiError::bad_request("the request target must be a path"));
    }
    let door =
        Door { section: "web", hosts: &web.allowed_hosts, origins: &web.allowed_origins, own_pages: true };
    if let Err(refusal) = browser::check(request.headers(), &door) {
        return Some(ApiError::new(StatusCode::FORBIDDEN, "forbidden", refusal.to_string()));
    }
    if web.token.as_ref().is_some_and(|token| !shows(request.headers(), token)) {
        let message = "this port asks for the token in web.token";
        let error = ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        return Some(error.hint("send it as `Authorization: Bearer …`"));
    }
    let too_large = request.body().size_hint().lower() > MAX_BODY as u64;
    too_large.then(body::too_large)
}

fn shows(headers: &HeaderMap, token: &Secret) -> bool {
    headers.get(AUTHORIZATION).is_some_and(|value| token.is(bearer(value.as_bytes())))
}
