//! One HTTP/1.1 connection, driven by whoever uses it.
//!
//! hyper splits a client connection into a sender and a driver that has to be polled for anything to happen. Here both
//! stay together and are polled by the request's own task: no second task, no channel between threads, no wake-up per
//! chunk. The price is a rule: whoever waits for something that comes out of the driver (the head, a chunk) polls the
//! driver first, whenever its bell has rung or something was taken out.
//!
//! Dropping a connection closes it at once.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::key::ConnectionKey;
use super::payload::Upload;
use super::waker::Bell;
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
    /// Rings when the driver has something to do.
    bell: Bell,
    /// Rings the bell when an answer is late.
    alarm: Alarm,
    /// At the last look it could take another request.
    idle: bool,
    key: ConnectionKey,
    born: Instant,
}

impl Http1 {
    pub(super) async fn new(link: Link, key: ConnectionKey) -> hyper::Result<Self> {
        let notes = Arc::new(Notes::default());
        let wire = TokioIo::new(Wire::new(link, Arc::clone(&notes)));
        let mut builder = Builder::new();
        builder.max_headers(MAX_HEADERS).max_buf_size(MAX_BUFFER);
        let (sender, driver) = builder.handshake(wire).await?;
        let driver = Some(driver);
        Ok(Self {
            sender,
            driver,
            notes,
            bell: Bell::new(),
            alarm: Alarm::default(),
            idle: false,
            key,
            born: Instant::now(),
        })
    }

    /// Sends a request and returns the head of its answer; the body follows as [`Http1::drive`] is called. Nothing when
    /// there is none by the deadline, which may move.
    pub(super) async fn request(
        &mut self,
        request: Box<Request<Upload>>,
        deadline: impl Fn() -> Instant,
    ) -> Option<Result<Response<Incoming>, TrySendError<Request<Upload>>>> {
        self.notes.begin();
        self.idle = false;
        let Self { sender, driver, bell, alarm, .. } = self;
        let mut answer = pin!(sender.try_send_request(*request));
        let mut is_new = true;
        poll_fn(|cx| {
            // Not one or the other: the first look is spent in any case.
            if bell.listen(cx.waker()) | std::mem::take(&mut is_new) {
                drive(driver, bell);
            }
            // Nobody but the driver answers, and it has just run: nobody has to be woken.
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Poll::Ready(Some(answer));
            }
            alarm.poll(deadline(), &mut Context::from_waker(bell.waker())).map(|()| None)
        })
        .await
    }

    /// Wakes this task from now on when there is something to do; true when there has been since the last call.
    pub(super) fn listen(&mut self, task: &Waker) -> bool {
        self.bell.listen(task)
    }

    /// Lets the connection do what it can do now.
    pub(super) fn drive(&mut self) {
        drive(&mut self.driver, &self.bell);
    }

    /// A byte of an answer has arrived for the current request.
    pub(super) fn heard(&self) -> bool {
        self.notes.heard()
    }
}

fn drive(driver: &mut Option<Connection<TokioIo<Wire>, Upload>>, bell: &Bell) {
    if let Some(connection) = driver
        && Pin::new(connection).poll(&mut Context::from_waker(bell.waker())).is_ready()
    {
        *driver = None;
    }
}

impl Reusable for Http1 {
    type Key = ConnectionKey;

    fn key(&self) -> &ConnectionKey {
        &self.key
    }

    /// One poll notices a closed socket as well as bytes nobody asked for, and lets a finished exchange settle. After
    /// that either would ring, and while nothing does the connection is what it was.
    fn is_reusable(&mut self) -> bool {
        if self.listen(Waker::noop()) || !self.idle {
            self.drive();
            self.idle = self.driver.is_some() && self.sender.is_ready() && !self.notes.write_failed();
        }
        self.idle
    }

    fn born(&self) -> Instant {
        self.born
    }
}
