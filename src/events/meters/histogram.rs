//! How long things took, counted by bounds that never change.

/// Upper bounds, seconds, each inclusive: from a relay next door to the longest answer with thinking.
pub const BOUNDS: [f64; 13] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// See the module.
#[derive(Clone, Default, Debug)]
pub struct Histogram {
    /// Up to each bound and above the one before.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    /// Counts so many seconds. What is no time is none: a sum must not go down.
    pub fn observe(&mut self, seconds: f64) {
        let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
        let bound = BOUNDS.iter().position(|bound| seconds <= *bound);
        if let Some(within) = bound.and_then(|place| self.within.get_mut(place)) {
            *within += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }

    /// How many were up to each bound, all below included.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let up_to = self.within.iter().scan(0, |sum, within| {
            *sum += within;
            Some(*sum)
        });
        BOUNDS.into_iter().zip(up_to)
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How long they took together, seconds.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}
