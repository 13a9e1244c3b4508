//! Long work on the file, in small steps: commits of new records come first between any two.

use std::time::Instant;

use crate::store::StoreError;
use crate::store::civil::Clock;
use crate::store::disk::Disk;
use crate::store::key::RowKey;

/// Work of many transactions.
pub(in crate::store) trait Chore: Send {
    /// When its next step is due.
    fn due(&self) -> Instant;

    /// True while no other chore may change anything.
    fn is_alone(&self) -> bool {
        false
    }

    /// One transaction of a few milliseconds.
    fn step(&mut self, disk: &Disk, clock: &Clock) -> Result<Step, StoreError>;

    /// A new record was committed between two steps.
    fn wrote(&mut self, _: RowKey) {}

    /// It is over; what is returned is done next.
    fn ended(self: Box<Self>, how: Result<(), StoreError>) -> Option<Box<dyn Chore>>;
}

/// What a step left.
pub(in crate::store) enum Step {
    /// More to do.
    More,
    /// Nothing.
    Done,
}
