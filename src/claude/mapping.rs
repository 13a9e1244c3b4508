//! Model names on their way to an endpoint: which name it is asked for, and how that name gets into the body.
//!
//! | rule | fits |
//! |---|---|
//! | `claude-haiku-4-5` | this name only |
//! | `claude-haiku-*` | every name that begins so |
//! | `*` | every name |
//!
//! The first rule that fits counts. Only the value of the top-level `model` member is replaced; every other byte of the
//! body stays what the client sent, so that signatures over the conversation and cache prefixes hold. Of duplicate
//! members the last is replaced, because it is the one that every common parser (and [`Peek`](super::request::Peek))
//! takes for the model asked for.

use std::ops::Range;

use bytes::Bytes;

/// The target of the first rule that fits `model`; `None` when none does. Rules are pattern and target.
pub fn target<'r>(rules: &'r [(String, String)], model: &str) -> Option<&'r str> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => model.starts_with(start),
        None => model == pattern,
    };
    rules.iter().find(|(pattern, _)| fits(pattern)).map(|(_, target)| target.as_str())
}

/// The body with `target` in place of the JSON value at `span`, in pieces that follow each other. The body itself is
/// shared, not copied: it may be as large as the API allows.
///
/// # Panics
/// When `span` does not lie in `body`.
pub fn splice(body: &Bytes, span: &Range<usize>, target: &str) -> [Bytes; 3] {
    let value = serde_json::Value::from(target).to_string();
    [body.slice(..span.start), Bytes::from(value), body.slice(span.end..)]
}

/// True when both names mean one model: they are equal, or one is the other with the date of a snapshot
/// (`-YYYYMMDD`), which is how the API names what stands behind an alias.
pub fn is_same_model(a: &str, b: &str) -> bool {
    let dated = |long: &str, short: &str| long.strip_prefix(short).is_some_and(is_date_suffix);
    a == b || dated(a, b) || dated(b, a)
}

fn is_date_suffix(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|date| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
