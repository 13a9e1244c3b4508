//! YAML text to a small tree in which every key knows its line.
//!
//! `serde_yaml` says what the text means; [`marks`] says where each node stands and how a scalar was written. Where
//! the two disagree about the shape, a node has no line of its own and problems name the nearest known parent.
//!
//! - Scalars stay text: the key decides the type, so `1.10` in a price is not a rounded float and `007` in a
//!   password keeps its zeros.
//! - Aliases are expanded, `<<` merges (own keys win), a key given twice is a problem.
//! - Tags (`!something`) and keys that are not plain values are refused.

mod marks;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use self::marks::Mark;
use super::problem::Problem;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Nothing, `~` or `null`.
    Null,
    /// A single value as it was written.
    Scalar(String),
    /// A sequence.
    List(Vec<Item>),
    /// A mapping in file order.
    Map(Vec<Entry>),
}

/// One element of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Line it starts on.
    pub(super) line: Option<usize>,
    /// Its value.
    pub(super) node: Node,
}

/// One key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Line of the key.
    pub(super) line: Option<usize>,
    /// Its value.
    pub(super) node: Node,
}

/// Reads one document. The tree comes back even with problems, so that a caller can look for more.
///
/// # Errors
/// The syntax error, when the text is not YAML.
pub(super) fn read(text: &str) -> Result<(Node, Vec<Problem>), Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = serde_yaml::from_str::<Meaning>(text).map_err(|error| syntax(&error))?;
    let mut problems = Vec::new();
    let root = place(parsed, marks::read(text).as_deref(), "", &mut problems);
    Ok((root, problems))
}

fn syntax(error: &serde_yaml::Error) -> Problem {
    Problem {
        line: error.location().map(|l| l.line()),
        path: String::new(),
        message: format!("this is not valid YAML: {error}"),
    }
}

/// What `serde_yaml` understood, keys in order and with repetitions.
enum Meaning {
    Null,
    /// `true` when the text is YAML's own rendering of a number or flag rather than the source.
    Scalar(String, bool),
    List(Vec<Meaning>),
    Map(Vec<(Meaning, Meaning)>),
}

/// Joins meaning and place. `path` is that of the node, for problems.
fn place(parsed: Meaning, mark: Option<&Mark>, path: &str, problems: &mut Vec<Problem>) -> Node {
    match parsed {
        Meaning::Null => Node::Null,
        Meaning::Scalar(text, resolved) => Node::Scalar(match mark.and_then(Mark::scalar) {
            Some(source) if resolved => source.to_owned(),
            _ => text,
        }),
        Meaning::List(items) => Node::List(place_list(items, mark, path, problems)),
        Meaning::Map(entries) => Node::Map(place_map(entries, mark, path, problems)),
    }
}

fn place_list(
    items: Vec<Meaning>,
    mark: Option<&Mark>,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Item> {
    let marks = mark.map(|m| m.children(items.len())).unwrap_or_default();
    let mut placed = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        let mark = marks.get(n).map(|m| &**m);
        let node = place(item, mark, &format!("{path}[{n}]"), problems);
        placed.push(Item { line: mark.map(|m| m.line), node });
    }
    placed
}

fn place_map(
    entries: Vec<(Meaning, Meaning)>,
    mark: Option<&Mark>,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let marks = mark.map(|m| m.children(entries.len() * 2)).unwrap_or_default();
    let mut own: Vec<Entry> = Vec::new();
    let mut merged = Vec::new();
    for (n, (key, value)) in entries.into_iter().enumerate() {
        let (key_mark, value_mark) = (marks.get(2 * n).map(|m| &**m), marks.get(2 * n + 1).map(|m| &**m));
        let line = key_mark.map(|m| m.line);
        let Node::Scalar(key) = place(key, key_mark, path, problems) else {
            problems.push(Problem { line, ..Problem::new(path, "a key must be a plain value") });
            continue;
        };
        let key_path = join(path, &key);
        let node = place(value, value_mark, &key_path, problems);
        if key == "<<" {
            merged.push((line, node));
        } else if let Some(first) = own.iter().find(|e| e.key == key) {
            let at = first.line.map_or(String::new(), |l| format!(" (first on line {l})"));
            problems
                .push(Problem { line, ..Problem::new(key_path, format!("is given twice{at}: keep one")) });
        } else {
            own.push(Entry { key, line, node });
        }
    }
    for (line, node) in merged {
        merge(&mut own, node, line, path, problems);
    }
    own
}

/// `<<: *anchor` and `<<: [*a, *b]`: keys that are not there yet.
fn merge(own: &mut Vec<Entry>, node: Node, line: Option<usize>, path: &str, problems: &mut Vec<Problem>) {
    match node {
        Node::Map(entries) => {
            for entry in entries {
                if !own.iter().any(|e| e.key == entry.key) {
                    own.push(entry);
                }
            }
        }
        Node::List(items) => items.into_iter().for_each(|i| merge(own, i.node, line, path, problems)),
        Node::Null | Node::Scalar(_) => {
            let message = "must refer to a mapping, such as `<<: *anchor`";
            problems.push(Problem { line, ..Problem::new(join(path, "<<"), message) });
        }
    }
}

/// `path.key`, or `key` at the top.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl<'de> Deserialize<'de> for Meaning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MeaningVisitor)
    }
}

struct MeaningVisitor;

impl<'de> Visitor<'de> for MeaningVisitor {
    type Value = Meaning;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag")
    }
    fn visit_unit<E>(self) -> Result<Meaning, E> {
        Ok(Meaning::Null)
    }
    fn visit_none<E>(self) -> Result<Meaning, E> {
        Ok(Meaning::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Meaning, E> {
        Ok(Meaning::Scalar(v.to_string(), true))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Meaning, E> {
        Ok(Meaning::Scalar(v.to_string(), true))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Meaning, E> {
        Ok(Meaning::Scalar(v.to_string(), true))
    }
    fn visit_i128<E>(self, v: i128) -> Result<Meaning, E> {
        Ok(Meaning::Scalar(v.to_string(), true))
    }
    fn visit_u128<E>(self, v: u128) -> Result<Meaning, E> {
        Ok(Meaning::Scalar(v.to_string(), true))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Meaning, E> {
        Ok(Meaning::Scalar(v.to_string(), true))
    }
    fn visit_str<E>(self, v: &str) -> Result<Meaning, E> {
        Ok(Meaning::Scalar(v.to_owned(), false))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Meaning, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Meaning::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Meaning, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Meaning::Map(entries))
    }
}

#[cfg(test)]
mod tests;
