//! A peer that says what a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::wire::Wire;
use crate::admin::serve;
use crate::app::client::Client;
use crate::events::board::Snapshot;
use crate::tui::testing::busy;

/// What `/status` says of a program of this version.
pub(super) fn status(version: &str) -> String {
    json!({
        "status": "running", "version": version, "pid": 1, "at": "2026-11-23T14:02:11Z",
        "started": "2026-11-23T09:00:00Z", "uptime_seconds": 1,
        "listen": { "proxy": "127.0.0.1:1", "admin": "127.0.0.1:2" },
        "config": { "source": "built_in", "path": null }, "timezone": "UTC", "save_priority_edits": true,
        "strategy": "priority", "auth_enabled": false, "proxy_enabled": false, "store": null,
    })
    .to_string()
}

/// An event as it is written.
pub(super) fn event(id: &str, name: &str, data: &str) -> String {
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

/// A snapshot in which so many requests were accepted.
pub(super) fn picture(accepted: u64) -> String {
    let mut snapshot: Snapshot = busy();
    snapshot.totals.accepted = accepted;
    serde_json::to_string(&snapshot).unwrap()
}

/// An answer that is this text and ends, or goes on without a word.
pub(super) fn answer(text: String, ends: bool) -> Response {
    let more = futures_util::stream::once(async move { Ok::<_, std::io::Error>(text) });
    match ends {
        true => Response::new(Body::from_stream(more)),
        false => {
            let silence = futures_util::stream::pending();
            Response::new(Body::from_stream(futures_util::StreamExt::chain(more, silence)))
        }
    }
}

/// Serves these routes; the way there.
pub(super) async fn peer(routes: Router) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let tasks = TaskTracker::new();
    tasks.spawn(serve::run(listener, routes, tasks.clone(), serve::Stop::default()));
    Wire::new(Client::new(&format!("http://{address}"), None).unwrap())
}

/// A program of this version whose stream says the next of these at each visit; and behind which events it was asked.
pub(super) fn speaker(
    version: &'static str,
    visits: Vec<(String, bool)>,
) -> (Router, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let (seen, visits) = (Arc::clone(&asked), Arc::new(Mutex::new(visits.into_iter())));
    let stream = move |headers: HeaderMap| {
        let last = headers.get("last-event-id").map_or("", |id| id.to_str().unwrap_or_default()).to_owned();
        seen.lock().unwrap().push(last);
        let (text, ends) = visits.lock().unwrap().next().unwrap_or_default();
        async move { answer(text, ends) }
    };
    let routes = Router::new()
        .route("/api/v1/status", get(move || async move { status(version) }))
        .route("/api/v1/stream", get(stream));
    (routes, asked)
}
