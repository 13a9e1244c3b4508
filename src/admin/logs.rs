//! `GET /logs?level&search&after&limit`: the program's own newest log lines.
//!
//! | asked | answer |
//! |---|---|
//! | without `after` | the newest `limit` lines that fit, oldest first |
//! | with `after` | the oldest `limit` lines behind that number that fit, and how many were gone already |
//!
//! Whoever follows asks again with the `next` of the answer before. Numbers start anew with the program: an `after` that
//! is above the newest line's is one of an earlier program, and everything that is there is new. Lines are masked, not
//! escaped.

use super::openapi::errors::NotCollected;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::error::{self, ApiError};
use super::params::Params;
use crate::config::Level;
use crate::logging::ring::{Line, Ring};

/// Lines when nobody says how many.
const USUAL: usize = 200;
/// Most lines of an answer.
const MOST: usize = 1_000;

/// The answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogsView {
    /// Oldest first.
    pub lines: Vec<Arc<Line>>,
    /// The `after` that goes on behind them.
    pub next: u64,
    /// Lines behind `after` that are not kept any more.
    pub missed: u64,
}

/// `/logs`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(logs))
}

/// The program's own newest log lines.
#[utoipa::path(
    get, path = "/logs", tag = "program",
    params(
        ("level" = Option<Level>, Query, description = "Least severe level"),
        ("search" = Option<String>, Query, description = "Appears anywhere in the line, whatever the case"),
        ("after" = Option<u64>, Query, description = "The `next` of the answer before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1_000, description = "Most lines; 200 without"),
    ),
    responses((status = 200, body = LogsView), NotCollected),
)]
async fn logs(State(admin): State<Admin>, params: Params) -> Result<Response, ApiError> {
    let wanted = Wanted::read(params)?;
    let ring = admin.logs.as_ref().ok_or_else(ApiError::no_logs)?;
    Ok(error::json(StatusCode::OK, &wanted.of(ring)))
}

/// Which lines.
struct Wanted {
    level: Option<Level>,
    /// In lower case.
    search: Option<String>,
    after: Option<u64>,
    limit: usize,
}

impl Wanted {
    fn read(mut params: Params) -> Result<Self, ApiError> {
        let level = params.word("level")?.map(|name| level(&name)).transpose()?;
        let search = params.text("search")?.map(|text| text.to_lowercase());
        let after = params.parsed("after")?;
        let limit = params.within("limit", 1..=MOST)?.unwrap_or(USUAL);
        params.finish()?;
        Ok(Self { level, search, after, limit })
    }

    fn of(&self, ring: &Ring) -> LogsView {
        let newest = *ring.newest().borrow();
        // Of another program, whose numbers say nothing here.
        let after = self.after.map(|after| if after > newest { 0 } else { after });
        let kept = ring.since(after.unwrap_or(0));
        let newest = kept.last().map_or(newest, |line| line.seq);
        let gone = |after: u64| kept.first().map_or(0, |first| first.seq.saturating_sub(after + 1));
        let mut lines: Vec<Arc<Line>> = kept.iter().filter(|line| self.fits(line)).cloned().collect();
        let cut = lines.len().saturating_sub(self.limit);
        let next = match after {
            None => {
                lines.drain(..cut);
                newest
            }
            Some(_) => {
                lines.truncate(self.limit);
                lines.last().filter(|_| cut > 0).map_or(newest, |line| line.seq)
            }
        };
        LogsView { lines, next, missed: after.map_or(0, gone) }
    }

    fn fits(&self, line: &Line) -> bool {
        let loud = self.level.is_none_or(|least| line.level as u8 >= least as u8);
        let has = |text: &str, wanted: &String| text.to_lowercase().contains(wanted);
        loud && self.search.as_ref().is_none_or(|wanted| {
            let mut fields = line.fields.iter();
            has(&line.message, wanted)
                || has(&line.target, wanted)
                || line.request.as_deref().is_some_and(|id| has(id, wanted))
                || fields.any(|(name, value)| has(name, wanted) || has(value, wanted))
        })
    }
}

fn level(name: &str) -> Result<Level, ApiError> {
    match name {
        "trace" => Ok(Level::Trace),
        "debug" => Ok(Level::Debug),
        "info" => Ok(Level::Info),
        "warn" => Ok(Level::Warn),
        "error" => Ok(Level::Error),
        _ => Err(super::params::wrong("level", name, "expected trace, debug, info, warn or error")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::logging::ring::MAX_LINES;

    fn ring(lines: usize) -> Ring {
        let ring = Ring::default();
        for n in 1..=lines {
            ring.push(Line {
                seq: 0,
                at: Timestamp::UNIX_EPOCH,
                level: if n % 2 == 0 { Level::Warn } else { Level::Info },
                target: "cc_forwarder::test".to_owned(),
                message: format!("Line {n}"),
                fields: vec![("endpoint".into(), "main-A".to_owned())],
                request: (n == 3).then(|| "req-00000003".to_owned()),
            });
        }
        ring
    }

    /// Numbers of the lines, where to go on, what was missed.
    fn ask(ring: &Ring, query: &str) -> (Vec<u64>, u64, u64) {
        let view = Wanted::read(Params::of(Some(query))).unwrap().of(ring);
        (view.lines.iter().map(|line| line.seq).collect(), view.next, view.missed)
    }

    #[test]
    fn the_newest_come_first_and_a_follower_goes_on_behind_them() {
        let ring = ring(5);
        assert_eq!(ask(&ring, "limit=2"), (vec![4, 5], 5, 0));
        assert_eq!(ask(&ring, "after=1&limit=2"), (vec![2, 3], 3, 0));
        assert_eq!(ask(&ring, "after=3"), (vec![4, 5], 5, 0));
        assert_eq!(ask(&ring, "after=5"), (vec![], 5, 0));
        assert_eq!(ask(&ring, "after=77"), (vec![1, 2, 3, 4, 5], 5, 0), "of an earlier program");
        assert_eq!(ask(&Ring::default(), ""), (vec![], 0, 0));
    }

    #[test]
    fn what_does_not_fit_is_skipped_for_good() {
        let ring = ring(6);
        assert_eq!(ask(&ring, "level=warn"), (vec![2, 4, 6], 6, 0));
        assert_eq!(ask(&ring, "after=0&level=warn&limit=1"), (vec![2], 2, 0));
        assert_eq!(ask(&ring, "after=4&level=error"), (vec![], 6, 0));
        assert_eq!(ask(&ring, "search=lINE%204").0, [4]);
        assert_eq!(ask(&ring, "search=main-a&limit=1").0, [6]);
        assert_eq!(ask(&ring, "search=req-00000003").0, [3]);
    }

    #[test]
    fn lines_that_are_gone_are_counted() {
        let ring = ring(MAX_LINES + 10);
        let (lines, next, missed) = ask(&ring, "after=4&limit=1");
        assert_eq!((lines, next, missed), (vec![11], 11, 6));
        assert_eq!(ask(&ring, "limit=1").2, 0, "who asks for the newest misses nothing");
    }
}
