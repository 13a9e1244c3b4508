//! The chart's values: one for every hour or day of the period, those without a request too.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::claude::money::PicoUsd;
use crate::store::civil::Clock;
use crate::store::filter::Filter;
use crate::store::query::{By, Key, Stats};
use crate::store::totals::Totals;

/// From an instant to the start of a bar.
type Step = fn(&Clock, Timestamp) -> Timestamp;

/// More hours or days than any screen is wide; older ones are left out.
const MOST: usize = 1_000;

/// One hour or day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bar {
    /// When it begins.
    pub start: Timestamp,
    /// What it cost.
    pub cost: PicoUsd,
    /// Tokens, prompt and output.
    pub tokens: u64,
}

/// The bars from the beginning of the period, or the first request, up to now or the end of the period.
pub(super) fn series(stats: &Stats, by: By, filter: &Filter, now: Timestamp, zone: &TimeZone) -> Vec<Bar> {
    let clock = Clock::new(zone.clone());
    let (floor, next): (Step, Step) = match by {
        By::Hour => (Clock::hour, Clock::next_hour),
        _ => (Clock::day, Clock::next_day),
    };
    let known: Vec<(Timestamp, &Totals)> = stats.groups.iter().filter_map(start).collect();
    let first = known.first().map(|(at, _)| *at);
    let Some(mut at) = filter.since.map(|since| floor(&clock, since)).or(first) else { return Vec::new() };
    let newest = known.last().map_or(now, |(last, _)| now.max(*last));
    let end = filter.until.map_or(newest, |until| newest.min(until - jiff::SignedDuration::from_nanos(1)));
    let mut known = known.into_iter().peekable();
    let mut bars = std::collections::VecDeque::new();
    while at <= end {
        while known.peek().is_some_and(|(start, _)| *start < at) {
            known.next();
        }
        let here = known.next_if(|(start, _)| *start == at).map(|(_, totals)| totals);
        bars.push_back(bar(at, here));
        if bars.len() > MOST {
            bars.pop_front();
        }
        at = next(&clock, at);
    }
    bars.into()
}

fn start((key, totals): &(Key, Totals)) -> Option<(Timestamp, &Totals)> {
    match key {
        Key::Start(at) => Some((*at, totals)),
        Key::Name(_) => None,
    }
}

fn bar(start: Timestamp, totals: Option<&Totals>) -> Bar {
    let tokens = |totals: &Totals| totals.tokens.prompt().saturating_add(totals.tokens.output);
    Bar {
        start,
        cost: totals.map(|totals| totals.cost.total()).unwrap_or_default(),
        tokens: totals.map_or(0, tokens),
    }
}
