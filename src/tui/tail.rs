//! Brings the program's own log lines to the screen: at most ten times a second, never more than the ring keeps, and
//! never more than one message on its way, however long the screen stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::watch;

use super::Spawn;
use super::msg::Msg;
use crate::logging::ring::{Line, Ring};

/// Least time between two looks.
const PACE: Duration = Duration::from_millis(100);

/// See the module.
pub(super) struct Tail {
    ring: Ring,
    /// The newest line that was fetched.
    seen: u64,
    /// A message about newer lines is on its way.
    news: Arc<AtomicBool>,
}

impl Tail {
    /// Starts to watch a ring; what is in it already is news.
    pub(super) fn start(ring: Ring, tx: &Sender<Msg>, spawn: &Spawn) -> Self {
        let news = Arc::new(AtomicBool::new(false));
        let mut newest = ring.newest();
        newest.mark_changed();
        spawn(Box::pin(tell(newest, tx.clone(), Arc::clone(&news))));
        Self { ring, seen: 0, news }
    }

    /// The lines since the last time.
    pub(super) fn fetch(&mut self) -> Vec<Arc<Line>> {
        self.news.store(false, Ordering::Release);
        let lines = self.ring.since(self.seen);
        self.seen = lines.last().map_or(self.seen, |line| line.seq);
        lines
    }
}

async fn tell(mut newest: watch::Receiver<u64>, tx: Sender<Msg>, news: Arc<AtomicBool>) {
    while newest.changed().await.is_ok() {
        if !news.swap(true, Ordering::AcqRel) && tx.send(Msg::LogNews).is_err() {
            break;
        }
        tokio::time::sleep(PACE).await;
    }
}
