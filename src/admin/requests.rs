//! Requests that run and requests that ended, in one list; and all that is known of one.
//!
//! | route | answer |
//! |---|---|
//! | `GET /requests?state&since\|until\|period&limit&cursor&…filter` | [`RequestsView`]: those that run first, each part newest first |
//! | `GET /requests/{id}` | [`RequestDetail`] |
//!
//! The filter is that of the ledger ([`crate::admin::usage`]), and one predicate decides about all of them. `state` is
//! also a phase (`pending`, `forwarding`, `retrying`, `suspended`, `streaming`), or `live` for all of these.
//!
//! | a request | is told by |
//! |---|---|
//! | that runs | the snapshot |
//! | that ended and is on the disk | the store |
//! | that ended, is among the last 200 and not on the disk yet | the snapshot |
//! | that ended, without a store | a ring of the last 1,000 |
//!
//! A list is a walk, not a picture: a request that ends between two pages may be on both.

mod detail;
mod list;
mod place;

use super::openapi::errors::{Failed, NotFound};
use super::openapi::params::{AnyStates, Columns, Page, Times};
use crate::events::RequestId;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::detail::RequestDetail;
use self::list::{Seen, Wanted};
use super::Admin;
use super::error::{self, ApiError};
use super::name::Name;
use super::params::{NoParams, Params};
use super::usage::ask::RequestsView;
use crate::events::RequestRecord;
use crate::store::query::Reader;
use crate::store::{Options, Store, StoreError};

/// Everything below `/requests`.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(requests)).routes(routes!(request))
}

/// Requests that run, then those that ended; newest first.
#[utoipa::path(
    get, path = "/requests", tag = "requests",
    params(Times, Columns, Page, AnyStates),
    responses((status = 200, body = RequestsView), Failed),
)]
async fn requests(State(admin): State<Admin>, params: Params) -> Result<Response, ApiError> {
    let clock = Options::of(&admin.config()).clock;
    let wanted = Wanted::read(params, &clock)?;
    let (snapshot, this) = (admin.snapshot().await, admin.clone());
    let page = admin.blocking(move || {
        let reader = this.store.as_ref().map(reader).transpose()?;
        let seen = Seen::new(&snapshot, this.ended(&snapshot.recent), reader.as_ref())?;
        Ok(seen.page(&wanted)?)
    });
    Ok(error::json(StatusCode::OK, &page.await?))
}

/// One request: what it was, what happened to it, and why.
#[utoipa::path(
    get, path = "/requests/{id}", tag = "requests", params(("id" = RequestId, Path)),
    responses((status = 200, body = RequestDetail), NotFound, Failed),
)]
async fn request(State(admin): State<Admin>, name: Name, _: NoParams) -> Result<Response, ApiError> {
    let id = name.request()?;
    let snapshot = admin.snapshot().await;
    let ended = admin.ended(&snapshot.recent).into_iter().find(|record| record.id == id);
    let known = ended.map(|record| RequestDetail::ended(&record));
    let known = known.or_else(|| RequestDetail::live(&snapshot, id));
    let detail = match (known, &admin.store) {
        (Some(detail), _) => Some(detail),
        (None, None) => None,
        (None, Some(store)) => {
            let store = store.clone();
            let read = admin.blocking(move || Ok(reader(&store)?.row(id)?));
            read.await?.map(|(row, story)| RequestDetail::stored(&row, story))
        }
    };
    let detail = detail.ok_or_else(|| {
        ApiError::not_found(format!("nothing is known of {id}")).hint(
            "old requests go after usage_tracking.retention_days; without a store the last 1,000 are kept",
        )
    })?;
    let detail = RequestDetail { evidence: admin.evidence.find(id), ..detail };
    Ok(error::json(StatusCode::OK, &detail))
}

impl Admin {
    /// Ended requests in memory: with a store those of the snapshot, of which the newest may not be on the disk yet.
    fn ended(&self, recent: &[std::sync::Arc<RequestRecord>]) -> Vec<std::sync::Arc<RequestRecord>> {
        if self.store.is_some() { recent.to_vec() } else { self.recent.records() }
    }
}

/// The store as it is now.
fn reader(store: &Store) -> Result<Reader, StoreError> {
    Reader::of(&store.disk().begin_read()?, store.clock().clone())
}
