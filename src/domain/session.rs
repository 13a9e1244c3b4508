//! Where running sessions are served, and when they may move.
//!
//! Moving a session throws its prompt cache away (and on some models its thinking), so a running one stays:
//!
//! | about the session | its next request |
//! |---|---|
//! | unknown, or the request names none | goes where the order of endpoints says |
//! | known | to the endpoint that last answered it, while that is usable |
//! | known, but a person's order came since | as if unknown |
//! | known, `fail_back: session`, idle for long enough | as if unknown |
//! | known, `fail_back: immediate` | stays only among equals: in its group, and only where numbers do not rank it |
//!
//! "Idle" is the time since it last got an answer; a session with an answer still running is not idle. Long enough is
//! `group.session_idle`, or else the lifetime of what the session cached: five minutes, or an hour.
//!
//! At most [`MAX_SESSIONS`] are remembered; the one that was silent longest is forgotten first. An answer that was asked
//! for before a person's order never overrules what was remembered after it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::endpoint::EndpointId;

/// Sessions remembered.
pub const MAX_SESSIONS: usize = 10_000;
/// Lifetime of ordinary prompt cache.
const SHORT_CACHE: Duration = Duration::from_secs(5 * 60);
/// Lifetime of prompt cache that was written for an hour.
const LONG_CACHE: Duration = Duration::from_secs(60 * 60);

/// `group.fail_back`: when sessions return to a better endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailBack {
    /// New sessions go back, running ones stay until they are idle.
    Session,
    /// Every next request goes back.
    Immediate,
    /// Only a person moves them back.
    Manual,
}

/// When a session may leave an endpoint that serves it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The policy.
    pub fail_back: FailBack,
    /// Idle time after which it may; `None` is the lifetime of its cache.
    pub idle: Option<Duration>,
}

/// What a session's past says about its next request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Affinity {
    /// Nothing.
    #[default]
    New,
    /// It belongs to this endpoint.
    Stays(EndpointId),
    /// It belongs to this endpoint only if no better group can serve.
    Leans(EndpointId, Duration),
    /// It was there, and has been idle this long.
    Idle(EndpointId, Duration),
    /// It was there before a person decided otherwise.
    Ordered(EndpointId),
}

/// The endpoint that a request should rather go to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preferred {
    /// Which.
    pub endpoint: EndpointId,
    /// The number of orders people had given when it was preferred; the next order ends the preference.
    pub orders: u64,
    /// Only among the endpoints of its group.
    pub in_group: bool,
}

impl Affinity {
    /// What routing should prefer, given the number of orders at which this was asked for.
    pub fn preferred(&self, orders: u64) -> Option<Preferred> {
        let (endpoint, in_group) = match self {
            Self::Stays(endpoint) => (endpoint, false),
            Self::Leans(endpoint, _) => (endpoint, true),
            Self::New | Self::Idle(..) | Self::Ordered(_) => return None,
        };
        Some(Preferred { endpoint: endpoint.clone(), orders, in_group })
    }

    /// The endpoint that last answered the session.
    pub fn last(&self) -> Option<&EndpointId> {
        match self {
            Self::New => None,
            Self::Stays(at) | Self::Leans(at, _) | Self::Idle(at, _) | Self::Ordered(at) => Some(at),
        }
    }
}

/// One remembered session.
#[derive(Debug)]
struct Known {
    endpoint: EndpointId,
    /// Orders people had given when that endpoint was asked.
    orders: u64,
    /// Its last sign of life.
    active: Instant,
    /// Answers that have not ended.
    running: u32,
    /// It wrote cache for an hour at that endpoint.
    long_cache: bool,
    /// Its place in the order of ages.
    turn: u64,
}

/// The sessions remembered.
#[derive(Debug, Default)]
pub struct Sessions {
    known: HashMap<Arc<str>, Known>,
    /// Oldest sign of life first.
    by_age: BTreeMap<u64, Arc<str>>,
    turn: u64,
}

impl Sessions {
    /// What the past of `session` says at `now`; `orders` is the number of orders people have given.
    pub fn affinity(&self, session: &str, rules: Rules, orders: u64, now: Instant) -> Affinity {
        let Some(known) = self.known.get(session) else { return Affinity::New };
        let at = known.endpoint.clone();
        let idle = known.idle(now);
        let may_leave = || idle >= rules.idle.unwrap_or(known.cache_lifetime());
        match rules.fail_back {
            _ if known.orders < orders => Affinity::Ordered(at),
            FailBack::Session if known.running == 0 && may_leave() => Affinity::Idle(at, idle),
            FailBack::Immediate => Affinity::Leans(at, idle),
            FailBack::Session | FailBack::Manual => Affinity::Stays(at),
        }
    }

    /// An answer of `endpoint` to this session begins; it was asked when people had given `orders` orders. Every call
    /// is followed by one of [`Sessions::ended`].
    pub fn committed(&mut self, session: &Arc<str>, endpoint: &EndpointId, orders: u64, now: Instant) {
        let turn = self.next_turn();
        if let Some(known) = self.known.get_mut(session) {
            self.by_age.remove(&known.turn);
            known.committed(endpoint, orders, now);
            known.turn = turn;
        } else {
            self.make_room();
            let endpoint = endpoint.clone();
            let known = Known { endpoint, orders, active: now, running: 1, long_cache: false, turn };
            self.known.insert(Arc::clone(session), known);
        }
        self.by_age.insert(turn, Arc::clone(session));
    }

    /// An answer of `endpoint` to this session has ended, having written cache for an hour or not.
    pub fn ended(&mut self, session: &Arc<str>, endpoint: &EndpointId, wrote_long_cache: bool, now: Instant) {
        let turn = self.next_turn();
        let Some(known) = self.known.get_mut(session) else { return };
        known.running = known.running.saturating_sub(1);
        known.active = now;
        known.long_cache |= wrote_long_cache && known.endpoint == *endpoint;
        self.by_age.remove(&known.turn);
        known.turn = turn;
        self.by_age.insert(turn, Arc::clone(session));
    }

    /// Sessions remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn make_room(&mut self) {
        while self.known.len() >= MAX_SESSIONS {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            self.known.remove(&oldest);
        }
    }
}

impl Known {
    fn committed(&mut self, endpoint: &EndpointId, orders: u64, now: Instant) {
        self.running = self.running.saturating_add(1);
        self.active = now;
        if orders < self.orders {
            return;
        }
        self.orders = orders;
        if self.endpoint != *endpoint {
            self.endpoint = endpoint.clone();
            self.long_cache = false;
        }
    }

    fn idle(&self, now: Instant) -> Duration {
        match self.running {
            0 => now.saturating_duration_since(self.active),
            _ => Duration::ZERO,
        }
    }

    fn cache_lifetime(&self) -> Duration {
        if self.long_cache { LONG_CACHE } else { SHORT_CACHE }
    }
}

#[cfg(test)]
mod tests;
