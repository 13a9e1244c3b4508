//! The program itself: is it well, what is it, where does it listen, what does it run with.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::error;
use super::params::NoParams;
use crate::config::{Source, StrategyKind};
use crate::domain::civil::Clock;
use crate::events::board::LedgerStatus;
use crate::events::health::{self, Health};

/// `/health`
pub(super) fn health_routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(healthy))
}

/// `/api/v1/status`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(status))
}

/// Whether anything can serve.
#[utoipa::path(
    get, path = "/health", tag = "program",
    responses((status = 200, body = Health), (status = 503, description = "Nothing could serve", body = Health)),
)]
async fn healthy(State(admin): State<Admin>, _: NoParams) -> Response {
    let view = admin.control.view();
    let (status, body) = health::describe(&view, Instant::now().into_std(), jiff::Timestamp::now(), false);
    error::json(status, &body)
}

/// The program itself: where it listens, what it runs with, how far the ledger is behind.
#[utoipa::path(
    get, path = "/status", tag = "program", responses((status = 200, body = Status)),
)]
async fn status(State(admin): State<Admin>, _: NoParams) -> Response {
    error::json(StatusCode::OK, &describe(&admin, jiff::Timestamp::now()))
}

/// The answer of `/api/v1/status`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Status {
    /// `running`.
    pub status: String,
    /// Of the program.
    pub version: String,
    /// Of the process.
    pub pid: u32,
    /// When this was true.
    pub at: jiff::Timestamp,
    /// When it started.
    pub started: jiff::Timestamp,
    /// Seconds since then.
    pub uptime_seconds: u64,
    /// Where it listens.
    pub listen: Listen,
    /// What it runs with.
    pub config: Origin,
    /// The zone of its days: a name such as `Europe/Berlin`, else the offset of now.
    pub timezone: String,
    /// `tui.save_priority_edits`: changed priorities are meant to be saved.
    pub save_priority_edits: bool,
    /// How endpoints inside a group are ordered.
    pub strategy: StrategyKind,
    /// The proxy port asks for a token.
    pub auth_enabled: bool,
    /// Endpoints are reached through an outbound proxy.
    pub proxy_enabled: bool,
    /// The ledger; null when nothing is recorded.
    pub store: Option<StoreStatus>,
}

/// The ledger's file and how far it is behind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoreStatus {
    /// The file.
    pub path: String,
    /// Records that wait for the disk, and why.
    #[serde(flatten)]
    pub load: LedgerStatus,
}

/// Addresses of both ports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ListenAddresses)]
pub struct Listen {
    /// Clients connect here.
    pub proxy: String,
    /// This port.
    pub admin: String,
}

/// Where the configuration came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ConfigSource)]
pub struct Origin {
    /// `file` or `built_in`.
    pub source: String,
    /// Of the file.
    pub path: Option<String>,
}

impl From<&Source> for Origin {
    fn from(source: &Source) -> Self {
        let (source, path) = match source {
            Source::BuiltIn => ("built_in", None),
            Source::File(path) => ("file", Some(path.display().to_string())),
        };
        Self { source: source.to_owned(), path }
    }
}

fn describe(admin: &Admin, now: jiff::Timestamp) -> Status {
    let started = admin.pictures.last().started;
    let config = admin.config();
    Status {
        status: "running".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        at: now,
        started,
        uptime_seconds: u64::try_from(now.duration_since(started).as_secs()).unwrap_or(0),
        listen: Listen { proxy: admin.proxy.to_string(), admin: admin.address.to_string() },
        config: Origin::from(&config.source),
        timezone: Clock::new(config.zone()).name(now),
        save_priority_edits: config.tui.save_priority_edits,
        strategy: config.strategy.kind,
        auth_enabled: config.auth.is_some(),
        proxy_enabled: config.outbound.is_some(),
        store: admin.store.as_ref().map(|store| StoreStatus {
            path: config.usage.database_path.display().to_string(),
            load: store.load(),
        }),
    }
}
