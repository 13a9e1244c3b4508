//! A scripted upstream: a listener that runs one script per connection and counts connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cc_forwarder::domain::endpoint::{BaseUrl, Credential, EndpointId, EndpointSpec, GroupId, Scheme};
use cc_forwarder::proxy::dialer::Dialer;
use cc_forwarder::proxy::headers::{outbound_headers, request_target};
use cc_forwarder::proxy::transport::{Answer, BodyError, Payload, Reuse, SendError, Transport, UpstreamBody};
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Nothing here takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Runs a script for every connection it accepts, for as long as it lives.
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    accepted: Arc<AtomicUsize>,
    open: watch::Receiver<usize>,
}

impl Upstream {
    /// The script gets the number of the connection, from 0, and the connection.
    pub(crate) async fn start<F, R>(script: F) -> Self
    where
        F: Fn(usize, Peer) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self::start_streams(move |number, stream| script(number, Peer::new(stream))).await
    }

    /// The same with the bare socket.
    pub(crate) async fn start_streams<F, R>(script: F) -> Self
    where
        F: Fn(usize, TcpStream) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, open) = watch::channel(0);
        let counter = Arc::clone(&accepted);
        let tasks = TaskTracker::new();
        tasks.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let running = script(counter.fetch_add(1, Ordering::SeqCst), stream);
                let count = count.clone();
                count.send_modify(|open| *open += 1);
                tasks.spawn(async move {
                    running.await;
                    count.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { addr, accepted, open }
    }

    /// Answers every request on every connection with these bytes, until the other side closes.
    pub(crate) async fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |_, mut peer| async move {
            while peer.read_request().await.is_some() {
                peer.send(answer).await;
            }
        })
        .await
    }

    /// Answers the first request of every connection and closes it.
    pub(crate) async fn answering_once(answer: &'static [u8]) -> Self {
        Self::start(move |_, mut peer| async move {
            peer.read_request().await;
            peer.send(answer).await;
        })
        .await
    }

    /// Says this at once, whatever the other side may have to say.
    pub(crate) async fn greeting(words: &'static [u8]) -> Self {
        Self::start(move |_, mut peer| async move {
            peer.send(words).await;
            peer.until_closed().await;
        })
        .await
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until so many scripts are still running.
    pub(crate) async fn until_open(&self, wanted: usize) {
        let mut open = self.open.clone();
        bounded(open.wait_for(|open| *open == wanted)).await.unwrap();
    }

    pub(crate) fn spec(&self) -> Arc<EndpointSpec> {
        Arc::new(spec(Scheme::Http, "127.0.0.1", self.addr.port()))
    }
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The upstream's end of a connection.
pub(crate) struct Peer {
    pub(crate) stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// How often a header line begins with this text.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.head.lines().filter(|line| line.to_ascii_lowercase().starts_with(start)).count()
    }
}

impl Peer {
    pub(crate) fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: Vec::new() }
    }

    /// The next head without its body; `None` when the other side has closed.
    pub(crate) async fn read_head(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.buffer.split_off(at + 4);
                let head = std::mem::replace(&mut self.buffer, rest);
                return Some(String::from_utf8(head).unwrap());
            }
            self.fill().await?;
        }
    }

    /// The next request with its body, framed by length or chunks.
    pub(crate) async fn read_request(&mut self) -> Option<Received> {
        let head = self.read_head().await?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let body = if head.contains("transfer-encoding: chunked") {
            self.read_chunks().await?
        } else {
            self.take(length).await?
        };
        Some(Received { head, body })
    }

    async fn read_chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            while !self.buffer.contains(&b'\n') {
                self.fill().await?;
            }
            let end = self.buffer.iter().position(|byte| *byte == b'\n').unwrap();
            let line = self.take(end + 1).await?;
            let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            let chunk = self.take(size + 2).await?;
            if size == 0 {
                return Some(body);
            }
            body.extend(&chunk[..size]);
        }
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        let rest = self.buffer.split_off(length);
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    async fn fill(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.buffer).await.unwrap_or(0);
        (read > 0).then_some(())
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// Waits until an HTTP/2 frame of this type has come in.
    pub(crate) async fn until_sent(&mut self, wanted: u8) -> Option<()> {
        loop {
            let header = self.take(9).await?;
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            self.take(length as usize).await?;
            if header[3] == wanted {
                return Some(());
            }
        }
    }

    /// Waits until the other side has closed.
    pub(crate) async fn until_closed(&mut self) {
        while self.fill().await.is_some() {}
    }
}

/// Makes the close of this connection a reset.
pub(crate) fn resetting(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

pub(crate) fn spec(scheme: Scheme, host: &str, port: u16) -> EndpointSpec {
    EndpointSpec {
        id: EndpointId::new("main"),
        group: GroupId::new("main"),
        url: BaseUrl {
            scheme,
            host: host.into(),
            port,
            authority: format!("{host}:{port}"),
            base_path: String::new(),
            secret: false,
        },
        priority: 1,
        group_priority: 1,
        timeout: PATIENCE,
        credential: Credential::None,
        headers: Vec::new(),
        supports_count_tokens: None,
        models: Vec::new(),
        price_multiplier_ppm: 1_000_000,
        retry_statuses: Vec::new(),
        http2: false,
        enabled: true,
    }
}

pub(crate) fn direct() -> Transport {
    Transport::new(Dialer::new(None, None))
}

pub(crate) fn post(spec: &EndpointSpec, payload: impl Into<Payload>) -> Request<Payload> {
    let mut request = Request::post("/").body(payload.into()).unwrap();
    *request.uri_mut() = request_target(&spec.url, &"/v1/messages?beta=true".parse().unwrap()).unwrap();
    *request.headers_mut() = outbound_headers(&HeaderMap::new(), spec);
    request
}

/// Sends a small request.
pub(crate) async fn send(transport: &Transport, spec: &Arc<EndpointSpec>) -> Result<Answer, SendError> {
    send_payload(transport, spec, Bytes::from_static(b"{}")).await
}

pub(crate) async fn send_payload(
    transport: &Transport,
    spec: &Arc<EndpointSpec>,
    payload: impl Into<Payload>,
) -> Result<Answer, SendError> {
    bounded(transport.send(spec, post(spec, payload), PATIENCE, Reuse::Allowed)).await
}

pub(crate) async fn failure(transport: &Transport, spec: &Arc<EndpointSpec>) -> SendError {
    send(transport, spec).await.map(|_| "an answer").unwrap_err()
}

/// Sends a small request and reads the whole answer.
pub(crate) async fn fetch(transport: &Transport, spec: &Arc<EndpointSpec>) -> Bytes {
    whole(send(transport, spec).await.unwrap().body).await
}

pub(crate) async fn whole(body: UpstreamBody) -> Bytes {
    let (bytes, end) = drain(body).await;
    end.unwrap();
    bytes
}

/// What a body delivered before its end, and the end. Polled as a server polls: not beyond `is_end_stream`.
pub(crate) async fn drain(mut body: UpstreamBody) -> (Bytes, Result<(), BodyError>) {
    let mut bytes = Vec::new();
    while !body.is_end_stream() {
        match bounded(body.frame()).await {
            Some(Ok(frame)) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Some(Err(error)) => return (bytes.into(), Err(error)),
            None => break,
        }
    }
    (bytes.into(), Ok(()))
}

pub(crate) async fn bounded<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("should not take this long")
}

/// Bytes that differ from their neighbours, so that order and loss show.
pub(crate) fn pattern(length: usize) -> Bytes {
    (0..length).map(|index| u8::try_from(index * 31 % 251).unwrap()).collect::<Vec<_>>().into()
}
