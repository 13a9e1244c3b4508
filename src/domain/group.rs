//! One group of endpoints: paused, cooling, or available; and which of several groups is the active one.
//!
//! | state | entered by | left by |
//! |---|---|---|
//! | available | start | – |
//! | cooling | every endpoint failed one request, by their own fault, and another group can serve | its cooldown, or a person |
//! | paused | a person, for ever or for a time | a person, or that time |
//!
//! A pause is never ignored. Cooling is, as soon as every group that is not paused cools.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::endpoint::GroupId;

/// A person's pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pause {
    /// Until resumed.
    ForEver,
    /// Until then.
    Until(Instant),
}

/// What is remembered about one group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub id: GroupId,
    /// Lower first; ties by file order, which is the order of the groups' list.
    pub priority: u32,
    /// A person's pause.
    pub paused: Option<Pause>,
    /// End of its cooldown.
    pub cooling_until: Option<Instant>,
    /// When it last changed state; `None` since the start.
    pub since: Option<Instant>,
}

impl Group {
    /// An available group.
    pub fn new(id: GroupId, priority: u32) -> Self {
        Self { id, priority, paused: None, cooling_until: None, since: None }
    }

    /// True while a person's pause holds.
    pub fn is_paused(&self, now: Instant) -> bool {
        match self.paused {
            None => false,
            Some(Pause::ForEver) => true,
            Some(Pause::Until(until)) => now < until,
        }
    }

    /// True while it cools.
    pub fn is_cooling(&self, now: Instant) -> bool {
        self.cooling_until.is_some_and(|until| now < until)
    }

    /// The next instant at which its state changes by time alone.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        let pause = match self.paused {
            Some(Pause::Until(until)) => Some(until),
            _ => None,
        };
        pause.into_iter().chain(self.cooling_until).filter(|at| *at > now).min()
    }
}

/// What people see of a group's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Requests go here first.
    Active,
    /// Available, but not first.
    Standby,
    /// Resting after it failed.
    Cooling,
    /// Paused by a person.
    Paused,
}

/// Why a group is in its state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = GroupReason)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Of all that have a usable endpoint and do not cool it has the best rank.
    BestRank,
    /// All that have a usable endpoint cool, so cooling is ignored: of these it has the best rank.
    BestOfCooling,
    /// None that is not paused has a usable endpoint: of these, those that do not cool first, it has the best rank.
    BestOfUnusable,
    /// A person made it the active one.
    Activated,
    /// The endpoint of `-p` is in it.
    Pinned,
    /// Manual mode: it was chosen by a person, or at the start.
    Chosen,
    /// A better one serves.
    OtherServes,
    /// None of its endpoints is usable.
    NothingUsable,
    /// Every endpoint of it failed one request.
    Failed,
    /// A person paused it.
    PausedByPerson,
}

impl Reason {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::BestRank => "best rank among the usable groups",
            Self::BestOfCooling => "every usable group cools; best rank of them",
            Self::BestOfUnusable => "no unpaused group is usable; best rank",
            Self::Activated => "made active by a person",
            Self::Pinned => "holds the endpoint of -p",
            Self::Chosen => "chosen; manual mode does not switch",
            Self::OtherServes => "another group serves",
            Self::NothingUsable => "none of its endpoints is usable",
            Self::Failed => "every endpoint failed a request",
            Self::PausedByPerson => "paused by a person",
        }
    }
}

/// How a group stands when the active one is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Position in rank order is the position in the slice; this one was lifted to the front by a person.
    pub lifted: bool,
    /// Paused right now.
    pub paused: bool,
    /// Cooling right now.
    pub cooling: bool,
    /// At least one endpoint is usable.
    pub usable: bool,
}

/// The position of the active group among `ranked` (best rank first), or `None` when all are paused.
///
/// Preferred, in this order: usable and not cooling; usable; not cooling; any. Among equals a lifted one, then rank.
pub fn choose_active(ranked: &[Standing]) -> Option<usize> {
    let class = |g: &Standing| match (g.usable, g.cooling) {
        (true, false) => 0,
        (true, true) => 1,
        (false, false) => 2,
        (false, true) => 3,
    };
    ranked
        .iter()
        .enumerate()
        .filter(|(_, g)| !g.paused)
        .min_by_key(|(i, g)| (class(g), !g.lifted, *i))
        .map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn g(paused: bool, cooling: bool, usable: bool) -> Standing {
        Standing { lifted: false, paused, cooling, usable }
    }

    #[test]
    fn the_best_usable_group_is_active() {
        assert_eq!(choose_active(&[g(false, false, true), g(false, false, true)]), Some(0));
        assert_eq!(choose_active(&[g(false, false, false), g(false, false, true)]), Some(1));
        assert_eq!(choose_active(&[g(false, true, true), g(false, false, true)]), Some(1));
        assert_eq!(choose_active(&[g(true, false, true), g(false, false, true)]), Some(1));
    }

    #[test]
    fn cooling_is_ignored_when_nothing_else_can_serve() {
        assert_eq!(choose_active(&[g(false, true, true), g(false, true, true)]), Some(0));
        assert_eq!(choose_active(&[g(false, true, true), g(false, false, false)]), Some(0));
        assert_eq!(choose_active(&[g(false, true, true), g(true, false, true)]), Some(0));
    }

    #[test]
    fn a_pause_is_never_ignored() {
        assert_eq!(choose_active(&[g(true, false, true)]), None);
        assert_eq!(choose_active(&[]), None);
    }

    #[test]
    fn a_lifted_group_leads_its_equals_only() {
        let lifted = Standing { lifted: true, ..g(false, false, true) };
        assert_eq!(choose_active(&[g(false, false, true), lifted]), Some(1));
        assert_eq!(choose_active(&[g(false, false, true), Standing { usable: false, ..lifted }]), Some(0));
    }
}
