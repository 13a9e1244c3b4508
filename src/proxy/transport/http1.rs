//! One HTTP/1.1 connection, driven by whoever uses it.
//!
//! hyper splits a client connection into a sender and a driver that has to be polled for anything to happen. Here both
//! stay together and are polled by the request's own task: no second task, no channel between threads, no wake-up per
//! chunk. The price is a rule: whoever waits for something that comes out of the driver (the head, a chunk) polls the
//! driver first, every time.
//!
//! Dropping a connection closes it at once.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::payload::Upload;
use super::wire::{Notes, Wire};
use crate::proxy::dialer::Link;
use crate::proxy::pool::Reusable;

/// Response headers accepted, in number. Gateways add theirs to those of the API; hyper's default is 100.
const MAX_HEADERS: usize = 256;

/// Largest read, largest head, and bound on what is buffered for writing. The read buffer starts at 8 KiB and only
/// grows to this while reads fill it, so an event stream stays small and a large body still comes in large pieces. A
/// quarter of this costs a third more CPU time on large bodies.
const MAX_BUFFER: usize = 256 * 1024;

/// A connection that speaks HTTP/1.1 with one request at a time.
pub(super) struct Http1 {
    sender: SendRequest<Upload>,
    /// `None` when the connection has ended.
    driver: Option<Connection<TokioIo<Wire>, Upload>>,
    notes: Arc<Notes>,
    born: Instant,
}

impl Http1 {
    pub(super) async fn new(link: Link) -> hyper::Result<Self> {
        let notes = Arc::new(Notes::default());
        let wire = TokioIo::new(Wire::new(link, Arc::clone(&notes)));
        let mut builder = Builder::new();
        builder.max_headers(MAX_HEADERS).max_buf_size(MAX_BUFFER);
        let (sender, driver) = builder.handshake(wire).await?;
        Ok(Self { sender, driver: Some(driver), notes, born: Instant::now() })
    }

    /// Sends a request and returns the head of its answer; the body follows as [`Http1::drive`] is called.
    pub(super) async fn request(
        &mut self,
        request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        self.notes.begin();
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        poll_fn(|cx| {
            drive(driver, cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// Lets the connection do what it can do now.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.driver, cx);
    }

    /// A byte of an answer has arrived for the current request.
    pub(super) fn heard(&self) -> bool {
        self.notes.heard()
    }
}

fn drive(driver: &mut Option<Connection<TokioIo<Wire>, Upload>>, cx: &mut Context<'_>) {
    if let Some(connection) = driver
        && Pin::new(connection).poll(cx).is_ready()
    {
        *driver = None;
    }
}

impl Reusable for Http1 {
    /// One poll notices a closed socket as well as bytes nobody asked for, and lets a finished exchange settle.
    fn is_reusable(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready() && !self.notes.write_failed()
    }

    fn born(&self) -> Instant {
        self.born
    }
}
