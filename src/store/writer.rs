//! The one thread that writes.
//!
//! | state | does |
//! |---|---|
//! | records wait | commits them together: one transaction, one sync of the disk |
//! | a commit fails, or goes to a file that is not at its path any more | tries again soon, then with growing pauses for ever; between two tries the file is opened again |
//! | nothing is due | one step of a [`Chore`], then looks again |
//! | closing | commits what waits; gives up when the time for that is over |
//!
//! A record leaves memory when it is on the disk, not before.

mod chore;
mod rebuild;
mod recost;
mod retention;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use self::chore::{Chore, Step};
use self::rebuild::Rebuild;
pub(super) use self::recost::Recost;
pub use self::recost::{Progress, Recosted};
use self::retention::Retention;
use super::backlog::{Backlog, Next, Taken};
use super::civil::Clock;
use super::codec::Stored;
use super::disk::{Disk, guarded};
use super::row::Row;
use super::{Options, StoreError, monotonic};
use crate::domain::words::counted;

/// Pauses between tries of a failing commit.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The writer's side of a store.
pub(super) struct Writer {
    disk: Arc<Disk>,
    backlog: Arc<Backlog>,
    clock: Clock,
    max_retry: u32,
    chores: VecDeque<Box<dyn Chore>>,
}

impl Writer {
    /// For an open disk; `rebuild` the rollups when nothing else is to do.
    pub(super) fn new(disk: Arc<Disk>, backlog: Arc<Backlog>, options: &Options, rebuild: bool) -> Self {
        let rebuild = rebuild.then(|| Box::new(Rebuild::new()) as Box<dyn Chore>);
        let retention = (options.retention_days > 0).then(|| {
            Box::new(Retention::new(options.retention_days, options.cleanup_interval)) as Box<dyn Chore>
        });
        Self {
            disk,
            backlog,
            clock: options.clock.clone(),
            max_retry: options.max_retry,
            chores: rebuild.into_iter().chain(retention).collect(),
        }
    }

    /// Runs until the backlog is closed and empty, or given up. Returns how many records are lost.
    pub(super) fn run(mut self) -> u64 {
        loop {
            match self.backlog.next(self.next_chore()) {
                Next::Commit(taken) => {
                    if !self.commit(&taken) {
                        break;
                    }
                }
                Next::Free(Some(chore)) => self.chores.push_back(chore),
                Next::Free(None) => self.work(),
                Next::Ended => break,
            }
        }
        let lost = self.end();
        self.disk.close();
        lost
    }

    /// Tells all chores that they end here. Returns how many records are lost.
    fn end(&mut self) -> u64 {
        let (lost, ordered) = self.backlog.abandon();
        self.chores.extend(ordered);
        for chore in self.chores.drain(..) {
            chore.ended(Err(StoreError::Closed));
        }
        lost
    }

    fn next_chore(&self) -> Option<Instant> {
        self.eligible().map(|(_, chore)| chore.due()).min()
    }

    /// The chores that may act: all, or the one that acts alone.
    fn eligible(&self) -> impl Iterator<Item = (usize, &dyn Chore)> {
        let alone = self.chores.iter().any(|chore| chore.is_alone());
        let all = self.chores.iter().enumerate().map(|(at, chore)| (at, chore.as_ref()));
        all.filter(move |(_, chore)| chore.is_alone() == alone)
    }

    /// One step of the chore that has waited longest.
    fn work(&mut self) {
        let now = monotonic();
        let next = self.eligible().find(|(_, chore)| chore.due() <= now).map(|(at, _)| at);
        let Some(mut chore) = next.and_then(|at| self.chores.remove(at)) else { return };
        let further = match guarded(|| chore.step(&self.disk, &self.clock)) {
            Ok(Step::More) => Some(chore),
            Ok(Step::Done) => chore.ended(Ok(())),
            Err(error) => {
                if !matches!(error, StoreError::Value(_)) {
                    self.reopen(&error);
                }
                chore.ended(Err(error))
            }
        };
        self.chores.extend(further);
    }

    /// Writes what was taken, however long it takes. False when the store was closed and its time is up.
    fn commit(&mut self, taken: &Taken) -> bool {
        let mut tries = 0;
        while let Err(error) = self.write(taken) {
            tries += 1;
            if tries == self.max_retry.max(1) {
                self.announce_failure(&error);
            }
            if !self.backlog.pause(pause(tries, self.max_retry)) {
                return false;
            }
            self.reopen(&error);
        }
        if tries >= self.max_retry.max(1) {
            tracing::warn!(target: "cc_forwarder::store", "the usage store is written again");
        }
        self.backlog.saved(jiff::Timestamp::now());
        for settled in &taken.settled {
            self.chores.iter_mut().for_each(|chore| chore.wrote(settled.key));
        }
        true
    }

    fn write(&self, taken: &Taken) -> Result<(), StoreError> {
        self.put(taken)?;
        if self.disk.is_in_place() {
            return Ok(());
        }
        tracing::error!(
            target: "cc_forwarder::store",
            "{}; what it held is no longer recorded here, and what follows goes to the file that is there now, or to a \
             new one",
            StoreError::Gone
        );
        Err(StoreError::Gone)
    }

    fn put(&self, taken: &Taken) -> Result<(), StoreError> {
        self.disk.batch(&self.clock, |batch| {
            for open in &taken.open {
                batch.note_open(open)?;
            }
            for settled in &taken.settled {
                let row = Row::decode(&settled.row)?;
                batch.put_encoded(&row, &settled.row, settled.story.as_deref())?;
            }
            Ok(())
        })
    }

    fn announce_failure(&self, error: &StoreError) {
        self.backlog.failing(error.to_string());
        tracing::error!(
            target: "cc_forwarder::store",
            "the usage store cannot be written: {error}; it is tried again with {} kept in memory: make room on \
             the disk, or see what is wrong with it",
            counted(self.backlog.status().unsaved, "record")
        );
    }

    fn reopen(&self, after: &StoreError) {
        if let Err(error) = self.disk.reopen(after) {
            tracing::debug!(target: "cc_forwarder::store", "the usage store cannot be opened again: {error}");
        }
    }
}

/// Before the next try.
fn pause(tries: u32, quick: u32) -> Duration {
    let slow = tries.saturating_sub(quick).min(16);
    PAUSE.saturating_mul(1 << slow).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
