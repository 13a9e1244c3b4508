//! The admin port: what is going on, what it cost, and orders, as JSON over HTTP.
//!
//! | path | is for |
//! |---|---|
//! | `GET /health` | monitors: 503 only when nothing could serve |
//! | `GET /api/v1/status` | the program itself: [`status`] |
//! | `GET /metrics` | scrapers: counts as text: [`metrics`] |
//! | `/api/v1/endpoints…` | endpoints: [`endpoints`] |
//! | `/api/v1/groups…` | groups: [`groups`] |
//! | `/api/v1/connections` | what is open now: [`connections`] |
//! | `/api/v1/suspended…` | requests that wait: [`suspended`] |
//! | `/api/v1/config…` | the configuration: [`config`] |
//! | `/api/v1/requests…` | what runs and what ended: [`requests`] |
//! | `GET /api/v1/logs` | the program's own log lines: [`logs`] |
//! | `GET /api/v1/metrics/history` | the last hour by minutes: [`history`] |
//! | `GET /api/v1/stream` | what happens, as it happens: [`stream`] |
//! | `/api/v1/usage/…` | the ledger: [`usage`] |
//! | `GET /api/v1/openapi.json` | all of this for programs: [`openapi`] |
//!
//! Every request, also one for a path that does not exist, passes [`guard`] first: no web page of another site, no name
//! that is not ours, no missing token, no large body. Answers are JSON; errors are
//! `{"error": {"code", "message", "hint"}}`, see [`error`].
//!
//! | rule | why |
//! |---|---|
//! | whatever asks the store runs on a blocking thread | a slow disk must not hold up the data path |
//! | every answer is bounded or streamed | memory does not grow with the ledger: [`usage`] |
//! | no answer holds a secret | there is none in what this module is given; what others say of a failure is masked |
//! | who gives an order sees its effect | endpoints and groups are told by the fleet itself: [`orders`] |
//!
//! A new noun is a file with a `routes()` of its own, merged in [`router`].

mod body;
pub mod config;
pub mod connections;
pub mod endpoints;
pub mod error;
pub mod groups;
pub mod guard;
pub mod history;
pub mod logs;
pub mod metrics;
mod name;
pub mod openapi;
pub mod orders;
pub mod params;
pub mod requests;
pub mod serve;
pub mod status;
pub mod stream;
pub mod suspended;
pub mod usage;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use utoipa_axum::router::OpenApiRouter;

use self::error::ApiError;
use self::orders::Orders;
use crate::config::Config;
use crate::control::Control;
use crate::domain::pricebook::PriceBook;
use crate::events::board::Snapshot;
use crate::events::evidence;
use crate::events::pictures::Pictures;
use crate::events::recent::Recent;
use crate::logging::ring::Ring;
use crate::store::Store;

/// Questions to the store at once. They run on threads that name look-ups of the data path use too.
const QUESTIONS: usize = 8;
/// Exports at once: each keeps a picture of the file, whose pages cannot be used again meanwhile.
const EXPORTS: usize = 2;

/// Repricing and copying at once: each occupies the disk for as long as it takes.
const CHORES: usize = 1;

/// What the routes work on.
#[derive(Clone)]
pub struct Admin(Arc<Inner>);

struct Inner {
    state: State,
    questions: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    chores: Arc<Semaphore>,
}

/// What stands behind [`Admin`].
pub struct State {
    /// Where the proxy port listens.
    pub proxy: SocketAddr,
    /// Where this port listens.
    pub address: SocketAddr,
    /// The configuration new requests get.
    pub config: watch::Receiver<Arc<Config>>,
    /// The way to the fleet, to look at it.
    pub control: Control,
    /// Pictures of what goes on, and events.
    pub pictures: Pictures,
    /// Whoever carries orders out.
    pub orders: Arc<dyn Orders>,
    /// What tokens cost.
    pub prices: watch::Receiver<Arc<PriceBook>>,
    /// The ledger, when there is one.
    pub store: Option<Store>,
    /// Ended requests, when there is none.
    pub recent: Recent,
    /// Headers of requests, and the answers that failed them.
    pub evidence: evidence::Ring,
    /// The program's own log lines, where they are collected.
    pub logs: Option<Ring>,
}

impl Admin {
    /// For these parts.
    pub fn new(state: State) -> Self {
        let places = |n: usize| Arc::new(Semaphore::new(n));
        let (questions, exports, chores) = (places(QUESTIONS), places(EXPORTS), places(CHORES));
        Self(Arc::new(Inner { state, questions, exports, chores }))
    }

    /// What goes on now.
    async fn snapshot(&self) -> Arc<Snapshot> {
        self.pictures.fresh().await
    }

    /// The configuration in effect.
    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// The ledger.
    ///
    /// # Errors
    /// When there is none.
    fn store(&self) -> Result<&Store, ApiError> {
        self.store.as_ref().ok_or_else(ApiError::no_store)
    }

    /// Does what may wait for the disk, a few at a time. What has begun keeps its place also when nobody waits for the
    /// answer any more: the thread it runs on is taken all the same.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        // Never closed.
        let turn = Arc::clone(&self.0.questions).acquire_owned().await;
        let acting = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            act()
        });
        acting.await.map_err(|_| ApiError::store_failed("the answer failed; the log says why"))?
    }

    /// The right to export.
    ///
    /// # Errors
    /// While as many exports as may be are under way.
    fn export_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        permit(&self.0.exports, "other exports are under way")
    }

    /// The right to do something to the ledger that takes long.
    ///
    /// # Errors
    /// While another such thing is under way.
    fn chore_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        permit(&self.0.chores, "the ledger is being repriced or copied")
    }
}

fn permit(places: &Arc<Semaphore>, taken: &str) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(places).try_acquire_owned().map_err(|_| ApiError::busy(taken))
}

impl std::ops::Deref for Admin {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0.state
    }
}

/// Every route, behind the guard.
pub fn router(admin: Admin) -> Router {
    Router::from(api())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(admin.clone(), guard::pass))
        .with_state(admin)
}

/// Every route, and its part of the document.
fn api() -> OpenApiRouter<Admin> {
    let api = status::routes()
        .merge(endpoints::routes())
        .merge(groups::routes())
        .merge(connections::routes())
        .merge(suspended::routes())
        .merge(config::routes())
        .merge(requests::routes())
        .merge(logs::routes())
        .merge(history::routes())
        .merge(stream::routes())
        .merge(openapi::routes())
        .merge(usage::routes());
    OpenApiRouter::with_openapi(openapi::frame())
        .merge(status::health_routes())
        .merge(metrics::routes())
        .nest("/api/v1", api)
}

async fn unknown(request: Request) -> ApiError {
    let path = request.uri().path();
    ApiError::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {path}"))
        .hint("the admin port serves /health, /metrics and /api/v1/…")
}

async fn wrong_method(request: Request) -> ApiError {
    let (method, path) = (request.method(), request.uri().path());
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{path} does not take {method}"),
    )
    .hint("the Allow header names the methods it takes")
}
