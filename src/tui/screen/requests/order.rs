//! Orders of the request log: by a column, ties by time, the newest first.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::tui::request::Entry;

/// What a column of names holds: a name, and for the state the status.
type Name<'a> = (Option<&'a str>, Option<u16>);

/// What rows are ordered by.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Column {
    /// Acceptance.
    #[default]
    Time,
    /// From acceptance to the end, or, while it runs, until now.
    Duration,
    /// To the first byte.
    FirstByte,
    /// Tokens of the prompt.
    In,
    /// Tokens of the answer.
    Out,
    /// Dollars.
    Cost,
    /// Attempts.
    Attempts,
    /// State, then status.
    State,
    /// Model.
    Model,
    /// Endpoint.
    Endpoint,
    /// Session.
    Session,
}

impl Column {
    /// In the order in which the key walks them.
    pub const ALL: [Self; 11] = [
        Self::Time,
        Self::Duration,
        Self::FirstByte,
        Self::In,
        Self::Out,
        Self::Cost,
        Self::Attempts,
        Self::State,
        Self::Model,
        Self::Endpoint,
        Self::Session,
    ];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Duration => "duration",
            Self::FirstByte => "ttft",
            Self::In => "tokens in",
            Self::Out => "tokens out",
            Self::Cost => "cost",
            Self::Attempts => "attempts",
            Self::State => "state",
            Self::Model => "model",
            Self::Endpoint => "endpoint",
            Self::Session => "session",
        }
    }

    /// Names read from A to Z, numbers from the largest down.
    fn rises(self) -> bool {
        matches!(self, Self::State | Self::Model | Self::Endpoint | Self::Session)
    }

    /// The name in a column of names.
    fn name(self, entry: &Entry) -> Option<Name<'_>> {
        match self {
            Self::State => Some((Some(entry.stage.word()), entry.status)),
            Self::Model => Some((entry.model(), None)),
            Self::Endpoint => Some((entry.endpoint(), None)),
            Self::Session => Some((entry.session(), None)),
            _ => None,
        }
    }

    /// A number for each that is smaller where the request comes first; equal ones need not be.
    fn ranks(self, entries: &[Arc<Entry>]) -> Vec<u64> {
        let mut names: Vec<Name<'_>> =
            entries.iter().filter_map(|e| self.name(e)).collect::<HashSet<_>>().into_iter().collect();
        names.sort_unstable();
        let places: HashMap<Name<'_>, u64> = names.into_iter().zip(0..).collect();
        let rank = |entry: &Arc<Entry>| match self.name(entry) {
            Some(name) => places.get(&name).copied().unwrap_or_default(),
            None => self.number(entry),
        };
        entries.iter().map(rank).collect()
    }

    /// The number in a column of numbers; 0 when it is not known.
    fn number(self, entry: &Entry) -> u64 {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let known = |number: Option<u64>| number.map_or(0, |n| n.saturating_add(1));
        match self {
            Self::Duration => known(entry.known_age().map(nanos)),
            Self::FirstByte => known(entry.first_byte.map(nanos)),
            Self::In => known(entry.tokens_in),
            Self::Out => known(entry.tokens_out),
            // Billionths: finer differences are left to the comparison.
            Self::Cost => known(entry.cost.map(|c| u64::try_from(c.pico() / 1_000).unwrap_or(u64::MAX))),
            Self::Attempts => u64::from(entry.attempts),
            // Before 1970 nothing was accepted.
            _ => u64::try_from(entry.accepted.as_microsecond()).unwrap_or_default(),
        }
    }

    /// The smaller first; what is not known is the smallest.
    fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        match self {
            Self::Time => a.accepted.cmp(&b.accepted),
            Self::Duration => a.known_age().cmp(&b.known_age()),
            Self::FirstByte => a.first_byte.cmp(&b.first_byte),
            Self::In => a.tokens_in.cmp(&b.tokens_in),
            Self::Out => a.tokens_out.cmp(&b.tokens_out),
            Self::Cost => a.cost.cmp(&b.cost),
            Self::Attempts => a.attempts.cmp(&b.attempts),
            Self::State => (a.stage.word(), a.status).cmp(&(b.stage.word(), b.status)),
            Self::Model => a.model().cmp(&b.model()),
            Self::Endpoint => a.endpoint().cmp(&b.endpoint()),
            Self::Session => a.session().cmp(&b.session()),
        }
    }
}

/// A column, and whether it is turned around.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Order {
    /// By this.
    pub column: Column,
    /// The other way round.
    pub reverse: bool,
}

impl Order {
    /// By the next column, its usual way round.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Column::ALL.iter().position(|column| *column == self.column).unwrap_or(0);
        Self { column: Column::ALL[(at + 1) % Column::ALL.len()], reverse: false }
    }

    /// The other way round.
    #[must_use]
    pub fn turned(self) -> Self {
        Self { reverse: !self.reverse, ..self }
    }

    /// True when the smallest comes first.
    pub fn rises(self) -> bool {
        self.column.rises() != self.reverse
    }

    /// Puts many in order: by numbers that are made once for each, since looking into every request again for every
    /// comparison is what costs time.
    pub fn sort(self, entries: &mut Vec<Arc<Entry>>) {
        let ranks = self.column.ranks(entries);
        let turn = |rank: u64| if self.rises() { rank } else { u64::MAX - rank };
        let keyed = ranks.into_iter().zip(entries.drain(..));
        let mut keyed: Vec<_> = keyed.map(|(rank, e)| (turn(rank), e.accepted.as_microsecond(), e)).collect();
        keyed.sort_unstable_by(|(a, a_at, a_entry), (b, b_at, b_entry)| match a.cmp(b) {
            // Numbers that are equal may stand for values that are not.
            Ordering::Equal if self.column != Column::Cost && a_at != b_at => b_at.cmp(a_at),
            Ordering::Equal => self.compare(a_entry, b_entry),
            unequal => unequal,
        });
        entries.extend(keyed.into_iter().map(|(_, _, entry)| entry));
    }

    /// Which of two comes first; never equal for two requests.
    pub fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        let by_column = self.column.compare(a, b);
        let ordered = if self.rises() { by_column } else { by_column.reverse() };
        ordered.then_with(|| (b.accepted, b.id).cmp(&(a.accepted, a.id)))
    }
}
