//! What is done to the ledger: `POST /usage/recost?since`, `POST /usage/backup` with `{"path": "copy.redb"}`.
//!
//! ```json
//! { "records": 1200, "changed": 3, "unpriced": 0, "price_revision": "2026-11-01.5f0c2a11" }
//! { "path": "/var/lib/cc-forwarder/copy.redb", "records": 1200, "bytes": 524288 }
//! ```
//!
//! A copy is a file on this machine, written with this program's rights on somebody else's word. So its name is a name
//! alone: it stands in the store's folder, it is no hidden file, and nothing that is there is ever overwritten. One
//! such thing at a time; others get 429. It goes on when the client leaves, and ends when the program stops.

use crate::admin::openapi::errors::{Busy, Conflict, Failed, NotCollected};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::Admin;
use crate::admin::body::{Empty, Json};
use crate::admin::error::{self, ApiError};
use crate::admin::params::{NoParams, Params, wrong};
use crate::domain::pricebook::PriceBook;
use crate::store::period::Period;
use crate::store::{BackupError, Store};

/// What pricing history again did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecostView {
    /// Records looked at.
    pub records: u64,
    /// Of them: with other amounts, or by other prices.
    pub changed: u64,
    /// Without a price for all they used, also now.
    pub unpriced: u64,
    /// The prices.
    pub price_revision: String,
}

/// A finished copy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BackupView {
    /// Where it is.
    pub path: String,
    /// Records in it.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
}

/// The body of `POST /usage/backup`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupOrder {
    /// A name in the store's folder; nothing of that name is there yet.
    #[schema(pattern = r#"^[^./\\:*?"<>|][^/\\:*?"<>|]{0,199}$"#, example = "copy.redb")]
    pub path: String,
}

/// Prices history again.
#[utoipa::path(
    post, path = "/usage/recost", tag = "usage",
    params(("since" = Option<String>, Query, description = "What was accepted then or later; everything without")),
    responses((status = 200, body = RecostView), Busy, Failed, NotCollected),
)]
pub(super) async fn recost(
    State(admin): State<Admin>,
    mut params: Params,
    _: Empty,
) -> Result<Response, ApiError> {
    let since = params.text("since")?;
    params.finish()?;
    let (store, book) = (admin.store()?.clone(), Arc::clone(&admin.prices.borrow()));
    let permit = admin.chore_permit()?;
    let made = admin.blocking(move || {
        let _permit = permit;
        reprice(&store, book, since.as_deref())
    });
    Ok(error::json(StatusCode::OK, &made.await?))
}

/// Prices what was accepted at `since` or later again. Blocks until that is done.
///
/// # Errors
/// When `since` is no time, or the ledger cannot be read or written.
pub fn reprice(store: &Store, book: Arc<PriceBook>, since: Option<&str>) -> Result<RecostView, ApiError> {
    let period = Period::between(since, None, Timestamp::now(), store.clock());
    let since = period.map_err(|error| ApiError::bad_request(error.to_string()))?.since;
    let price_revision = book.table().revision().to_string();
    let made = store.recost(book, since, |_| {})?;
    Ok(RecostView { records: made.records, changed: made.changed, unpriced: made.unpriced, price_revision })
}

/// Copies the ledger to a new file in its folder.
#[utoipa::path(
    post, path = "/usage/backup", tag = "usage", request_body = BackupOrder,
    responses((status = 200, body = BackupView), Conflict, Busy, Failed, NotCollected),
)]
pub(super) async fn backup(
    State(admin): State<Admin>,
    _: NoParams,
    Json(order): Json<BackupOrder>,
) -> Result<Response, ApiError> {
    let store = admin.store()?.clone();
    let path = beside(&admin.config.borrow().usage.database_path, &order.path)?;
    let permit = admin.chore_permit()?;
    let made = admin.blocking(move || {
        let _permit = permit;
        copy(&store, &path)
    });
    Ok(error::json(StatusCode::OK, &made.await?))
}

/// Copies the store to a path where nothing is yet. Blocks until that is done.
///
/// # Errors
/// When something is there, the copy cannot be written or the ledger not be read.
pub fn copy(store: &Store, path: &Path) -> Result<BackupView, ApiError> {
    let made = store.backup(path, |_| {}).map_err(|error| match error {
        error @ BackupError::Exists(_) => ApiError::conflict(error.to_string()),
        error @ BackupError::Write { .. } => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "backup_failed", error.to_string())
        }
        BackupError::Store(error) => error.into(),
    })?;
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(BackupView { path: whole.display().to_string(), records: made.records, bytes: made.bytes })
}

/// The file of this name in the store's folder.
fn beside(store: &Path, name: &str) -> Result<PathBuf, ApiError> {
    // Separators, drives and streams of every system, whatever this one is.
    let plain = |c: char| !c.is_control() && !"/\\:*?\"<>|".contains(c);
    if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(wrong("path", name, "expected the name of a file, without a folder")
            .hint("the copy is written into the store's folder"));
    }
    Ok(store.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stands_in_the_stores_folder_and_nowhere_else() {
        let store = Path::new("/data/usage.redb");
        assert_eq!(beside(store, "copy 1.redb").unwrap(), Path::new("/data/copy 1.redb"));
        assert_eq!(beside(Path::new("usage.redb"), "c").unwrap(), Path::new("c"));
        for bad in ["", ".", "..", ".bashrc", "a/b", "/etc/passwd", "..\\x", "c:x", "a\0b", "a\nb", "nul|"] {
            assert_eq!(beside(store, bad).unwrap_err().status, StatusCode::BAD_REQUEST, "{bad:?}");
        }
    }
}
