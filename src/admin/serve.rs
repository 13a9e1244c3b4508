//! The accept loop of the admin port and its end.
//!
//! | limit | value |
//! |---|---|
//! | connections at once | [`MAX_CONNECTIONS`] |
//! | head of a request | [`MAX_HEADERS`] fields, [`MAX_BUFFER`] bytes, [`HEAD_PATIENCE`] (idle connections too) |

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Web;

/// A few screens, scripts and scrapers; more is a mistake somewhere.
pub const MAX_CONNECTIONS: usize = 256;
/// Far more than a browser sends.
pub const MAX_HEADERS: usize = 100;
/// Of a request head and of one read.
pub const MAX_BUFFER: usize = 32 * 1024;
/// Time for a request head.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// Pause after a failed accept (out of descriptors, usually), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Opens the port.
///
/// # Errors
/// When it cannot be opened: taken, usually.
pub async fn bind(web: &Web) -> io::Result<TcpListener> {
    TcpListener::bind((web.host.trim_matches(['[', ']']), web.port)).await
}

/// When connections end.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Accept no more; answers that are under way may finish.
    pub gently: CancellationToken,
    /// Cut what is left.
    pub now: CancellationToken,
}

/// Serves until told to stop; each connection runs on `connections`.
pub async fn run(listener: TcpListener, router: Router, connections: TaskTracker, stop: Stop) {
    // Answers without an end of their own end with the port.
    let router = router.layer(Extension(stop.clone()));
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let next = async || {
        // Never closed.
        let place = Arc::clone(&places).acquire_owned().await;
        (listener.accept().await, place)
    };
    while let Some((accepted, place)) = stop.gently.run_until_cancelled(next()).await {
        match accepted {
            Ok((stream, peer)) => {
                let serving = connection(stream, peer, router.clone(), stop.gently.clone());
                let now = stop.now.clone();
                connections.spawn(async move {
                    let _place = place;
                    now.run_until_cancelled(serving).await
                });
            }
            Err(error) => {
                tracing::warn!(target: "cc_forwarder::admin", %error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(target: "cc_forwarder::admin", client = %peer, %error, "connection ended");
    }
}
