//! The store of a forwarder that runs.
//!
//! | opening it | the forwarder |
//! |---|---|
//! | succeeds | keeps its records there |
//! | meets a store in use by another process | waits up to [`PATIENCE`], for a command that reads it; then does not start: it would spend money that nobody counts |
//! | fails otherwise | runs without, and says so: a broken disk is no reason to stop forwarding |

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::events::record::Ids;
use crate::store::{OpenError, Opened, Options, Store};

/// A command that reads the store is done by then; another forwarder is not.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two tries.
const LOOK: Duration = Duration::from_millis(50);

/// The store the configuration asks for.
///
/// # Errors
/// When another process has it.
pub(super) async fn open(config: &Config) -> Result<Option<(Store, Opened)>, OpenError> {
    if !config.usage.enabled {
        return Ok(None);
    }
    match when_free(&Options::of(config)).await {
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

/// Opens the store; when another process has it, tries again for a while.
async fn when_free(options: &Options) -> Result<(Store, Opened), OpenError> {
    let end = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        let options = options.clone();
        let path = options.path.clone();
        // A repair reads the whole file. The task ends early only when the runtime does.
        let opened = tokio::task::spawn_blocking(move || Store::open(options)).await;
        match opened.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
            Err(OpenError::InUse { .. }) if Instant::now() < end => {}
            opened => return opened,
        }
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(
                target: "cc_forwarder::store",
                "the usage store {} is in use: waiting up to {PATIENCE:?} for a `usage` or `export` that reads it",
                path.display()
            );
        }
        sleep(LOOK).await;
    }
}

fn announce(opened: &Opened) {
    if opened.interrupted > 0 {
        let open = match opened.interrupted {
            1 => "1 request was open when the last run was killed; it is recorded".to_owned(),
            n => format!("{n} requests were open when the last run was killed; they are recorded"),
        };
        tracing::warn!(target: "cc_forwarder::store", "{open} as interrupted");
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
