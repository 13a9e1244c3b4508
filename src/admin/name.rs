//! The part of a path that names something: `/api/v1/endpoints/{name}/…`.
//!
//! Names may hold anything; in a path they stand percent-encoded, a slash as `%2F`.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::error::ApiError;
use super::params::wrong;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::events::RequestId;

/// The one name in the path, decoded.
#[derive(Clone, Debug)]
pub(super) struct Name(String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|_| {
            ApiError::bad_request("the name in the path cannot be read")
                .hint("names are UTF-8 and percent-encoded; a slash in one is %2F")
        })?;
        Ok(Self(name))
    }
}

impl Name {
    /// As it is.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// An endpoint's.
    pub(super) fn endpoint(self) -> EndpointId {
        EndpointId::new(self.0)
    }

    /// A group's.
    pub(super) fn group(self) -> GroupId {
        GroupId::new(self.0)
    }

    /// A request's.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn request(self) -> Result<RequestId, ApiError> {
        self.0.parse().map_err(|error| wrong("id", &self.0, error))
    }
}
