//! Reads HTTP/1.1 requests off a socket, keeping every header as it was sent.
//!
//! The simulator has its own reader because tests ask what a proxy *really* sent: header order, letter case, duplicates,
//! the exact target. It is a reader for well-meant test traffic, not a hardened parser:
//!
//! | part | rule |
//! |---|---|
//! | head | at most 256 KiB; header values keep every byte (Latin-1) |
//! | body | `transfer-encoding: chunked`, else `content-length`, else none |
//! | `expect: 100-continue` | answered by the caller before it reads the body |
//! | end of the connection between requests | `None`, not an error |

use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest request head accepted.
const MAX_HEAD: usize = 256 * 1024;
/// Longest request body accepted; beyond it the connection ends.
const MAX_BODY: usize = 1024 * 1024 * 1024;

/// Request headers as received: order, duplicates and letter case kept; each value byte is one `char` (Latin-1).
#[derive(Debug, Clone, Default)]
pub struct Headers(Arc<Vec<(String, String)>>);

impl Headers {
    /// The first value of `name`, compared without regard to case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Every value of `name`, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value).collect()
    }

    /// All headers in the order they came, names spelled as they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether any value of `name` lists `token` (comma-separated, without regard to case).
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name).iter().flat_map(|value| value.split(',')).any(|part| {
            part.split(';').next().is_some_and(|listed| listed.trim().eq_ignore_ascii_case(token))
        })
    }
}

/// A request head.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: String,
    pub(super) headers: Headers,
}

impl Head {
    /// Whether the client wants the connection kept after this exchange.
    pub(super) fn keeps_alive(&self) -> bool {
        match self.version.as_str() {
            "HTTP/1.0" => self.headers.lists("connection", "keep-alive"),
            _ => !self.headers.lists("connection", "close"),
        }
    }

    fn body_length(&self) -> io::Result<BodyLength> {
        if self.headers.lists("transfer-encoding", "chunked") {
            return Ok(BodyLength::Chunked);
        }
        match self.headers.get("content-length") {
            None => Ok(BodyLength::Exactly(0)),
            Some(text) => text.trim().parse().map(BodyLength::Exactly).map_err(|_| bad("content-length")),
        }
    }
}

enum BodyLength {
    Exactly(usize),
    Chunked,
}

/// Bytes read from a connection and not used yet.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) buffer: BytesMut,
}

impl Reader {
    /// Waits until at least one byte of the next request is there; `false` when the client closed instead.
    pub(super) async fn next_request<R: AsyncRead + Unpin>(&mut self, socket: &mut R) -> io::Result<bool> {
        Ok(!self.buffer.is_empty() || socket.read_buf(&mut self.buffer).await? > 0)
    }

    /// Reads a request head; `None` when the client closed between requests.
    pub(super) async fn head<R: AsyncRead + Unpin>(&mut self, socket: &mut R) -> io::Result<Option<Head>> {
        if !self.next_request(socket).await? {
            return Ok(None);
        }
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 4);
                return parse_head(&head).map(Some);
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(bad("request head"));
            }
            self.more(socket).await?;
        }
    }

    /// Reads the body that belongs to `head`.
    pub(super) async fn body<R: AsyncRead + Unpin>(
        &mut self,
        socket: &mut R,
        head: &Head,
    ) -> io::Result<Bytes> {
        match head.body_length()? {
            BodyLength::Exactly(length) => self.take(socket, length).await,
            BodyLength::Chunked => self.chunks(socket).await,
        }
    }

    /// Reads until `length` bytes wait in the buffer, and leaves them there.
    pub(super) async fn fill<R: AsyncRead + Unpin>(
        &mut self,
        socket: &mut R,
        length: usize,
    ) -> io::Result<()> {
        if length > MAX_BODY {
            return Err(bad("request body length"));
        }
        while self.buffer.len() < length {
            self.buffer.reserve((length - self.buffer.len()).min(1 << 20));
            self.more(socket).await?;
        }
        Ok(())
    }

    async fn take<R: AsyncRead + Unpin>(&mut self, socket: &mut R, length: usize) -> io::Result<Bytes> {
        self.fill(socket, length).await?;
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn chunks<R: AsyncRead + Unpin>(&mut self, socket: &mut R) -> io::Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line(socket).await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(digits, 16).map_err(|_| bad("chunk size"))?;
            if size == 0 {
                while !self.line(socket).await?.is_empty() {}
                return Ok(body.freeze());
            }
            if body.len().saturating_add(size) > MAX_BODY {
                return Err(bad("request body length"));
            }
            body.extend_from_slice(&self.take(socket, size).await?);
            self.fill(socket, 2).await?;
            self.buffer.advance(2);
        }
    }

    async fn line<R: AsyncRead + Unpin>(&mut self, socket: &mut R) -> io::Result<String> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n") {
                let line = latin1(&self.buffer.split_to(end));
                self.buffer.advance(2);
                return Ok(line);
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(bad("chunk line"));
            }
            self.more(socket).await?;
        }
    }

    async fn more<R: AsyncRead + Unpin>(&mut self, socket: &mut R) -> io::Result<()> {
        match socket.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Head> {
    let text = latin1(bytes);
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let mut start = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version)) = (start.next(), start.next(), start.next()) else {
        return Err(bad("request line"));
    };
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| bad("header line"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Head {
        method: method.to_owned(),
        target: target.to_owned(),
        version: version.to_owned(),
        headers: Headers(Arc::new(headers)),
    })
}

/// Every byte as the `char` of the same number, so that nothing is lost and nothing can fail.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("unreadable or oversized {what} from the client"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut wire: &[u8]) -> io::Result<(Head, Bytes, usize)> {
        let mut reader = Reader::default();
        let head = reader.head(&mut wire).await?.unwrap();
        let body = reader.body(&mut wire, &head).await?;
        Ok((head, body, reader.buffer.len()))
    }

    #[tokio::test]
    async fn keeps_headers_as_sent_and_reads_content_length() {
        let wire = b"POST //a?b=1 HTTP/1.1\r\nHost: x\r\nX-Thing: one\r\nx-thing: two\r\nContent-Length: 3\r\n\r\nabcREST";
        let (head, body, left) = read(wire).await.unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str()), ("POST", "//a?b=1"));
        let names: Vec<_> = head.headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Host", "X-Thing", "x-thing", "Content-Length"]);
        assert_eq!(head.headers.all("x-thing"), ["one", "two"]);
        assert_eq!((&body[..], left), (&b"abc"[..], 4));
    }

    #[tokio::test]
    async fn reads_chunked_bodies_with_extensions_and_trailers() {
        let wire = b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nt: 1\r\n\r\n";
        let (_, body, left) = read(wire).await.unwrap();
        assert_eq!((&body[..], left), (&b"abcde"[..], 0));
    }

    #[tokio::test]
    async fn a_cut_body_is_an_error_and_a_closed_connection_is_not() {
        let cut = read(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc").await;
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(Reader::default().head(&mut &b""[..]).await.unwrap().is_none());
    }

    #[test]
    fn keep_alive_follows_version_and_header() {
        let head = |wire: &str| parse_head(wire.as_bytes()).unwrap().keeps_alive();
        assert!(head("GET / HTTP/1.1\r\n\r\n"));
        assert!(!head("GET / HTTP/1.1\r\nConnection: foo, Close\r\n\r\n"));
        assert!(!head("GET / HTTP/1.0\r\n\r\n"));
        assert!(head("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
    }
}
