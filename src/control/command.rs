//! Everything a person may ask for, and why it may be refused: one vocabulary for keys, scripts and signals.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::OrderError;
use crate::config::show_duration;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::order::{Order, Refused};
use crate::events::RequestId;

/// A wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// About a group, or an endpoint's rest.
    Order(Order),
    /// Let a suspended request go on now.
    ResumeRequest(RequestId),
    /// Let all suspended requests go on now.
    ResumeAll,
    /// End a suspended request; its client gets an error.
    CancelRequest(RequestId),
    /// Give endpoints other priorities, all at once; until the next reload unless the file says the same.
    SetPriorities(Vec<(EndpointId, u32)>),
    /// Use an endpoint, or stop using it; until the next reload.
    SetEnabled(EndpointId, bool),
    /// Probe an endpoint now.
    Probe(EndpointId),
    /// Load the configuration again.
    Reload,
}

/// Why a command was not carried out. The text is for people and says what to do instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Nothing has that name.
    #[error("{0}")]
    NotFound(String),
    /// It makes no sense now.
    #[error("{0}")]
    Conflict(String),
    /// It was tried, and failed.
    #[error("{0}")]
    Failed(String),
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        let text = error.to_string();
        match error {
            OrderError::Refused(Refused::UnknownGroup { .. } | Refused::UnknownEndpoint { .. }) => {
                Self::NotFound(text)
            }
            OrderError::Refused(_) | OrderError::Stopping => Self::Conflict(text),
        }
    }
}

/// What an endpoint that was probed because a person asked came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = HealthCheckResult)]
pub struct Checked {
    /// Which.
    pub endpoint: EndpointId,
    /// It answers. With `credential_problem` it does not serve all the same.
    pub up: bool,
    /// It refuses its credential.
    pub credential_problem: bool,
    /// The status of its answer; null without one.
    pub status: Option<u16>,
    /// How long that took, milliseconds.
    pub ms: f64,
    /// All of that in a sentence.
    pub message: String,
}

impl Command {
    /// Pause a group, for ever without a duration.
    pub fn pause(group: GroupId, duration: Option<Duration>) -> Self {
        Self::Order(Order::Pause { group, duration })
    }
}

/// What was asked for, as questions put it: "pause group main?".
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(order) => write_order(f, order),
            Self::ResumeRequest(id) => write!(f, "resume {id}"),
            Self::ResumeAll => f.write_str("resume all suspended requests"),
            Self::CancelRequest(id) => write!(f, "cancel {id}"),
            Self::SetPriorities(edits) if edits.len() == 1 => f.write_str("change 1 priority"),
            Self::SetPriorities(edits) => write!(f, "change {} priorities", edits.len()),
            Self::SetEnabled(endpoint, true) => write!(f, "enable endpoint {endpoint}"),
            Self::SetEnabled(endpoint, false) => write!(f, "disable endpoint {endpoint}"),
            Self::Probe(endpoint) => write!(f, "probe endpoint {endpoint}"),
            Self::Reload => f.write_str("reload the configuration"),
        }
    }
}

fn write_order(f: &mut fmt::Formatter<'_>, order: &Order) -> fmt::Result {
    match order {
        Order::Activate { group, force: false } => write!(f, "activate group {group}"),
        Order::Activate { group, force: true } => write!(f, "force group {group}"),
        Order::Release => f.write_str("release the activated group"),
        Order::Pause { group, duration: None } => write!(f, "pause group {group}"),
        Order::Pause { group, duration: Some(time) } => {
            write!(f, "pause group {group} for {}", show_duration(*time))
        }
        Order::Resume { group } => write!(f, "resume group {group}"),
        Order::Clear { endpoint } => write!(f, "clear what endpoint {endpoint} rests for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_long_as_it_says() {
        let said = |time| Command::pause(GroupId::new("main"), Some(time)).to_string();
        assert_eq!(said(Duration::from_nanos(1)), "pause group main for 1ns");
        assert_eq!(said(Duration::from_millis(500)), "pause group main for 500ms");
        assert_eq!(said(Duration::from_secs(1_800)), "pause group main for 30m");
        assert_eq!(Command::pause(GroupId::new("main"), None).to_string(), "pause group main");
    }
}
