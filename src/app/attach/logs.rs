//! The log lines of a forwarder elsewhere: a ring here that follows the ring there.
//!
//! ```text
//! connected -> a stream of lines is opened -> what there is behind the last line known is asked for -> the stream
//! ```
//!
//! In this order nothing falls between the two; what comes both ways is known by its number. A stream of its own, so that
//! a flood of lines holds up nothing else. Numbers begin anew when the program there does: then all it has is new.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use super::wire::{Wire, WireError};
use crate::admin::logs::LogsView;
use crate::logging::ring::{Line, Ring};
use crate::tui::source::{Link, LinkState};

/// Before a stream that ended is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Lines of one answer.
const PAGE: usize = 1_000;

/// See the module.
pub(super) struct Logs {
    wire: Wire,
    ring: Ring,
    /// When the program there started that counts the lines.
    started: Option<Timestamp>,
    /// The number of the newest line that is known; 0 before the first.
    newest: u64,
}

impl Logs {
    /// Over this connection; nothing is asked yet.
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, ring: Ring::default(), started: None, newest: 0 }
    }

    /// Where the lines go.
    pub(super) fn ring(&self) -> Ring {
        self.ring.clone()
    }

    /// Follows for ever, whenever `link` is up. Why it cannot is said there.
    pub(super) async fn run(mut self, mut link: watch::Receiver<Link>) -> Infallible {
        loop {
            let up = link.wait_for(|link| matches!(link.state, LinkState::Up { .. })).await;
            drop(up);
            // Without lines the rest of the screen is as good as before.
            let _ = self.follow().await;
            sleep(PAUSE).await;
        }
    }

    async fn follow(&mut self) -> Result<(), WireError> {
        let mut events = self.wire.events("log", None).await?;
        let started = self.wire.status().await?.started;
        if self.started.replace(started) != Some(started) {
            self.newest = 0;
        }
        self.catch_up().await?;
        while let Some(event) = events.next().await? {
            match event.name.as_str() {
                "log" => match serde_json::from_str::<Line>(&event.data) {
                    Ok(line) if line.seq <= self.newest + 1 => self.push(line),
                    _ => self.catch_up().await?,
                },
                "lagged" => self.catch_up().await?,
                _ => {}
            }
        }
        Ok(())
    }

    fn push(&mut self, line: Line) {
        if line.seq > self.newest {
            self.newest = line.seq;
            self.ring.push(line);
        }
    }

    /// Asks for all that is behind the newest line known.
    async fn catch_up(&mut self) -> Result<(), WireError> {
        loop {
            let query = format!("after={}&limit={PAGE}", self.newest);
            let LogsView { lines, next, .. } = self.wire.get("/api/v1/logs", &query).await?;
            let done = lines.len() < PAGE;
            lines.into_iter().for_each(|line| self.push(Arc::unwrap_or_clone(line)));
            if done {
                // Lines that are gone by now are behind it as well.
                self.newest = self.newest.max(next);
                return Ok(());
            }
        }
    }
}
