//! The body of a client's request: whole and replayable, or streamed through once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::again;
use super::transport::{Alarm, Payload, UploadError};

/// Longest silence of a client in the middle of its body.
const MAX_STALL: Duration = Duration::from_secs(60);
/// Most that is read of a body nobody wants, bytes: twice the API's own limit.
const MAX_DISCARD: usize = 64 * 1024 * 1024;
/// Longest time that is read of it.
const DISCARD_PATIENCE: Duration = Duration::from_secs(5);
/// Space reserved for a body of unknown length to start with.
const FIRST_RESERVE: usize = 16 * 1024;

/// The memory all buffered bodies share.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Arc<AtomicU64>,
}

impl Budget {
    /// A budget of this many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { left: Arc::new(AtomicU64::new(bytes)) }
    }

    /// True when there was as much, which is taken.
    fn take(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What one body takes of the budget, until it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: u64,
}

impl Share {
    fn none(budget: &Budget) -> Self {
        Self { budget: budget.clone(), bytes: 0 }
    }

    /// False when the budget has no more.
    fn add(&mut self, bytes: u64) -> bool {
        let taken = self.budget.take(bytes);
        self.bytes += if taken { bytes } else { 0 };
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
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
        share: Share,
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

/// A body that was not taken in.
#[derive(Debug)]
pub struct NotTaken<B> {
    /// Why.
    pub error: IntakeError,
    /// What the client has not sent yet; see [`discard`].
    pub rest: B,
}

/// A request body as it comes from a client.
pub trait ClientUpload: Body<Data = Bytes, Error: Into<UploadError>> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes, Error: Into<UploadError>> + Send + Unpin + 'static> ClientUpload for B {}

/// Takes a body in, up to `limit` bytes. A larger one is an error, or is streamed when `may_stream`.
///
/// # Errors
/// When the body is too large, the memory budget is used up, or the client stopped sending.
pub async fn collect<B: ClientUpload>(
    mut body: B,
    limit: u64,
    may_stream: bool,
    budget: &Budget,
) -> Result<Intake, NotTaken<B>> {
    match gather(&mut body, limit, budget).await {
        Ok(Gathered::Whole(intake)) => Ok(intake),
        Ok(Gathered::Over(read)) if may_stream => {
            let read = Some(read).filter(|b| !b.is_empty());
            Ok(Intake::Once(Some(Payload::Once(Resumed { read, rest: body }.boxed_unsync()))))
        }
        Ok(Gathered::Over(_)) => Err(NotTaken { error: IntakeError::TooLarge, rest: body }),
        Err(error) => Err(NotTaken { error, rest: body }),
    }
}

/// Reads away what a refused client still sends, within bounds: a connection closed over unread bytes is reset, and the
/// reset can overtake the refusal.
pub async fn discard<B: ClientUpload>(mut body: B) {
    let mut left = MAX_DISCARD;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
            left = rest;
        }
    };
    // Whoever sends more, or more slowly, has to live with a reset.
    let _ = tokio::time::timeout(DISCARD_PATIENCE, reading).await;
}

/// What [`gather`] read.
enum Gathered {
    Whole(Intake),
    /// More than the limit; what was read of it.
    Over(Bytes),
}

async fn gather<B: ClientUpload>(body: &mut B, limit: u64, budget: &Budget) -> Result<Gathered, IntakeError> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|n| n > limit) {
        return Ok(Gathered::Over(Bytes::new()));
    }
    let mut room = Room { share: Share::none(budget), announced };
    let mut bytes = BytesMut::new();
    let mut alarm = Alarm::default();
    loop {
        let left = announced.map(|whole| whole.saturating_sub(bytes.len() as u64));
        let Some(frame) = next_frame(body, left, &mut alarm).await? else { break };
        let Ok(data) = frame.map_err(|_| IntakeError::Unreadable)?.into_data() else { continue };
        if bytes.is_empty() && announced == Some(data.len() as u64) {
            room.grow(data.len() as u64)?;
            return Ok(Gathered::Whole(Intake::Whole { bytes: data, share: room.share }));
        }
        let total = (bytes.len() + data.len()) as u64;
        if total > limit {
            bytes.extend_from_slice(&data);
            return Ok(Gathered::Over(bytes.freeze()));
        }
        room.grow(total)?;
        if bytes.capacity() == 0 {
            let whole = announced.and_then(|n| usize::try_from(n).ok());
            bytes.reserve(whole.unwrap_or(FIRST_RESERVE));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Gathered::Whole(Intake::Whole { bytes: bytes.freeze(), share: room.share }))
}

/// The next frame of a body of which so much is `left`.
async fn next_frame<B: ClientUpload>(
    body: &mut B,
    left: Option<u64>,
    alarm: &mut Alarm,
) -> Result<Option<Result<Frame<Bytes>, B::Error>>, IntakeError> {
    let mut stalled = None;
    // Taking a frame wakes the connection, which is this very task, to bring the next. Behind the last there is none.
    let is_last = |polled: &Poll<Option<Result<Frame<Bytes>, B::Error>>>| {
        let Poll::Ready(Some(Ok(frame))) = polled else { return false };
        frame.data_ref().map(|data| data.len() as u64) == left && left.is_some()
    };
    poll_fn(|cx| {
        if let Poll::Ready(frame) = again::hush(|| Pin::new(&mut *body).poll_frame(cx), is_last) {
            return Poll::Ready(Ok(frame));
        }
        let stalled = *stalled.get_or_insert_with(|| Instant::now() + MAX_STALL);
        alarm.poll(stalled, cx).map(|()| Err(IntakeError::Stalled))
    })
    .await
}

/// A growing share of the budget. What a client only announces takes none: a few heads would use up everybody's.
struct Room {
    share: Share,
    announced: Option<u64>,
}

impl Room {
    /// Doubles, so that it is asked rarely, but never to more than was announced.
    fn grow(&mut self, needed: u64) -> Result<(), IntakeError> {
        let has = self.share.bytes;
        let wanted = needed.max((has * 2).min(self.announced.unwrap_or(u64::MAX)));
        if needed <= has || self.share.add(wanted - has) { Ok(()) } else { Err(IntakeError::NoRoom) }
    }
}

impl Intake {
    /// The body for the next attempt; nothing when a streamed one has been sent.
    pub fn next_payload(&mut self) -> Option<Payload> {
        match self {
            Self::Whole { bytes, .. } => Some(Payload::from(bytes.clone())),
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
struct Resumed<B> {
    read: Option<Bytes>,
    rest: B,
}

impl<B: ClientUpload> Body for Resumed<B> {
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
