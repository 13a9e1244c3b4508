//! Requests written byte by byte, because HTTP libraries tidy up what these tests are about.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::PATIENCE;

/// Sends these bytes and returns the status of the answer, which is read to the end of the connection. The request must
/// ask for that end.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> u16 {
    let talk = async {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let (mut read, mut write) = socket.split();
        let mut answer = Vec::new();
        // An endpoint may answer before it has everything: both directions run at once.
        let (sent, received) = tokio::join!(write.write_all(request), read.read_to_end(&mut answer));
        sent.unwrap();
        received.unwrap();
        answer
    };
    let answer = timeout(PATIENCE, talk).await.expect("an answer in time");
    let line = String::from_utf8_lossy(&answer[..answer.len().min(40)]).into_owned();
    line.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status in {line:?}"))
}

/// A request with these header lines and this body, as it is.
pub(crate) fn request(line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        // One byte per character, so that a header can hold what is not ASCII.
        bytes.extend(header.chars().map(|c| u8::try_from(u32::from(c)).unwrap()));
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// With `content-length`.
pub(crate) fn sized(line: &str, body: &[u8]) -> Vec<u8> {
    request(line, &[&format!("Content-Length: {}", body.len())], body)
}

/// In chunks of this size, in their transfer coding.
pub(crate) fn chunked(line: &str, body: &[u8], size: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    for chunk in body.chunks(size) {
        coded.extend_from_slice(format!("{:X};extension=1\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    request(line, &["Transfer-Encoding: chunked"], &coded)
}
