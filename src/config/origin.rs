//! Where the values of a configuration came from.
//!
//! | value | its origin |
//! |---|---|
//! | stands in the file | the line, and whether `${...}` put it together |
//! | missing in an endpoint that inherits it | inherited |
//! | given on the command line | the flag; it outranks the file |
//! | changed by a person in the running program | by hand, until the next version of the file |
//! | none of these | default |

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ConfigOrigin)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file.
    File {
        /// From 1.
        line: usize,
        /// The text there refers to a variable or another file.
        reference: bool,
    },
    /// An endpoint before it in the file.
    Inherited,
    /// This flag.
    Flag {
        /// As it is written.
        name: Cow<'static, str>,
    },
    /// A person, in the running program.
    ByHand,
}

/// The origins of one configuration.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Origins {
    /// Lines of the keys that have a value, by path in the file: `endpoints[0].url`.
    pub(super) lines: Arc<BTreeMap<String, usize>>,
    /// Those of them whose value was put together from references.
    pub(super) references: Arc<BTreeSet<String>>,
    /// What outranks the file, by path as it is shown: `endpoints[main-a].priority`.
    outranked: BTreeMap<String, Origin>,
}

impl Origins {
    /// A flag gave this key its value.
    pub fn by_flag(&mut self, key: &str, name: &'static str) {
        self.outranked.insert(key.to_owned(), Origin::Flag { name: name.into() });
    }

    /// A person gave this key its value while the program runs.
    pub fn by_hand(&mut self, key: String) {
        self.outranked.insert(key, Origin::ByHand);
    }

    /// Takes the lines of another version of the same meaning; what outranks the file stays.
    pub fn move_to(&mut self, other: &Self) {
        self.lines = Arc::clone(&other.lines);
        self.references = Arc::clone(&other.references);
    }

    /// The origin of a key that is shown as `key` and stands in the file at `path`.
    pub(super) fn of(&self, key: &str, path: &str) -> Origin {
        if let Some(origin) = self.outranked.get(key) {
            return origin.clone();
        }
        match self.line(path) {
            Some((path, line)) => Origin::File { line, reference: self.references.contains(path) },
            None => Origin::Default,
        }
    }

    /// The line of a key that has a value in the file. Header names keep no case, so neither does the comparison.
    pub(super) fn line(&self, path: &str) -> Option<(&str, usize)> {
        let exact = self.lines.get_key_value(path);
        let found = exact.or_else(|| self.lines.iter().find(|(known, _)| known.eq_ignore_ascii_case(path)));
        found.map(|(known, line)| (known.as_str(), *line))
    }
}
