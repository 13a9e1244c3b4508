//! A forwarder elsewhere as the source of a screen: every question is one of the admin API.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::answers::{self, Noted, Outcome, Request, Requests};
use super::link::Seen;
use super::wire::{Wire, WireError};
use super::{export, query};
use crate::admin::config::priorities::{SaveOrder, Saved};
use crate::admin::endpoints::PrioritiesOrder;
use crate::app::client::Call;
use crate::config::edit::Review;
use crate::control::command::Command;
use crate::domain::endpoint::GroupId;
use crate::events::RequestId;
use crate::events::board::Snapshot;
use crate::events::evidence::Evidence;
use crate::logging::ring::Ring;
use crate::store::key::RowKey;
use crate::store::query::{By, Cursor, Stats};
use crate::tui::model::Facts;
use crate::tui::request::Detail;
use crate::tui::screen::requests::history::{PAGE, Page};
use crate::tui::source::{Answer, Ask, Coming, ConfigView, Edits, Link, NoUsage, Source, Usage, UsageQuery};

/// See the module.
pub(super) struct Distant {
    pub(super) wire: Wire,
    pub(super) seen: Seen,
    pub(super) logs: Ring,
}

impl Source for Distant {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.seen.snapshots()
    }

    fn logs(&self) -> Option<Ring> {
        Some(self.logs.clone())
    }

    fn link(&self) -> Option<watch::Receiver<Link>> {
        Some(self.seen.link())
    }

    fn facts(&self) -> Option<watch::Receiver<Facts>> {
        Some(self.seen.facts())
    }

    fn now(&self) -> Timestamp {
        self.seen.now()
    }

    fn ask(&self, ask: Ask) -> Coming {
        let (wire, activated) = (self.wire.clone(), self.activated());
        Box::pin(async move {
            match ask {
                Ask::Command(command) => {
                    let outcome = carry_out(&wire, &command, activated.as_ref()).await;
                    Answer::Done(command, outcome)
                }
                Ask::History { before } => Answer::History(told(history(&wire, before).await)),
                Ask::Request(id) => Answer::Request(id, request(&wire, id).await),
                Ask::Evidence(id) => Answer::Evidence(id, told(evidence(&wire, id).await)),
                Ask::Config => Answer::Config(told(configuration(&wire).await)),
                Ask::Usage(query) => {
                    let usage = usage(&wire, &query).await;
                    Answer::Usage(query, usage.map_err(no_usage))
                }
                Ask::Export(job) => {
                    let written = export::write(&wire, &job).await;
                    Answer::Exported(job, written)
                }
                Ask::ReviewPriorities(edits) => {
                    let review = told(review(&wire, &edits).await);
                    Answer::Reviewed(edits, review)
                }
                Ask::SavePriorities(edits, review) => Answer::Saved(told(save(&wire, edits, review).await)),
            }
        })
    }
}

impl Distant {
    /// The group that a person made the active one.
    fn activated(&self) -> Option<GroupId> {
        let snapshot = self.seen.snapshots();
        let snapshot = snapshot.borrow();
        snapshot.groups.iter().find(|group| group.activated).map(|group| group.name.clone())
    }
}

fn told<T>(answer: Result<T, WireError>) -> Result<T, String> {
    answer.map_err(|error| error.to_string())
}

async fn carry_out(wire: &Wire, command: &Command, activated: Option<&GroupId>) -> Result<String, String> {
    let call = Call::of(command, activated)?;
    told(wire.post::<Outcome>(&call).await)?.told()
}

async fn history(wire: &Wire, before: Option<Cursor>) -> Result<Page, WireError> {
    // Behind every request that runs: those come first in the list, and are in the snapshot.
    let newest = Cursor::after(RowKey { at_us: u64::MAX, id: RequestId::from_number(u32::MAX) });
    let cursor = before.unwrap_or(newest);
    let read: Requests = wire.get("/api/v1/requests", &format!("limit={PAGE}&cursor={cursor}")).await?;
    Ok(read.into())
}

async fn request(wire: &Wire, id: RequestId) -> Result<Arc<Detail>, String> {
    let read: Request = told(wire.get(&format!("/api/v1/requests/{id}"), "").await)?;
    match read.detail().map_err(|error| wire.unreadable(&error))? {
        Some(detail) => Ok(Arc::new(detail)),
        None => Err(format!("{id} runs; it is in the list of requests")),
    }
}

async fn evidence(wire: &Wire, id: RequestId) -> Result<Option<Arc<Evidence>>, WireError> {
    let read: Noted = wire.get(&format!("/api/v1/requests/{id}"), "").await?;
    Ok(read.evidence)
}

async fn usage(wire: &Wire, query: &UsageQuery) -> Result<Box<Usage>, WireError> {
    let bars = sums(wire, query, query.bars).await?;
    Ok(Box::new(Usage { table: sums(wire, query, query.by).await?, bars }))
}

async fn sums(wire: &Wire, query: &UsageQuery, by: By) -> Result<Stats, WireError> {
    let read = wire.get("/api/v1/usage/stats", &query::sums(&query.filter, by)).await?;
    Ok(answers::stats(&read))
}

fn no_usage(error: WireError) -> NoUsage {
    match error.code() {
        Some("no_store") => NoUsage::NoLedger,
        _ => NoUsage::Failed(error.to_string()),
    }
}

async fn review(wire: &Wire, edits: &Edits) -> Result<Review, WireError> {
    let priorities = edits.iter().cloned().collect();
    wire.post(&Call::to("config/priorities/review").with(&PrioritiesOrder { priorities })).await
}

async fn save(wire: &Wire, edits: Edits, review: Review) -> Result<Review, WireError> {
    let order = SaveOrder { priorities: edits.into_iter().collect(), review: Some(review) };
    let saved: Saved = wire.post(&Call::to("config/priorities").with(&order)).await?;
    Ok(saved.review)
}

async fn configuration(wire: &Wire) -> Result<ConfigView, WireError> {
    wire.get("/api/v1/config", "").await.map(answers::config)
}
