//! Sums over a period, together and told apart.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::Reader;
use super::rollup::{Coarsest, Source, cut, keys_of};
use super::walk::{Order, SECOND, Sense};
use crate::store::StoreError;
use crate::store::civil::Clock;
use crate::store::codec::Stored;
use crate::store::filter::Filter;
use crate::store::key::instant;
use crate::store::row::Row;
use crate::store::totals::{Totals, parts};

/// What sums are told apart by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// Not at all: there are no groups.
    Nothing,
    /// The model that used the tokens.
    Model,
    /// The endpoint that used them.
    Endpoint,
    /// Its group.
    Group,
    /// The session.
    Session,
    /// The hour of acceptance.
    Hour,
    /// The day of acceptance.
    Day,
    /// The month of acceptance.
    Month,
}

/// What a group of sums is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// A model, endpoint, group or session; empty for requests without one.
    Name(String),
    /// An hour, day or month: its start.
    Start(Timestamp),
}

impl Key {
    /// Of an hour, day or month: its first instant.
    pub fn start(&self) -> Option<Timestamp> {
        match self {
            Self::Name(_) => None,
            Self::Start(at) => Some(*at),
        }
    }

    /// As people and machines read it: the name, `2026-11`, `2026-11-20` or `2026-11-20T10:00:00+01:00`.
    pub fn label(&self, by: By, clock: &Clock) -> String {
        let form = match by {
            By::Month => "%Y-%m",
            By::Day => "%Y-%m-%d",
            _ => "%Y-%m-%dT%H:%M:%S%:z",
        };
        match self {
            Self::Name(name) => name.clone(),
            Self::Start(at) => at.to_zoned(clock.zone().clone()).strftime(form).to_string(),
        }
    }
}

/// Sums over requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// All together.
    pub totals: Totals,
    /// Told apart: times in order; names by falling cost, then requests, then by name. Without those that have nothing.
    pub groups: Vec<(Key, Totals)>,
}

/// See [`Reader::stats`].
pub(super) fn stats(reader: &Reader, filter: &Filter, by: By) -> Result<Stats, StoreError> {
    let keys = filter.keys();
    let coarsest = if reader.rollups { coarsest(filter, by) } else { Coarsest::Rows };
    let mut sums =
        Sums { by, filter, clock: &reader.clock, totals: Totals::default(), groups: HashMap::new() };
    for (range, source) in cut(keys.start.at_us..keys.end.at_us, coarsest, &reader.clock) {
        if source == Source::Rows {
            reader.walk(filter, Sense::Parts, keys_of(&range), Order::Oldest, |bytes| {
                sums.add_row(&Row::decode(bytes)?);
                Ok::<_, StoreError>(ControlFlow::Continue(()))
            })?;
        } else {
            reader.buckets(filter, source, &range, |start, names, totals| {
                sums.add(instant(start * SECOND), &Names::of_bucket(names), &Totals::decode(totals)?);
                Ok(())
            })?;
        }
    }
    Ok(sums.finish())
}

/// Which rollups tell apart what is asked for.
fn coarsest(filter: &Filter, by: By) -> Coarsest {
    let session = filter.session.is_some() || by == By::Session;
    if filter.asks_for_rows() || filter.state.is_some() {
        return Coarsest::Rows;
    }
    match by {
        By::Nothing | By::Session | By::Day | By::Month if session && !filter.names_parts() => {
            Coarsest::SessionDays
        }
        _ if session => Coarsest::Rows,
        By::Hour => Coarsest::Hours,
        _ => Coarsest::Days,
    }
}

/// What sums are about; empty what is not known.
#[derive(Default)]
struct Names<'a> {
    model: &'a [u8],
    endpoint: &'a [u8],
    group: &'a [u8],
    session: &'a [u8],
}

impl<'a> Names<'a> {
    fn of_bucket(names: &[&'a [u8]]) -> Self {
        match *names {
            [model, endpoint, group] => Self { model, endpoint, group, session: &[] },
            [session] => Self { session, ..Self::default() },
            _ => Self::default(),
        }
    }
}

struct Sums<'f> {
    by: By,
    filter: &'f Filter,
    clock: &'f Clock,
    totals: Totals,
    groups: HashMap<Key, Totals>,
}

impl Sums<'_> {
    fn add_row(&mut self, row: &Row) {
        for (part, totals) in parts(row) {
            let names = Names {
                model: part.model.as_bytes(),
                endpoint: part.endpoint.as_bytes(),
                group: part.group.as_bytes(),
                session: row.session.as_deref().unwrap_or_default().as_bytes(),
            };
            if self.filter.fits_names([names.model, names.endpoint, names.group]) {
                self.add(row.accepted(), &names, &totals);
            }
        }
    }

    fn add(&mut self, at: Timestamp, names: &Names<'_>, totals: &Totals) {
        self.totals += totals;
        let name = |name: &[u8]| Some(Key::Name(String::from_utf8_lossy(name).into_owned()));
        let key = match self.by {
            By::Nothing => None,
            By::Model => name(names.model),
            By::Endpoint => name(names.endpoint),
            By::Group => name(names.group),
            By::Session => name(names.session),
            By::Hour => Some(Key::Start(self.clock.hour(at))),
            By::Day => Some(Key::Start(self.clock.day(at))),
            By::Month => Some(Key::Start(self.clock.month(at))),
        };
        if let Some(key) = key {
            *self.groups.entry(key).or_default() += totals;
        }
    }

    fn finish(self) -> Stats {
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_by_cached_key(|(key, totals)| {
            let weight = (totals.cost.total(), totals.requests);
            (matches!(key, Key::Name(_)).then_some(Reverse(weight)), key.clone())
        });
        Stats { totals: self.totals, groups }
    }
}
