//! What was told last, in order, within bounds. Pure.
//!
//! | count | of | used for |
//! |---|---|---|
//! | number | events and pictures: grows by one with each, never repeats in a process | ids, and going on behind one |
//! | place | events alone, counted from 0 | how far a reader is, and how much it missed |
//!
//! A reader that is at a place whose successor has gone has missed something; nobody waits for it.

use std::collections::VecDeque;

/// Events kept.
pub(super) const MAX_EVENTS: usize = 4_096;
/// Bytes they may weigh together.
pub(super) const MAX_WEIGHT: usize = 8 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Ring<T> {
    kept: VecDeque<Slot<T>>,
    weight: usize,
    /// The place of the oldest one kept: so many have gone.
    gone: u64,
    /// The newest number given.
    newest: u64,
    /// Every event with a higher number is kept.
    floor: u64,
}

#[derive(Debug)]
struct Slot<T> {
    number: u64,
    weight: usize,
    event: T,
}

/// Where a picture stands among the events.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Mark {
    /// Its number.
    pub(super) number: u64,
    /// It shows the effect of every event before this place, and of no other.
    pub(super) place: u64,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), weight: 0, gone: 0, newest: 0, floor: 0 }
    }
}

impl<T> Ring<T> {
    /// Adds an event; what makes it is told its number. The oldest go when there are too many.
    pub(super) fn push(&mut self, weight: usize, event: impl FnOnce(u64) -> T) {
        self.newest += 1;
        self.weight += weight;
        self.kept.push_back(Slot { number: self.newest, weight, event: event(self.newest) });
        while self.kept.len() > MAX_EVENTS || (self.weight > MAX_WEIGHT && self.kept.len() > 1) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.weight -= oldest.weight;
            self.gone += 1;
            self.floor = oldest.number;
        }
    }

    /// A number for a picture that is taken now.
    pub(super) fn mark(&mut self) -> Mark {
        self.newest += 1;
        Mark { number: self.newest, place: self.end() }
    }

    /// The place of the next event.
    pub(super) fn end(&self) -> u64 {
        self.gone + self.kept.len() as u64
    }

    /// Forgets everything; nobody can go on behind a number from before.
    pub(super) fn clear(&mut self) {
        self.gone = self.end();
        self.newest += 1;
        self.floor = self.newest;
        self.weight = 0;
        // Gives the memory back as well.
        self.kept = VecDeque::new();
    }

    /// The place behind what has this number; nothing when events behind it have gone, or it was never given.
    pub(super) fn behind(&self, number: u64) -> Option<u64> {
        let known = (self.floor..=self.newest).contains(&number);
        known.then(|| self.gone + self.kept.partition_point(|slot| slot.number <= number) as u64)
    }

    /// The events from a place on, the oldest first.
    ///
    /// # Errors
    /// How many of them have gone, if any.
    pub(super) fn from(&self, place: u64) -> Result<impl Iterator<Item = &T>, u64> {
        match self.gone.saturating_sub(place) {
            0 => {
                let skip = usize::try_from(place - self.gone).unwrap_or(usize::MAX);
                Ok(self.kept.range(skip.min(self.kept.len())..).map(|slot| &slot.event))
            }
            missed => Err(missed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(ring: &Ring<u64>, place: u64) -> Result<Vec<u64>, u64> {
        ring.from(place).map(|events| events.copied().collect())
    }

    #[test]
    fn readers_go_on_behind_any_number_that_is_still_there() {
        let mut ring = Ring::default();
        ring.push(1, |n| n);
        let mark = ring.mark();
        ring.push(1, |n| n);
        assert_eq!((mark, numbers(&ring, mark.place)), (Mark { number: 2, place: 1 }, Ok(vec![3])));
        assert_eq!(ring.behind(2).map(|place| numbers(&ring, place)), Some(Ok(vec![3])));
        assert_eq!(ring.behind(1).map(|place| numbers(&ring, place)), Some(Ok(vec![3])));
        assert_eq!((ring.behind(3), ring.behind(4)), (Some(2), None));
        ring.clear();
        assert_eq!((ring.behind(3), numbers(&ring, 0), numbers(&ring, 2)), (None, Err(2), Ok(vec![])));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_weigh_too_much() {
        let mut ring = Ring::default();
        (0..MAX_EVENTS + 7).for_each(|_| ring.push(1, |n| n));
        assert_eq!((numbers(&ring, 0), ring.end()), (Err(7), MAX_EVENTS as u64 + 7));
        ring.push(MAX_WEIGHT, |n| n);
        assert_eq!(numbers(&ring, ring.end() - 1), Ok(vec![MAX_EVENTS as u64 + 8]));
        assert_eq!(ring.kept.len(), 1);
        ring.push(MAX_WEIGHT + 1, |n| n);
        assert_eq!(ring.kept.len(), 1, "one is kept however heavy it is");
        assert_eq!(ring.weight, MAX_WEIGHT + 1);
    }

    proptest! {
        /// Whoever reads from where it stopped sees every number once, in order, or is told how many it missed.
        #[test]
        fn nothing_is_lost_silently(steps in prop::collection::vec((0..4_u8, 1..2_000_000_usize), 1..200)) {
            let (mut ring, mut all, mut place, mut seen) = (Ring::default(), Vec::new(), 0, 0_u64);
            for (step, weight) in steps {
                match step {
                    0 | 1 => ring.push(weight, |n| { all.push(n); n }),
                    2 => { ring.mark(); }
                    _ => {
                        let fresh = match numbers(&ring, place) {
                            Ok(fresh) => fresh,
                            Err(missed) => {
                                seen += missed;
                                numbers(&ring, place + missed).unwrap()
                            }
                        };
                        prop_assert_eq!(&all[seen as usize..], &fresh[..]);
                        seen = all.len() as u64;
                        place = ring.end();
                    }
                }
                for number in all.iter().rev().take(3) {
                    if let Some(behind) = ring.behind(*number) {
                        let expected: Vec<u64> = all.iter().copied().filter(|n| n > number).collect();
                        prop_assert_eq!(numbers(&ring, behind).unwrap(), expected);
                    }
                }
            }
        }
    }
}
