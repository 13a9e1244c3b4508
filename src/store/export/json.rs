//! Requests and sums as JSON: in exports, in the admin API and in what the command line prints for machines.
//!
//! Amounts are numbers with all their decimals, so these forms are for text, written or read; see
//! [`PicoUsd`](crate::claude::money::PicoUsd). Names and meanings do not change; new ones may be added.

mod attempt;
mod list;
mod read;
mod request;
mod row;
mod stats;

pub use self::attempt::AttemptView;
pub(super) use self::list::List;
pub use self::read::{ReadRow, StillRuns};
pub use self::request::RequestView;
pub use self::row::RowView;
pub use self::stats::{GroupView, StatsView, TotalsView};
