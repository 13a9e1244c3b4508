//! What is done to the ledger: `POST /usage/recost`, `POST /usage/backup`.
//!
//! A copy is a file of the daemon's machine, written with the daemon's rights. So its name is a name alone: it stands in
//! the store's folder, and nothing that is there is ever overwritten.

use axum::extract::{RawQuery, State};
use axum::response::Response;
