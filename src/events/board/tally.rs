//! What the last attempts at each endpoint came to, and all of them together.
//!
//! | fact | counts as |
//! |---|---|
//! | a `messages` answer began, status below 300 | a time to first byte |
//! | a `messages` attempt ended well | a success |
//! | it failed by the endpoint's doing, a rate limit included | a failure |
//! | the client left, its request was refused, or we failed | neither |
//!
//! A failure counts when it happens, not when its request ends; no attempt counts twice. Nothing measured is nothing,
//! not zero.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::claude::price::CostLines;
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::endpoint::EndpointId;
use crate::domain::outcome::Kind;
use crate::events::{AttemptRecord, RequestId, RequestRecord};

/// Attempts that quantiles and the success rate are over.
const KEPT: usize = 200;
/// First-byte times in a snapshot, for a small chart.
const SHOWN: usize = 60;
/// Failures in a snapshot.
const ERRORS: usize = 8;

/// How an endpoint did.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointStats {
    /// Half of the last 200 answers began sooner, milliseconds.
    pub first_byte_p50_ms: Option<f64>,
    /// All but a twentieth of them did.
    pub first_byte_p95_ms: Option<f64>,
    /// The last of them, oldest first, milliseconds.
    pub first_byte_ms: Vec<u32>,
    /// Share of successes among the last 200 attempts that ended one way or the other.
    pub success: Option<f64>,
    /// The last failures, newest first.
    pub errors: Vec<Fault>,
    /// Attempts that ended, of every class, since the program started.
    pub attempts: u64,
    /// Failures among them.
    pub failed: u64,
    /// Tokens over all attempts.
    pub usage: Usage,
    /// What they cost, as far as prices are known.
    pub cost: CostLines,
}

/// One failure.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EndpointFault)]
pub struct Fault {
    /// When.
    pub at: Timestamp,
    /// Of which request.
    pub request: RequestId,
    /// What it was.
    pub kind: Kind,
    /// With which status.
    pub status: Option<u16>,
}

/// The tallies of all endpoints.
#[derive(Default, Debug)]
pub(super) struct Tallies {
    by_endpoint: BTreeMap<EndpointId, Tally>,
    /// Requests under way: the number of the last attempt that counted as failed.
    counted: BTreeMap<RequestId, u32>,
}

#[derive(Default, Debug)]
struct Tally {
    first_bytes: VecDeque<f64>,
    outcomes: VecDeque<bool>,
    errors: VecDeque<Fault>,
    attempts: u64,
    failed: u64,
    usage: Usage,
    cost: CostLines,
}

impl Tallies {
    /// An answer began.
    pub(super) fn first_byte(&mut self, endpoint: &EndpointId, ms: f64) {
        push(&mut self.of(endpoint).first_bytes, ms, KEPT);
    }

    /// The attempt of this number failed.
    pub(super) fn failed(&mut self, endpoint: &EndpointId, class: Class, number: u32, fault: Fault) {
        self.counted.insert(fault.request, number);
        self.of(endpoint).fail(class, fault);
    }

    /// A request ended; of its attempts, those count that have not yet.
    pub(super) fn settle(&mut self, record: &RequestRecord) {
        let counted = self.counted.remove(&record.id).unwrap_or(0);
        for attempt in &record.attempts {
            let tally = self.of(&attempt.endpoint);
            tally.attempts += 1;
            tally.usage += &attempt.usage;
            tally.cost += attempt.bill.as_ref().map(|bill| bill.lines).unwrap_or_default();
            if attempt.number > counted && !attempt.cancelled {
                tally.end(record, attempt);
            }
        }
    }

    /// How an endpoint did.
    pub(super) fn stats(&self, endpoint: &EndpointId) -> EndpointStats {
        self.by_endpoint.get(endpoint).map(Tally::stats).unwrap_or_default()
    }

    fn of(&mut self, endpoint: &EndpointId) -> &mut Tally {
        self.by_endpoint.entry(endpoint.clone()).or_default()
    }
}

impl Tally {
    fn end(&mut self, record: &RequestRecord, attempt: &AttemptRecord) {
        match attempt.failure {
            None if record.class == Class::Messages => push(&mut self.outcomes, true, KEPT),
            None => {}
            Some(kind) => {
                let ended = ((attempt.start_ms + attempt.duration_ms) * 1e3) as i64;
                let at = record.accepted + jiff::SignedDuration::from_micros(ended);
                self.fail(record.class, Fault { at, request: record.id, kind, status: attempt.status });
            }
        }
    }

    fn fail(&mut self, class: Class, fault: Fault) {
        if !is_the_endpoints(fault.kind) {
            return;
        }
        if class == Class::Messages {
            push(&mut self.outcomes, false, KEPT);
        }
        self.failed += 1;
        push(&mut self.errors, fault, ERRORS);
    }

    fn stats(&self) -> EndpointStats {
        let mut sorted: Vec<f64> = self.first_bytes.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let successes = self.outcomes.iter().filter(|good| **good).count();
        let shown = self.first_bytes.len().saturating_sub(SHOWN);
        EndpointStats {
            first_byte_p50_ms: quantile(&sorted, 50),
            first_byte_p95_ms: quantile(&sorted, 95),
            first_byte_ms: self.first_bytes.iter().skip(shown).map(|ms| ms.round() as u32).collect(),
            success: (!self.outcomes.is_empty()).then(|| successes as f64 / self.outcomes.len() as f64),
            errors: self.errors.iter().rev().cloned().collect(),
            attempts: self.attempts,
            failed: self.failed,
            usage: self.usage.clone(),
            cost: self.cost,
        }
    }
}

fn is_the_endpoints(kind: Kind) -> bool {
    let nobodys = matches!(kind, Kind::Local | Kind::Upload | Kind::Stale | Kind::NoCountTokens);
    !kind.is_refusal() && !nobodys
}

/// The smallest value that at least so many percent do not exceed.
fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn push<T>(ring: &mut VecDeque<T>, value: T, most: usize) {
    ring.push_back(value);
    if ring.len() > most {
        ring.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!((quantile(&values, 50), quantile(&values, 95)), (Some(100.0), Some(190.0)));
        assert_eq!(
            (quantile(&[7.0], 50), quantile(&[7.0], 95), quantile(&[], 50)),
            (Some(7.0), Some(7.0), None)
        );
    }

    #[test]
    fn the_ring_forgets_the_oldest() {
        let (mut tallies, a) = (Tallies::default(), EndpointId::new("a"));
        (0..300).for_each(|ms| tallies.first_byte(&a, f64::from(ms)));
        let stats = tallies.stats(&a);
        assert_eq!(stats.first_byte_p50_ms, Some(199.0));
        assert_eq!((stats.first_byte_ms.len(), stats.first_byte_ms[59]), (SHOWN, 299));
        assert_eq!((stats.success, stats.attempts), (None, 0), "nothing ended");
        assert_eq!(tallies.stats(&EndpointId::new("b")), EndpointStats::default());
    }

    #[test]
    fn a_failure_counts_at_once_and_not_again_at_the_end() {
        let (mut tallies, a) = (Tallies::default(), EndpointId::new("a"));
        let record = crate::events::record::testing::record(&[Some(Kind::Overloaded), None]);
        let (at, request) = (record.accepted, record.id);
        let fault = Fault { at, request, kind: Kind::Overloaded, status: Some(529) };
        tallies.failed(&a, Class::Messages, 1, fault.clone());
        assert_eq!(tallies.stats(&a).success, Some(0.0));
        tallies.settle(&record);
        let stats = tallies.stats(&a);
        assert_eq!((stats.success, stats.attempts, stats.failed), (Some(0.5), 2, 1));
        assert_eq!(stats.errors, [fault]);
        assert!(tallies.counted.is_empty());
    }

    #[test]
    fn what_is_not_the_endpoints_doing_counts_as_neither() {
        let (mut tallies, a) = (Tallies::default(), EndpointId::new("a"));
        tallies
            .settle(&crate::events::record::testing::record(&[Some(Kind::ClientError), Some(Kind::Upload)]));
        let stats = tallies.stats(&a);
        assert_eq!((stats.success, stats.attempts, stats.failed), (None, 2, 0));
    }
}
