//! The configuration in effect, without its secrets, and the ways to change it.
//!
//! | route | does |
//! |---|---|
//! | `GET /config` | [`ConfigView`]: every key, where its value came from, what became of the last reload |
//! | `POST /config/reload` | reads the file anew |
//! | `/config/priorities…` | [`priorities`] |

pub mod priorities;

use super::openapi::errors::{Conflict, Refused};
use super::orders::Done;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::body::Empty;
use super::error::{self, ApiError};
use super::params::NoParams;
use super::status::Origin;
use crate::config::diff::Report;
use crate::config::listing::Entry;
use crate::control::command::Command;

/// The answer of `GET /config`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConfigView {
    /// `file` or `built_in`.
    pub source: String,
    /// Of the file.
    pub path: Option<String>,
    /// Every key of the effective configuration, endpoints by name and in file order.
    pub entries: Vec<Entry>,
    /// How the last reload of the file ended; null before the first.
    pub reload: Option<ReloadView>,
    /// Keys whose value in the file waits for a restart.
    pub pending: Vec<String>,
}

/// How a reload ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReloadView {
    /// Counts reloads from 1.
    pub number: u64,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub outcome: ReloadOutcome,
    /// Keys whose value in the file waits for a restart, by the last version that could be used.
    pub pending: Vec<String>,
}

/// What became of a version of the file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ReloadOutcome {
    /// It is in effect.
    Applied(Report),
    /// It cannot be used; the version before it stays.
    Refused {
        /// Each says what is wrong, where, and what to do.
        problems: Vec<String>,
    },
}

/// Everything below `/config`.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(config)).routes(routes!(reload)).merge(priorities::routes())
}

/// The configuration in effect, without its secrets.
#[utoipa::path(
    get, path = "/config", tag = "configuration", responses((status = 200, body = ConfigView)),
)]
async fn config(State(admin): State<Admin>, _: NoParams) -> Response {
    let (config, reload) =
        (admin.config(), admin.orders.last_reload().map(|last| admin.without_secrets(last)));
    let Origin { source, path } = Origin::from(&config.source);
    let pending = reload.as_ref().map(|last| last.pending.clone()).unwrap_or_default();
    let view = ConfigView { source, path, entries: config.entries(), reload, pending };
    error::json(StatusCode::OK, &view)
}

/// Reads the configuration file anew.
#[utoipa::path(
    post, path = "/config/reload", tag = "configuration",
    responses((status = 200, body = Done), Conflict, Refused),
)]
async fn reload(State(admin): State<Admin>, _: NoParams, _: Empty) -> Result<Response, ApiError> {
    admin.obey(Command::Reload).await
}

impl Admin {
    /// What is wrong with a file may be told in its own words.
    fn without_secrets(&self, mut last: ReloadView) -> ReloadView {
        if let ReloadOutcome::Refused { problems } = &mut last.outcome {
            problems.iter_mut().for_each(|problem| *problem = self.mask(problem));
        }
        last
    }
}
