//! The first contact: what a forwarder is, and its first snapshot. Whatever is wrong with it is known before a screen
//! opens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::timeout;

use super::link::{Follower, Seen, WANTED, unreadable};
use super::logs::Logs;
use super::mirror::Mirror;
use super::remote::Distant;
use super::wire::Wire;
use crate::admin::status::Status;
use crate::app::client::{Client, Events};
use crate::events::board::Snapshot;
use crate::tui::Remote;

/// How long the first snapshot may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A forwarder that has said all there is.
pub(super) struct Opened {
    /// What it is.
    pub(super) status: Status,
    wire: Wire,
    mirror: Mirror,
    events: Events,
    snapshot: Arc<Snapshot>,
}

/// Makes the first contact.
///
/// # Errors
/// When there is no forwarder, it does not know us, or it is of a version that cannot be understood.
pub(super) async fn open(client: Client) -> anyhow::Result<Opened> {
    let wire = Wire::new(client);
    let status = wire.status().await?;
    let mut events = wire.events(WANTED, None).await?;
    let mut mirror = Mirror::default();
    let first = first(&wire, &mut mirror, &mut events);
    let snapshot = timeout(PATIENCE, first).await.with_context(|| {
        format!("{} has not said within {} s what there is", wire.base(), PATIENCE.as_secs())
    })??;
    Ok(Opened { status, wire, mirror, events, snapshot })
}

async fn first(wire: &Wire, mirror: &mut Mirror, events: &mut Events) -> anyhow::Result<Arc<Snapshot>> {
    while let Some(event) = events.next().await? {
        match mirror.take(&event.name, &event.data) {
            Ok(Some(snapshot)) => return Ok(snapshot),
            Ok(None) => {}
            Err(error) => bail!(unreadable(wire, &error).await),
        }
    }
    bail!("{} has closed the connection", wire.base())
}

impl Opened {
    /// The source of a screen, and what has to run for it.
    pub(super) fn start(self) -> (Distant, Tasks) {
        let Self { wire, mirror, events, snapshot, .. } = self;
        let seen = Seen::new(wire.base(), snapshot);
        let logs = Logs::new(wire.clone());
        let source = Distant { wire: wire.clone(), seen: seen.clone(), logs: logs.ring() };
        (source, Tasks { follower: Follower { wire, mirror, events, seen }, logs })
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
        let (link, follower) = (self.follower.seen.link(), self.follower.run(screen));
        tokio::join!(follower, self.logs.run(link)).0
    }
}
