//! The first contact: what a forwarder is, and its first snapshot. Whatever is wrong with it is known before a screen
//! opens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::watch;
use tokio::time::timeout;

use super::facts::other_version;
use super::link::{Ear, Follower, Seen, WANTED, unreadable};
use super::logs::Logs;
use super::mirror::Mirror;
use super::remote::Distant;
use super::wire::{Wire, WireError};
use crate::admin::config::{ReloadOutcome, ReloadView};
use crate::admin::status::Status;
use crate::app::client::{AskError, Client};
use crate::app::reach::advise;
use crate::app::screen::tell_of_reload;
use crate::events::board::Snapshot;
use crate::tui::Remote;
use crate::tui::model::Facts;

/// How long the first snapshot may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A forwarder that has said all there is.
pub(super) struct Opened {
    /// What it is.
    pub(super) status: Status,
    wire: Wire,
    ear: Ear,
    snapshot: Arc<Snapshot>,
}

/// Makes the first contact.
///
/// # Errors
/// When there is no forwarder, it does not know us, or it is of a version that cannot be understood.
pub(super) async fn open(client: Client) -> anyhow::Result<Opened> {
    let wire = Wire::new(client);
    let status = wire.status().await.map_err(unknown)?;
    let events = wire.events(WANTED, None).await;
    let events = events.map_err(|error| wire.without_route(error))?;
    let mut ear = Ear { mirror: Mirror::default(), events };
    let first = first(&wire, &mut ear);
    let snapshot = timeout(PATIENCE, first).await.with_context(|| {
        format!("{} has not said within {} s what there is", wire.base(), PATIENCE.as_secs())
    })??;
    Ok(Opened { status, wire, ear, snapshot })
}

/// A forwarder that does not know us is told by what can be done here.
fn unknown(error: WireError) -> anyhow::Error {
    match error {
        WireError::Ask(AskError::Refused { status: 401, message, .. }) => anyhow::anyhow!(
            "{message}; give it with --token or in CC_FORWARDER_ADMIN_TOKEN, or name the configuration that has it with \
             --config"
        ),
        WireError::Ask(error) => advise(error),
        error => error.into(),
    }
}

async fn first(wire: &Wire, ear: &mut Ear) -> anyhow::Result<Arc<Snapshot>> {
    while let Some(event) = ear.events.next().await? {
        match ear.mirror.take(&event.name, &event.data) {
            Ok(Some(snapshot)) => return Ok(snapshot),
            Ok(None) => {}
            Err(error) => bail!(unreadable(wire, &error).await),
        }
    }
    bail!("{} has closed the connection", wire.base())
}

impl Opened {
    /// The source of a screen that begins with these facts, and what has to run for it.
    pub(super) fn start(self, facts: Facts) -> (Distant, Tasks) {
        let Self { wire, ear, snapshot, .. } = self;
        let seen = Seen::new(wire.base(), snapshot, facts);
        let logs = Logs::new(wire.clone());
        let source = Distant { wire: wire.clone(), seen: seen.clone(), logs: logs.ring() };
        (source, Tasks { follower: Follower { wire, ear, seen }, logs })
    }
}

/// What runs while the screen is open.
pub(super) struct Tasks {
    follower: Follower,
    logs: Logs,
}

impl Tasks {
    /// Runs it for this screen; never ends.
    pub(super) async fn run(self, screen: Remote) -> Infallible {
        let (link, facts) = (self.follower.seen.link(), self.follower.seen.facts());
        let told = |reload: &ReloadView| tell(&screen, reload);
        let version = tell_of_versions(facts, |text| screen.complain(text));
        tokio::join!(self.follower.run(told), self.logs.run(link), version).0
    }
}

/// Says so whenever the forwarder has become one of another version than it was, and than this program is. What it was at
/// the start is said when the screen opens.
fn tell_of_versions(
    mut facts: watch::Receiver<Facts>,
    complain: impl Fn(String),
) -> impl Future<Output = ()> {
    let mut known = facts.borrow_and_update().version.clone();
    async move {
        while facts.changed().await.is_ok() {
            let version = facts.borrow_and_update().version.clone();
            if version != known {
                other_version(&version).into_iter().for_each(&complain);
                known = version;
            }
        }
    }
}

fn tell(screen: &Remote, reload: &ReloadView) {
    let outcome = match &reload.outcome {
        ReloadOutcome::Applied(report) => Ok(report),
        ReloadOutcome::Refused { problems } => Err(problems.as_slice()),
    };
    tell_of_reload(screen, outcome);
}

#[cfg(test)]
mod tests;
