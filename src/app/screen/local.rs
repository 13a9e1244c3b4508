//! What the screen asks of the forwarder in this process.
//!
//! Nothing here may wait on the screen's thread: an answer is a future, and what touches a disk runs where waiting is
//! allowed.

use std::sync::Arc;

use tokio::sync::watch;

use super::{history, ledger};
use crate::app::deck::Deck;
use crate::config::edit::{EditError, Saver};
use crate::config::{Config, System};
use crate::events::board::Snapshot;
use crate::events::evidence;
use crate::events::recent::Recent;
use crate::logging::ring::Ring;
use crate::store::Store;
use crate::tui::source::{Answer, Ask, Coming, ConfigView, NoUsage, ReloadView, Source};

/// The forwarder in this process.
pub(super) struct Local {
    pub(super) snapshot: watch::Receiver<Arc<Snapshot>>,
    pub(super) deck: Deck,
    pub(super) store: Option<Store>,
    pub(super) recent: Recent,
    pub(super) evidence: evidence::Ring,
    pub(super) logs: Option<Ring>,
}

impl Local {
    /// Looks at the configuration file, or writes it, where waiting for a disk holds nobody up.
    fn on_file<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Saver, &Config) -> Result<T, EditError> + Send + 'static,
    ) -> impl Future<Output = Result<T, String>> + Send + 'static {
        let (saver, config) = (self.deck.reloads.saver(), Arc::clone(&self.deck.config.borrow()));
        async move {
            let acting = tokio::task::spawn_blocking(move || act(&saver, &config).map_err(|e| e.to_string()));
            acting.await.unwrap_or_else(|error| Err(error.to_string()))
        }
    }

    /// Asks the ledger where waiting for a disk holds nobody up.
    fn on_ledger<T: Send + 'static>(
        &self,
        act: impl FnOnce(Option<&Store>) -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, String>> + Send + 'static {
        let store = self.store.clone();
        async move {
            let acting = tokio::task::spawn_blocking(move || act(store.as_ref()));
            acting.await.map_err(|error| error.to_string())
        }
    }

    fn config(&self) -> ConfigView {
        let last = self.deck.reloads.last().borrow().clone();
        let reload = last.map(|last| {
            Arc::new(ReloadView {
                number: last.number,
                at: last.at,
                outcome: last.outcome.clone().map_err(|refused| refused.problems),
                pending: last.pending.clone(),
            })
        });
        ConfigView { entries: self.deck.config.borrow().entries().into(), reload }
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
            Ask::Command(command) => Box::pin(async move {
                let outcome = deck.carry_out(command.clone()).await;
                Answer::Done(command, outcome.map_err(|refusal| refusal.to_string()))
            }),
            Ask::History { before } => {
                let recent = self.recent.clone();
                let page = self.on_ledger(move |store| history::page(store, &recent, before));
                Box::pin(async move { Answer::History(page.await.flatten()) })
            }
            Ask::Request(id) => {
                let recent = self.recent.clone();
                let found = self.on_ledger(move |store| history::request(store, &recent, id));
                Box::pin(async move { Answer::Request(id, found.await.flatten()) })
            }
            Ask::Evidence(id) => {
                let found = self.evidence.find(id).map(Arc::new);
                Box::pin(async move { Answer::Evidence(id, Ok(found)) })
            }
            Ask::Config => {
                let config = self.config();
                Box::pin(async move { Answer::Config(Ok(config)) })
            }
            Ask::Usage(query) => {
                let wanted = query.clone();
                let sums = self.on_ledger(move |store| ledger::usage(store, &wanted));
                Box::pin(async move {
                    Answer::Usage(query, sums.await.unwrap_or_else(|error| Err(NoUsage::Failed(error))))
                })
            }
            Ask::Export(job) => {
                let wanted = job.clone();
                let written = self.on_ledger(move |store| ledger::write(store, &wanted));
                Box::pin(async move { Answer::Exported(job, written.await.unwrap_or_else(Err)) })
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
