//! The data path: from an accepted connection to the last byte of its answer.

pub mod dialer;
pub mod headers;
pub mod pool;
pub mod transport;
