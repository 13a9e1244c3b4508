//! `GET /metrics/history?minutes=60`: what happened in each of the last minutes, their sums, and how long it took.
//!
//! A request counts as accepted in the minute it came in, and as ended, with its tokens and cost, in the minute it ended.
//! Percentiles are over those of the last 200 ended requests that ended within these minutes: `over` says how many.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Admin;
use super::error::{self, ApiError};
use super::params::Params;
use crate::claude::money::PicoUsd;
use crate::events::RequestRecord;
use crate::events::board::Snapshot;
use crate::events::minutes::{KEPT, Minute};

/// The answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HistoryView {
    /// When it was true.
    pub at: Timestamp,
    /// The oldest first, none missing between them; the last one still runs. None before the start of the program.
    pub minutes: Vec<MinuteView>,
    /// All of them together.
    pub totals: Sums,
    /// From acceptance to the first byte passed on.
    pub first_byte: Spread,
    /// From acceptance to the end.
    pub duration: Spread,
}

/// One minute.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MinuteView {
    /// Its begin.
    pub start: Timestamp,
    /// What happened in it.
    pub sums: Sums,
}

/// What happened.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = HistorySums)]
pub struct Sums {
    /// Requests accepted.
    pub accepted: u64,
    /// Ended with a whole answer.
    pub completed: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Ended by the client.
    pub cancelled: u64,
    /// Tokens of prompts, cached ones included.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Cost, as far as prices are known.
    pub cost_usd: PicoUsd,
    /// Mean time from acceptance to the first byte, milliseconds; null without any.
    pub mean_first_byte_ms: Option<f64>,
}

/// How a time is spread, milliseconds; null without any.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = TimeSpread)]
pub struct Spread {
    /// Over so many requests.
    pub over: u64,
    /// Half of them took less.
    pub p50_ms: Option<f64>,
    /// All but a twentieth of them did.
    pub p95_ms: Option<f64>,
    /// All but a hundredth of them did.
    pub p99_ms: Option<f64>,
}

/// `/metrics/history`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(history))
}

/// The last hour by minutes.
#[utoipa::path(
    get, path = "/metrics/history", tag = "program",
    params(("minutes" = Option<u32>, Query, minimum = 1, maximum = 60, description = "So many of them; 60 without")),
    responses((status = 200, body = HistoryView)),
)]
async fn history(State(admin): State<Admin>, mut params: Params) -> Result<Response, ApiError> {
    let minutes = params.within("minutes", 1..=KEPT)?.unwrap_or(KEPT);
    params.finish()?;
    Ok(error::json(StatusCode::OK, &describe(&*admin.snapshot().await, minutes)))
}

fn describe(snapshot: &Snapshot, minutes: usize) -> HistoryView {
    let surplus = snapshot.minutes.len().saturating_sub(minutes);
    let shown = &snapshot.minutes[surplus..];
    let since = shown.first().map_or(snapshot.at, |minute| start(minute.number));
    let ended = || snapshot.recent.iter().filter(|record| end(record) >= since);
    HistoryView {
        at: snapshot.at,
        minutes: shown.iter().map(|m| MinuteView { start: start(m.number), sums: Sums::of([m]) }).collect(),
        totals: Sums::of(shown),
        first_byte: Spread::of(ended().filter_map(|record| record.first_byte_ms)),
        duration: Spread::of(ended().map(|record| record.duration_ms)),
    }
}

fn start(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn end(record: &RequestRecord) -> Timestamp {
    let lasted = SignedDuration::try_from_secs_f64(record.duration_ms / 1e3).unwrap_or_default();
    record.accepted.checked_add(lasted).unwrap_or(record.accepted)
}

impl Sums {
    fn of<'m>(minutes: impl IntoIterator<Item = &'m Minute>) -> Self {
        let (mut sums, mut all) = (Self::default(), Minute::default());
        for minute in minutes {
            sums.accepted += u64::from(minute.accepted);
            sums.completed += u64::from(minute.completed);
            sums.failed += u64::from(minute.failed);
            sums.cancelled += u64::from(minute.cancelled);
            sums.input_tokens += minute.input_tokens;
            sums.output_tokens += minute.output_tokens;
            sums.cost_usd += minute.cost;
            all.first_byte_ms += minute.first_byte_ms;
            all.first_bytes += minute.first_bytes;
        }
        Self { mean_first_byte_ms: all.mean_first_byte_ms(), ..sums }
    }
}

impl Spread {
    fn of(times: impl Iterator<Item = f64>) -> Self {
        let mut times: Vec<f64> = times.collect();
        times.sort_by(f64::total_cmp);
        // The smallest value that so many percent of all do not exceed.
        let rank =
            |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Self { over: times.len() as u64, p50_ms: rank(50), p95_ms: rank(95), p99_ms: rank(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_add_up() {
        let minute = |number, accepted, first_byte_ms, first_bytes| Minute {
            number,
            accepted,
            first_byte_ms,
            first_bytes,
            ..Minute::default()
        };
        let sums = Sums::of(&[minute(1, 2, 0.0, 0), minute(2, 3, 30.0, 2), minute(3, 0, 30.0, 1)]);
        assert_eq!((sums.accepted, sums.mean_first_byte_ms), (5, Some(20.0)));
        assert_eq!(Sums::of([]).mean_first_byte_ms, None);
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let spread = Spread::of((1..=200).rev().map(f64::from));
        assert_eq!((spread.over, spread.p50_ms, spread.p95_ms), (200, Some(100.0), Some(190.0)));
        assert_eq!(Spread::of([7.0].into_iter()).p99_ms, Some(7.0));
        assert_eq!(Spread::of(std::iter::empty()), Spread::default());
    }
}
