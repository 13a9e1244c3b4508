//! All endpoints and groups as one state machine.
//!
//! [`Fleet::apply`] takes one fact or wish at an instant and says what changed; [`Fleet::view`] is the immutable
//! picture that everybody else reads. One task owns the fleet; nobody else writes.
//!
//! Invariants (held by property tests): at most one group is active; a paused group is never active; a group is active
//! whenever one is not paused (automatic mode); cooldowns, pauses with an end, rests and set-asides end by themselves.

mod change;
mod reload;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use change::{Change, Condition};
pub use view::{EndpointView, FleetView, GroupView, InFlight, Permit, Permits};

use super::budget::Overruns;
use super::endpoint::{EndpointId, EndpointSpec, GroupId};
use super::group::{self, Group, Pause};
use super::outcome::Failure;
use super::ratelimit::Bucket;
use super::standing::{Availability, Probed, Standing};

/// The parts of the configuration the fleet acts on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Groups are switched automatically.
    pub auto_switch: bool,
    /// How long a failed group cools.
    pub cooldown: Duration,
    /// A real success within this time outweighs a failed probe.
    pub check_interval: Duration,
    /// Latency decides the order, so a change of it is worth a new view.
    pub by_latency: bool,
    /// The endpoint of `-p`.
    pub pinned: Option<EndpointId>,
}

/// A fact or a wish.
#[derive(Clone, Debug)]
pub enum Input {
    /// An attempt ended well.
    Succeeded {
        /// Where.
        endpoint: EndpointId,
        /// The model asked for.
        model: Option<Arc<str>>,
        /// When the attempt started.
        started: Instant,
    },
    /// The first content of an attempt was passed on.
    Committed {
        /// Where.
        endpoint: EndpointId,
        /// When the attempt started.
        started: Instant,
        /// From its start to the first byte.
        ttfb: Duration,
    },
    /// An answer stated what is left of the endpoint's budgets.
    Budgets {
        /// Where.
        endpoint: EndpointId,
        /// What it stated.
        budgets: Vec<Bucket>,
        /// How long what is used up stays so.
        used_up: Option<Duration>,
    },
    /// An attempt failed.
    Failed {
        /// Where.
        endpoint: EndpointId,
        /// The model asked for.
        model: Option<Arc<str>>,
        /// When the attempt started.
        started: Instant,
        /// How.
        failure: Failure,
    },
    /// Every endpoint of a group failed one request.
    GroupExhausted {
        /// The group.
        group: GroupId,
        /// All of those failures were blamed on the endpoints.
        blamed: bool,
    },
    /// A probe was answered, or not.
    Probed {
        /// Where.
        endpoint: EndpointId,
        /// When the probe started.
        started: Instant,
        /// How.
        result: Probed,
    },
    /// The spending limits that are used up now; what is not among them any more is lifted.
    Overspent(Overruns),
    /// A person makes this the active group until it fails or is released.
    Activate(GroupId),
    /// Ends the effect of `Activate`.
    Release,
    /// A person pauses a group.
    Pause(GroupId, Pause),
    /// A person ends a pause.
    Resume(GroupId),
    /// A person ends every rest of an endpoint, stated ones too.
    Clear(EndpointId),
    /// The configuration changed.
    Reload {
        /// The new settings.
        settings: Settings,
        /// The new endpoints, in file order.
        specs: Vec<Arc<EndpointSpec>>,
    },
    /// Time passed.
    Tick,
}

/// What [`Fleet::apply`] did.
#[derive(Debug, Default, PartialEq)]
pub struct Applied {
    /// What people and waiting requests should learn of.
    pub changes: Vec<Change>,
    /// The view is out of date.
    pub dirty: bool,
}

struct Member {
    spec: Arc<EndpointSpec>,
    standing: Standing,
    permits: Arc<Permits>,
    /// When a reload brought it or gave it another URL: older attempts met something else.
    since: Option<Instant>,
    /// As `since`, and when a reload gave it another credential: older probes asked with something else.
    probed_since: Option<Instant>,
}

/// Every endpoint and group with its state.
pub struct Fleet {
    settings: Settings,
    members: Vec<Member>,
    /// In rank order: priority, then file order.
    groups: Vec<Group>,
    /// Made active by a person.
    activated: Option<GroupId>,
    /// The active group of manual mode.
    manual: Option<GroupId>,
    /// Manual mode has seen its group work, or a person chose: from now on only people switch.
    manual_settled: bool,
    seen: change::Summary,
    /// The instant `seen` is true for.
    seen_at: Instant,
    /// Survives a reload: limits are counted elsewhere, and whoever counts them says when they change.
    overruns: Overruns,
    revision: u64,
    /// Orders people gave that decide where every session goes.
    orders: u64,
}

impl Fleet {
    /// A fleet of these endpoints, nothing known about any of them.
    pub fn new(settings: Settings, specs: &[Arc<EndpointSpec>], now: Instant) -> Self {
        let members = specs.iter().map(|spec| Member::new(Arc::clone(spec))).collect();
        let mut fleet = Self {
            settings,
            members,
            groups: groups_of(specs),
            activated: None,
            manual: None,
            manual_settled: false,
            seen: change::Summary::default(),
            seen_at: now,
            overruns: Overruns::default(),
            revision: 0,
            orders: 0,
        };
        fleet.settle_manual(now);
        fleet.seen = fleet.summary(now);
        fleet
    }

    /// Takes one input.
    pub fn apply(&mut self, input: Input, now: Instant) -> Applied {
        let dirty = self.take(input, now);
        if !dirty {
            return Applied::default();
        }
        self.settle_manual(now);
        let summary = self.summary(now);
        let changes = self.seen.difference(&summary);
        for change in &changes {
            if let Change::Group { id, .. } = change {
                self.with_group(id, |g| g.since = Some(now));
            }
        }
        self.seen = summary;
        self.seen_at = now;
        self.revision += 1;
        Applied { changes, dirty }
    }

    /// The next instant at which something changes by time alone; apply [`Input::Tick`] then. It lies in the past while
    /// such a change has happened that no view shows yet, so that none is lost between two calls.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        let shown = self.seen_at.min(now);
        let members = self.members.iter().filter_map(|m| m.standing.next_change(shown));
        let groups = self.groups.iter().filter_map(|g| g.next_change(shown));
        members.chain(groups).min()
    }

    /// The picture everybody reads.
    pub fn view(&self, now: Instant) -> FleetView {
        view::build(self, now)
    }

    /// True when something worth a new view changed.
    fn take(&mut self, input: Input, now: Instant) -> bool {
        match input {
            Input::Succeeded { endpoint, model, started } => {
                self.attempted(&endpoint, started, |s| s.succeeded(model.as_deref(), started, now))
            }
            Input::Committed { endpoint, started, ttfb } => {
                self.attempted(&endpoint, started, |s| s.committed(started, ttfb))
            }
            Input::Budgets { endpoint, budgets, used_up } => {
                self.on(&endpoint, |m| m.standing.stated_budgets(budgets, used_up, now))
            }
            Input::Failed { endpoint, model, started, failure } => {
                self.attempted(&endpoint, started, |s| s.failed(&failure, model.as_deref(), started, now))
            }
            Input::Probed { endpoint, started, result } => {
                let recent = self.settings.check_interval;
                self.on(&endpoint, |m| {
                    if m.probed_since.is_none_or(|since| started >= since) {
                        m.standing.probed(&result, recent, now);
                    }
                })
            }
            Input::Clear(endpoint) => self.on(&endpoint, |m| m.standing.cleared()),
            Input::GroupExhausted { group, blamed } => self.exhaust(&group, blamed, now),
            Input::Overspent(overruns) => {
                let changed = self.overruns != overruns;
                self.overruns = overruns;
                changed
            }
            Input::Activate(group) => self.activate(group, now),
            Input::Release => self.release(),
            Input::Pause(group, pause) => self.with_group(&group, |g| g.paused = Some(pause)),
            Input::Resume(group) => self.with_group(&group, |g| {
                g.paused = None;
                g.cooling_until = None;
            }),
            Input::Reload { settings, specs } => {
                self.reload(settings, &specs, now);
                true
            }
            Input::Tick => true,
        }
    }

    /// What an attempt that started at `started` says of an endpoint.
    fn attempted(&mut self, id: &EndpointId, started: Instant, act: impl FnOnce(&mut Standing)) -> bool {
        self.on(id, |m| {
            if m.since.is_none_or(|since| started >= since) {
                act(&mut m.standing);
            }
        })
    }

    fn on(&mut self, id: &EndpointId, act: impl FnOnce(&mut Member)) -> bool {
        let by_latency = self.settings.by_latency;
        let Some(member) = self.members.iter_mut().find(|m| m.spec.id == *id) else { return false };
        let before = member.standing.clone();
        act(member);
        differs(&before, &member.standing, by_latency)
    }

    fn with_group(&mut self, id: &GroupId, act: impl FnOnce(&mut Group)) -> bool {
        self.groups.iter_mut().find(|g| g.id == *id).map(act).is_some()
    }

    /// A group without any usable endpoint gets a fresh start: the person knows more than its rests do, and its first
    /// request will tell.
    fn activate(&mut self, id: GroupId, now: Instant) -> bool {
        let Some(group) = self.groups.iter_mut().find(|g| g.id == id) else { return false };
        group.paused = None;
        group.cooling_until = None;
        if !self.usable(&id, now) {
            let members = self.members.iter_mut().filter(|m| m.spec.group == id);
            members.for_each(|m| m.standing.given_a_chance());
        }
        self.manual = Some(id.clone());
        self.manual_settled = true;
        self.activated = Some(id);
        self.orders += 1;
        true
    }

    fn release(&mut self) -> bool {
        let released = self.activated.take().is_some();
        self.orders += u64::from(released);
        released
    }

    fn exhaust(&mut self, id: &GroupId, blamed: bool, now: Instant) -> bool {
        if !self.settings.auto_switch {
            return false;
        }
        let dropped = self.activated.take_if(|a| a == id).is_some();
        let elsewhere =
            self.groups.iter().any(|g| g.id != *id && !g.is_paused(now) && self.usable(&g.id, now));
        let until = now + self.settings.cooldown;
        let cools = blamed && elsewhere && self.with_group(id, |g| g.cooling_until = Some(until));
        dropped || cools
    }

    fn pinned_group(&self) -> Option<&GroupId> {
        let pinned = self.settings.pinned.as_ref()?;
        self.members.iter().find(|m| m.spec.id == *pinned).map(|m| &m.spec.group)
    }

    /// The active group of automatic mode.
    fn automatic(&self, now: Instant) -> Option<GroupId> {
        let lifted = self.activated.as_ref().or_else(|| self.pinned_group());
        let standings: Vec<group::Standing> = self
            .groups
            .iter()
            .map(|g| group::Standing {
                lifted: lifted == Some(&g.id),
                paused: g.is_paused(now),
                cooling: g.is_cooling(now),
                usable: self.usable(&g.id, now),
            })
            .collect();
        group::choose_active(&standings).and_then(|i| self.groups.get(i)).map(|g| g.id.clone())
    }

    fn active(&self, now: Instant) -> Option<GroupId> {
        if self.settings.auto_switch {
            return self.automatic(now);
        }
        let manual = self.manual.as_ref()?;
        let open = self.groups.iter().any(|g| g.id == *manual && !g.is_paused(now));
        open.then(|| manual.clone())
    }

    /// Manual mode starts with the best group that works; once it was seen to work only people switch.
    fn settle_manual(&mut self, now: Instant) {
        if self.settings.auto_switch || self.manual_settled {
            return;
        }
        self.manual = self.automatic(now);
        self.manual_settled = self.manual.as_ref().is_some_and(|group| {
            let known_up = |m: &&Member| m.standing.health == super::standing::Health::Up;
            self.members.iter().filter(|m| m.spec.group == *group).any(|m| known_up(&m))
        });
    }

    /// True when an endpoint of the group may be asked, at least for something that costs money.
    fn usable(&self, group: &GroupId, now: Instant) -> bool {
        let open =
            |m: &&Member| m.spec.enabled && self.overruns.covering(&m.spec.id, &m.spec.group).is_none();
        self.members.iter().filter(|m| m.spec.group == *group).filter(open).any(|m| {
            matches!(m.standing.availability(None, now), Availability::Usable | Availability::HalfOpen)
        })
    }

    fn summary(&self, now: Instant) -> change::Summary {
        change::Summary::of(self, now)
    }
}

impl Member {
    fn new(spec: Arc<EndpointSpec>) -> Self {
        let (standing, permits) = Default::default();
        Self { spec, standing, permits, since: None, probed_since: None }
    }
}

/// True when readers of the view would see the difference. The time of the last success is for probes only, and latency
/// is worth a new view only where it decides the order.
fn differs(before: &Standing, after: &Standing, by_latency: bool) -> bool {
    let mut shown = before.clone();
    shown.last_success = after.last_success;
    if !by_latency {
        shown.latency_ms = after.latency_ms;
    }
    shown != *after
}

/// The groups of these endpoints in rank order. A group's priority is that of its first endpoint.
fn groups_of(specs: &[Arc<EndpointSpec>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for spec in specs {
        if !groups.iter().any(|g| g.id == spec.group) {
            groups.push(Group::new(spec.group.clone(), spec.group_priority));
        }
    }
    groups.sort_by_key(|g| g.priority);
    groups
}

#[cfg(test)]
mod tests;
