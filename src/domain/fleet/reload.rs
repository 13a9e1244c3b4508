//! What a changed configuration means for the fleet. Names identify endpoints and groups across versions.
//!
//! | what | after the reload |
//! |---|---|
//! | an endpoint that stays | standing and permits survive; whether it counts tokens is found out anew |
//! | one with another URL | as new: health, rests and latency were another server's; requests in flight still count |
//! | one with another credential or other headers | its set-aside credential is forgotten, the rest survives |
//! | a new one | nothing is known about it |
//! | one that is gone | forgotten; running attempts end undisturbed and their outcome goes nowhere |
//! | a group that stays | its pause survives, its cooldown unless manual mode, which knows none, is on |
//! | every session | is bound anew if the order of endpoints changed, or which are enabled |
//! | a person's `activate`, the choice of manual mode | survive while their group exists |
//!
//! Order and priorities are those of the new version; where they change among endpoints that stay, that is a person's
//! order, which running sessions follow with their next request. A new endpoint moves nobody. Turning manual mode on
//! starts it with the group that is active.

use std::sync::Arc;
use std::time::Instant;

use super::{Fleet, Group, Member, Settings, groups_of};
use crate::domain::endpoint::{EndpointSpec, GroupId};

impl Fleet {
    /// Takes over a new version of the configuration.
    pub(super) fn reload(&mut self, settings: Settings, specs: &[Arc<EndpointSpec>], now: Instant) {
        if self.settings.auto_switch && !settings.auto_switch {
            self.manual = self.active(now);
            self.manual_settled = self.manual.is_some();
        }
        self.orders += u64::from(self.reorders(&settings, specs));
        let mut old = std::mem::take(&mut self.members);
        self.members = specs.iter().map(|spec| successor(&mut old, spec, now)).collect();
        self.groups = groups_of(specs).into_iter().map(|group| inherit(group, &self.groups)).collect();
        self.settings = settings;
        if !self.settings.auto_switch {
            self.groups.iter_mut().for_each(|group| group.cooling_until = None);
        }
        let exists = |id: &GroupId| self.groups.iter().any(|g| g.id == *id);
        self.activated = self.activated.take().filter(exists);
        self.manual = self.manual.take().filter(exists);
        self.manual_settled &= self.manual.is_some();
    }
}

impl Fleet {
    /// True when endpoints that stay are to be asked in another order, or were switched on or off: a person's order to
    /// every session. New ones, another URL or another credential are none.
    fn reorders(&self, settings: &Settings, specs: &[Arc<EndpointSpec>]) -> bool {
        let place =
            |s: &EndpointSpec| (s.id.clone(), s.group.clone(), s.group_priority, s.priority, s.enabled);
        let stays = |s: &&Arc<EndpointSpec>| self.members.iter().any(|m| m.spec.id == s.id);
        let kept = |m: &&Member| specs.iter().any(|s| s.id == m.spec.id);
        let old = self.members.iter().filter(kept).map(|m| place(&m.spec));
        let new = specs.iter().filter(stays).map(|s| place(s));
        self.settings.pinned != settings.pinned || !old.eq(new)
    }
}

/// The member of this name in the next version.
fn successor(old: &mut Vec<Member>, spec: &Arc<EndpointSpec>, now: Instant) -> Member {
    match old.iter().position(|m| m.spec.id == spec.id) {
        Some(at) => old.swap_remove(at).with(spec, now),
        None => Member { since: Some(now), probed_since: Some(now), ..Member::new(Arc::clone(spec)) },
    }
}

impl Member {
    fn with(mut self, spec: &Arc<EndpointSpec>, now: Instant) -> Self {
        if self.spec.url != spec.url {
            let fresh = Self::new(Arc::clone(spec));
            return Self { permits: self.permits, since: Some(now), probed_since: Some(now), ..fresh };
        }
        self.standing.no_count_tokens_until = None;
        if self.spec.credential != spec.credential || self.spec.headers != spec.headers {
            self.standing.credential_replaced(now);
            self.probed_since = Some(now);
        }
        if *self.spec != **spec {
            self.spec = Arc::clone(spec);
        }
        self
    }
}

/// The group with what is remembered about the one of its name.
fn inherit(group: Group, old: &[Group]) -> Group {
    match old.iter().find(|o| o.id == group.id) {
        Some(old) => Group { priority: group.priority, ..old.clone() },
        None => group,
    }
}

#[cfg(test)]
mod tests;
