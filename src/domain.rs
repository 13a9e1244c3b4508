//! Pure decisions: which endpoint, retry or not, what a failure means, whose fault it is.
//!
//! Nothing in here does I/O, reads a clock or rolls dice: `now` and `jitter` are arguments.

pub mod browser;
pub mod budget;
pub mod civil;
pub mod endpoint;
pub mod fleet;
pub mod group;
pub mod line;
pub mod name;
pub mod order;
pub mod outcome;
pub mod plan;
pub mod pricebook;
pub mod ratelimit;
pub mod request_id;
pub mod route;
pub mod secret;
pub mod session;
pub mod standing;
pub mod words;

#[cfg(test)]
pub(crate) mod testing;
