//! Every accepted request ends in exactly one record, and the record tells the truth.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "helpers of tests: clippy only excuses the tests themselves"
)]

#[path = "lifecycle/crowd.rs"]
mod crowd;
#[path = "lifecycle/endings.rs"]
mod endings;
#[path = "lifecycle/inside.rs"]
mod inside;
#[path = "lifecycle/leaving.rs"]
mod leaving;
#[path = "lifecycle/metering.rs"]
mod metering;
#[path = "lifecycle/stopping.rs"]
mod stopping;
mod support;
