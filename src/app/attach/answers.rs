//! Answers of the admin API as the screen wants them.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::admin::config::{self, ReloadOutcome};
use crate::admin::orders::Done;
use crate::control::command::Checked;
use crate::events::evidence::Evidence;
use crate::events::trace::TraceStep;
use crate::store::export::json::{ReadRow, StatsView};
use crate::store::query::{Key, Stats};
use crate::store::totals::Totals;
use crate::tui::request::{Detail, Entry};
use crate::tui::screen::requests::history::Page;
use crate::tui::source::{ConfigView, ReloadView};

/// What became of an order: of most of them a text, of a probe what it found.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Outcome {
    /// Of a probe.
    Checked(Checked),
    /// Of any other.
    Done(Done),
}

impl Outcome {
    /// For people; a probe that found something wrong is one that failed.
    pub(super) fn told(self) -> Result<String, String> {
        match self {
            Self::Done(done) => Ok(done.message),
            Self::Checked(checked) if checked.up && !checked.credential_problem => Ok(checked.message),
            Self::Checked(checked) => Err(checked.message),
        }
    }
}

/// Requests that ended.
#[derive(Deserialize)]
pub(super) struct Requests {
    requests: Vec<ReadRow>,
    next: Option<String>,
}

impl From<Requests> for Page {
    fn from(read: Requests) -> Self {
        let rows = read.requests.iter().map(|row| Arc::new(Entry::of_row(&row.0))).collect();
        // One that is none ends the list: there is nothing else to go on with.
        Self { rows, next: read.next.and_then(|next| next.parse().ok()) }
    }
}

/// How many requests there are.
#[derive(Deserialize)]
pub(super) struct Counted {
    pub(super) total: u64,
}

/// One request.
#[derive(Deserialize)]
pub(super) struct Request {
    /// As exact as it was written.
    request: Box<RawValue>,
    /// While it runs.
    live: Option<IgnoredAny>,
    /// The decisions on its way; nothing where only the story of them is kept.
    trace: Option<Vec<TraceStep>>,
    explain: Vec<String>,
}

impl Request {
    /// All that is kept of it; nothing while it runs, when it is in the snapshot instead.
    pub(super) fn detail(self) -> Result<Option<Detail>, serde_json::Error> {
        if self.live.is_some() {
            return Ok(None);
        }
        let row: ReadRow = serde_json::from_str(self.request.get())?;
        let detail = Detail::of_row(&row.0, self.explain);
        Ok(Some(detail.with_trace(self.trace.as_deref().unwrap_or_default())))
    }
}

/// What was noted down of one request: another part of the same answer.
#[derive(Deserialize)]
pub(super) struct Noted {
    /// Nothing where it is not kept any more; an older forwarder never does.
    pub(super) evidence: Option<Arc<Evidence>>,
}

/// Sums.
pub(super) fn stats(read: &StatsView) -> Stats {
    let group = |group: &crate::store::export::json::GroupView| {
        let key = group.start.map_or_else(|| Key::Name(group.key.clone()), Key::Start);
        (key, Totals::from(&group.totals))
    };
    Stats { totals: Totals::from(&read.totals), groups: read.groups.iter().map(group).collect() }
}

/// The configuration.
pub(super) fn config(read: config::ConfigView) -> ConfigView {
    let reload = read.reload.map(|reload| {
        let outcome = match reload.outcome {
            ReloadOutcome::Applied(report) => Ok(report),
            ReloadOutcome::Refused { problems } => Err(problems),
        };
        Arc::new(ReloadView { number: reload.number, at: reload.at, outcome, pending: reload.pending })
    });
    ConfigView { entries: read.entries.into(), reload }
}
