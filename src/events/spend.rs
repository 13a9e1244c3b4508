//! Keeps what this day and this month have cost, and says when a budget is nearly or wholly used up.
//!
//! Fed by the hub with every record once it has its prices. Starts with what the store knows; what a restart must not
//! forget is the store's to keep.
//!
//! | event | then |
//! |---|---|
//! | a record with a cost | the sums grow |
//! | the end of a day or month on the configured clock | that sum is zero again |
//! | a new configuration | its budgets apply to the same sums |
//! | a limit is crossed, or crossed back | one log line, and [`Spend::statuses`] |
//!
//! History that is priced anew does not change the sums of this day and month before the next start.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::RequestRecord;
use crate::config::Config;
use crate::domain::budget::{BudgetScope, BudgetState, BudgetStatus, Spent, Sums, statuses};
use crate::domain::civil::Clock;

/// Longest time without a look at the wall clock, which may be set, and runs on while the machine sleeps.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// Keeps the sums.
pub struct Spend {
    config: watch::Receiver<Arc<Config>>,
    clock: Clock,
    sums: Sums,
    /// The sums or the budgets are not what `statuses` says any more.
    stale: bool,
    statuses: watch::Sender<Arc<[BudgetStatus]>>,
}

impl Spend {
    /// Goes on from `sums`, which are those of a day and month of `clock`. Tells people at once what is used up already.
    pub fn new(config: watch::Receiver<Arc<Config>>, clock: Clock, sums: Sums, now: Timestamp) -> Self {
        let (statuses, _) = watch::channel(Arc::from([]));
        let mut spend = Self { config, clock, sums, stale: true, statuses };
        spend.refresh(now);
        spend
    }

    /// Follows where every limit stands.
    pub fn watch(&self) -> watch::Receiver<Arc<[BudgetStatus]>> {
        self.statuses.subscribe()
    }

    /// Where every limit stands.
    pub fn statuses(&self) -> Arc<[BudgetStatus]> {
        Arc::clone(&self.statuses.borrow())
    }

    /// Counts a record that has its prices.
    pub fn count(&mut self, record: &RequestRecord, now: Timestamp) {
        self.stale |= self.sums.advance(&self.clock, now);
        for attempt in record.attempts.iter().filter(|a| !a.usage.is_empty()) {
            let spent = match &attempt.bill {
                Some(bill) => Spent { cost: bill.lines.total(), unpriced: 0 },
                None => Spent { unpriced: 1, ..Spent::default() },
            };
            self.sums.add(record.accepted, &attempt.endpoint, &attempt.group, spent);
            self.stale = true;
        }
    }

    /// Brings the statuses up to date. True when they changed.
    pub fn refresh(&mut self, now: Timestamp) -> bool {
        self.stale |= self.sums.advance(&self.clock, now);
        self.stale |= self.config.has_changed().unwrap_or(false);
        if !std::mem::take(&mut self.stale) {
            return false;
        }
        let config = Arc::clone(&self.config.borrow_and_update());
        let (old, new) = (self.statuses(), statuses(&config.usage.budgets, &self.sums));
        if *old == *new {
            return false;
        }
        new.iter().for_each(|status| tell(status, &old, &self.clock));
        self.statuses.send_replace(new.into());
        true
    }

    /// Resolves when [`Self::refresh`] may find something new without a record.
    pub async fn due(&mut self, now: Timestamp) {
        let left = self.sums.bounds().next_day.duration_since(now);
        let nap = Duration::try_from(left).unwrap_or_default().min(LONGEST_NAP);
        tokio::select! {
            () = tokio::time::sleep(nap) => {}
            // Without anybody who could change it the configuration stays.
            Ok(()) = self.config.changed() => self.stale = true,
        }
    }
}

/// One line when a limit came into another state. A limit that was not there before was below everything.
fn tell(status: &BudgetStatus, before: &[BudgetStatus], clock: &Clock) {
    let before = before.iter().find(|old| old.is_same_limit(status));
    let was = before.map_or(BudgetState::Ok, |old| old.state);
    let resets = clock.show(status.resets);
    match status.state {
        state if state < was => tracing::info!(
            target: "cc_forwarder::budget",
            "{status} spent: within the limit again"
        ),
        BudgetState::Warned if was < BudgetState::Warned => tracing::warn!(
            target: "cc_forwarder::budget", resets,
            "{status} spent: {} % and more of the limit", status.warn_at_percent
        ),
        BudgetState::Over if was < BudgetState::Over => tracing::warn!(
            target: "cc_forwarder::budget", resets,
            "{status} spent: the limit is used up; {}", consequence(status)
        ),
        _ => {}
    }
}

fn consequence(status: &BudgetStatus) -> String {
    match &status.scope {
        _ if !status.block => "nothing is refused, for `block` is not set".to_owned(),
        BudgetScope::All => "messages are refused until it resets".to_owned(),
        BudgetScope::Endpoint(id) => format!("messages go past endpoint {id} until it resets"),
        BudgetScope::Group(id) => format!("messages go past group {id} until it resets"),
    }
}

#[cfg(test)]
mod tests;
