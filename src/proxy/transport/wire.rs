//! The bytes of an HTTP/1.1 connection, with two things hyper does not tell.
//!
//! - Whether anything was heard since the last request: a reused connection that ends in silence was closed by an
//!   idle limit, one that ends in the middle of a head is an endpoint's failure.
//! - A failed write does not end the connection at once. An endpoint that refuses an upload answers and closes while
//!   we are still writing; the answer is there to be read. So writes after a failure vanish, and reading decides: it
//!   finds the answer or the end. Such a connection is never used again.
//!
//! Must never: change a byte, or hide a failed read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::flat;
use crate::proxy::dialer::Link;

/// What the wire noticed; shared with the connection's owner, because hyper keeps the wire to itself.
#[derive(Debug, Default)]
pub(super) struct Notes {
    heard: AtomicBool,
    write_failed: AtomicBool,
}

impl Notes {
    /// A new request begins.
    pub(super) fn begin(&self) {
        self.heard.store(false, Ordering::Relaxed);
    }

    /// A byte has arrived since the request began.
    pub(super) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Bytes were lost on the way out.
    pub(super) fn write_failed(&self) -> bool {
        self.write_failed.load(Ordering::Relaxed)
    }
}

/// A connection that takes notes.
pub(super) struct Wire {
    io: TokioIo<Link>,
    notes: Arc<Notes>,
}

impl Wire {
    pub(super) fn new(link: Link, notes: Arc<Notes>) -> Self {
        Self { io: TokioIo::new(link), notes }
    }

    /// Runs one write unless an earlier one failed; a failure counts as `len` bytes written.
    fn write(
        &mut self,
        len: usize,
        write: impl FnOnce(Pin<&mut TokioIo<Link>>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.notes.write_failed() {
            return Poll::Ready(Ok(len));
        }
        match write(Pin::new(&mut self.io)) {
            Poll::Ready(Err(_)) => {
                self.notes.write_failed.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(len))
            }
            written => written,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.notes.heard.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write(buf.len(), |io| io.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = bufs.iter().map(|buf| buf.len()).sum();
        self.write(len, |io| {
            flat::write(bufs, |one| match one {
                Some(bytes) => io.poll_write(cx, bytes),
                None => io.poll_write_vectored(cx, bufs),
            })
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(0, |io| io.poll_flush(cx).map_ok(|()| 0)).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(0, |io| io.poll_shutdown(cx).map_ok(|()| 0)).map_ok(|_| ())
    }
}
