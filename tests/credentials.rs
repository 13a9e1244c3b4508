//! Whose credential goes where, and that no secret shows up anywhere else.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

#[path = "credentials/canary.rs"]
mod canary;
#[path = "credentials/headers.rs"]
mod headers;
mod support;
