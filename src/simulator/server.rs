//! Connections: accept, read requests, choose a behaviour, deliver, watch for the client leaving.
//!
//! | the behaviour's mark | acted on |
//! |---|---|
//! | `Accept` | before anything is read |
//! | `Upload`, and `early` answers | when the request head is there |
//! | `Request` | when the body is there |
//! | `Headers`, `Events`, `Bytes` | while the answer is delivered |
//! | `End`, `NextRequest` | between requests |
//!
//! One task per connection; it ends when the client leaves, the behaviour says so, or the simulator stops.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::tcp::ReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer;
use super::ask::seed;
use super::behaviour::{Behaviour, How, Mark};
use super::compose::{Context, Rendered};
use super::deliver::{After, deliver};
use super::http::{Head, Reader};
use super::log::{Class, ConnectionEntry, Outcome, Received, Recorder, RequestEntry};
use super::script::Script;
use super::usage::Usage;

/// How long an early answer waits for the client to stop sending.
const DRAIN: Duration = Duration::from_secs(5);
/// How often a stalled upload looks whether its client is still there.
const STALL_CHECK: Duration = Duration::from_millis(20);
/// Bytes of further requests read while an answer is under way; beyond it they wait in the socket.
const MAX_BACKLOG: usize = 1024 * 1024;
/// Wait before a reset behind sent bytes: a reset may destroy what the client has not read yet.
const RESET_GRACE: Duration = Duration::from_millis(50);
/// Pause after a failed accept (too many open files, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) script: Script,
    pub(super) recorder: Recorder,
    pub(super) rendered: Rendered,
}

impl Shared {
    fn context<'a>(&'a self, head: &'a Head, body: &'a [u8], body_hash: u64) -> Context<'a> {
        let class = Class::of(&head.method, &head.target);
        Context { name: &self.name, class, head, body, body_hash, rendered: &self.rendered }
    }
}

/// Accepts connections until `stop`.
pub(super) async fn accept(
    shared: Arc<Shared>,
    listener: TcpListener,
    tracker: TaskTracker,
    stop: CancellationToken,
) {
    let connections = tracker.clone();
    let serving = async {
        loop {
            let Ok((socket, _)) = listener.accept().await else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            connections.spawn(async move {
                // An error here is the client's departure; the log has it already.
                let _ = stop.run_until_cancelled(serve(&shared, socket)).await;
            });
        }
    };
    stop.run_until_cancelled(serving).await;
}

/// A connection that ends, and how.
enum End {
    Close,
    Reset,
}

async fn serve(shared: &Shared, mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let entry = shared.recorder.connection();
    let end = match shared.script.take_for_accept() {
        Some(how) => refuse(&mut socket, &how).await,
        None => {
            Connection { shared, entry: &entry, socket: &mut socket, reader: Reader::default() }.run().await
        }
    };
    if matches!(end, Ok(End::Reset)) {
        socket.set_zero_linger()?;
    }
    drop(socket);
    end.map(drop)
}

/// Acts on [`Mark::Accept`]: what the client sends is swallowed, or it is turned away.
async fn refuse(socket: &mut TcpStream, how: &How) -> io::Result<End> {
    match how {
        How::Reset => Ok(End::Reset),
        How::Silence | How::Drip(..) => {
            tokio::io::copy(socket, &mut tokio::io::sink()).await?;
            Ok(End::Close)
        }
        How::Close | How::End | How::Error(_) => Ok(End::Close),
    }
}

struct Connection<'a> {
    shared: &'a Shared,
    entry: &'a ConnectionEntry<'a>,
    socket: &'a mut TcpStream,
    reader: Reader,
}

impl Connection<'_> {
    async fn run(&mut self) -> io::Result<End> {
        loop {
            let Some(head) = self.reader.head(self.socket).await? else { return Ok(End::Close) };
            let mut entry = self.shared.recorder.request(self.row(&head));
            let (after, stop) = match self.exchange(&head, &mut entry).await {
                Ok(done) => done,
                Err(error) => {
                    entry.ends(Outcome::ClientLeft);
                    return Err(error);
                }
            };
            entry.ends(match after {
                After::Keep | After::Close => Outcome::Answered,
                After::Cut | After::Reset => Outcome::Broken,
            });
            drop(entry);
            match after {
                After::Keep => {}
                After::Close | After::Cut => return Ok(End::Close),
                After::Reset => return Ok(End::Reset),
            }
            match stop {
                None => {}
                Some((Mark::NextRequest, how)) => return self.fail_next(&how).await,
                Some((_, how)) => return Ok(end_of(&how)),
            }
        }
    }

    /// Waits for the next request to begin, then breaks the connection without an answer.
    async fn fail_next(&mut self, how: &How) -> io::Result<End> {
        if self.reader.next_request(self.socket).await? && matches!(how, How::Silence) {
            return refuse(self.socket, how).await;
        }
        Ok(end_of(how))
    }

    /// One request and its answer, and how the connection ends behind it if the behaviour says so.
    async fn exchange(
        &mut self,
        head: &Head,
        entry: &mut RequestEntry<'_>,
    ) -> io::Result<(After, Option<(Mark, How)>)> {
        let class = Class::of(&head.method, &head.target);
        if let Some(behaviour) = self.shared.script.take_for_head(class) {
            return self.act_on_head(head, &behaviour, entry).await.map(|after| (after, None));
        }
        if head.headers.lists("expect", "100-continue") {
            self.socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = self.reader.body(self.socket, head).await?;
        let hash = seed(&body);
        entry.body(body.clone(), hash);
        let request =
            Received { body: body.clone(), body_bytes: body.len(), body_hash: hash, ..self.row(head) };
        let behaviour = self.shared.script.take(&request);
        let context = self.shared.context(head, &body, hash);
        let after = match behaviour.stop_at(Mark::Request) {
            Some(how) => self.withhold(how).await?,
            None => self.answer(&context, &behaviour, entry).await?,
        };
        let behind = |mark| behaviour.stop_at(mark).map(|how| (mark, how.clone()));
        Ok((after, behind(Mark::End).or_else(|| behind(Mark::NextRequest))))
    }

    /// Acts on behaviours that do not wait for the request's body.
    async fn act_on_head(
        &mut self,
        head: &Head,
        behaviour: &Behaviour,
        entry: &mut RequestEntry<'_>,
    ) -> io::Result<After> {
        if let Some((bytes, how)) = behaviour.upload_limit() {
            self.reader.fill(self.socket, bytes).await?;
            return match how {
                How::Reset => Ok(After::Reset),
                How::Silence | How::Drip(..) => stall(self.socket).await.map(never),
                How::Close | How::End | How::Error(_) => Ok(After::Cut),
            };
        }
        let context = self.shared.context(head, b"", seed(b""));
        let answer = answer::answer(&context, behaviour)?;
        entry.status(answer.status);
        let after = deliver(self.socket, &answer, &behaviour.pace, |_| {}).await?;
        // Closing with unread bytes would reset the connection and could destroy the answer on its way.
        self.socket.shutdown().await?;
        let _ = timeout(DRAIN, tokio::io::copy(self.socket, &mut tokio::io::sink())).await;
        Ok(after)
    }

    /// Acts on [`Mark::Request`].
    async fn withhold(&mut self, how: &How) -> io::Result<After> {
        match how {
            How::Reset => Ok(After::Reset),
            How::Silence | How::Drip(..) => {
                let (mut read, _write) = self.socket.split();
                client_leaves(&mut read, &mut self.reader.buffer).await.map(never)
            }
            How::Close | How::End | How::Error(_) => Ok(After::Cut),
        }
    }

    async fn answer(
        &mut self,
        context: &Context<'_>,
        behaviour: &Behaviour,
        entry: &mut RequestEntry<'_>,
    ) -> io::Result<After> {
        let answer = answer::answer(context, behaviour)?;
        entry.status(answer.status);
        let (mut read, mut write) = self.socket.split();
        let sending = deliver(&mut write, &answer, &behaviour.pace, |told| entry.told(told));
        let sending = async {
            let after = sending.await?;
            if after == After::Reset {
                sleep(RESET_GRACE).await;
            }
            Ok(after)
        };
        tokio::select! {
            biased;
            after = sending => after,
            left = client_leaves(&mut read, &mut self.reader.buffer) => left.map(never),
        }
    }

    fn row(&self, head: &Head) -> Received {
        Received {
            id: 0,
            connection: self.entry.id,
            at: Instant::now(),
            method: head.method.clone(),
            target: head.target.clone(),
            headers: head.headers.clone(),
            class: Class::of(&head.method, &head.target),
            body: Bytes::new(),
            body_bytes: 0,
            body_hash: 0,
            status: None,
            told: Usage::default(),
            output_told: false,
            outcome: Outcome::Reading,
        }
    }
}

fn end_of(how: &How) -> End {
    if matches!(how, How::Reset) { End::Reset } else { End::Close }
}

/// Ends with an error when the client has gone; bytes of a next request are kept.
async fn client_leaves(read: &mut ReadHalf<'_>, buffer: &mut BytesMut) -> io::Result<Infallible> {
    while read.read_buf(buffer).await? > 0 {
        if buffer.len() > MAX_BACKLOG {
            return pending().await;
        }
    }
    Err(io::ErrorKind::ConnectionReset.into())
}

/// Reads nothing more. The client's departure shows only as far as TCP lets it: unread bytes can hide it.
async fn stall(socket: &TcpStream) -> io::Result<Infallible> {
    loop {
        sleep(STALL_CHECK).await;
        let ready = socket.ready(Interest::READABLE).await?;
        if ready.is_read_closed() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}

fn never<T>(impossible: Infallible) -> T {
    match impossible {}
}
