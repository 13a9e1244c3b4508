//! The body of a client's request: whole and replayable, or streamed through once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::transport::{Payload, UploadError};

/// Unit of the memory budget, bytes. A semaphore counts to 2^61 at most, but its permits are taken as `u32`.
const UNIT: u64 = 1024;
/// Longest silence of a client in the middle of its body.
const MAX_STALL: Duration = Duration::from_secs(60);
/// Space reserved for a body of unknown length to start with.
const FIRST_RESERVE: usize = 16 * 1024;

/// The memory all buffered bodies share.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Semaphore>);

impl Budget {
    /// A budget of this many bytes.
    pub fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes / UNIT).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))))
    }

    fn take(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(units).ok()
    }
}

/// A request body as the forward loop needs it.
#[derive(Debug)]
pub enum Intake {
    /// Whole, in memory: can be sent again.
    Whole {
        /// The bytes as they came.
        bytes: Bytes,
        /// Their share of the memory budget.
        share: Option<OwnedSemaphorePermit>,
    },
    /// What was read of a large body, and the rest of it: can be sent once. `None` once sent.
    Once(Option<Payload>),
}

/// Why a body could not be taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntakeError {
    /// Larger than `server.max_body_bytes`.
    TooLarge,
    /// All buffered bodies together would exceed `server.max_buffered_bytes`.
    NoRoom,
    /// The client stopped sending.
    Unreadable,
    /// The client sent nothing for a minute.
    Stalled,
}

/// Takes a body in, up to `limit` bytes. A larger one is an error, or is streamed when `may_stream`.
///
/// # Errors
/// When the body is too large, the memory budget is used up, or the client stopped sending.
pub async fn collect(
    mut body: Incoming,
    limit: u64,
    may_stream: bool,
    budget: &Budget,
) -> Result<Intake, IntakeError> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|n| n > limit) {
        return oversized(Bytes::new(), body, may_stream);
    }
    let mut room = Room::new(budget, announced.unwrap_or(0))?;
    let mut bytes = BytesMut::new();
    loop {
        let next = tokio::time::timeout(MAX_STALL, body.frame()).await.map_err(|_| IntakeError::Stalled)?;
        let Some(frame) = next else { break };
        let Ok(data) = frame.map_err(|_| IntakeError::Unreadable)?.into_data() else { continue };
        if bytes.is_empty() && announced == Some(data.len() as u64) {
            return Ok(Intake::Whole { bytes: data, share: Some(room.share) });
        }
        let total = (bytes.len() + data.len()) as u64;
        if total > limit {
            bytes.extend_from_slice(&data);
            return oversized(bytes.freeze(), body, may_stream);
        }
        room.grow(budget, total)?;
        if bytes.capacity() == 0 {
            let whole = announced.and_then(|n| usize::try_from(n).ok());
            bytes.reserve(whole.unwrap_or(FIRST_RESERVE));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Intake::Whole { bytes: bytes.freeze(), share: Some(room.share) })
}

/// A growing share of the budget.
struct Room {
    share: OwnedSemaphorePermit,
    bytes: u64,
}

impl Room {
    fn new(budget: &Budget, bytes: u64) -> Result<Self, IntakeError> {
        Ok(Self { share: budget.take(bytes).ok_or(IntakeError::NoRoom)?, bytes })
    }

    /// Doubles, so that a body of unknown length asks rarely.
    fn grow(&mut self, budget: &Budget, needed: u64) -> Result<(), IntakeError> {
        if needed > self.bytes {
            let wanted = needed.max(self.bytes * 2);
            self.share.merge(budget.take(wanted - self.bytes).ok_or(IntakeError::NoRoom)?);
            self.bytes = wanted;
        }
        Ok(())
    }
}

fn oversized(read: Bytes, rest: Incoming, may_stream: bool) -> Result<Intake, IntakeError> {
    if !may_stream {
        return Err(IntakeError::TooLarge);
    }
    let read = Some(read).filter(|b| !b.is_empty());
    Ok(Intake::Once(Some(Payload::Once(Resumed { read, rest }.boxed_unsync()))))
}

impl Intake {
    /// The body for the next attempt; nothing when a streamed one has been sent.
    pub fn next_payload(&mut self) -> Option<Payload> {
        match self {
            Self::Whole { bytes, .. } => Some(Payload::Replayable(bytes.clone())),
            Self::Once(payload) => payload.take(),
        }
    }

    /// Takes back a streamed body of which nothing was sent.
    pub fn put_back(&mut self, unsent: Option<Payload>) {
        if let Self::Once(payload) = self {
            *payload = unsent;
        }
    }

    /// The whole body, if it is in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Whole { bytes, .. } => Some(bytes),
            Self::Once(_) => None,
        }
    }
}

/// What was read of a body already, then the rest as it comes.
struct Resumed {
    read: Option<Bytes>,
    rest: Incoming,
}

impl Body for Resumed {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = self.get_mut();
        match this.read.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Pin::new(&mut this.rest).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.read.as_ref().map_or(0, |b| b.len() as u64);
        self.rest.size_hint().exact().map_or_else(SizeHint::default, |n| SizeHint::with_exact(n + first))
    }
}
