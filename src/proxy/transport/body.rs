//! Bodies of answers: chunks that are ready together leave as one frame.
//!
//! Every poll lets the connection run and takes what it yields until nothing more is ready. Nothing is ever waited for
//! once there is a byte to deliver.
//!
//! | ready now | frame |
//! |---|---|
//! | one chunk, or a chunk of 32 KiB and more first | that chunk, not copied |
//! | several chunks | their bytes, copied into one frame of at most 64 KiB |
//! | the end behind bytes | the bytes; the frame after is the trailers, the error or nothing |
//!
//! At the clean end the connection is parked for the next request, unless it cannot serve one (close-delimited bodies,
//! `Connection: close`, an upload still going on). Dropping a body earlier closes the connection, or resets the stream
//! of HTTP/2: that is how an endpoint learns that a client has left.
//!
//! Must never: wait with bytes in hand, change or reorder bytes, or park a connection with anything left on it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::error::BodyError;
use super::http1::Http1;
use super::http2::InUse;
use super::waker::quietly;
use crate::proxy::pool::{Pool, Reusable};

/// Chunks are joined up to this size.
const JOINED: usize = 64 * 1024;
/// A chunk of this size is worth a frame of its own; copying it would cost more than a frame does.
const LARGE: usize = 32 * 1024;
/// Chunks taken in one poll, so that an endpoint that sends single bytes does not starve other tasks.
const CHUNKS: usize = 256;

/// The body of an answer. See the module for what its frames are.
pub struct UpstreamBody {
    /// What hyper hands over; of HTTP/1.1 gone with its end.
    incoming: Option<Incoming>,
    source: Source,
    /// What comes behind what was delivered.
    held: Option<Result<Frame<Bytes>, BodyError>>,
    /// Nothing comes behind `held`.
    ended: bool,
}

/// Where the bytes come from; gone with the end of the body.
enum Source {
    Http1(Lease),
    Http2 { _in_use: InUse },
    Gone,
}

/// A connection in use, and where it goes afterwards.
struct Lease {
    connection: Box<Http1>,
    pool: Arc<Pool<Box<Http1>>>,
    /// The last look found nothing, so that only the bell makes another worth while.
    drained: bool,
}

impl UpstreamBody {
    pub(super) fn http1(incoming: Incoming, connection: Box<Http1>, pool: Arc<Pool<Box<Http1>>>) -> Self {
        Self::new(incoming, Source::Http1(Lease { connection, pool, drained: false }))
    }

    pub(super) fn http2(incoming: Incoming, in_use: InUse) -> Self {
        Self::new(incoming, Source::Http2 { _in_use: in_use })
    }

    /// A body that is empty has ended already, and who sees that will not poll it.
    fn new(incoming: Incoming, source: Source) -> Self {
        let is_over = incoming.is_end_stream();
        let mut body = Self { incoming: Some(incoming), source, held: None, ended: false };
        if is_over {
            body.finish();
        }
        body
    }

    /// The next chunk as hyper has it.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match (&mut self.source, &mut self.incoming) {
            (Source::Http1(lease), Some(incoming)) => lease.poll_chunk(incoming, cx),
            (Source::Http2 { .. }, Some(incoming)) => Pin::new(incoming).poll_frame(cx),
            (Source::Gone, _) | (_, None) => Poll::Ready(None),
        }
    }

    /// Takes chunks until there is a frame's worth, nothing more is ready, or the end.
    fn gather(&mut self, cx: &mut Context<'_>) -> Joiner {
        let mut joiner = Joiner::default();
        for _ in 0..CHUNKS {
            let Poll::Ready(chunk) = self.poll_chunk(cx) else { break };
            match chunk.map(|chunk| chunk.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => {
                    self.held = joiner.add(data).map(Frame::data).map(Ok);
                    if self.incoming.as_ref().is_some_and(Incoming::is_end_stream) {
                        self.finish();
                    }
                }
                Some(Ok(Err(trailers))) => {
                    self.held = Some(Ok(trailers));
                    self.finish();
                }
                Some(Err(error)) => {
                    self.held = Some(Err(BodyError::of(&error)));
                    self.source = Source::Gone;
                    self.ended = true;
                }
                None => self.finish(),
            }
            if self.ended || self.held.is_some() || joiner.is_full() {
                break;
            }
        }
        joiner
    }

    /// The clean end: the connection is free for the next request if it can take one.
    fn finish(&mut self) {
        self.ended = true;
        let source = std::mem::replace(&mut self.source, Source::Gone);
        let Source::Http1(mut lease) = source else { return };
        // That the body is gone is news to the connection, which is to have seen it before it is parked, but to no task.
        lease.connection.listen(Waker::noop());
        self.incoming = None;
        if lease.connection.is_reusable() {
            lease.pool.park(lease.connection, Instant::now());
        }
    }
}

impl Lease {
    fn poll_chunk(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let rung = self.connection.listen(cx.waker());
        if self.drained && !rung {
            return Poll::Pending;
        }
        self.connection.drive();
        let chunk = quietly(|| Pin::new(incoming).poll_frame(&mut Context::from_waker(Waker::noop())));
        self.drained = chunk.is_pending();
        chunk
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.held.is_some() || this.ended {
            return Poll::Ready(this.held.take());
        }
        match this.gather(cx).into_bytes() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if this.held.is_some() || this.ended => Poll::Ready(this.held.take()),
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.held.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = match &self.held {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            _ => 0,
        };
        let rest = match &self.incoming {
            Some(incoming) if !self.ended => incoming.size_hint(),
            _ => SizeHint::with_exact(0),
        };
        match rest.exact() {
            Some(rest) => SizeHint::with_exact(rest + held),
            None => SizeHint::default(),
        }
    }
}

/// Joins chunks; a single one stays as it is.
#[derive(Default)]
struct Joiner {
    first: Option<Bytes>,
    joined: BytesMut,
}

impl Joiner {
    /// Adds a chunk, or gives it back when it does not fit any more.
    fn add(&mut self, chunk: Bytes) -> Option<Bytes> {
        let Some(first) = &self.first else {
            self.first = Some(chunk);
            return None;
        };
        if self.joined.is_empty() {
            if first.len() + chunk.len() > JOINED {
                return Some(chunk);
            }
            self.joined.reserve(first.len() + chunk.len());
            self.joined.extend_from_slice(first);
        } else if self.joined.len() + chunk.len() > JOINED {
            return Some(chunk);
        }
        self.joined.extend_from_slice(&chunk);
        None
    }

    fn is_full(&self) -> bool {
        self.first.as_ref().is_some_and(|first| first.len() >= LARGE) || self.joined.len() >= LARGE
    }

    fn into_bytes(self) -> Option<Bytes> {
        if self.joined.is_empty() { self.first } else { Some(self.joined.freeze()) }
    }
}
