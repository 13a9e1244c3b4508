//! What the screen asks of the forwarder in this process.
//!
//! Nothing here may wait on the screen's thread: an answer is a future, and what touches a disk runs where waiting is
//! allowed.

use std::sync::Arc;

use tokio::sync::watch;

use super::history;
use crate::app::deck::Deck;
use crate::config::edit::{EditError, Saver};
use crate::config::{Config, System};
use crate::events::board::Snapshot;
use crate::logging::ring::Ring;
use crate::store::Store;
use crate::tui::source::{Answer, Ask, Coming, Source};

/// The forwarder in this process.
pub(super) struct Local {
    pub(super) snapshot: watch::Receiver<Arc<Snapshot>>,
    pub(super) deck: Deck,
    pub(super) saver: Arc<Saver>,
    pub(super) store: Option<Store>,
    pub(super) logs: Option<Ring>,
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

impl Local {
    /// Reads the ledger where waiting for a disk holds nobody up.
    fn on_history<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, String> + Send + 'static,
    ) -> impl Future<Output = Result<T, String>> + Send + 'static {
        let store = self.store.clone();
        async move {
            let store = store.ok_or_else(|| history::NO_STORE.to_owned())?;
            let reading = tokio::task::spawn_blocking(move || read(&store));
            reading.await.unwrap_or_else(|error| Err(error.to_string()))
        }
    }
}

impl Source for Local {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    fn logs(&self) -> Option<Ring> {
        self.logs.clone()
    }

    fn ask(&self, ask: Ask) -> Coming {
        let deck = self.deck.clone();
        match ask {
            Ask::Command(command) => {
                Box::pin(async move { Answer::Done(command.clone(), deck.carry_out(command).await) })
            }
            Ask::History { before } => {
                let page = self.on_history(move |store| history::page(store, before));
                Box::pin(async move { Answer::History(page.await) })
            }
            Ask::Request(id) => {
                let found = self.on_history(move |store| history::request(store, id));
                Box::pin(async move { Answer::Request(id, found.await) })
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
