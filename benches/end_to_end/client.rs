//! The client of the bench: requests like Claude Code's over connections that stay open.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::upstream::{Answer, HEADER};

/// One connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

/// What one request came to.
pub(crate) struct Exchange {
    /// From the first byte out to the last byte in.
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// Events, if it was a stream.
    pub(crate) events: u64,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address).await.with_context(|| format!("cannot reach {address}"))?;
        socket.set_nodelay(true)?;
        let (sender, driver) =
            http1::Builder::new().max_buf_size(512 * 1024).handshake(TokioIo::new(socket)).await?;
        let mut drivers = JoinSet::new();
        drivers.spawn(async move {
            // Errors show at the sender.
            let _ = driver.await;
        });
        Ok(Self { sender, _driver: drivers })
    }

    /// Sends one request and reads its whole answer; `seen` learns when the event with this index came.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        mut seen: impl FnMut(u64, Instant),
    ) -> anyhow::Result<Exchange> {
        self.sender.ready().await?;
        let began = Instant::now();
        let response = self.sender.send_request(request).await?;
        ensure!(response.status() == StatusCode::OK, "the answer has status {}", response.status());
        let (mut body, mut lines, mut events) = (response.into_body(), 0, 0);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let now = Instant::now();
            lines += memchr::memchr_iter(b'\n', &data).count() as u64;
            // Each event of the simulator is a name, a data and an empty line.
            while events < lines / 3 {
                seen(events, now);
                events += 1;
            }
        }
        Ok(Exchange { began, ended: Instant::now(), events })
    }
}

/// A request with the headers that Claude Code sends and a body of about `bytes`.
pub(crate) fn request(body: &Bytes, answer: Answer) -> anyhow::Result<Request<Full<Bytes>>> {
    let mut request = Request::post("/v1/messages?beta=true");
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    Ok(request.header(HEADER, answer.to_string()).body(Full::new(body.clone()))?)
}

/// A request body of about `bytes`.
pub(crate) fn body(bytes: usize, stream: bool) -> Bytes {
    let text = "All work and no play makes for a dull bench. ".repeat(bytes / 45 + 1);
    let json = serde_json::json!({
        "model": "claude-opus-4-8",
        "max_tokens": 32_000,
        "stream": stream,
        "messages": [{ "role": "user", "content": &text[..bytes.saturating_sub(300)] }],
        "metadata": { "user_id": "{\"session_id\":\"3f2b8a52-6b1f-4c52-9a53-2f5ed7a1c001\"}" },
    });
    Bytes::from(json.to_string())
}

const HEADERS: [(&str, &str); 16] = [
    ("host", "localhost"),
    ("accept", "application/json"),
    ("content-type", "application/json"),
    ("user-agent", "claude-cli/2.1.0 (external, cli)"),
    ("authorization", "Bearer sk-ant-oat01-bench"),
    ("anthropic-version", "2023-06-01"),
    ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27"),
    ("anthropic-dangerous-direct-browser-access", "true"),
    ("x-app", "cli"),
    ("x-stainless-arch", "x64"),
    ("x-stainless-lang", "js"),
    ("x-stainless-os", "Linux"),
    ("x-stainless-package-version", "0.70.0"),
    ("x-stainless-retry-count", "0"),
    ("x-stainless-timeout", "600"),
    ("x-claude-code-session-id", "3f2b8a52-6b1f-4c52-9a53-2f5ed7a1c001"),
];
