//! The clock of a forwarder on another machine, as far as it can be told from here.
//!
//! Every snapshot says when it was taken. By how much that is ahead of the clock here when it arrives is the difference
//! of both clocks less the time it was on its way; so the greatest of the last few such differences is the nearest to
//! the truth. Only a few, because clocks are set while programs run.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// Differences remembered.
const KEPT: usize = 16;

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Clock {
    ahead: VecDeque<SignedDuration>,
    /// When what was seen last was made.
    last: Option<Timestamp>,
}

impl Clock {
    /// Something that was made at `made` by the clock there arrived at `here` by the clock here.
    pub(super) fn saw(&mut self, made: Timestamp, here: Timestamp) {
        self.last = Some(made);
        self.ahead.push_back(made.duration_since(here));
        if self.ahead.len() > KEPT {
            self.ahead.pop_front();
        }
    }

    /// When what was seen last was made, by the clock there; `here` as long as nothing was seen.
    pub(super) fn last(&self, here: Timestamp) -> Timestamp {
        self.last.unwrap_or(here)
    }

    /// What the clock there shows when the one here shows `here`. The same, as long as nothing was seen.
    pub(super) fn there(&self, here: Timestamp) -> Timestamp {
        let ahead = self.ahead.iter().max().copied().unwrap_or_default();
        here.checked_add(ahead).unwrap_or(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn the_fastest_way_tells_most() {
        let mut clock = Clock::default();
        assert_eq!(clock.there(at(500)), at(500));
        // An hour ahead; the ways took 40, 5 and 90 ms.
        for (sent, way) in [(0, 40), (1_000, 5), (2_000, 90)] {
            clock.saw(at(3_600_000 + sent), at(sent + way));
        }
        assert_eq!(clock.last(at(9_000)), at(3_602_000));
        assert_eq!(clock.there(at(10_000)), at(3_609_995));
    }

    #[test]
    fn a_clock_that_was_set_is_believed_after_a_while() {
        let mut clock = Clock::default();
        clock.saw(at(3_600_000), at(0));
        (0..KEPT as i64).for_each(|n| clock.saw(at(n * 1_000), at(n * 1_000 + 7)));
        assert_eq!(clock.there(at(100_000)), at(99_993));
    }
}
