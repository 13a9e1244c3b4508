//! `GET /api/v1/stream` over real sockets: what readers get, in which order, and what becomes of those that stop reading.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic and spawn"
)]

#[path = "stream/door.rs"]
mod door;
#[path = "stream/events.rs"]
mod events;
#[path = "stream/gaps.rs"]
mod gaps;
#[path = "stream/reader.rs"]
mod reader;
mod support;

use crate::support::{QUICK, World};

/// Requests wait, endpoints are probed often, and there is an admin port.
fn patient() -> String {
    QUICK
        .replace("web: { enabled: false }", "web: { port: 0 }")
        .replace("request_suspend: { enabled: false }", "request_suspend: { enabled: true, timeout: 60s }")
        .replace("check_interval: 1h", "check_interval: 100ms")
        .replace("cooldown: 600s", "cooldown: 100ms")
}

async fn world() -> World {
    let quiet = QUICK.replace("web: { enabled: false }", "web: { port: 0 }");
    World::with(&quiet, &[("a", "main"), ("b", "main")]).await.settled().await
}
