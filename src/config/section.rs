//! Reads a mapping key by key: expected type, default, and a problem with line and path for whatever does not fit.
//!
//! Rules of every read:
//! - Asking for a key makes it known. When a section is done, what nobody asked for is an unknown key.
//! - A key without a value counts as absent.
//! - References (`${...}`) are expanded first; what they bring in, and every value of a secret key, goes to the
//!   redactor and is never quoted.
//! - A bad value is reported and the default stands in, so that reading goes on and finds everything else.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::env::Env;
use super::expand::expand;
use super::problem::Problem;
use super::value::Parsed;
use super::yaml::{Entry, Node, join};
use crate::domain::secret::Secret;

/// Longest piece of a value that a problem quotes.
const LONGEST_QUOTE: usize = 40;

/// What one reading of a file collects.
pub(super) struct Context<'e> {
    /// The outside world.
    pub(super) env: &'e dyn Env,
    found: RefCell<Found>,
}

/// The findings of a reading.
#[derive(Default)]
pub(super) struct Found {
    /// What makes the file unusable.
    pub(super) problems: Vec<Problem>,
    /// What the person should know.
    pub(super) warnings: Vec<Problem>,
    /// Values to redact.
    pub(super) secrets: Vec<String>,
    /// Schema paths (`endpoints[].url`) of the keys that have a value.
    pub(super) present: BTreeSet<String>,
    /// Schema paths of all keys there are.
    pub(super) asked: BTreeSet<String>,
    /// Lines of the keys and items that have a value, by path.
    pub(super) given: BTreeMap<String, usize>,
    /// Paths of the values that were put together from references.
    pub(super) references: BTreeSet<String>,
    lines: BTreeMap<String, usize>,
}

impl<'e> Context<'e> {
    /// A reading with nothing found yet.
    pub(super) fn new(env: &'e dyn Env) -> Self {
        Self { env, found: RefCell::default() }
    }

    /// Ends the reading.
    pub(super) fn finish(self) -> Found {
        self.found.into_inner()
    }

    /// Adds a problem at `path`; its line is that of the key or of its nearest known parent.
    pub(super) fn problem(&self, path: &str, message: impl Into<String>) {
        self.place(Problem::new(path, message));
    }

    /// Adds a problem that may lack its line.
    pub(super) fn place(&self, problem: Problem) {
        let line = problem.line.or_else(|| self.line(&problem.path));
        self.found.borrow_mut().problems.push(Problem { line, ..problem });
    }

    /// Adds a warning at `path`.
    pub(super) fn warning(&self, path: &str, message: impl Into<String>) {
        let line = self.line(path);
        self.found.borrow_mut().warnings.push(Problem { line, ..Problem::new(path, message) });
    }

    /// Remembers a value for the redactor.
    pub(super) fn secret(&self, value: &str) {
        self.found.borrow_mut().secrets.push(value.to_owned());
    }

    fn line(&self, path: &str) -> Option<usize> {
        let found = self.found.borrow();
        let mut path = path;
        loop {
            if let Some(line) = found.lines.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    fn note_line(&self, path: &str, line: Option<usize>, node: &Node) {
        let Some(line) = line else { return };
        let mut found = self.found.borrow_mut();
        found.lines.insert(path.to_owned(), line);
        if *node != Node::Null {
            found.given.insert(path.to_owned(), line);
        }
    }
}

/// A place in the file and in the schema.
#[derive(Clone, Default)]
struct At {
    /// `endpoints[2].url`
    path: String,
    /// `endpoints[].url`
    schema: String,
}

impl At {
    fn key(&self, key: &str) -> Self {
        Self { path: join(&self.path, key), schema: join(&self.schema, key) }
    }

    fn index(&self, n: usize) -> Self {
        Self { path: format!("{}[{n}]", self.path), schema: format!("{}[]", self.schema) }
    }

    /// A key that the person chose, such as a model name.
    fn free_key(&self, key: &str) -> Self {
        Self { path: join(&self.path, key), schema: join(&self.schema, "*") }
    }
}

/// A mapping whose keys belong to the schema.
pub(super) struct Section<'a> {
    cx: &'a Context<'a>,
    at: At,
    entries: &'a [Entry],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// Reads the whole file.
    pub(super) fn root<T>(cx: &'a Context<'a>, node: &'a Node, read: impl FnOnce(&Section<'a>) -> T) -> T {
        Field { cx, at: At::default(), node }.section(read)
    }

    /// The path of this section.
    pub(super) fn here(&self) -> &str {
        &self.at.path
    }

    /// Adds a problem at a key, unless its value already has one: then this one is only a consequence.
    pub(super) fn problem(&self, key: &str, message: impl Into<String>) {
        let path = join(&self.at.path, key);
        if !self.cx.found.borrow().problems.iter().any(|p| p.path == path) {
            self.cx.problem(&path, message);
        }
    }

    /// Adds a warning at a key.
    pub(super) fn warning(&self, key: &str, message: impl Into<String>) {
        self.cx.warning(&join(&self.at.path, key), message);
    }

    /// The outside world and the findings.
    pub(super) fn context(&self) -> &'a Context<'a> {
        self.cx
    }

    /// The value of a key, unless it is absent or empty.
    pub(super) fn field(&self, key: &'static str) -> Option<Field<'a>> {
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        let at = self.at.key(key);
        self.cx.found.borrow_mut().asked.insert(at.schema.clone());
        let entry = self.entries.iter().find(|e| e.key == key)?;
        if entry.node == Node::Null {
            return None;
        }
        self.cx.found.borrow_mut().present.insert(at.schema.clone());
        Some(Field { cx: self.cx, at, node: &entry.node })
    }

    /// A section below this one; without it everything in there has its default.
    pub(super) fn section<T>(&self, key: &'static str, read: impl FnOnce(&Section<'a>) -> T) -> T {
        let absent = || Field { cx: self.cx, at: self.at.key(key), node: &Node::Null };
        self.field(key).unwrap_or_else(absent).section(read)
    }

    /// A value, if it is there and fits.
    pub(super) fn optional<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        self.field(key)?.value(parse)
    }

    /// A value with a default.
    pub(super) fn value<T>(&self, key: &'static str, default: T, parse: impl FnOnce(&str) -> Parsed<T>) -> T {
        self.optional(key, parse).unwrap_or(default)
    }

    /// Text with a default; it may not be empty.
    pub(super) fn text(&self, key: &'static str, default: &str) -> String {
        self.optional(key, super::value::filled).unwrap_or_else(|| default.to_owned())
    }

    /// A value that must never be shown; empty counts as absent.
    pub(super) fn secret(&self, key: &'static str) -> Option<Secret> {
        let text = self.field(key)?.secret_text()?;
        (!text.is_empty()).then(|| Secret::new(text))
    }

    /// A secret that travels in a header; empty counts as absent.
    pub(super) fn header_secret(&self, key: &'static str) -> Option<Secret> {
        let secret = self.secret(key)?;
        let text = secret.expose();
        if text != text.trim() || http::HeaderValue::from_str(text).is_err() {
            self.problem(
                key,
                "has spaces around it or characters that cannot be sent in a header, such as line breaks",
            );
        }
        Some(secret)
    }

    /// A list of values; absent is empty.
    pub(super) fn list<T>(&self, key: &'static str, parse: impl Fn(&str) -> Parsed<T>) -> Vec<T> {
        let items = self.field(key).map(|f| f.items()).unwrap_or_default();
        items.iter().filter_map(|item| item.value(&parse)).collect()
    }

    /// A key of the predecessor that does nothing here.
    pub(super) fn without_effect(&self, key: &'static str, instead: &str) {
        if let Some(field) = self.field(key) {
            field.warning(format!("has no effect: {instead}"));
        }
    }

    fn report_unknown_keys(&self) {
        let asked = self.asked.borrow();
        for entry in self.entries.iter().filter(|e| !asked.contains(&e.key.as_str())) {
            self.problem(&entry.key, format!("unknown key; {}", suggestion(&entry.key, &asked)));
        }
    }
}

/// One value and its place.
pub(super) struct Field<'a> {
    cx: &'a Context<'a>,
    at: At,
    node: &'a Node,
}

impl<'a> Field<'a> {
    /// Adds a problem here.
    pub(super) fn problem(&self, message: impl Into<String>) {
        self.cx.problem(&self.at.path, message);
    }

    /// Adds a warning here.
    pub(super) fn warning(&self, message: impl Into<String>) {
        self.cx.warning(&self.at.path, message);
    }

    /// The value as `parse` wants it; a problem quotes it.
    pub(super) fn value<T>(&self, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let (text, literal) = self.scalar()?;
        let quoted = || if literal { quote(&text) } else { "its value comes from `${...}`".to_owned() };
        parse(&text).map_err(|must| self.problem(format!("{must} ({})", quoted()))).ok()
    }

    /// The value as `parse` wants it; a problem does not quote it.
    pub(super) fn quiet_value<T>(&self, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let (text, _) = self.scalar()?;
        parse(&text).map_err(|must| self.problem(must)).ok()
    }

    /// The text of a secret, made known to the redactor.
    pub(super) fn secret_text(&self) -> Option<String> {
        let (text, _) = self.scalar()?;
        self.cx.secret(&text);
        Some(text)
    }

    /// True when the value was put together from references.
    pub(super) fn has_reference(&self) -> bool {
        matches!(self.node, Node::Scalar(text) if text.contains("${"))
    }

    /// The elements of a list.
    pub(super) fn items(&self) -> Vec<Field<'a>> {
        let Node::List(items) = self.node else {
            self.wrong_shape("a list (`- ...` or `[...]`)");
            return Vec::new();
        };
        let field = |(n, item): (usize, &'a super::yaml::Item)| {
            let at = self.at.index(n);
            self.cx.note_line(&at.path, item.line, &item.node);
            Field { cx: self.cx, at, node: &item.node }
        };
        items.iter().enumerate().map(field).collect()
    }

    /// The entries of a mapping whose keys the person chose.
    pub(super) fn entries(&self) -> Vec<(&'a str, Field<'a>)> {
        let Node::Map(entries) = self.node else {
            self.wrong_shape("a mapping (`key: value` lines)");
            return Vec::new();
        };
        let field = |entry: &'a Entry| {
            let at = self.at.free_key(&entry.key);
            self.cx.note_line(&at.path, entry.line, &entry.node);
            (entry.key.as_str(), Field { cx: self.cx, at, node: &entry.node })
        };
        entries.iter().map(field).collect()
    }

    /// The keys of a mapping that belong to the schema.
    pub(super) fn section<T>(self, read: impl FnOnce(&Section<'a>) -> T) -> T {
        let entries: &[Entry] = match self.node {
            Node::Map(entries) => entries,
            Node::Null => &[],
            Node::Scalar(_) | Node::List(_) => {
                self.wrong_shape("a section (`key: value` lines)");
                &[]
            }
        };
        for entry in entries {
            self.cx.note_line(&join(&self.at.path, &entry.key), entry.line, &entry.node);
        }
        let section = Section { cx: self.cx, at: self.at, entries, asked: RefCell::default() };
        let value = read(&section);
        section.report_unknown_keys();
        value
    }

    /// As [`Field::section`] where a section must stand: without one there is a problem and nothing to read.
    pub(super) fn required_section<T>(self, read: impl FnOnce(&Section<'a>) -> Option<T>) -> Option<T> {
        if matches!(self.node, Node::Map(_)) {
            return self.section(read);
        }
        self.wrong_shape("a section (`key: value` lines)");
        None
    }

    /// The expanded text, and whether it was written literally.
    fn scalar(&self) -> Option<(String, bool)> {
        let Node::Scalar(text) = self.node else {
            self.wrong_shape("a single value");
            return None;
        };
        match expand(text, self.cx.env) {
            Ok(expanded) => {
                let literal = expanded.inserted.is_empty();
                if !literal {
                    self.cx.found.borrow_mut().references.insert(self.at.path.clone());
                }
                expanded.inserted.iter().for_each(|value| self.cx.secret(value));
                Some((expanded.text, literal))
            }
            Err(errors) => {
                errors.into_iter().for_each(|e| self.problem(e));
                None
            }
        }
    }

    fn wrong_shape(&self, wanted: &str) {
        let got = match self.node {
            Node::Null => "nothing",
            Node::Scalar(_) => "a single value",
            Node::List(_) => "a list",
            Node::Map(_) => "a section",
        };
        self.problem(format!("must be {wanted}, but is {got}"));
    }
}

/// `got 0`, `got "a b"`: quoted where it is not one plain word, shortened, control characters escaped.
fn quote(text: &str) -> String {
    if text.chars().count() > LONGEST_QUOTE {
        let start: String = text.chars().take(LONGEST_QUOTE).collect();
        return format!("got {start:?}...");
    }
    match text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic()) {
        true => format!("got {text:?}"),
        false => format!("got {text}"),
    }
}

/// The nearest known key, or all of them.
fn suggestion(unknown: &str, known: &[&'static str]) -> String {
    let plain = |key: &str| key.to_ascii_lowercase().replace(['-', '_'], "");
    let unknown = plain(unknown);
    let likeness = |key: &&'static str| (strsim::jaro_winkler(&unknown, &plain(key)) * 1000.0) as u32;
    match known.iter().map(|key| (likeness(key), key)).max_by_key(|(likeness, _)| *likeness) {
        Some((likeness, key)) if likeness >= 850 => format!("did you mean `{key}`?"),
        Some(_) => format!("known here: {}", known.join(", ")),
        None => "no key is known here".to_owned(),
    }
}
