//! HTTP/2 connections: one per key, shared by all its requests, each driven by a task of its own.
//!
//! | state of a key's slot | next request |
//! |---|---|
//! | empty | dials; others of the same key wait for it, within the connect timeout |
//! | open | is multiplexed onto it |
//! | closed, told to go away, idle or in use for too long, or a fresh one asked for | dials; streams on the old one end there |
//!
//! Beyond the endpoint's limit of concurrent streams requests wait for their turn, inside their header timeout.
//! Tasks run on a tracker and end with [`Http2Links::close`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::TokioTimer;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Reuse;
use super::key::ConnectionKey;
use super::payload::Upload;
use crate::proxy::dialer::{DialError, Protocol};
use crate::proxy::pool::{MAX_IDLE_AGE, MAX_TOTAL_AGE};

/// Credit per stream; bounds what a client that reads slowly makes us hold.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Credit of all streams of a connection together.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// Response heads accepted, in bytes; as large as those of HTTP/1.1.
const MAX_HEAD: u32 = 128 * 1024;
/// With streams open, the endpoint is asked for a sign of life this often and has as long to give it.
const PING_EVERY: Duration = Duration::from_secs(30);

/// All HTTP/2 connections.
pub(super) struct Http2Links {
    slots: Mutex<HashMap<ConnectionKey, Arc<Slot>>>,
    tasks: Tasks,
}

type Slot = tokio::sync::Mutex<Option<Link>>;

/// A connection as its users see it. It closes when the last sender and the last stream are gone.
struct Link {
    sender: SendRequest<Upload>,
    usage: Arc<Mutex<Instant>>,
    born: Instant,
}

/// Marks a stream as open; its end counts as use.
pub(super) struct InUse(Arc<Mutex<Instant>>);

/// A way to send one request.
pub(super) struct Turn {
    pub(super) sender: SendRequest<Upload>,
    pub(super) in_use: InUse,
    /// Time to connect; `None` on a connection that was there.
    pub(super) connect: Option<Duration>,
}

impl Http2Links {
    pub(super) fn new() -> Self {
        let tasks = Tasks { tracker: TaskTracker::new(), stop: CancellationToken::new() };
        Self { slots: Mutex::default(), tasks }
    }

    /// A turn on the key's connection, made if need be. A connection that somebody else made while this request waited
    /// is fresh enough for everybody: when one breaks, all its requests come here at once.
    pub(super) async fn turn(&self, key: &ConnectionKey, reuse: Reuse) -> Result<Turn, DialError> {
        let asked = Instant::now();
        let slot = Arc::clone(self.lock().entry(key.clone()).or_default());
        let limit = key.dialer.connect_timeout();
        let mut link = timeout(limit, slot.lock()).await.map_err(|_| DialError::Timeout(limit))?;
        let now = Instant::now();
        let mut connect = None;
        let open = match link.take() {
            Some(open) if open.is_usable(now) && (reuse == Reuse::Allowed || open.born >= asked) => open,
            _ => {
                let made = self.connect(key).await?;
                connect = Some(now.elapsed());
                made
            }
        };
        let open = link.insert(open);
        let in_use = InUse(Arc::clone(&open.usage));
        Ok(Turn { sender: open.sender.clone(), in_use, connect })
    }

    async fn connect(&self, key: &ConnectionKey) -> Result<Link, DialError> {
        let io = key.dialer.dial(&key.spec.url, Protocol::Http2).await?;
        let mut builder = Builder::new(self.tasks.clone());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY);
        let handshake = builder.handshake(io).await;
        let (sender, connection) =
            handshake.map_err(|_| DialError::Connect("the HTTP/2 handshake failed".into()))?;
        self.tasks.execute(connection);
        let now = Instant::now();
        Ok(Link { sender, usage: Arc::new(Mutex::new(now)), born: now })
    }

    /// Lets go of connections that are closed or unused for long.
    pub(super) fn sweep(&self, now: Instant) {
        self.keep(|_, link| link.is_usable(now));
    }

    /// Lets go of the connections of keys that are not wanted any more; their streams still end in peace.
    pub(super) fn retain(&self, wanted: impl Fn(&ConnectionKey) -> bool) {
        self.keep(|key, _| wanted(key));
    }

    /// Slots that are just being dialled are left alone.
    fn keep(&self, wanted: impl Fn(&ConnectionKey, &Link) -> bool) {
        self.lock().retain(|key, slot| {
            let Ok(mut link) = slot.try_lock() else { return true };
            link.take_if(|link| !wanted(key, link));
            link.is_some()
        });
    }

    /// Connections without an open stream.
    pub(super) fn idle(&self) -> usize {
        let is_idle =
            |slot: &Arc<Slot>| slot.try_lock().is_ok_and(|link| link.as_ref().is_some_and(Link::is_idle));
        self.lock().values().filter(|slot| is_idle(slot)).count()
    }

    /// Ends all connections, streams included, and waits for their tasks.
    pub(super) async fn close(&self) {
        self.lock().clear();
        self.tasks.stop.cancel();
        self.tasks.tracker.close();
        self.tasks.tracker.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionKey, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.usage) == 1
    }

    fn is_usable(&self, now: Instant) -> bool {
        let last_use = *self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let idle_too_long = self.is_idle() && now.duration_since(last_use) >= MAX_IDLE_AGE;
        !self.sender.is_closed() && !idle_too_long && now.duration_since(self.born) < MAX_TOTAL_AGE
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// Runs what hyper wants to run in the background, on a tracker and until stopped.
#[derive(Clone)]
struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.tracker.spawn(self.stop.clone().run_until_cancelled_owned(future));
    }
}
