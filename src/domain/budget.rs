//! Spending limits: what is spent, what that means, and what is refused because of it.
//!
//! | part | is |
//! |---|---|
//! | [`Budget`] | the limit as configured |
//! | [`Sums`] | what was spent this day and this month, by endpoint and group |
//! | [`statuses`] | both together: one [`BudgetStatus`] per limit |
//! | [`Overruns`] | those limits that are used up and block, as routing needs them |
//!
//! | state | when | then |
//! |---|---|---|
//! | ok | below `warn_at_percent` of the limit | nothing |
//! | warned | from there on | people are told once |
//! | over | at the limit | people are told once; with `block` nothing more is spent on what the budget covers |
//!
//! Days and months are those of the configured time zone. A request belongs to the day on which it was accepted, and
//! each of its attempts counts for the endpoint and group that served it. It is counted when it ends, so what is in
//! flight when a limit is reached is still spent: a limit can be overrun by that much. Tokens without a known price
//! cannot be counted; a status says how many attempts used such tokens. A limit of zero is used up from the start.
//!
//! Nothing here reads a clock: now is an argument.

mod overrun;
mod spending;
mod status;

pub use self::overrun::{Overrun, Overruns};
pub use self::spending::{Bounds, Spending, Spent, Sums};
pub use self::status::{BudgetReport, BudgetState, BudgetStatus, Period, statuses};

use serde::{Deserialize, Serialize};

use super::endpoint::{EndpointId, GroupId};

/// `usage_tracking.budgets[]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Budget {
    /// What it covers.
    pub scope: BudgetScope,
    /// Micro-dollars a day.
    pub daily: Option<u64>,
    /// Micro-dollars a month.
    pub monthly: Option<u64>,
    /// Share in percent at which a warning appears.
    pub warn_at_percent: u32,
    /// Refuse requests at the limit instead of warning.
    pub block: bool,
}

/// What a budget covers. In JSON `{"kind":"endpoint","name":"main-a"}`, or `{"kind":"all"}`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum BudgetScope {
    /// Everything.
    All,
    /// One endpoint.
    Endpoint(EndpointId),
    /// One group.
    Group(GroupId),
}

impl BudgetScope {
    /// True when what this endpoint of this group spends counts.
    pub fn covers(&self, endpoint: &EndpointId, group: &GroupId) -> bool {
        match self {
            Self::All => true,
            Self::Endpoint(id) => id == endpoint,
            Self::Group(id) => id == group,
        }
    }
}

#[cfg(test)]
mod tests;
