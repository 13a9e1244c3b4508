//! The types of events a reader may ask for, and sets of them.

use std::fmt;

/// What an event is about: its `event:` line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Everything, as of now; first, and after every [`Kind::Lagged`].
    Snapshot,
    /// Everything but the requests that ended.
    State,
    /// A request was accepted.
    Accepted,
    /// Its body was read.
    Described,
    /// An attempt began.
    AttemptStarted,
    /// An attempt failed before anything was passed on.
    AttemptFailed,
    /// A request waits in the queue.
    Suspended,
    /// Its wait is over.
    Resumed,
    /// The first content went to the client.
    Committed,
    /// A request ended.
    Settled,
    /// Endpoints or groups changed state.
    Fleet,
    /// A reload of the configuration ended.
    Config,
    /// One log line.
    Log,
    /// The reader missed events.
    Lagged,
}

/// All of them, in the order of the documentation.
const ALL: [(Kind, &str); 14] = [
    (Kind::Snapshot, "snapshot"),
    (Kind::State, "state"),
    (Kind::Accepted, "accepted"),
    (Kind::Described, "described"),
    (Kind::AttemptStarted, "attempt_started"),
    (Kind::AttemptFailed, "attempt_failed"),
    (Kind::Suspended, "suspended"),
    (Kind::Resumed, "resumed"),
    (Kind::Committed, "committed"),
    (Kind::Settled, "settled"),
    (Kind::Fleet, "fleet"),
    (Kind::Config, "config"),
    (Kind::Log, "log"),
    (Kind::Lagged, "lagged"),
];

impl Kind {
    /// Every type.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|(kind, _)| *kind)
    }

    /// Its name in a stream.
    pub fn as_str(self) -> &'static str {
        ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kinds(u16);

/// A name that is no type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no event type {0:?}; there are {known}", known = ALL.map(|(_, name)| name).join(", "))]
pub struct UnknownKind(pub String);

impl Default for Kinds {
    /// All but log lines, which are many.
    fn default() -> Self {
        Kind::all().filter(|kind| *kind != Kind::Log).collect()
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << kind as u8))
    }
}

impl std::str::FromStr for Kinds {
    type Err = UnknownKind;

    /// Names with commas between them.
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let kind = |name: &str| Kind::named(name).ok_or_else(|| UnknownKind(name.to_owned()));
        text.split(',').map(str::trim).map(kind).collect()
    }
}

impl Kinds {
    /// True when it is among them.
    pub fn has(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for kind in Kind::all() {
            assert_eq!(Kind::named(kind.as_str()), Some(kind));
            let only: Kinds = kind.to_string().parse().unwrap();
            assert!(Kind::all().all(|other| only.has(other) == (other == kind)), "{kind}");
        }
        assert_eq!(Kind::all().count(), ALL.len());
    }

    #[test]
    fn a_list_names_what_is_wanted_and_a_wrong_name_is_told_with_the_right_ones() {
        let kinds: Kinds = "settled, fleet".parse().unwrap();
        assert!(kinds.has(Kind::Settled) && kinds.has(Kind::Fleet) && !kinds.has(Kind::State));
        let error = "settled,requests".parse::<Kinds>().unwrap_err().to_string();
        assert!(
            error.starts_with("there is no event type \"requests\"; there are snapshot, state, "),
            "{error}"
        );
        assert!("".parse::<Kinds>().is_err());
        assert!(!Kinds::default().has(Kind::Log) && Kinds::default().has(Kind::Lagged));
    }
}
