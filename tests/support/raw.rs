//! A client that writes bytes as a test wants them and shows what came back.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{PATIENCE, messages_body};

/// An open connection.
pub struct Raw {
    pub socket: TcpStream,
    unread: Vec<u8>,
}

/// One response as it was on the wire.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// Without its transfer coding.
    pub body: Vec<u8>,
    /// It ended as its framing announced.
    pub whole: bool,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.head, self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    fn lists(&self, name: &str, token: &str) -> bool {
        self.header(name).is_some_and(|v| v.to_ascii_lowercase().contains(token))
    }
}

/// A messages request as bytes.
pub fn messages_request(stream: bool) -> String {
    post("/v1/messages", &messages_body(stream), "")
}

/// A POST as bytes; `headers` are whole lines, each with its line end.
pub fn post(path: &str, body: &str, headers: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        let socket = timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, unread: Vec::new() }
    }

    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        timeout(PATIENCE, self.socket.write_all(text.as_ref())).await.expect("room in time").unwrap();
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> Seen {
        self.send(request).await;
        self.answer("GET").await
    }

    /// The next answer. That to a HEAD has no body, whatever it announces.
    pub async fn answer(&mut self, method: &str) -> Seen {
        let head = self.head().await;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status line");
        let mut seen = Seen { status, head, body: Vec::new(), whole: true };
        if method == "HEAD" || status == 204 || status == 304 {
            return seen;
        }
        if seen.lists("transfer-encoding", "chunked") {
            seen.whole = self.chunks(&mut seen.body).await.is_ok();
        } else if let Some(length) = seen.header("content-length").map(|v| v.parse::<usize>().unwrap()) {
            while self.unread.len() < length && self.more().await.is_ok_and(|n| n > 0) {}
            seen.whole = self.unread.len() >= length;
            seen.body = self.unread.drain(..length.min(self.unread.len())).collect();
        } else {
            seen.whole = self.drain().await.is_ok();
            seen.body = std::mem::take(&mut self.unread);
        }
        seen
    }

    /// The head of the next answer.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return String::from_utf8_lossy(&head).into_owned();
            }
            let n = self.more().await.expect("a head before the connection breaks");
            assert!(n > 0, "closed before a head: {:?}", String::from_utf8_lossy(&self.unread));
        }
    }

    /// Reads until `wanted` has come.
    pub async fn until(&mut self, wanted: &str) {
        while find(&self.unread, wanted.as_bytes()).is_none() {
            let n = self.more().await.expect("more bytes");
            assert!(n > 0, "closed before {wanted:?}: {:?}", String::from_utf8_lossy(&self.unread));
        }
    }

    /// What has been read and not been taken.
    pub fn unread(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// Waits for the end of the connection; an error is a reset.
    pub async fn drain(&mut self) -> io::Result<()> {
        while self.more().await? > 0 {}
        Ok(())
    }

    async fn more(&mut self) -> io::Result<usize> {
        timeout(PATIENCE, self.socket.read_buf(&mut self.unread)).await.expect("bytes or an end in time")
    }

    async fn line(&mut self) -> Result<String, ()> {
        loop {
            if let Some(end) = find(&self.unread, b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.more().await.map_err(|_| ())? == 0 {
                return Err(());
            }
        }
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), ()> {
        loop {
            let size = usize::from_str_radix(self.line().await?.trim(), 16).map_err(|_| ())?;
            while self.unread.len() < size + 2 {
                if self.more().await.map_err(|_| ())? == 0 {
                    body.append(&mut self.unread);
                    return Err(());
                }
            }
            body.extend(self.unread.drain(..size));
            self.unread.drain(..2);
            if size == 0 {
                return Ok(());
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}
