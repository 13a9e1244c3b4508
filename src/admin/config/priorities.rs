//! Priorities in the configuration file: what saving would do, and saving.
//!
//! | route | body | does |
//! |---|---|---|
//! | `POST /config/priorities/review` | `{"priorities": {"a": 1}}` | nothing; answers the [`Review`] |
//! | `POST /config/priorities` | the same, and `"review"` if there was one | writes them, and puts them in effect |
//!
//! With a review the file must be the version that was reviewed; without, the one that runs. Of a review only the version
//! counts: which file is written is the program's own business.

use crate::admin::openapi::errors::{Conflict, NotFound, Refused};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::admin::Admin;
use crate::admin::body::Json;
use crate::admin::endpoints::{PrioritiesOrder, edits};
use crate::admin::error::{self, ApiError};
use crate::admin::params::NoParams;
use crate::config::edit::{EditError, Edits, Review, Saver};
use crate::config::{Config, System};
use crate::control::command::Command;
use crate::domain::endpoint::EndpointId;

/// The body of `POST /config/priorities`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveOrder {
    /// By name of the endpoint; lower is asked first.
    #[schema(example = json!({ "main-a": 1 }))]
    pub priorities: BTreeMap<EndpointId, u32>,
    /// What was shown before.
    #[serde(default)]
    pub review: Option<Review>,
}

/// The answer of `POST /config/priorities`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SavedPriorities)]
pub struct Saved {
    /// What was done, for people.
    pub message: String,
    /// The numbers that were written, and the version the file is now.
    pub review: Review,
}

/// `/config/priorities`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(save)).routes(routes!(review))
}

/// What saving these priorities to the file would do.
#[utoipa::path(
    post, path = "/config/priorities/review", tag = "configuration",
    request_body = PrioritiesOrder, responses((status = 200, body = Review), NotFound, Conflict, Refused),
)]
async fn review(
    State(admin): State<Admin>,
    _: NoParams,
    Json(order): Json<PrioritiesOrder>,
) -> Result<Response, ApiError> {
    let edits = edits(order.priorities)?;
    let (saver, config) = (admin.orders.saver(), admin.config());
    let looked = admin.blocking(move || Ok(saver.review(&config, &edits, &System)?)).await;
    let review = looked.map_err(|error| admin.masked(error))?;
    Ok(error::json(StatusCode::OK, &review))
}

/// Writes priorities into the file, and puts them in effect.
#[utoipa::path(
    post, path = "/config/priorities", tag = "configuration",
    request_body = SaveOrder, responses((status = 200, body = Saved), NotFound, Conflict, Refused),
)]
async fn save(
    State(admin): State<Admin>,
    _: NoParams,
    Json(order): Json<SaveOrder>,
) -> Result<Response, ApiError> {
    let edits = edits(order.priorities)?;
    let (runtime, this) = (Handle::current(), admin.clone());
    // Both or none, also when the client leaves in between: what is in the file is in effect.
    let saving = admin.blocking(move || {
        let review = write(&this.orders.saver(), &this.config(), &edits, order.review.as_ref())?;
        runtime.block_on(this.carry_out(Command::SetPriorities(edits)))?;
        Ok(review)
    });
    let review = saving.await.map_err(|error| admin.masked(error))?;
    let message = match review.written.len() {
        0 => format!("{} says all of it already", review.path.display()),
        1 => format!("1 priority written to {}", review.path.display()),
        n => format!("{n} priorities written to {}", review.path.display()),
    };
    Ok(error::json(StatusCode::OK, &Saved { message, review }))
}

/// Writes into the version that was shown, or into the one there is.
fn write(
    saver: &Saver,
    running: &Arc<Config>,
    edits: &Edits,
    shown: Option<&Review>,
) -> Result<Review, EditError> {
    let now = saver.review(running, edits, &System)?;
    if shown.is_some_and(|shown| shown.stamp != now.stamp) {
        return Err(EditError::ChangedMeanwhile { path: now.path });
    }
    saver.save(&now, edits, &System)
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        let text = error.to_string();
        match error {
            EditError::UnknownEndpoint(_) => Self::not_found(text),
            EditError::NotWhatRuns { .. } | EditError::ChangedMeanwhile { .. } => Self::conflict(text),
            EditError::NoFile
            | EditError::Unreadable { .. }
            | EditError::Invalid(_)
            | EditError::Fixed { .. }
            | EditError::TouchesMore
            | EditError::Unusual
            | EditError::ReadOnly { .. }
            | EditError::Write { .. } => Self::refused(text),
        }
    }
}
