//! A snapshot that knows its place among the events, and its text, made once for all readers.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::ring::Mark;
use super::{Kind, write};
use crate::events::board::Snapshot;

/// See the module.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) snapshot: Arc<Snapshot>,
    start: u64,
    pub(super) mark: Mark,
    whole: OnceCell<Bytes>,
    state: OnceCell<Bytes>,
}

impl Picture {
    pub(super) fn new(snapshot: Arc<Snapshot>, start: u64, mark: Mark) -> Self {
        Self { snapshot, start, mark, whole: OnceCell::new(), state: OnceCell::new() }
    }

    /// The `snapshot` event. With its stories it takes milliseconds to write, so not on a thread that forwards.
    pub(super) async fn whole(&self) -> Bytes {
        let text = async || {
            let (snapshot, start, number) = (Arc::clone(&self.snapshot), self.start, self.mark.number);
            let writing = move || write(Some((start, number)), Kind::Snapshot, &*snapshot);
            // It does not panic, and a runtime that stops has no readers.
            tokio::task::spawn_blocking(writing).await.unwrap_or_default()
        };
        self.whole.get_or_init(text).await.clone()
    }

    /// The `state` event.
    pub(super) async fn state(&self) -> Bytes {
        let text = async || {
            let snapshot = Snapshot { recent: Vec::new(), ..Snapshot::clone(&self.snapshot) };
            write(Some((self.start, self.mark.number)), Kind::State, &snapshot)
        };
        self.state.get_or_init(text).await.clone()
    }
}
