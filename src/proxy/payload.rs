//! The body of a client's request: whole and replayable, or streamed through once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Unit of the memory budget, bytes. A semaphore counts to 2^61 at most, but its permits are taken as `u32`.
const UNIT: u64 = 1024;
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
pub enum Payload {
    /// Whole, in memory: can be sent again.
    Replayable {
        /// The bytes as they came.
        bytes: Bytes,
        /// Their share of the memory budget.
        share: Option<OwnedSemaphorePermit>,
    },
    /// What was read of a large body, and the rest of it: can be sent once. `None` once taken.
    Once(Option<Box<RequestBody>>),
}

/// Why a body could not be taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayloadError {
    /// Larger than `server.max_body_bytes`.
    TooLarge,
    /// All buffered bodies together would exceed `server.max_buffered_bytes`.
    NoRoom,
    /// The client stopped sending.
    Unreadable,
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
) -> Result<Payload, PayloadError> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|n| n > limit) {
        return oversized(Bytes::new(), body, may_stream);
    }
    let mut share = budget.take(announced.unwrap_or(0)).ok_or(PayloadError::NoRoom)?;
    let mut held = u64::from(u32::try_from(share.num_permits()).unwrap_or(u32::MAX)) * UNIT;
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| PayloadError::Unreadable)?.into_data() else { continue };
        if bytes.is_empty() && announced == Some(data.len() as u64) {
            return Ok(Payload::Replayable { bytes: data, share: Some(share) });
        }
        let total = (bytes.len() + data.len()) as u64;
        if total > limit {
            bytes.extend_from_slice(&data);
            return oversized(bytes.freeze(), body, may_stream);
        }
        if total > held {
            let more = budget.take(total.max(held * 2) - held).ok_or(PayloadError::NoRoom)?;
            held = total.max(held * 2);
            share.merge(more);
        }
        if bytes.capacity() == 0 {
            let whole = announced.and_then(|n| usize::try_from(n).ok());
            bytes.reserve(whole.unwrap_or(FIRST_RESERVE));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Payload::Replayable { bytes: bytes.freeze(), share: Some(share) })
}

fn oversized(read: Bytes, rest: Incoming, may_stream: bool) -> Result<Payload, PayloadError> {
    if !may_stream {
        return Err(PayloadError::TooLarge);
    }
    Ok(Payload::Once(Some(Box::new(RequestBody::Once { read: Some(read).filter(|b| !b.is_empty()), rest }))))
}

impl Payload {
    /// The body for the next attempt; nothing when a streamed one has been sent.
    pub fn next_body(&mut self) -> Option<RequestBody> {
        match self {
            Self::Replayable { bytes, .. } => Some(RequestBody::Whole(Some(bytes.clone()).filter(|b| !b.is_empty()))),
            Self::Once(body) => body.take().map(|b| *b),
        }
    }

    /// The whole body, if it is in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Replayable { bytes, .. } => Some(bytes),
            Self::Once(_) => None,
        }
    }
}

/// The body of one attempt.
#[derive(Debug)]
pub enum RequestBody {
    /// Whole; `None` once sent.
    Whole(Option<Bytes>),
    /// What was read already, then the rest as it comes.
    Once {
        /// Read already.
        read: Option<Bytes>,
        /// Still to come.
        rest: Incoming,
    },
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Once { read, rest } => match read.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => Pin::new(rest).poll_frame(cx),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Once { read, rest } => read.is_none() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Once { read, rest } => {
                let first = read.as_ref().map_or(0, |b| b.len() as u64);
                rest.size_hint().exact().map_or_else(SizeHint::default, |n| SizeHint::with_exact(n + first))
            }
        }
    }
}
