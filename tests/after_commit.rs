//! What happens to an answer of which the client has seen the beginning.
//!
//! | the answer | the client sees |
//! |---|---|
//! | cut between two events of a plain stream | what came, one `error` event of ours, a clean end |
//! | cut anywhere else | what came, a broken connection |
//! | ended by an `error` event of the endpoint | exactly that |
//! | ended as it should, if oddly | exactly that |
//!
//! In every case of a cut the endpoint is known to be at fault by the time the client sees the end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

#[path = "after_commit/cuts.rs"]
mod cuts;
#[path = "after_commit/heartbeat.rs"]
mod heartbeat;
#[path = "after_commit/scene.rs"]
mod scene;
