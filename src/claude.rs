//! Pure knowledge of the Claude API's wire format: requests, event streams, usage.

pub mod gate;
pub mod request;
pub mod scan;
pub mod sse;
pub mod usage;
