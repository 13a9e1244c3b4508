//! One request to one endpoint, once: from the pool or a dial to the head of the answer.
//!
//! | step | limit | fails as |
//! |---|---|---|
//! | a connection: pooled, or dialled | 10 s, all of dialling together | `Dns`, `Connect`, `Proxy`, `Tls`, `ConnectTimeout` |
//! | request out, head in | `header_timeout`, from the last piece of the body the connection took | `HeaderTimeout`, `Reset`, `Protocol`, `RequestBody` |
//! | body | the caller's idle timer | [`BodyError`] |
//!
//! A request is never sent twice. What looks like an exception is none: a pooled connection that turns out closed before
//! it was given a single byte is passed over for the next.
//!
//! Informational answers (1xx) are skipped. `101` is an error: requests to upgrade never get here, so nobody asked.
//!
//! Must never: retry, judge a status, or log.

mod alarm;
mod body;
mod error;
pub(crate) mod flat;
mod http1;
mod http2;
mod key;
mod payload;
mod waker;
mod wire;

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::{Instant, timeout_at};

pub(crate) use self::alarm::Alarm;
pub use self::body::UpstreamBody;
pub use self::error::{BodyError, BodyErrorKind, SendError, SendErrorKind};
use self::http1::Http1;
use self::http2::Http2Links;
use self::key::ConnectionKey;
pub use self::payload::{Payload, UploadError};
use self::payload::{Progress, Upload};
pub(crate) use self::waker::Bell;
use super::dialer::{DialError, Dialer, Protocol};
use super::pool::Pool;
use crate::domain::endpoint::EndpointSpec;

/// Sends requests to endpoints. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

struct Inner {
    dialer: ArcSwap<Dialer>,
    pool: Arc<Pool<Box<Http1>>>,
    http2: Http2Links,
}

/// Whether a request may use a connection that has served others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reuse {
    /// The normal case.
    Allowed,
    /// After [`SendError::reused`]: the next pooled connection may be as stale as the last.
    Never,
}

/// What came back.
pub struct Answer {
    /// Status and headers as the endpoint sent them, hop-by-hop headers included.
    pub head: http::response::Parts,
    /// The rest. Dropping it ends the exchange.
    pub body: UpstreamBody,
    /// How long it took.
    pub timing: Timing,
}

/// The times of one exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// DNS, TCP, outbound proxy and TLS; `None` on a reused connection.
    pub connect: Option<Duration>,
    /// When the head was complete.
    pub answered: Instant,
    /// The connection had served a request before.
    pub reused: bool,
}

type SendFailure = TrySendError<Request<Upload>>;

impl Transport {
    /// A transport whose connections come from this dialer.
    pub fn new(dialer: Dialer) -> Self {
        let inner =
            Inner { dialer: ArcSwap::from_pointee(dialer), pool: Arc::default(), http2: Http2Links::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Sends a request whose target is in origin form and whose headers are complete, `Host` included (see
    /// [`super::headers`]); `Content-Length` is set from the body here. Returns with the head of the answer.
    ///
    /// `header_timeout` counts from the moment the request is put on an established connection and starts anew with
    /// every piece of its body the connection takes (the system's send buffer counts as taken), so a slow upload is
    /// not mistaken for a slow endpoint. Dropping the future closes the connection.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(
        &self,
        spec: &Arc<EndpointSpec>,
        request: Request<Payload>,
        header_timeout: Duration,
        reuse: Reuse,
    ) -> Result<Answer, SendError> {
        // In a box, because it is large and goes through many hands.
        let mut request = Box::new(framed(request).map(Upload::new));
        let answer = if spec.http2 {
            for_http2(&mut request, spec);
            Box::pin(self.send_http2(spec, request, header_timeout, reuse)).await?
        } else {
            self.send_http1(spec, request, header_timeout, reuse).await?
        };
        if answer.head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(SendError::new(SendErrorKind::Protocol, "the endpoint switched protocols unasked"));
        }
        Ok(answer)
    }

    /// Takes over a new configuration: connections of endpoints that are gone, disabled or moved are closed once idle,
    /// and with a new `dialer` (for a changed `proxy` or `tls` section) all are. Running exchanges end undisturbed.
    pub fn reconfigure(&self, dialer: Option<Dialer>, endpoints: &[Arc<EndpointSpec>]) {
        if let Some(dialer) = dialer {
            self.inner.dialer.store(Arc::new(dialer));
        }
        let current = self.inner.dialer.load();
        let wanted = |key: &ConnectionKey| {
            Arc::ptr_eq(&key.dialer, &current)
                && endpoints.iter().any(|spec| spec.enabled && key.serves(spec))
        };
        self.inner.pool.retain(wanted);
        self.inner.http2.retain(wanted);
    }

    /// Closes connections that are idle for too long or were closed by the other side. To be called every few seconds.
    pub fn sweep(&self, now: Instant) {
        self.inner.pool.sweep(now);
        self.inner.http2.sweep(now);
    }

    /// Open connections without a request.
    pub fn idle_connections(&self) -> usize {
        self.inner.pool.len() + self.inner.http2.idle()
    }

    /// Closes idle connections, keeps no further ones, and ends HTTP/2 connections with whatever still runs on them.
    /// Comes last, after the drain.
    pub async fn shutdown(&self) {
        self.inner.pool.close();
        self.inner.http2.close().await;
    }

    fn key(&self, spec: &Arc<EndpointSpec>) -> ConnectionKey {
        ConnectionKey { spec: Arc::clone(spec), dialer: self.inner.dialer.load_full() }
    }

    async fn send_http1(
        &self,
        spec: &Arc<EndpointSpec>,
        mut request: Box<Request<Upload>>,
        header_timeout: Duration,
        reuse: Reuse,
    ) -> Result<Answer, SendError> {
        loop {
            let Ready { mut connection, connect, at } = match self.connection(spec, reuse).await {
                Ok(connection) => connection,
                Err(error) => return Err(SendError::undialed(&error, request.into_body().into_payload())),
            };
            let progress = request.body().progress();
            let sent = over_http1(&mut connection, request, &progress, header_timeout, at).await;
            let silent_reuse = connect.is_none() && !connection.heard();
            match sent {
                Ok((response, at)) => {
                    let pool = Arc::clone(&self.inner.pool);
                    return Ok(answer(response, connect, at, |incoming| {
                        UpstreamBody::http1(incoming, connection, pool)
                    }));
                }
                Err(Failed::Timeout(error)) => return Err(error),
                Err(Failed::Broken(mut failure)) => match failure.take_message() {
                    Some(unsent) if connect.is_none() => request = Box::new(unsent),
                    unsent => return Err(broken(&failure, unsent, silent_reuse)),
                },
            }
        }
    }

    async fn connection(&self, spec: &Arc<EndpointSpec>, reuse: Reuse) -> Result<Ready, DialError> {
        let asked = Instant::now();
        if let Some(connection) = self.pooled(spec, reuse, asked) {
            return Ok(Ready { connection, connect: None, at: asked });
        }
        // In a box, because few requests need its room.
        let connection = Box::pin(dialled(self.key(spec))).await?;
        let at = Instant::now();
        Ok(Ready { connection, connect: Some(at - asked), at })
    }

    fn pooled(&self, spec: &Arc<EndpointSpec>, reuse: Reuse, now: Instant) -> Option<Box<Http1>> {
        if reuse == Reuse::Never {
            return None;
        }
        let dialer = self.inner.dialer.load();
        let serves = |key: &ConnectionKey| Arc::ptr_eq(&key.dialer, &dialer) && key.serves(spec);
        self.inner.pool.checkout(serves, now)
    }

    async fn send_http2(
        &self,
        spec: &Arc<EndpointSpec>,
        mut request: Box<Request<Upload>>,
        header_timeout: Duration,
        mut reuse: Reuse,
    ) -> Result<Answer, SendError> {
        let key = self.key(spec);
        loop {
            let mut turn = match self.inner.http2.turn(&key, reuse).await {
                Ok(turn) => turn,
                Err(error) => return Err(SendError::undialed(&error, request.into_body().into_payload())),
            };
            let progress = request.body().progress();
            let sending = turn.sender.try_send_request(*request);
            let sent = over_http2(sending, &progress, header_timeout).await;
            match sent {
                Ok((response, at)) => {
                    return Ok(answer(response, turn.connect, at, |incoming| {
                        UpstreamBody::http2(incoming, turn.in_use)
                    }));
                }
                Err(Failed::Timeout(error)) => return Err(error),
                Err(Failed::Broken(mut failure)) => match failure.take_message() {
                    Some(unsent) if turn.connect.is_none() => {
                        (request, reuse) = (Box::new(unsent), Reuse::Never);
                    }
                    unsent => {
                        let unprocessed = was_not_processed(failure.error(), turn.connect.is_none());
                        return Err(broken(&failure, unsent, unprocessed));
                    }
                },
            }
        }
    }
}

/// A connection for one request.
struct Ready {
    connection: Box<Http1>,
    /// How long it took to make; `None` when it was there.
    connect: Option<Duration>,
    /// Since when it is there.
    at: Instant,
}

/// A connection that nobody has used yet.
async fn dialled(key: ConnectionKey) -> Result<Box<Http1>, DialError> {
    let link = key.dialer.dial(&key.spec.url, Protocol::Http1).await?;
    let made = Http1::new(link, key).await.map_err(|_| DialError::Connect("closed at once".into()))?;
    Ok(Box::new(made))
}

enum Failed {
    Timeout(SendError),
    Broken(Box<SendFailure>),
}

/// Waits for the head, for as long as the upload moves and then `limit`. It comes with the time.
async fn over_http1(
    connection: &mut Http1,
    request: Box<Request<Upload>>,
    progress: &Progress,
    limit: Duration,
    started: Instant,
) -> Result<(Response<Incoming>, Instant), Failed> {
    progress.touch(started);
    match connection.request(request, || progress.last_moved() + limit).await {
        Some(Ok(response)) => Ok((response, Instant::now())),
        Some(Err(failure)) => Err(Failed::Broken(Box::new(failure))),
        None => Err(Failed::Timeout(timed_out(progress, limit))),
    }
}

/// Likewise, on a connection that others use, too.
async fn over_http2(
    sending: impl Future<Output = Result<Response<Incoming>, SendFailure>>,
    progress: &Progress,
    limit: Duration,
) -> Result<(Response<Incoming>, Instant), Failed> {
    progress.touch(Instant::now());
    let mut sending = pin!(sending);
    loop {
        match timeout_at(progress.last_moved() + limit, sending.as_mut()).await {
            Ok(Ok(response)) => return Ok((response, Instant::now())),
            Ok(Err(failure)) => return Err(Failed::Broken(Box::new(failure))),
            Err(_) if progress.last_moved() + limit > Instant::now() => {}
            Err(_) => return Err(Failed::Timeout(timed_out(progress, limit))),
        }
    }
}

fn timed_out(progress: &Progress, limit: Duration) -> SendError {
    let seconds = limit.as_secs_f32();
    if progress.waits_for_client() {
        SendError::new(SendErrorKind::RequestBody, format!("the client's upload stalled for {seconds} s"))
    } else {
        SendError::new(SendErrorKind::HeaderTimeout, format!("no response head within {seconds} s"))
    }
}

fn broken(failure: &SendFailure, unsent: Option<Request<Upload>>, reused: bool) -> SendError {
    let mut error = SendError::broken(failure.error());
    error.reused = reused && error.kind == SendErrorKind::Reset;
    error.request_sent = unsent.is_none();
    error.unsent = unsent.map(|request| request.into_body().into_payload());
    error
}

/// True when an HTTP/2 endpoint refused the stream or was closing (RFC 9113 sections 6.8 and 8.7), or a connection that
/// was there before broke down as a whole.
fn was_not_processed(error: &hyper::Error, reused: bool) -> bool {
    match error.source().and_then(|cause| cause.downcast_ref::<h2::Error>()) {
        Some(error) if error.is_reset() => error.reason() == Some(h2::Reason::REFUSED_STREAM),
        Some(error) if error.is_go_away() => error.reason() == Some(h2::Reason::NO_ERROR) || reused,
        _ => reused,
    }
}

fn answer(
    response: Response<Incoming>,
    connect: Option<Duration>,
    answered: Instant,
    body: impl FnOnce(Incoming) -> UpstreamBody,
) -> Answer {
    let (mut head, incoming) = response.into_parts();
    if head.headers.contains_key(TRANSFER_ENCODING) {
        // A length beside it means nothing and must not be passed on (RFC 9112 section 6.3).
        head.headers.remove(CONTENT_LENGTH);
    }
    let timing = Timing { connect, answered, reused: connect.is_none() };
    Answer { head, body: body(incoming), timing }
}

/// Exactly one statement of the body's length: `Content-Length` when it is known, else chunks or HTTP/2 framing.
fn framed(mut request: Request<Payload>) -> Request<Payload> {
    let length = request.body().size_hint().exact();
    let expects_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    match length {
        Some(0) if !expects_body && !headers.contains_key(CONTENT_LENGTH) => {}
        Some(length) => drop(headers.insert(CONTENT_LENGTH, length.into())),
        None => drop(headers.remove(CONTENT_LENGTH)),
    }
    request
}

/// HTTP/2 carries scheme and host in the target and has no `Host`.
fn for_http2(request: &mut Request<Upload>, spec: &EndpointSpec) {
    *request.version_mut() = Version::HTTP_2;
    let host = request.headers_mut().remove(HOST);
    let authority = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(&spec.url.authority);
    let target = request.uri().path_and_query().cloned();
    let absolute = Uri::builder()
        .scheme(spec.url.scheme.as_str())
        .authority(authority)
        .path_and_query(target.map_or_else(|| "/".to_owned(), |target| target.to_string()))
        .build();
    if let Ok(absolute) = absolute {
        *request.uri_mut() = absolute;
    }
}
