//! A request that has not ended, as it is stored.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{by_number, clip, clipped};
use crate::claude::request::Class;
use crate::events::{Accepted, Described, RequestId};
use crate::store::key::{RowKey, micros};

/// What is known of a request that has not ended: layout 1 of a row of the table of open requests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OpenRow {
    /// Ours, as a number.
    pub id: u32,
    /// Acceptance, microseconds since 1970.
    pub accepted_us: u64,
    /// Peer address.
    pub client: Option<IpAddr>,
    /// `user-agent`.
    pub user_agent: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// What kind of request.
    #[serde(with = "by_number")]
    pub class: Class,
    /// The model asked for, once known.
    pub model: Option<String>,
    /// Claude Code's session, once known.
    pub session: Option<String>,
    /// `x-claude-code-agent-id`.
    pub agent: Option<String>,
    /// A streaming request, once known.
    pub stream: bool,
}

impl From<&Accepted> for OpenRow {
    fn from(accepted: &Accepted) -> Self {
        Self {
            id: accepted.id.number(),
            accepted_us: micros(accepted.at),
            client: accepted.client,
            user_agent: clipped(accepted.user_agent.as_deref()),
            method: clip(&accepted.method),
            path: clip(&accepted.path),
            class: accepted.class,
            model: None,
            session: None,
            agent: clipped(accepted.agent.as_deref()),
            stream: false,
        }
    }
}

impl OpenRow {
    /// Its body was read.
    pub fn describe(&mut self, described: &Described) {
        self.model = clipped(described.model.as_deref());
        self.session = clipped(described.session.as_deref());
        self.stream = described.stream;
    }

    /// Where its row will stand.
    pub fn key(&self) -> RowKey {
        RowKey { at_us: self.accepted_us, id: RequestId::from_number(self.id) }
    }
}
