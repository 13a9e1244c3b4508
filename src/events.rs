//! Facts, in the past tense, from whoever saw them to whoever shows, stores or counts them.
//!
//! Sending never blocks and never drops: a terminal record is sent from `Drop` when a client vanishes. The [`hub`]
//! takes the events one by one and keeps the [`board`]; whoever looks gets [`pictures`] of it, whoever reads the events
//! themselves, as a [`feed`].

pub mod board;
pub mod evidence;
pub mod feed;
pub mod health;
pub mod hub;
pub mod meters;
pub mod minutes;
pub mod pictures;
pub mod progress;
pub mod recent;
pub mod record;
pub mod spend;
pub mod trace;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::fleet::Change;
use crate::domain::outcome::Kind;
use crate::domain::plan::WaitsFor;
use crate::domain::route::Skip;
pub use record::{AttemptRecord, RequestId, RequestRecord, State};

/// One fact.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request was accepted.
    Accepted(Arc<Accepted>),
    /// Its body was read.
    Described {
        /// Whose.
        id: RequestId,
        /// What it said.
        described: Arc<Described>,
    },
    /// An attempt began.
    AttemptStarted {
        /// Whose.
        id: RequestId,
        /// Counted from 1.
        number: u32,
        /// Where.
        endpoint: EndpointId,
        /// Its group.
        group: GroupId,
    },
    /// An attempt failed before anything was passed on.
    AttemptFailed {
        /// Whose.
        id: RequestId,
        /// When.
        at: jiff::Timestamp,
        /// Where.
        endpoint: EndpointId,
        /// How.
        kind: Kind,
        /// With which status.
        status: Option<u16>,
    },
    /// A request waits in the queue.
    Suspended {
        /// Which.
        id: RequestId,
        /// How.
        wait: Wait,
    },
    /// Its wait is over.
    Resumed {
        /// Which.
        id: RequestId,
    },
    /// The first content went to the client.
    Committed {
        /// Whose.
        id: RequestId,
        /// The endpoint's status.
        status: u16,
        /// From the start of the attempt to its first byte, milliseconds.
        ttfb_ms: f64,
        /// From acceptance to this moment, milliseconds.
        after_ms: f64,
        /// How far the answer comes from now on.
        progress: Arc<progress::Progress>,
    },
    /// A request ended; nothing follows for it. The record has no prices yet.
    Settled(Arc<RequestRecord>),
    /// The fleet changed.
    Fleet(Arc<[Change]>),
}

/// What is known of a request when it is accepted.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = AcceptedRequest)]
pub struct Accepted {
    /// Ours.
    pub id: RequestId,
    /// When.
    pub at: jiff::Timestamp,
    /// `messages`, `count_tokens`, …
    pub class: crate::claude::request::Class,
    /// HTTP method.
    pub method: Arc<str>,
    /// Path without the query.
    pub path: Arc<str>,
    /// Peer address.
    #[schema(value_type = Option<String>)]
    pub client: Option<IpAddr>,
    /// `user-agent`.
    pub user_agent: Option<Arc<str>>,
    /// `x-claude-code-agent-id`.
    pub agent: Option<Arc<str>>,
}

/// What its body said about a request.
#[derive(Clone, Default, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = DescribedRequest)]
pub struct Described {
    /// The model asked for.
    pub model: Option<Arc<str>>,
    /// Claude Code's session.
    pub session: Option<Arc<str>>,
    /// A streaming request.
    pub stream: bool,
    /// Bytes of the request body.
    pub bytes_in: u64,
}

/// What is known of a request that waits in the queue.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = SuspendedWait)]
pub struct Wait {
    /// Since when.
    pub since: jiff::Timestamp,
    /// It waits no longer than this.
    pub deadline: jiff::Timestamp,
    /// What for.
    pub waits_for: WaitsFor,
    /// The endpoints that cannot be asked now, and why not; those it has tried are not among them.
    pub skipped: Arc<[Skip]>,
}

/// The sending end; cheap to clone.
#[derive(Clone, Debug)]
pub struct Events(mpsc::UnboundedSender<Event>);

/// The receiving end.
#[derive(Debug)]
pub struct EventStream(mpsc::UnboundedReceiver<Event>);

/// A channel for events.
pub fn channel() -> (Events, EventStream) {
    let (tx, rx) = mpsc::unbounded_channel();
    (Events(tx), EventStream(rx))
}

impl Events {
    /// Sends one event. After the hub has gone it goes nowhere.
    pub fn send(&self, event: Event) {
        let _ = self.0.send(event);
    }
}

impl EventStream {
    /// The next event; `None` when every sender is gone.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }

    /// Events that are there.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when no event is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next event if one is there already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.0.try_recv().ok()
    }
}
