//! Other numbers in the text of a configuration, and nothing else: which bytes are exchanged for which.
//!
//! | how the priority is written | then |
//! |---|---|
//! | `1`, `"1"`, `'1'`, `!!int 1` | the digits are exchanged; quotes and tag stay |
//! | the key without a value | the number is written behind the colon |
//! | not at all | `priority: 1` comes under `name`, or behind it in `{ ... }` |
//! | by an alias, a merge or a `${...}` reference; with an anchor; as a block | refused: the number stands elsewhere, or others use it |
//!
//! The new text is read again, and must mean what the old one means but for the numbers that were asked for.

use std::collections::BTreeMap;

use saphyr_parser::ScalarStyle;

use super::spans::{self, Content, Node};
use super::{EditError, Written};
use crate::config::yaml;
use crate::domain::endpoint::EndpointId;

/// One number that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    /// Whose.
    pub(super) endpoint: &'a EndpointId,
    /// Its place in the list of endpoints.
    pub(super) index: usize,
    /// What it has now.
    pub(super) before: u32,
    /// What it shall have.
    pub(super) after: u32,
}

/// Bytes that take the place of others.
struct Splice {
    bytes: (usize, usize),
    with: String,
}

/// The text with the wishes fulfilled, and what was written where.
///
/// # Errors
/// When a number cannot be written without touching anything else.
pub(super) fn apply(text: &str, wishes: &[Wish<'_>]) -> Result<(String, Vec<Written>), EditError> {
    let start = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let body = &text[start..];
    let root = spans::read(body).ok_or(EditError::Unusual)?;
    let mut meaning = Meaning::of(text)?;
    let mut splices = Vec::new();
    let mut written = Vec::new();
    for wish in wishes {
        let item = endpoint(&root, wish)?;
        let has_one = meaning.endpoint(wish.index).is_some_and(|entries| entries.contains_key("priority"));
        if has_one && item.own("priority").is_none() {
            let why = "comes from a merge: the number is written elsewhere";
            return Err(EditError::fixed(wish.endpoint, item.line, why));
        }
        let (splice, line) = splice(body, item, wish)?;
        splices.push(splice);
        let Wish { endpoint, before, after, .. } = *wish;
        written.push(Written { endpoint: endpoint.clone(), line, before, after });
    }
    let new = format!("{}{}", &text[..start], perform(body, splices));
    check(meaning, &new, wishes)?;
    Ok((new, written))
}

const BOM: char = '\u{feff}';

fn perform(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.bytes);
    let mut out = String::with_capacity(text.len() + 16 * splices.len());
    let mut at = 0;
    for splice in splices {
        out.push_str(&text[at..splice.bytes.0]);
        out.push_str(&splice.with);
        at = splice.bytes.1;
    }
    out + &text[at..]
}

fn endpoint<'t>(root: &'t Node, wish: &Wish<'_>) -> Result<&'t Node, EditError> {
    let elsewhere = |line| EditError::fixed(wish.endpoint, line, "is written as an alias");
    let (_, list) = root.own("endpoints").ok_or_else(|| elsewhere(1))?;
    let Content::List(items) = &list.content else { return Err(elsewhere(list.line)) };
    let item = items.get(wish.index).ok_or(EditError::Unusual)?;
    match item.content {
        Content::Map(_) => Ok(item),
        _ => Err(elsewhere(item.line)),
    }
}

fn splice(text: &str, item: &Node, wish: &Wish<'_>) -> Result<(Splice, usize), EditError> {
    match item.own("priority") {
        Some((key, value)) => Ok((exchange(text, key, value, wish)?, value.line.max(key.line))),
        None => insert(text, item, wish),
    }
}

/// The place of the number, when it is written where it counts.
fn exchange(text: &str, key: &Node, value: &Node, wish: &Wish<'_>) -> Result<Splice, EditError> {
    let fixed = |why| Err(EditError::fixed(wish.endpoint, value.line, why));
    let with = wish.after.to_string();
    let Content::Scalar(written, style) = &value.content else {
        return fixed("comes from an alias: the number is written elsewhere");
    };
    if value.anchored {
        return fixed("has an anchor: other places may use the same number");
    }
    if written.contains("${") {
        return fixed("comes from a `${...}` reference");
    }
    let quotes = match style {
        ScalarStyle::Plain if written.is_empty() => return behind_the_colon(text, key, &with),
        ScalarStyle::Plain => 0,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        ScalarStyle::Literal | ScalarStyle::Folded => return fixed("is written as a block"),
    };
    let (start, end) = (start_of(text, value) + quotes, end_of(text, value).saturating_sub(quotes));
    if text.get(start..end) != Some(written.as_str()) {
        return fixed(match style {
            ScalarStyle::DoubleQuoted => "is written with escapes",
            _ => "does not stand right behind its tag",
        });
    }
    Ok(Splice { bytes: (start, end), with })
}

fn behind_the_colon(text: &str, key: &Node, number: &str) -> Result<Splice, EditError> {
    let (_, end) = bytes(text, key.chars);
    let colon = text[end..].find(':').ok_or(EditError::Unusual)?;
    let at = end + colon + 1;
    Ok(Splice { bytes: (at, at), with: format!(" {number}") })
}

/// A new key under or behind the name.
fn insert(text: &str, item: &Node, wish: &Wish<'_>) -> Result<(Splice, usize), EditError> {
    let Some((key, name)) = item.own("name") else {
        return Err(EditError::fixed(wish.endpoint, item.line, "and its name come from a merge"));
    };
    let priority = format!("priority: {}", wish.after);
    let (key_start, _) = bytes(text, key.chars);
    let name_end = end_of(text, name);
    let (item_start, _) = bytes(text, item.chars);
    if text[item_start..].starts_with('{') {
        return Ok((Splice { bytes: (name_end, name_end), with: format!(", {priority}") }, name.line));
    }
    let line_start = text[..key_start].rfind('\n').map_or(0, |at| at + 1);
    let indent: String =
        text[line_start..key_start].chars().map(|c| if c.is_whitespace() { c } else { ' ' }).collect();
    let splice = match text[name_end..].find('\n') {
        Some(newline) => {
            let at = name_end + newline + 1;
            let ending = if text[..at].ends_with("\r\n") { "\r\n" } else { "\n" };
            Splice { bytes: (at, at), with: format!("{indent}{priority}{ending}") }
        }
        None => {
            let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
            Splice { bytes: (text.len(), text.len()), with: format!("{ending}{indent}{priority}") }
        }
    };
    Ok((splice, name.line + 1))
}

/// Where a scalar itself begins, behind a tag such as `!!int`, which the parser counts to it.
fn start_of(text: &str, node: &Node) -> usize {
    let (start, end) = bytes(text, node.chars);
    let written = &text[start..end];
    let tag = match written.starts_with('!') {
        true => written.find(char::is_whitespace).unwrap_or(written.len()),
        false => 0,
    };
    start + tag + written[tag..].len() - written[tag..].trim_start().len()
}

/// Where a scalar ends. The parser counts blanks and comments to it; those behind a quoted one may hold quotes, too.
fn end_of(text: &str, node: &Node) -> usize {
    let (start, (_, end)) = (start_of(text, node), bytes(text, node.chars));
    let written = &text[start..end];
    let length = match node.content {
        Content::Scalar(_, ScalarStyle::SingleQuoted) => closing(written, '\'', None),
        Content::Scalar(_, ScalarStyle::DoubleQuoted) => closing(written, '"', Some('\\')),
        _ => None,
    };
    start + length.unwrap_or(written.trim_end().len())
}

/// The length of a text in quotes. Where nothing escapes, a doubled quote stands for one.
fn closing(text: &str, quote: char, escape: Option<char>) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if Some(c) == escape {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote && escape.is_none()).is_none() {
            return Some(at + quote.len_utf8());
        }
    }
    None
}

/// Characters to bytes.
fn bytes(text: &str, chars: (usize, usize)) -> (usize, usize) {
    let mut offsets = text.char_indices().map(|(at, _)| at).skip(chars.0);
    let start = offsets.next().unwrap_or(text.len());
    let length = chars.1.saturating_sub(chars.0);
    let end = if length == 0 { start } else { offsets.nth(length - 1).unwrap_or(text.len()) };
    (start, end)
}

/// What a text means, keys in no order and without lines.
#[derive(Clone, PartialEq, Debug)]
enum Meaning {
    Null,
    Scalar(String),
    List(Vec<Meaning>),
    Map(BTreeMap<String, Meaning>),
}

impl From<yaml::Node> for Meaning {
    fn from(node: yaml::Node) -> Self {
        match node {
            yaml::Node::Null => Self::Null,
            yaml::Node::Scalar(text) => Self::Scalar(text),
            yaml::Node::List(items) => Self::List(items.into_iter().map(|i| i.node.into()).collect()),
            yaml::Node::Map(entries) => {
                Self::Map(entries.into_iter().map(|e| (e.key, e.node.into())).collect())
            }
        }
    }
}

impl Meaning {
    fn of(text: &str) -> Result<Self, EditError> {
        match yaml::read(text) {
            Ok((root, problems)) if problems.is_empty() => Ok(root.into()),
            _ => Err(EditError::Unusual),
        }
    }

    fn endpoint(&mut self, index: usize) -> Option<&mut BTreeMap<String, Self>> {
        let Self::Map(root) = self else { return None };
        let Some(Self::List(items)) = root.get_mut("endpoints") else { return None };
        match items.get_mut(index) {
            Some(Self::Map(entries)) => Some(entries),
            _ => None,
        }
    }
}

/// The new text means the old one with these numbers, or it is not used.
fn check(mut before: Meaning, new: &str, wishes: &[Wish<'_>]) -> Result<(), EditError> {
    for wish in wishes {
        let entries = before.endpoint(wish.index).ok_or(EditError::Unusual)?;
        entries.insert("priority".to_owned(), Meaning::Scalar(wish.after.to_string()));
    }
    if before == Meaning::of(new)? { Ok(()) } else { Err(EditError::TouchesMore) }
}
