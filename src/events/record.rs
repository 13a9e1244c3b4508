//! The terminal record of a request and its parts.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use super::trace::TraceStep;
use crate::claude::price::{Bill, CostLines};
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::outcome::Kind;
use crate::domain::pricebook::PriceBook;
pub use crate::domain::request_id::{NotAnId, RequestId};
use crate::domain::route::{RouteReason, Skip};

/// Hands out ids that never repeat within 2^32 requests: a counter behind a permutation of the 32-bit numbers, so that
/// neighbours do not look alike.
#[derive(Debug)]
pub struct Ids(AtomicU32);

impl Ids {
    /// A sequence that starts at `seed`.
    pub fn starting_at(seed: u32) -> Self {
        Self(AtomicU32::new(seed))
    }

    /// A sequence that goes on behind `last`, the newest id of an earlier one. It leaves room for ids that were given
    /// later than that one and are not known.
    pub fn after(last: RequestId) -> Self {
        Self::starting_at(unscramble(last.number()).wrapping_add(ROOM))
    }

    /// Some of the first ids that [`Self::after`] hands out: the very first, and then one here and there.
    pub fn sample_after(last: RequestId) -> impl Iterator<Item = RequestId> {
        let first = unscramble(last.number()).wrapping_add(ROOM);
        let steps = (0..64).chain((64..ROOM).step_by(1024));
        steps.map(move |n| RequestId::from_number(scramble(first.wrapping_add(n))))
    }

    /// The next id.
    pub fn next_id(&self) -> RequestId {
        RequestId::from_number(scramble(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Ids between the newest known one and the first of the next sequence.
const ROOM: u32 = 1 << 17;

/// A bijection on the 32-bit numbers: xor-shifts and multiplications by odd numbers can each be undone.
fn scramble(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x21f0_aaad);
    x ^= x >> 15;
    x = x.wrapping_mul(0x735a_2d97);
    x ^ (x >> 15)
}

/// Undoes [`scramble`].
fn unscramble(mut x: u32) -> u32 {
    x ^= (x >> 15) ^ (x >> 30);
    x = x.wrapping_mul(inverse(0x735a_2d97));
    x ^= (x >> 15) ^ (x >> 30);
    x = x.wrapping_mul(inverse(0x21f0_aaad));
    x ^ (x >> 16)
}

/// The number that an odd one gives 1 with. Each round doubles the bits that are right, from three on.
fn inverse(odd: u32) -> u32 {
    (0..4).fold(odd, |x, _| x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x))))
}

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EndState)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The client got a whole answer.
    Completed,
    /// The client got an error, or a broken answer.
    Failed,
    /// The client went away.
    Cancelled,
    /// This program was killed in the middle.
    Interrupted,
}

impl State {
    /// The name in records, files and filters: the same as the serialised one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Completed, Self::Failed, Self::Cancelled, Self::Interrupted];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

/// Everything known about a request once it has ended.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestRecord {
    /// Ours.
    pub id: RequestId,
    /// The endpoint's `request-id`.
    pub upstream_id: Option<String>,
    /// When it was accepted.
    pub accepted: jiff::Timestamp,
    /// From acceptance to the first byte passed on, milliseconds.
    pub first_byte_ms: Option<f64>,
    /// From acceptance to the end, milliseconds.
    pub duration_ms: f64,
    /// Peer address.
    #[schema(value_type = Option<String>)]
    pub client: Option<IpAddr>,
    /// `user-agent`.
    pub user_agent: Option<Arc<str>>,
    /// HTTP method.
    pub method: Arc<str>,
    /// Path without the query.
    pub path: Arc<str>,
    /// `messages`, `count_tokens`, …
    pub class: Class,
    /// The model asked for.
    pub model: Option<Arc<str>>,
    /// The model that answered.
    pub served_model: Option<Arc<str>>,
    /// Claude Code's session.
    pub session: Option<Arc<str>>,
    /// `x-claude-code-agent-id`.
    pub agent: Option<Arc<str>>,
    /// A streaming request.
    pub stream: bool,
    /// A `messages` request for one token: a client's look whether it may go on.
    pub one_token: bool,
    /// The endpoint whose answer (or failure) was the last.
    pub endpoint: Option<EndpointId>,
    /// Its group.
    pub group: Option<GroupId>,
    /// Why that endpoint was asked; nothing when none was.
    pub route: Option<RouteReason>,
    /// Every decision on the way.
    pub trace: Vec<TraceStep>,
    /// The status the client got.
    pub status: Option<u16>,
    /// How it ended.
    pub state: State,
    /// The class of the failure.
    pub failure: Option<Kind>,
    /// The failure in words.
    pub error: Option<String>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// Time in the queue of suspended requests, milliseconds.
    pub suspended_ms: f64,
    /// Bytes of the request body.
    pub bytes_in: u64,
    /// Bytes of the response body passed on.
    pub bytes_out: u64,
    /// Tokens over all attempts.
    pub usage: Usage,
    /// Cost over all attempts that have a price.
    pub cost: CostLines,
    /// Attempts that used tokens no price is known for.
    pub unpriced: u32,
    /// In order.
    pub attempts: Vec<AttemptRecord>,
    /// Endpoints the last routing decision left out.
    pub skipped: Vec<Skip>,
}

impl RequestRecord {
    /// Times it went on at another endpoint than the one before.
    pub fn failovers(&self) -> u64 {
        self.attempts.windows(2).filter(|pair| pair[0].endpoint != pair[1].endpoint).count() as u64
    }

    /// Puts the prices on: each attempt that used tokens is billed once, at its endpoint's rates for the model that
    /// answered (else the model it was asked for).
    pub fn price(&mut self, book: &PriceBook) {
        let (mut cost, mut unpriced) = (CostLines::default(), 0);
        for attempt in self.attempts.iter_mut().filter(|a| !a.usage.is_empty()) {
            let model = attempt.model_served.as_ref().or(attempt.model_sent.as_ref()).or(self.model.as_ref());
            let model = model.map_or("", |model| model);
            attempt.bill = book.bill(&attempt.endpoint, model, self.accepted, &attempt.usage);
            match &attempt.bill {
                Some(bill) => cost += bill.lines,
                None => unpriced += 1,
            }
        }
        (self.cost, self.unpriced) = (cost, unpriced);
    }
}

/// One attempt of a request.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttemptRecord {
    /// Counted from 1.
    pub number: u32,
    /// Where.
    pub endpoint: EndpointId,
    /// Its group.
    pub group: GroupId,
    /// The model it was asked for, after its mapping.
    pub model_sent: Option<Arc<str>>,
    /// The model its answer names.
    pub model_served: Option<Arc<str>>,
    /// From the request's acceptance to its start, milliseconds.
    pub start_ms: f64,
    /// Time to connect; nothing on a reused connection.
    pub connect_ms: Option<f64>,
    /// From its start to the response head.
    pub first_byte_ms: Option<f64>,
    /// From its start to its end.
    pub duration_ms: f64,
    /// The endpoint's status.
    pub status: Option<u16>,
    /// How it failed; nothing for an answer that was passed on whole.
    pub failure: Option<Kind>,
    /// The client went away during it.
    pub cancelled: bool,
    /// Tokens it reported.
    pub usage: Usage,
    /// What they cost; nothing before the record was priced, without tokens, or when no price is known.
    pub bill: Option<Bill>,
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_parse_back() {
        let ids = Ids::starting_at(u32::MAX - 5);
        let all: std::collections::HashSet<RequestId> = (0..50_000).map(|_| ids.next_id()).collect();
        assert_eq!(all.len(), 50_000);
        let id = ids.next_id();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("req-12".parse::<RequestId>(), Err(NotAnId));
    }

    #[test]
    fn a_sequence_goes_on_where_an_earlier_one_ended() {
        assert!(
            (0..100_000).all(|n: u32| unscramble(scramble(n.wrapping_mul(42_953))) == n.wrapping_mul(42_953))
        );
        let before = Ids::starting_at(u32::MAX - 50_000);
        let mut all: std::collections::HashSet<RequestId> = (0..100_000).map(|_| before.next_id()).collect();
        let known =
            all.iter().copied().max_by_key(|id| unscramble(id.number()).wrapping_add(60_000)).unwrap();
        let after = Ids::after(known);
        assert!((0..100_000).all(|_| all.insert(after.next_id())));
    }
}
