//! A client that shows what really was on the wire: head, body without its transfer coding, and how it ended.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Silence this long counts as silence; only ever used where nothing may come.
const QUIET: Duration = Duration::from_millis(150);
/// No read that must bring something waits longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As its framing announced.
    Whole,
    /// The connection was closed before that.
    Closed,
    /// The connection was reset before that.
    Reset,
    /// Nothing more came.
    Silent,
    /// More and more came.
    Endless,
}

/// A response as it was on the wire.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            line.split_once(": ").filter(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }
}

/// An open connection.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
    ended: Option<End>,
    pub(crate) expects_silence: bool,
    pub(crate) body_limit: usize,
}

pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: simulator\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        Ok(Self { socket, buffer: Vec::new(), ended: None, expects_silence: false, body_limit: usize::MAX })
    }

    /// Sends a request and reads the response; a failing write shows as the end that follows.
    pub(crate) async fn ask(&mut self, request: &str) -> Seen {
        let _ = self.socket.write_all(request.as_bytes()).await;
        self.response().await
    }

    pub(crate) async fn response(&mut self) -> Seen {
        let Some(at) = self.position(b"\r\n\r\n").await else {
            let body = std::mem::take(&mut self.buffer);
            return Seen { status: 0, head: String::new(), body, end: self.ended.unwrap() };
        };
        let head = String::from_utf8(self.buffer.drain(..at + 4).collect()).unwrap();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut seen = Seen { status, head, body: Vec::new(), end: End::Whole };
        if status / 100 == 1 {
            return seen;
        }
        if seen.header("transfer-encoding") == Some("chunked") {
            self.chunks(&mut seen).await;
        } else {
            let length = seen.header("content-length").map(|text| text.parse().unwrap());
            self.exactly(&mut seen, length).await;
        }
        seen
    }

    async fn chunks(&mut self, seen: &mut Seen) {
        loop {
            if seen.body.len() > self.body_limit {
                seen.end = End::Endless;
                return;
            }
            let Some(at) = self.position(b"\r\n").await else {
                seen.end = self.ended.unwrap();
                return;
            };
            let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
            let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            while self.buffer.len() < size + 2 && self.more().await {}
            let have = size.min(self.buffer.len());
            seen.body.extend(self.buffer.drain(..have));
            if self.buffer.len() < 2 {
                seen.end = self.ended.unwrap();
                return;
            }
            self.buffer.drain(..2);
            if size == 0 {
                return;
            }
        }
    }

    async fn exactly(&mut self, seen: &mut Seen, length: Option<usize>) {
        while length.is_none_or(|length| self.buffer.len() < length) && self.more().await {}
        let have = length.unwrap_or(usize::MAX).min(self.buffer.len());
        seen.body.extend(self.buffer.drain(..have));
        let short = length.is_some_and(|length| seen.body.len() < length);
        seen.end = match self.ended {
            Some(end) if short => end,
            // Without a length the close is the end, but a reset is not.
            Some(End::Reset) if length.is_none() => End::Reset,
            _ => End::Whole,
        };
    }

    async fn position(&mut self, wanted: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = self.buffer.windows(wanted.len()).position(|window| window == wanted) {
                return Some(at);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads more; `false` at the end, which `ended` then names.
    async fn more(&mut self) -> bool {
        let wait = if self.expects_silence { QUIET } else { PATIENCE };
        let mut block = vec![0; 64 * 1024];
        let end = match timeout(wait, self.socket.read(&mut block)).await {
            Ok(Ok(0)) => End::Closed,
            Ok(Ok(count)) => {
                self.buffer.extend_from_slice(&block[..count]);
                return true;
            }
            Ok(Err(_)) => End::Reset,
            Err(_) => End::Silent,
        };
        self.ended = Some(end);
        false
    }
}
