//! Request bodies on their way out, and how far they have come.
//!
//! [`Payload`] is what callers give; [`Upload`] is what hyper pulls from. The upload notes in a shared [`Progress`]
//! when it was last asked for bytes and whether it is the client who keeps everybody waiting, so that the time limit of
//! the head neither runs out during a long upload nor blames an endpoint for a stalled client.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;

/// A failure of the client's own upload.
pub type UploadError = Box<dyn StdError + Send + Sync>;

/// Replayable bodies are handed over in pieces of this size, so that progress shows while they are written.
const PIECE: usize = 128 * 1024;

/// A request body.
pub enum Payload {
    /// Whole in memory; cheap to clone and to send again.
    Replayable(Bytes),
    /// Likewise, in pieces that follow each other.
    Spliced(Box<[Bytes; 3]>),
    /// Comes from the client while it is sent: one attempt only.
    Once(UnsyncBoxBody<Bytes, UploadError>),
}

impl Payload {
    /// No body.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Replayable(bytes)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replayable(bytes) => write!(f, "Replayable({} bytes)", bytes.len()),
            Self::Spliced(pieces) => write!(f, "Spliced({} bytes)", length(pieces)),
            Self::Once(body) => write!(f, "Once({:?})", body.size_hint().exact()),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        match &mut *self {
            Self::Replayable(bytes) => Poll::Ready(next_piece(slice::from_mut(bytes)).map(Ok)),
            Self::Spliced(pieces) => Poll::Ready(next_piece(&mut **pieces).map(Ok)),
            Self::Once(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Replayable(bytes) => bytes.is_empty(),
            Self::Spliced(pieces) => length(pieces) == 0,
            Self::Once(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Replayable(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Spliced(pieces) => SizeHint::with_exact(length(pieces)),
            Self::Once(body) => body.size_hint(),
        }
    }
}

fn next_piece(pieces: &mut [Bytes]) -> Option<Frame<Bytes>> {
    let bytes = pieces.iter_mut().find(|bytes| !bytes.is_empty())?;
    Some(Frame::data(bytes.split_to(PIECE.min(bytes.len()))))
}

fn length(pieces: &[Bytes; 3]) -> u64 {
    pieces.iter().map(|bytes| bytes.len() as u64).sum()
}

/// How far the upload of one request has come; shared between the upload and whoever waits for the head.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    moved_after_ms: AtomicU64,
    waits_for_client: AtomicBool,
}

impl Progress {
    fn new(now: Instant) -> Self {
        Self { started: now, moved_after_ms: AtomicU64::new(0), waits_for_client: AtomicBool::new(false) }
    }

    /// When the connection last took a piece of the body; at first, when the request was made.
    pub(super) fn last_moved(&self) -> Instant {
        self.started + Duration::from_millis(self.moved_after_ms.load(Ordering::Relaxed))
    }

    /// True while the connection could send more than the client has given.
    pub(super) fn waits_for_client(&self) -> bool {
        self.waits_for_client.load(Ordering::Relaxed)
    }

    /// To be called when the request is put on a connection: what went before does not count.
    pub(super) fn touch(&self, now: Instant) {
        let after = now.saturating_duration_since(self.started).as_millis();
        let after = u64::try_from(after).unwrap_or(u64::MAX);
        self.moved_after_ms.store(after, Ordering::Relaxed);
    }
}

/// A payload that reports its progress.
pub(super) struct Upload {
    payload: Payload,
    progress: Arc<Progress>,
}

impl Upload {
    pub(super) fn new(payload: Payload) -> Self {
        Self { payload, progress: Arc::new(Progress::new(Instant::now())) }
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    pub(super) fn into_payload(self) -> Payload {
        self.payload
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let frame = Pin::new(&mut self.payload).poll_frame(cx);
        self.progress.waits_for_client.store(frame.is_pending(), Ordering::Relaxed);
        if frame.is_ready() {
            self.progress.touch(Instant::now());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}
