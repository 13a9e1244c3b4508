//! `GET /usage/export?format=csv|json|ndjson`: every request of a period as a file, whatever their number.
//!
//! ```text
//! blocking thread, one picture of the store --chunks, few at a time--> body --> client
//! ```
//!
//! The thread waits while the client reads slowly; a client that reads nothing for [`PATIENCE`] is cut off, because the
//! store's file grows while somebody looks at an old picture of it. An export that fails breaks the body off, so that no
//! half file looks whole. Without a period everything is exported, oldest first.

use crate::admin::openapi::errors::{Busy, Failed, NotCollected};
use crate::admin::openapi::params::{Columns, EndStates, Formats, Times};
use crate::store::export::json::RequestView;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{ask, reader};
use crate::admin::Admin;
use crate::admin::error::ApiError;
use crate::admin::params::Params;
use crate::store::export::{self, Format};

/// Bytes of a chunk.
const CHUNK: usize = 64 * 1024;
/// Chunks between the thread and the client.
const AHEAD: usize = 4;
/// How long a client may read nothing.
const PATIENCE: Duration = Duration::from_secs(60);

type Chunk = io::Result<Bytes>;

/// Every request of a period as a file, oldest first.
#[utoipa::path(
    get, path = "/usage/export", tag = "usage",
    params(Times, Columns, EndStates, Formats),
    responses(
        (status = 200, description = "A file, streamed", content(
            (String = "text/csv"), (Vec<RequestView> = "application/json"), (String = "application/x-ndjson"),
        )),
        Busy, Failed, NotCollected,
    ),
)]
pub(super) async fn export(State(admin): State<Admin>, mut params: Params) -> Result<Response, ApiError> {
    let store = admin.store()?.clone();
    let format = params.parsed("format")?.unwrap_or(Format::Csv);
    let permit = admin.export_permit()?;
    let (reader, filter) = admin
        .blocking(move || {
            let reader = reader(&store)?;
            let filter = ask::filter(&reader, &mut params)?;
            params.finish()?;
            Ok((reader, filter))
        })
        .await?;
    let (tx, rx) = mpsc::channel(AHEAD);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut out = ToBody { runtime, tx, waiting: Vec::with_capacity(CHUNK) };
        let written = export::export(&reader, &filter, format, &mut out, |_, _| {});
        if let Err(error) = written {
            tracing::warn!(target: "cc_forwarder::admin", "an export ended before its end: {error}");
            // What waits is left out: the body must not look whole.
            let _ = out.send(Err(io::Error::other("the export failed")));
        }
    });
    Ok((headers(format, jiff::Timestamp::now()), body(rx)).into_response())
}

fn body(chunks: mpsc::Receiver<Chunk>) -> Body {
    Body::from_stream(stream::unfold(chunks, |mut chunks| async { Some((chunks.recv().await?, chunks)) }))
}

fn headers(format: Format, now: jiff::Timestamp) -> [(http::HeaderName, HeaderValue); 3] {
    let at = now.strftime("%Y-%m-%d_%H-%M-%S");
    let name = format!("attachment; filename=\"usage_export_{at}.{}\"", format.extension());
    [
        (CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (CONTENT_DISPOSITION, name.parse().unwrap_or(HeaderValue::from_static("attachment"))),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}

/// Writes into a body.
struct ToBody {
    runtime: Handle,
    tx: mpsc::Sender<Chunk>,
    waiting: Vec<u8>,
}

impl ToBody {
    fn send(&self, chunk: Chunk) -> io::Result<()> {
        match self.runtime.block_on(timeout(PATIENCE, self.tx.send(chunk))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client has gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")),
        }
    }
}

impl Write for ToBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK));
        self.send(Ok(chunk.into()))
    }
}
