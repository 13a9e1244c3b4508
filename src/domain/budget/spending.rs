//! What was spent, as far as budgets ask.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::claude::money::PicoUsd;
use crate::domain::budget::{BudgetScope, Period};
use crate::domain::civil::Clock;
use crate::domain::endpoint::{EndpointId, GroupId};

/// An amount, and how much is missing in it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Spent {
    /// What attempts with a known price cost.
    pub cost: PicoUsd,
    /// Attempts that used tokens no price is known for.
    pub unpriced: u64,
}

impl Spent {
    fn add(&mut self, more: Self) {
        self.cost += more.cost;
        self.unpriced = self.unpriced.saturating_add(more.unpriced);
    }
}

/// What each endpoint spent in one period, for the group it was in then.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Spending(HashMap<(EndpointId, GroupId), Spent>);

impl Spending {
    /// Counts what an endpoint spent.
    pub fn add(&mut self, endpoint: &EndpointId, group: &GroupId, more: Spent) {
        if more != Spent::default() {
            self.0.entry((endpoint.clone(), group.clone())).or_default().add(more);
        }
    }

    /// The sum over what a budget covers.
    pub fn of(&self, scope: &BudgetScope) -> Spent {
        let mut sum = Spent::default();
        let covered = self.0.iter().filter(|((endpoint, group), _)| scope.covers(endpoint, group));
        covered.for_each(|(_, spent)| sum.add(*spent));
        sum
    }
}

/// The day and the month that an instant falls in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Start of the day.
    pub day: Timestamp,
    /// Start of the next one.
    pub next_day: Timestamp,
    /// Start of the month.
    pub month: Timestamp,
    /// Start of the next one.
    pub next_month: Timestamp,
}

impl Bounds {
    /// Those of `now` on this clock.
    pub fn at(clock: &Clock, now: Timestamp) -> Self {
        Self {
            day: clock.day(now),
            next_day: clock.next_day(now),
            month: clock.month(now),
            next_month: clock.next_month(now),
        }
    }

    /// When a period ends and its sum is zero again.
    pub fn end(&self, period: Period) -> Timestamp {
        match period {
            Period::Day => self.next_day,
            Period::Month => self.next_month,
        }
    }
}

/// What was spent in the day and the month of [`Bounds`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sums {
    bounds: Bounds,
    day: Spending,
    month: Spending,
}

impl Sums {
    /// Nothing spent yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, day: Spending::default(), month: Spending::default() }
    }

    /// Of which day and month.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Counts what an endpoint spent on a request accepted at `at`. What is older than the month does not count.
    pub fn add(&mut self, at: Timestamp, endpoint: &EndpointId, group: &GroupId, spent: Spent) {
        if at >= self.bounds.day {
            self.day.add(endpoint, group, spent);
        }
        if at >= self.bounds.month {
            self.month.add(endpoint, group, spent);
        }
    }

    /// Goes on to the day and month of `now`. True when that began something anew. A clock that was set back changes
    /// nothing: what had been spent before is not known any more.
    pub fn advance(&mut self, clock: &Clock, now: Timestamp) -> bool {
        if now < self.bounds.next_day {
            return false;
        }
        let bounds = Bounds::at(clock, now);
        self.day = Spending::default();
        if bounds.month != self.bounds.month {
            self.month = Spending::default();
        }
        self.bounds = bounds;
        true
    }

    /// What was spent in this period on what a budget covers.
    pub fn of(&self, period: Period, scope: &BudgetScope) -> Spent {
        match period {
            Period::Day => self.day.of(scope),
            Period::Month => self.month.of(scope),
        }
    }
}
