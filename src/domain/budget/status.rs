//! Where a limit stands: the numbers for scripts, the words for people.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Budget, BudgetScope, Sums};
use crate::claude::money::PicoUsd;

/// The stretch of time a limit is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetPeriod)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day of the configured time zone.
    Day,
    /// A month of it.
    Month,
}

/// How far a limit is used up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetState {
    /// Not far enough to speak of.
    Ok,
    /// As far as `warn_at_percent`.
    Warned,
    /// All of it.
    Over,
}

/// One limit and what was spent of it. A budget with a daily and a monthly limit has two.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BudgetStatus {
    /// What it covers.
    pub scope: BudgetScope,
    /// For which time.
    pub period: Period,
    /// The limit, USD.
    pub limit: PicoUsd,
    /// Spent of it, USD, by requests that have ended.
    pub spent: PicoUsd,
    /// `spent` as a share of `limit`; above 1 when overrun, 1 for a limit of zero.
    pub share: f64,
    /// What that means.
    pub state: BudgetState,
    /// Share in percent from which people are warned.
    pub warn_at_percent: u32,
    /// At the limit requests are refused.
    pub block: bool,
    /// When the period ends and nothing is spent of the limit again.
    pub resets: Timestamp,
    /// Attempts that used tokens no price is known for: they are missing in `spent`.
    pub unpriced: u64,
}

/// The limits, in the order of the configuration.
pub fn statuses(budgets: &[Budget], sums: &Sums) -> Vec<BudgetStatus> {
    let limits = |budget: &Budget| [(Period::Day, budget.daily), (Period::Month, budget.monthly)];
    let each = |budget| limits(budget).map(|(period, limit)| Some(status(budget, period, limit?, sums)));
    budgets.iter().flat_map(each).flatten().collect()
}

fn status(budget: &Budget, period: Period, limit_micro_usd: u64, sums: &Sums) -> BudgetStatus {
    let limit = PicoUsd::from_micro_usd(limit_micro_usd);
    let spent = sums.of(period, &budget.scope);
    BudgetStatus {
        scope: budget.scope.clone(),
        period,
        limit,
        spent: spent.cost,
        share: if limit.is_zero() { 1.0 } else { spent.cost.pico() as f64 / limit.pico() as f64 },
        state: state(spent.cost, limit, budget.warn_at_percent),
        warn_at_percent: budget.warn_at_percent,
        block: budget.block,
        resets: sums.bounds().end(period),
        unpriced: spent.unpriced,
    }
}

fn state(spent: PicoUsd, limit: PicoUsd, warn_at_percent: u32) -> BudgetState {
    if spent >= limit {
        BudgetState::Over
    } else if spent.times(100) >= limit.times(u64::from(warn_at_percent)) {
        BudgetState::Warned
    } else {
        BudgetState::Ok
    }
}

impl BudgetStatus {
    /// True when it refuses what it covers.
    pub fn blocks(&self) -> bool {
        self.block && self.state == BudgetState::Over
    }

    /// True for the same limit, whatever is spent of it.
    pub fn is_same_limit(&self, other: &Self) -> bool {
        (&self.scope, self.period, self.limit) == (&other.scope, other.period, other.limit)
    }

    /// Its name: `the daily budget`, `the monthly budget of endpoint main-a`.
    pub fn name(&self) -> String {
        let period = match self.period {
            Period::Day => "daily",
            Period::Month => "monthly",
        };
        match &self.scope {
            BudgetScope::All => format!("the {period} budget"),
            BudgetScope::Endpoint(id) => format!("the {period} budget of endpoint {id}"),
            BudgetScope::Group(id) => format!("the {period} budget of group {id}"),
        }
    }

    /// What is spent of it: `$4.81 of $5.00`. The limit is exact, and what is spent has as many decimals.
    pub fn amounts(&self) -> String {
        let exact = self.limit.exact();
        let decimals = exact.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let decimals = u32::try_from(decimals).unwrap_or(u32::MAX).max(2);
        format!("${} of ${}", self.spent.usd(decimals), self.limit.usd(decimals))
    }
}

/// `the daily budget: $4.81 of $5.00`
impl fmt::Display for BudgetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.amounts())
    }
}

/// All limits at one instant: the answer of `GET /api/v1/usage/budget`, and what `usage --check-budget` goes by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BudgetReport {
    /// When.
    pub at: Timestamp,
    /// True when at least one limit is used up, whether it blocks or not.
    pub over: bool,
    /// In the order of the configuration.
    pub budgets: Vec<BudgetStatus>,
}

impl BudgetReport {
    /// A report on these limits.
    pub fn new(at: Timestamp, budgets: Vec<BudgetStatus>) -> Self {
        Self { at, over: budgets.iter().any(|b| b.state == BudgetState::Over), budgets }
    }
}
