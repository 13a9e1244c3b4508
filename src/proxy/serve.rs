//! The accept loop of the proxy port and its graceful end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::again::Again;
use super::patience::Patience;
use super::rarely::Rarely;
use super::sips::Sips;
use super::{Shared, ingress};

/// A client must have sent its request head by then.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// Pause after a failed accept (out of descriptors, usually), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Claude Code's request heads have about twenty headers; other clients add their own.
const MAX_HEADERS: usize = 256;
/// Limit of a request head. Bodies are read in smaller pieces, see [`super::sips`]: with hyper's 400 KiB for both, a
/// stream behind a request of 300 KB would take several times the memory, for a few per cent less CPU time on such a
/// request.
const MAX_BUFFER: usize = 32 * 1024;

/// Accepts connections until `stop`; each runs on `connections` until it ends, `stop` lets it finish, or `abort` cuts
/// it.
pub async fn run(
    listener: TcpListener,
    shared: Shared,
    connections: TaskTracker,
    stop: CancellationToken,
    abort: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let serving = connection(stream, peer, shared.clone(), stop.clone());
                let aborted = Rarely::new(abort.clone().cancelled_owned());
                connections.spawn(async move {
                    tokio::select! {
                        biased;
                        () = aborted => {}
                        () = serving => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(target: "cc_forwarder::serve", %error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, shared: Shared, stop: CancellationToken) {
    // Events are small and must not wait for each other.
    let _ = stream.set_nodelay(true);
    // Each connection has its own: counting references to what all share, request by request, would have the cores wait
    // for each other.
    let shared = Arc::new(shared);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        // hyper keeps the room of a service's future for as long as the connection lives: in a box it goes with the answer's
        // head, and needs not be moved to where hyper wants it.
        Box::pin(async move { Ok::<_, Infallible>(ingress::handle(shared, peer, request).await) })
    });
    let serving = http1::Builder::new()
        .timer(Patience::default())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(Sips::new(stream)), service);
    let mut serving = std::pin::pin!(serving);
    let mut again = Again::default();
    let stopped = Rarely::new(stop.cancelled_owned());
    let ended = tokio::select! {
        biased;
        ended = poll_fn(|cx| again.poll(cx, |cx| serving.as_mut().poll(cx))) => ended,
        () = stopped => {
            serving.as_mut().graceful_shutdown();
            poll_fn(|cx| again.poll(cx, |cx| serving.as_mut().poll(cx))).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(target: "cc_forwarder::serve", client = %peer, %error, "connection ended");
    }
}
