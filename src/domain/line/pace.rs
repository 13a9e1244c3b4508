//! How many of those who waited may be on their way without having committed: 1, then 2, 4, … .
//!
//! | of a step | then |
//! |---|---|
//! | everybody has committed | the next step opens, twice as large |
//! | somebody failed | the steps start anew, once the others are through |
//! | somebody left without a word about the endpoint | another one may go instead |
//! | somebody takes longer than [`SLOW`] | the step goes on without it, and is as large again if nobody has committed |
//!
//! The last row is for long answers that are no streams, which commit at their end: one of them must not hold up
//! everybody else's deadline.

use std::time::{Duration, Instant};

/// A released request that has not committed for this long does not hold up the others any more.
pub(super) const SLOW: Duration = Duration::from_secs(10);

/// The right to be on the way, to be given back by whoever got it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn(u64);

/// The current step.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    step: u32,
    left: u32,
    /// Those of the step that have not committed, and when they were let go.
    on_the_way: Vec<(Turn, Instant)>,
    /// Somebody has committed since the step opened.
    proven: bool,
    last: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { step: 1, left: 1, on_the_way: Vec::new(), proven: false, last: 0 }
    }
}

impl Pace {
    /// A place in the step, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> Option<Turn> {
        self.on_the_way.retain(|(_, since)| now < *since + SLOW);
        self.go_on();
        self.left = self.left.checked_sub(1)?;
        self.last += 1;
        self.on_the_way.push((Turn(self.last), now));
        Some(Turn(self.last))
    }

    /// The first step again. Those on the way still count.
    pub(super) fn start_anew(&mut self) {
        (self.step, self.left, self.proven) = (1, 0, false);
        self.go_on();
    }

    /// As if nobody had ever been let go. Turns are numbered on: somebody who was slow may still come with an old one,
    /// and must not be taken for another.
    pub(super) fn forget(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
    }

    pub(super) fn committed(&mut self, turn: Turn) {
        self.proven = true;
        self.remove(turn);
        self.go_on();
    }

    pub(super) fn failed(&mut self, turn: Turn) {
        self.remove(turn);
        self.start_anew();
    }

    pub(super) fn given_back(&mut self, turn: Turn) {
        if self.remove(turn) {
            let on_the_way = u32::try_from(self.on_the_way.len()).unwrap_or(u32::MAX);
            self.left = (self.left + 1).min(self.step.saturating_sub(on_the_way)).max(self.left);
        }
        self.go_on();
    }

    /// A place beyond the step. Places nobody can take do not heap up beyond another step: what waits would run over an
    /// endpoint at once when it can be asked at last.
    pub(super) fn one_more(&mut self) {
        if self.left < self.step {
            self.left += 1;
        }
    }

    /// How many may be on the way.
    #[cfg(test)]
    pub(super) fn step(&self) -> u32 {
        self.step
    }

    pub(super) fn is_idle(&self) -> bool {
        self.on_the_way.is_empty()
    }

    /// When the first of the step becomes slow.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        self.on_the_way.iter().map(|(_, since)| *since + SLOW).filter(|at| *at > now).min()
    }

    fn remove(&mut self, turn: Turn) -> bool {
        let before = self.on_the_way.len();
        self.on_the_way.retain(|(other, _)| *other != turn);
        self.on_the_way.len() < before
    }

    /// Opens the next step when this one is through.
    fn go_on(&mut self) {
        if self.left > 0 || !self.on_the_way.is_empty() {
            return;
        }
        if std::mem::take(&mut self.proven) {
            self.step = self.step.saturating_mul(2);
        }
        self.left = self.step;
    }
}
