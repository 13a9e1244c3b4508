//! Orders of the request log: by a column, ties by time, the newest first.

use std::cmp::Ordering;

use crate::tui::request::Entry;

/// What rows are ordered by.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Column {
    /// Acceptance.
    #[default]
    Time,
    /// From acceptance to the end, or until now.
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

    /// Which of two comes first; never equal for two requests.
    pub fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        let by_column = self.column.compare(a, b);
        let ordered = if self.rises() { by_column } else { by_column.reverse() };
        ordered.then_with(|| (b.accepted, b.id).cmp(&(a.accepted, a.id)))
    }
}
