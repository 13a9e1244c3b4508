//! What a reader is told: the `data:` of every type but the pictures, both ways.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Kind;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::fleet::{Change, Condition, FleetView};
use crate::domain::outcome;
use crate::events::{Accepted, Described, Event, RequestId, RequestRecord, Wait, trace};

/// One event of the type it is named after.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Fact {
    /// A request was accepted.
    Accepted(Arc<Accepted>),
    /// Its body was read.
    Described(Said),
    /// An attempt began.
    AttemptStarted(Started),
    /// An attempt failed.
    AttemptFailed(Failed),
    /// A request waits.
    Suspended(Waits),
    /// It waits no more.
    Resumed(Resumed),
    /// The first content was passed on.
    Committed(Began),
    /// A request ended, with its story as text where it is serialised.
    Settled(#[serde(serialize_with = "explained")] Arc<RequestRecord>),
    /// Endpoints or groups changed.
    Fleet(Switches),
    /// A reload ended.
    Config(Box<RawValue>),
    /// A log line.
    Log(Box<RawValue>),
    /// Events were missed.
    Lagged(Lagged),
}

/// What a request's body said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Said {
    /// Whose.
    pub id: RequestId,
    /// What.
    #[serde(flatten)]
    pub described: Arc<Described>,
}

/// An attempt that began.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Started {
    /// Whose.
    pub id: RequestId,
    /// Counted from 1.
    pub number: u32,
    /// Where.
    pub endpoint: EndpointId,
    /// Its group.
    pub group: GroupId,
}

/// An attempt that failed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Failed {
    /// Whose.
    pub id: RequestId,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub endpoint: EndpointId,
    /// How.
    pub kind: outcome::Kind,
    /// With which status.
    pub status: Option<u16>,
}

/// A request in the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waits {
    /// Whose.
    pub id: RequestId,
    /// How.
    #[serde(flatten)]
    pub wait: Wait,
}

/// A wait that is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resumed {
    /// Whose.
    pub id: RequestId,
}

/// An answer that began.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Began {
    /// Whose.
    pub id: RequestId,
    /// The endpoint's status.
    pub status: u16,
    /// From the start of the attempt to its first byte, milliseconds.
    pub ttfb_ms: f64,
    /// From acceptance to this moment, milliseconds.
    pub after_ms: f64,
}

/// What changed in the fleet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Switches {
    /// When it was told of.
    pub at: Timestamp,
    /// In order.
    pub changes: Arc<[Switch]>,
}

/// One change, and the reason.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Switch {
    /// From what to what.
    #[serde(flatten)]
    pub change: Change,
    /// The same for people.
    pub text: String,
    /// Why, where there is more to say.
    pub why: Option<String>,
}

/// How much a reader missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lagged {
    /// Events of every type; nothing when nobody knows: what it saw last is of another process, or long gone.
    pub missed: Option<u64>,
}

fn explained<S: serde::Serializer>(record: &RequestRecord, serializer: S) -> Result<S::Ok, S::Error> {
    trace::Explained::of(record).serialize(serializer)
}

impl Fact {
    /// The event of a request, but for its end, whose record gets its prices first.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Accepted(accepted) => Self::Accepted(Arc::clone(accepted)),
            Event::Described { id, described } => {
                Self::Described(Said { id: *id, described: Arc::clone(described) })
            }
            Event::AttemptStarted { id, number, endpoint, group } => {
                let (endpoint, group) = (endpoint.clone(), group.clone());
                Self::AttemptStarted(Started { id: *id, number: *number, endpoint, group })
            }
            Event::AttemptFailed { id, at, endpoint, kind, status } => {
                let endpoint = endpoint.clone();
                Self::AttemptFailed(Failed { id: *id, at: *at, endpoint, kind: *kind, status: *status })
            }
            Event::Suspended { id, wait } => Self::Suspended(Waits { id: *id, wait: wait.clone() }),
            Event::Resumed { id } => Self::Resumed(Resumed { id: *id }),
            Event::Committed { id, status, ttfb_ms, after_ms, .. } => {
                Self::Committed(Began { id: *id, status: *status, ttfb_ms: *ttfb_ms, after_ms: *after_ms })
            }
            Event::Settled(_) | Event::Fleet(_) => return None,
        })
    }

    /// What changed, with the reasons as `view` has them.
    pub(crate) fn switches(changes: &[Change], view: &FleetView, at: Timestamp) -> Self {
        let switch = |change: &Change| Switch {
            change: change.clone(),
            text: change.to_string(),
            why: why(change, view),
        };
        Self::Fleet(Switches { at, changes: changes.iter().map(switch).collect() })
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Accepted(_) => Kind::Accepted,
            Self::Described(_) => Kind::Described,
            Self::AttemptStarted(_) => Kind::AttemptStarted,
            Self::AttemptFailed(_) => Kind::AttemptFailed,
            Self::Suspended(_) => Kind::Suspended,
            Self::Resumed(_) => Kind::Resumed,
            Self::Committed(_) => Kind::Committed,
            Self::Settled(_) => Kind::Settled,
            Self::Fleet(_) => Kind::Fleet,
            Self::Config(_) => Kind::Config,
            Self::Log(_) => Kind::Log,
            Self::Lagged(_) => Kind::Lagged,
        }
    }

    /// About the bytes it keeps, its text included: what bounds memory, so rather too many than too few.
    pub(super) fn weight(&self) -> usize {
        let long = |texts: &[Option<&str>]| texts.iter().flatten().map(|text| text.len()).sum();
        BASE + match self {
            Self::Accepted(accepted) => {
                let more: usize = long(&[accepted.user_agent.as_deref(), accepted.agent.as_deref()]);
                2 * (accepted.path.len() + more)
            }
            Self::Described(said) => {
                2 * long(&[said.described.model.as_deref(), said.described.session.as_deref()])
            }
            Self::Suspended(waits) => waits.wait.skipped.len() * PART,
            Self::Settled(record) => {
                let parts = record.attempts.len() + record.trace.len() + record.skipped.len();
                let more: usize = {
                    let (user_agent, agent) = (record.user_agent.as_deref(), record.agent.as_deref());
                    long(&[user_agent, agent, record.session.as_deref(), record.error.as_deref()])
                };
                RECORD + parts * PART + 2 * (record.path.len() + more)
            }
            Self::Fleet(switches) => switches.changes.len() * PART,
            Self::Config(text) | Self::Log(text) => 2 * text.get().len(),
            _ => 0,
        }
    }

    /// Reads the `data:` of an event of this type; nothing for pictures.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(kind: Kind, data: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(match kind {
            Kind::Snapshot | Kind::State => return Ok(None),
            Kind::Accepted => Self::Accepted(serde_json::from_str(data)?),
            Kind::Described => Self::Described(serde_json::from_str(data)?),
            Kind::AttemptStarted => Self::AttemptStarted(serde_json::from_str(data)?),
            Kind::AttemptFailed => Self::AttemptFailed(serde_json::from_str(data)?),
            Kind::Suspended => Self::Suspended(serde_json::from_str(data)?),
            Kind::Resumed => Self::Resumed(serde_json::from_str(data)?),
            Kind::Committed => Self::Committed(serde_json::from_str(data)?),
            Kind::Settled => Self::Settled(serde_json::from_str(data)?),
            Kind::Fleet => Self::Fleet(serde_json::from_str(data)?),
            Kind::Config => Self::Config(serde_json::from_str(data)?),
            Kind::Log => Self::Log(serde_json::from_str(data)?),
            Kind::Lagged => Self::Lagged(serde_json::from_str(data)?),
        }))
    }
}

/// Bytes of a small event and its text.
const BASE: usize = 768;
/// Of a record and its text, its parts and what clients may make long aside.
const RECORD: usize = 4_096;
/// Of an attempt, a step, an endpoint that was left out.
const PART: usize = 1_024;

fn why(change: &Change, view: &FleetView) -> Option<String> {
    match change {
        Change::Active { to, .. } => reason(to.as_ref()?, view),
        Change::Group { id, .. } => reason(id, view),
        Change::Endpoint { to: Condition::Unknown | Condition::Up | Condition::Disabled, .. } => None,
        Change::Endpoint { id, to: Condition::OverBudget, .. } => {
            Some(view.endpoint(id)?.overrun.as_ref()?.message.clone())
        }
        Change::Endpoint { id, .. } => {
            view.endpoint(id)?.standing.last_error.as_ref().map(ToString::to_string)
        }
    }
}

fn reason(group: &GroupId, view: &FleetView) -> Option<String> {
    Some(view.group(group)?.why.words().to_owned())
}
