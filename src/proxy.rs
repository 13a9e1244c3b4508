//! The data path: from an accepted connection to the last byte of its answer.
//!
//! ```text
//! serve -> ingress -> forward -> upstream -> transport -> endpoint
//!             |          |           |
//!             |          |           +- hold: is the answer real yet?
//!             |          +- tap: the answer on its way to the client
//!             +- local answers, refusals
//! ```

pub mod affinity;
mod again;
pub mod auth;
pub mod count;
pub mod decode;
pub mod dialer;
pub mod forward;
pub mod headers;
pub mod hold;
pub mod inbound;
pub mod ingress;
pub mod inspect;
pub mod intake;
pub mod keepalive;
pub mod lifecycle;
pub mod local;
mod patience;
pub mod pool;
mod rarely;
pub mod respond;
pub mod serve;
mod sips;
pub mod suspended;
pub mod tap;
pub mod transport;
pub mod unread;
pub mod upstream;
pub mod witness;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::watch;

use crate::config::Config;
use crate::control::Control;
use crate::control::fasttest::FastTests;
use crate::events::pictures::Pictures;
use crate::events::record::Ids;

/// What every request on the proxy port shares.
#[derive(Clone)]
pub struct Shared {
    /// The newest configuration; a request keeps the one it started with.
    pub config: watch::Receiver<Arc<Config>>,
    /// The fleet.
    pub control: Control,
    /// Connections to endpoints.
    pub transport: transport::Transport,
    /// Where records go.
    pub reporting: Arc<lifecycle::Reporting>,
    /// Request ids.
    pub ids: Arc<Ids>,
    /// Requests that wait for an endpoint.
    pub queue: suspended::Queue,
    /// Where sessions are served.
    pub sessions: affinity::SessionTable,
    /// Measures endpoints before one is chosen.
    pub fast_tests: FastTests,
    /// Memory for request bodies.
    pub budget: intake::Budget,
    /// Too many records wait for the disk: nothing further is let in, for its record would have no place.
    pub ledger_full: Arc<AtomicBool>,
    /// What monitoring asks for.
    pub pictures: Pictures,
}
