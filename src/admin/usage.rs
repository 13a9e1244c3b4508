//! The ledger over HTTP, below `/api/v1/usage`.
//!
//! | route | answer |
//! |---|---|
//! | `GET /summary` | sums of today, the last 7 and 30 days, this month |
//! | `GET /stats?period\|since\|until&by&…filter` | sums of a period, told apart |
//! | `GET /requests?since\|until\|period&limit&cursor&…filter` | requests, newest first, and how many there are |
//! | `GET /requests/{id}` | one request and its story |
//! | `GET /models` | models with a price, and those that were seen |
//! | `GET /budget` | what is spent of every limit, those in flight not counted |
//! | `GET /export?format&since\|until\|period&…filter` | every request as a file |
//! | `POST /recost`, `POST /backup` | [`upkeep`] |
//!
//! The filter is `model` (a trailing `*` matches any ending), `endpoint`, `group`, `session`, `state`, `status` and
//! `search`. Times are those of [`crate::store::period`]. What is asked is answered by [`ask`], which the command line
//! uses as well when it opens the file itself. Without a store every route answers 503 `no_store`, but for `/budget`:
//! limits hold without a store as well.

pub mod ask;
mod export;
pub mod upkeep;

use self::ask::{ModelsView, RequestsView, StatsView, StoryView, SummaryView};
use super::openapi::errors::{Failed, NotCollected, NotFound};
use super::openapi::params::{Columns, EndStates, Groupings, Page, Times};
use crate::events::RequestId;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::error::{self, ApiError};
use super::name::Name;
use super::params::{NoParams, Params};
use crate::domain::budget::BudgetReport;
use crate::store::query::Reader;
use crate::store::{Store, StoreError};

/// Everything below `/usage`.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(stats))
        .routes(routes!(requests))
        .routes(routes!(request))
        .routes(routes!(models))
        .routes(routes!(budget))
        .routes(routes!(export::export))
        .routes(routes!(upkeep::recost))
        .routes(routes!(upkeep::backup))
}

/// Sums of today, the last 7 and 30 days, and this month.
#[utoipa::path(
    get, path = "/usage/summary", tag = "usage", responses((status = 200, body = SummaryView), Failed, NotCollected),
)]
async fn summary(State(admin): State<Admin>, params: Params) -> Result<Response, ApiError> {
    answer(&admin, params, ask::summary).await
}

/// Sums of a period, told apart.
#[utoipa::path(
    get, path = "/usage/stats", tag = "usage",
    params(Times, Columns, EndStates, Groupings),
    responses((status = 200, body = StatsView), Failed, NotCollected),
)]
async fn stats(State(admin): State<Admin>, params: Params) -> Result<Response, ApiError> {
    answer(&admin, params, ask::stats).await
}

/// Requests that ended, newest first.
#[utoipa::path(
    get, path = "/usage/requests", tag = "usage", params(Times, Columns, EndStates, Page),
    responses((status = 200, body = RequestsView), Failed, NotCollected),
)]
async fn requests(State(admin): State<Admin>, params: Params) -> Result<Response, ApiError> {
    answer(&admin, params, ask::requests).await
}

/// One request that ended, and its story.
#[utoipa::path(
    get, path = "/usage/requests/{id}", tag = "usage", params(("id" = RequestId, Path)),
    responses((status = 200, body = StoryView), NotFound, Failed, NotCollected),
)]
async fn request(State(admin): State<Admin>, name: Name, params: Params) -> Result<Response, ApiError> {
    let id = name.into_text();
    answer(&admin, params, move |reader, params| ask::request(reader, params, &id)).await
}

/// Models with a price, and those that were seen.
#[utoipa::path(
    get, path = "/usage/models", tag = "usage", responses((status = 200, body = ModelsView), Failed, NotCollected),
)]
async fn models(State(admin): State<Admin>, params: Params) -> Result<Response, ApiError> {
    let prices = std::sync::Arc::clone(&admin.prices.borrow());
    answer(&admin, params, move |reader, params| ask::models(reader, params, prices.table())).await
}

/// What is spent of every limit.
#[utoipa::path(
    get, path = "/usage/budget", tag = "usage", responses((status = 200, body = BudgetReport)),
)]
async fn budget(State(admin): State<Admin>, _: NoParams) -> Response {
    let snapshot = admin.snapshot().await;
    let report = BudgetReport::new(jiff::Timestamp::now(), snapshot.budgets.to_vec());
    error::json(StatusCode::OK, &report)
}

/// Answers a question to the store, on a thread that may wait for the disk.
async fn answer(
    admin: &Admin,
    params: Params,
    ask: impl FnOnce(&Reader, Params) -> Result<String, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let store = admin.store()?.clone();
    let text = admin.blocking(move || ask(&reader(&store)?, params)).await?;
    Ok(error::written(StatusCode::OK, text))
}

/// The store as it is now.
fn reader(store: &Store) -> Result<Reader, StoreError> {
    Reader::of(&store.disk().begin_read()?, store.clock().clone())
}
