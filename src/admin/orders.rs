//! The way from the port to whoever carries orders out, which this module cannot see: [`Orders`].
//!
//! | what became of an order | answer |
//! |---|---|
//! | it was carried out | 200 [`Done`] |
//! | nothing has that name | 404 `not_found` |
//! | it makes no sense now | 409 `conflict` |
//! | it was tried, and failed | 422 `refused` |
//!
//! An order that has begun is carried out also when nobody waits for the answer any more.

use std::sync::Arc;

use axum::response::Response;
use futures_util::future::BoxFuture;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::config::ReloadView;
use super::error::{self, ApiError};
use crate::config::edit::Saver;
use crate::control::command::{Checked, Command, Refusal};
use crate::domain::endpoint::EndpointId;

/// Whoever carries orders out.
pub trait Orders: Send + Sync {
    /// Carries out a command; resolves when its effect can be seen. The text is for people; empty when there is nothing
    /// to add.
    fn carry_out(&self, command: Command) -> BoxFuture<'_, Result<String, Refusal>>;

    /// Probes an endpoint now. One that is down is no refusal.
    fn check(&self, endpoint: EndpointId) -> BoxFuture<'_, Result<Checked, Refusal>>;

    /// How the last reload of the file ended.
    fn last_reload(&self) -> Option<ReloadView>;

    /// What writes into the configuration file.
    fn saver(&self) -> Arc<Saver>;
}

/// An order was carried out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Done {
    /// What was done, for people.
    pub message: String,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(why) => Self::not_found(why),
            Refusal::Conflict(why) => Self::conflict(why),
            Refusal::Failed(why) => Self::refused(why),
        }
    }
}

impl Admin {
    /// Carries out a command and says what was done.
    pub(super) async fn obey(&self, command: Command) -> Result<Response, ApiError> {
        let message = self.carry_out(command).await?;
        Ok(error::json(StatusCode::OK, &Done { message }))
    }

    /// Carries out a command; the text says what was done.
    ///
    /// # Errors
    /// When it is refused.
    pub(super) async fn carry_out(&self, command: Command) -> Result<String, ApiError> {
        let name = command.to_string();
        let text = self.orders.carry_out(command).await.map_err(|refusal| self.masked(refusal.into()))?;
        Ok(if text.is_empty() { self.mask(&format!("done: {name}")) } else { self.mask(&text) })
    }

    /// A text without secrets.
    pub(super) fn mask(&self, text: &str) -> String {
        self.config.borrow().redactor.scrub(text).into_owned()
    }

    /// An error without secrets.
    pub(super) fn masked(&self, error: ApiError) -> ApiError {
        ApiError {
            message: self.mask(&error.message),
            hint: error.hint.map(|hint| self.mask(&hint)),
            ..error
        }
    }
}
