//! How often and after which waits a request is tried again.
//!
//! | failure | wait before the same endpoint is asked again |
//! |---|---|
//! | 429 with a stated end | until then, and a little more |
//! | 429 without | about one first back-off, at most a second and a half |
//! | empty completion | none |
//! | anything else | exponential back-off with full jitter, or the `retry-after` if that is longer |

use std::time::Duration;

use crate::domain::outcome::{Failure, Kind};
use crate::domain::route::StrategyKind;

/// The limits of every plan.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Tries per endpoint.
    pub max_attempts: u32,
    /// Tries over all endpoints.
    pub max_total_attempts: u32,
    /// First back-off.
    pub base_delay: Duration,
    /// Longest back-off.
    pub max_delay: Duration,
    /// Growth of the back-off.
    pub multiplier: f64,
    /// Order inside a group.
    pub strategy: StrategyKind,
    /// The request may wait while nothing is available.
    pub suspend: bool,
}

impl Policy {
    /// The wait before the same endpoint is asked again, after `attempts` tries there.
    pub(super) fn delay(&self, failure: &Failure, attempts: u32, jitter: f64) -> Duration {
        let short = self.base_delay.min(Duration::from_secs(1));
        let stated = failure.stated.map_or(Duration::ZERO, |s| s.wait);
        match failure.kind {
            Kind::RateLimited => stated + short.mul_f64(jitter * 0.1),
            Kind::Throttled => short.mul_f64(0.5 + jitter),
            Kind::EmptyCompletion => Duration::ZERO,
            _ => back_off(self, attempts).mul_f64(jitter).max(stated),
        }
    }
}

/// The back-off before try `n + 1`, without its jitter.
pub fn back_off(policy: &Policy, n: u32) -> Duration {
    let exponent = i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX);
    let factor = policy.multiplier.powi(exponent);
    let seconds = policy.base_delay.as_secs_f64() * factor;
    if !seconds.is_finite() || seconds >= policy.max_delay.as_secs_f64() {
        return policy.max_delay;
    }
    Duration::from_secs_f64(seconds)
}
