//! Limits that are used up and block.

use std::sync::Arc;

use super::{BudgetScope, BudgetStatus};
use crate::domain::civil::Clock;
use crate::domain::endpoint::{EndpointId, GroupId};

/// A limit that is used up: what it covers is not asked for anything that costs money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overrun {
    /// What it covers.
    pub scope: BudgetScope,
    /// For the client: which budget, what was spent of which limit, and when it resets.
    pub message: String,
}

/// All of them. Those that cover everything come first, then those that reset last: the first that covers an endpoint
/// says best how long nothing will go there.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Overruns(Vec<Arc<Overrun>>);

impl Overruns {
    /// Those among these limits. `clock` is for the words.
    pub fn of(statuses: &[BudgetStatus], clock: &Clock) -> Self {
        let mut over: Vec<&BudgetStatus> = statuses.iter().filter(|s| s.blocks()).collect();
        over.sort_by_key(|s| (s.scope != BudgetScope::All, std::cmp::Reverse(s.resets)));
        let overrun = |s: &BudgetStatus| Overrun { scope: s.scope.clone(), message: message(s, clock) };
        Self(over.into_iter().map(|s| Arc::new(overrun(s))).collect())
    }

    /// The one that keeps money from being spent at this endpoint of this group.
    pub fn covering(&self, endpoint: &EndpointId, group: &GroupId) -> Option<&Arc<Overrun>> {
        self.0.iter().find(|overrun| overrun.scope.covers(endpoint, group))
    }
}

fn message(status: &BudgetStatus, clock: &Clock) -> String {
    let (mut name, resets) = (status.name(), clock.show(status.resets));
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{name} is used up: {} spent. It resets at {resets}.", status.amounts())
}
