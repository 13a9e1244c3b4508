//! Sends an [`Answer`] byte by byte as told: waits, chunk framing, one write per slice, and the end of the body.
//!
//! Must never decide anything: what is cut and how it ends was settled in `answer.rs`.

use std::future::pending;
use std::io::{self, Write};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::answer::{Answer, Ending};
use super::behaviour::{Framing, Pace};
use super::usage::Told;

/// What is to become of the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Complete; the next request may come.
    Keep,
    /// Complete; the head announced the close.
    Close,
    /// Broken off by closing.
    Cut,
    /// Broken off by a reset.
    Reset,
}

/// Sends the answer; `told` learns of usage as it leaves. Does not return while the ending is silence or a drip.
///
/// # Errors
/// When the client no longer takes bytes.
pub(super) async fn deliver<W: AsyncWrite + Unpin>(
    socket: &mut W,
    answer: &Answer,
    pace: &Pace,
    mut told: impl FnMut(Told),
) -> io::Result<After> {
    sleep_some(pace.head).await;
    let mut scratch = Vec::with_capacity(1024);
    // The head travels with the first piece when nothing has to be waited for in between.
    scratch.extend_from_slice(&answer.head);
    if !pace.first_event.is_zero() || answer.body.count() == 0 || first_piece_waits(answer, pace) {
        flush(socket, &mut scratch).await?;
    }
    send_body(socket, answer, pace, &mut scratch, &mut told).await?;
    end(socket, answer, &mut scratch).await
}

fn first_piece_waits(answer: &Answer, pace: &Pace) -> bool {
    answer.first_content == Some(0) && !pace.first_token.is_zero()
}

async fn send_body<W: AsyncWrite + Unpin>(
    socket: &mut W,
    answer: &Answer,
    pace: &Pace,
    scratch: &mut Vec<u8>,
    told: &mut impl FnMut(Told),
) -> io::Result<()> {
    let (mut sent, mut usage) = (0, answer.told.iter().peekable());
    let mut due = Instant::now();
    for (index, piece) in answer.body.iter().enumerate() {
        due += pace_before(answer, pace, index);
        if due > Instant::now() {
            flush(socket, scratch).await?;
            sleep_until(due).await;
        }
        for slice in piece.chunks(answer.write_bytes) {
            frame(slice, answer.framing, scratch);
            if scratch.len() >= answer.burst {
                flush(socket, scratch).await?;
            }
        }
        sent += piece.len();
        while let Some((_, numbers)) = usage.next_if(|(end, _)| *end <= sent) {
            told(*numbers);
        }
    }
    flush(socket, scratch).await
}

fn pace_before(answer: &Answer, pace: &Pace, index: usize) -> std::time::Duration {
    let base = if index == 0 { pace.first_event } else { pace.between_events };
    if answer.first_content == Some(index) { base + pace.first_token } else { base }
}

fn frame(slice: &[u8], framing: Framing, out: &mut Vec<u8>) {
    if framing != Framing::Chunked {
        return out.extend_from_slice(slice);
    }
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{:x}\r\n", slice.len());
    out.extend_from_slice(slice);
    out.extend_from_slice(b"\r\n");
}

async fn end<W: AsyncWrite + Unpin>(
    socket: &mut W,
    answer: &Answer,
    scratch: &mut Vec<u8>,
) -> io::Result<After> {
    match &answer.ending {
        Ending::Complete => {
            if answer.framing == Framing::Chunked {
                scratch.extend_from_slice(b"0\r\n\r\n");
                flush(socket, scratch).await?;
            }
            Ok(if answer.closes { After::Close } else { After::Keep })
        }
        Ending::Reset => Ok(After::Reset),
        Ending::Close => Ok(After::Cut),
        Ending::Silence => pending().await,
        Ending::Drip(piece, every) => loop {
            sleep(*every).await;
            frame(piece, answer.framing, scratch);
            flush(socket, scratch).await?;
        },
    }
}

async fn flush<W: AsyncWrite + Unpin>(socket: &mut W, scratch: &mut Vec<u8>) -> io::Result<()> {
    if scratch.is_empty() {
        return Ok(());
    }
    let result = socket.write_all(scratch).await;
    scratch.clear();
    result
}

async fn sleep_some(duration: std::time::Duration) {
    if !duration.is_zero() {
        sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use super::super::pieces::Pieces;
    use super::*;

    /// Every write by itself.
    #[derive(Default)]
    struct Seen(Vec<Vec<u8>>);

    impl AsyncWrite for Seen {
        fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.get_mut().0.push(bytes.to_vec());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What is written of ten events of 100 bytes.
    async fn writes(burst: usize, between_events: Duration) -> Vec<Vec<u8>> {
        let mut body = Pieces::default();
        for event in 0..10 {
            body.push(&[b'0' + event; 100]);
        }
        let answer = Answer {
            status: 200,
            head: b"head".to_vec(),
            body,
            told: Vec::new(),
            first_content: Some(0),
            framing: Framing::Chunked,
            write_bytes: usize::MAX,
            burst,
            ending: Ending::Complete,
            closes: false,
        };
        let (mut seen, pace) = (Seen::default(), Pace { between_events, ..Pace::default() });
        assert_eq!(deliver(&mut seen, &answer, &pace, |_| {}).await.unwrap(), After::Keep);
        seen.0
    }

    #[tokio::test(start_paused = true)]
    async fn bursts_are_the_same_bytes_in_fewer_writes() {
        let apart = writes(0, Duration::ZERO).await;
        assert_eq!(apart.len(), 11, "the head with the first event, nine more, the end");
        let joined = writes(300, Duration::ZERO).await;
        assert_eq!(joined.iter().map(Vec::len).collect::<Vec<_>>(), [4 + 3 * 106, 3 * 106, 3 * 106, 106, 5]);
        assert_eq!(joined.concat(), apart.concat());
        let paced = writes(300, Duration::from_millis(20)).await;
        assert_eq!(paced, apart, "nothing is kept back while there is something to wait for");
    }
}
