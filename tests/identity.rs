//! Byte identity: what a client sends is what the endpoint gets, what the endpoint answers is what the client gets.
//!
//! Requests are compared with the simulator's log, answers with those to the same request sent directly.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

#[path = "identity/answers.rs"]
mod answers;
#[path = "identity/raw.rs"]
mod raw;
#[path = "identity/requests.rs"]
mod requests;
