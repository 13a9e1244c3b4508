//! What the screen asks of the forwarder in this process.
//!
//! Nothing here may wait on the screen's thread: an answer is a future, and what touches a disk runs where waiting is
//! allowed.

use std::sync::Arc;

use tokio::sync::watch;

use crate::app::deck::Deck;
use crate::config::edit::{EditError, Saver};
use crate::config::{Config, System};
use crate::events::board::Snapshot;
use crate::tui::source::{Answer, Ask, Coming, Source};

/// The forwarder in this process.
pub(super) struct Local {
    pub(super) snapshot: watch::Receiver<Arc<Snapshot>>,
    pub(super) deck: Deck,
    pub(super) saver: Arc<Saver>,
}

impl Local {
    /// Looks at the configuration file, or writes it, where waiting for a disk holds nobody up.
    fn on_file<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Saver, &Config) -> Result<T, EditError> + Send + 'static,
    ) -> impl Future<Output = Result<T, String>> + Send + 'static {
        let (saver, config) = (Arc::clone(&self.saver), Arc::clone(&self.deck.config.borrow()));
        async move {
            let acting = tokio::task::spawn_blocking(move || act(&saver, &config).map_err(|e| e.to_string()));
            acting.await.unwrap_or_else(|error| Err(error.to_string()))
        }
    }
}

impl Source for Local {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    fn ask(&self, ask: Ask) -> Coming {
        let deck = self.deck.clone();
        match ask {
            Ask::Command(command) => {
                Box::pin(async move { Answer::Done(command.clone(), deck.carry_out(command).await) })
            }
            Ask::ReviewPriorities(edits) => {
                let wanted = edits.clone();
                let review = self.on_file(move |saver, config| saver.review(config, &wanted, &System));
                Box::pin(async move { Answer::Reviewed(edits, review.await) })
            }
            Ask::SavePriorities(edits, review) => {
                let saved = self.on_file(move |saver, _| saver.save(&review, &edits, &System));
                Box::pin(async move { Answer::Saved(saved.await) })
            }
        }
    }
}
