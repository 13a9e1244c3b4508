//! The store of a forwarder that runs.
//!
//! | opening it | the forwarder |
//! |---|---|
//! | succeeds | keeps its records there |
//! | meets a store in use by another process | does not start: it would spend money that nobody counts |
//! | fails otherwise | runs without, and says so: a broken disk is no reason to stop forwarding |

use crate::config::Config;
use crate::events::record::Ids;
use crate::store::{OpenError, Opened, Options, Store};

/// The store the configuration asks for.
///
/// # Errors
/// When another process has it.
pub(super) async fn open(config: &Config) -> Result<Option<(Store, Opened)>, OpenError> {
    if !config.usage.enabled {
        return Ok(None);
    }
    let options = Options::of(config);
    // A repair reads the whole file. The task ends early only when the runtime does.
    let opened = tokio::task::spawn_blocking(move || Store::open(options)).await;
    match opened.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
        Ok((store, opened)) => {
            announce(&opened);
            Ok(Some((store, opened)))
        }
        Err(error @ OpenError::InUse { .. }) => Err(error),
        Err(error) => {
            tracing::error!(target: "cc_forwarder::store", "{error}. This run keeps no usage records");
            Ok(None)
        }
    }
}

fn announce(opened: &Opened) {
    if opened.interrupted > 0 {
        tracing::warn!(
            target: "cc_forwarder::store",
            "{} requests were open when the last run was killed; they are recorded as interrupted",
            opened.interrupted
        );
    }
    if opened.rebuilding {
        tracing::info!(
            target: "cc_forwarder::store",
            "`timezone` has changed: hours and days are summed up anew in the background"
        );
    }
}

/// Request ids that the store does not have yet.
pub(super) fn ids(opened: Option<&Opened>) -> Ids {
    match opened.and_then(|opened| opened.last_id) {
        Some(last) => Ids::after(last),
        None => Ids::starting_at(fastrand::u32(..)),
    }
}

/// Ends the store once the hub has handed over its last record.
pub(super) async fn close(store: Option<Store>) {
    if let Some(store) = store {
        // It says itself what it could not write.
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }
}
