//! Reloads whenever the file says something new, or SIGHUP asks for it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Outcome, Refused, Reloads, Version};
use crate::app::hangup::Hangups;
use crate::config::watch::{Pace, Watcher};
use crate::config::{Source, System, load};

/// Follows `source` until `quit`. A version that was written here, with numbers that are in effect already, is not taken:
/// it would undo what a person changed until the next reload. It is read once at the beginning, for it may have changed since the program read it.
pub(in crate::app) async fn follow(
    source: Source,
    pace: Pace,
    mut hangups: Hangups,
    reloads: Reloads,
    quit: CancellationToken,
) {
    let source = Arc::new(source);
    let mut watcher = match &*source {
        Source::File(path) => Some(Watcher::new(path.clone(), pace).await),
        Source::BuiltIn => None,
    };
    let mut by_hand = false;
    loop {
        let version = read(Arc::clone(&source)).await;
        let is_ours =
            || version.as_ref().is_ok_and(|v| v.config.stamp.is_some_and(|s| reloads.saver.is_own(s)));
        if by_hand || !is_ours() {
            // What it came to is logged and kept by the task that did it.
            let _ = reloads.order(version, by_hand).await;
        }
        by_hand = tokio::select! {
            () = quit.cancelled() => return,
            () = changed(watcher.as_mut()) => false,
            () = hangups.next() => true,
        };
    }
}

impl Reloads {
    /// Reads the configuration anew because a person asked, and puts it in the place of the running one.
    ///
    /// # Errors
    /// When it cannot be used; then the running one stays.
    pub async fn again(&self, source: Source) -> Outcome {
        self.order(read(Arc::new(source)).await, true).await
    }
}

async fn changed(watcher: Option<&mut Watcher>) {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}

async fn read(source: Arc<Source>) -> Result<Version, Refused> {
    let reading = tokio::task::spawn_blocking(move || load::load((*source).clone(), &System));
    let loaded = reading.await.map_err(Refused::new)?.map_err(Refused::new)?;
    Ok(Version { config: Box::new(loaded.config), warnings: Some(loaded.warnings) })
}
