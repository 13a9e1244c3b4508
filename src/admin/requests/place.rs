//! Where a list of requests goes on, in either of its parts.

use std::fmt;
use std::str::FromStr;

use crate::store::query::{Cursor, NotACursor};

/// Stands before the cursor in the part of those that run.
const LIVE: &str = "live-";

/// Behind this request the next page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Among those that run.
    Live(Cursor),
    /// Among those that ended: the same as a cursor of the ledger.
    Ended(Cursor),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(cursor) => write!(f, "{LIVE}{cursor}"),
            Self::Ended(cursor) => cursor.fmt(f),
        }
    }
}

impl FromStr for Place {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        match text.strip_prefix(LIVE) {
            Some(cursor) => cursor.parse().map(Self::Live),
            None => text.parse().map(Self::Ended),
        }
    }
}
