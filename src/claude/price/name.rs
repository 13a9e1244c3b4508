//! The spellings under which one model is known.
//!
//! | spelling | is |
//! |---|---|
//! | `claude-opus-4-5-20251101`, `claude-opus-4-5@20251101`, `claude-opus-4-5-latest` | `claude-opus-4-5` |
//! | `us.anthropic.claude-opus-4-5-20251101-v1:0`, `anthropic.claude-opus-4-6-v1` | without provider and version |
//! | `anthropic/claude-opus-4.5` | without provider, with dashes |
//! | `claude-opus-5-5[1m]` | without what clients add for themselves |
//!
//! Nothing here guesses which model is meant: that is the table's business.

/// The names to look a model up by, closest first: as given, without provider and decoration, without date.
pub(super) fn spellings(model: &str) -> [String; 3] {
    let bare = bare(model).replace('.', "-");
    let undated = undated(&bare).to_owned();
    [model.to_owned(), bare, undated]
}

/// Without provider in front, and without client's mark and version behind.
fn bare(model: &str) -> &str {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.split_once("anthropic.").map_or(name, |(_, name)| name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    match name.rsplit_once("-v") {
        Some((before, version)) if is_version(version) => before,
        _ => name,
    }
}

/// `1`, `1:0`, `2:0`.
fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b':')
}

fn undated(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    match name.rsplit_once('-') {
        Some((before, "latest")) => before,
        Some((before, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => before,
        _ => name,
    }
}

/// True when `name` is `model` with words behind it, such as `claude-opus-4-1-thinking`. A number behind it makes
/// another model: `claude-opus-4-9` is no variant of `claude-opus-4`.
pub(super) fn is_variant(name: &str, model: &str) -> bool {
    let rest = name.strip_prefix(model).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
}
