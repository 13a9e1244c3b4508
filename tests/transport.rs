//! The upstream side against scripted upstreams on loopback: sockets, bytes and closes, nothing simulated.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: clippy only excuses the tests themselves"
)]

#[path = "transport/support.rs"]
mod support;

#[path = "transport/bodies.rs"]
mod bodies;
#[path = "transport/connections.rs"]
mod connections;
#[path = "transport/failures.rs"]
mod failures;
#[path = "transport/http2.rs"]
mod http2;
#[path = "transport/outbound.rs"]
mod outbound;
#[path = "transport/tls.rs"]
mod tls;
