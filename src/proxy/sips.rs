//! A client's connection: its bytes are read in pieces of less than 16 KiB, and small answers written in one.
//!
//! hyper reads into a buffer that doubles while reads fill it, and keeps that for as long as the connection lives: behind
//! a large request, every open stream would hold the largest buffer there may be. A read that never fills 16 KiB never
//! makes it larger than that. Only a head that does not fit does, up to hyper's limit for heads.
//!
//! Must never: change a byte, or end early.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};

use super::transport::flat;

/// One byte less than the buffer is to have.
const SIP: u64 = 16 * 1024 - 1;

/// See the module.
#[derive(Debug)]
pub(super) struct Sips<S>(Take<S>);

impl<S: AsyncRead> Sips<S> {
    pub(super) fn new(stream: S) -> Self {
        Self(stream.take(SIP))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sips<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = &mut self.get_mut().0;
        stream.set_limit(SIP);
        Pin::new(stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Sips<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().0.get_mut()).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(self.get_mut().0.get_mut());
        flat::write(bufs, |one| match one {
            Some(bytes) => stream.poll_write(cx, bytes),
            None => stream.poll_write_vectored(cx, bufs),
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.0.get_ref().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn everything_arrives_and_no_read_fills_the_buffer() {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let sent: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
        client.write_all(&sent).await.unwrap();
        drop(client);
        let (mut sips, mut read, mut piece) = (Sips::new(server), Vec::new(), vec![0; 32 * 1024]);
        loop {
            let n = sips.read(&mut piece).await.unwrap();
            assert!(n as u64 <= SIP);
            if n == 0 {
                break;
            }
            read.extend_from_slice(&piece[..n]);
        }
        assert!(read == sent);
    }
}
