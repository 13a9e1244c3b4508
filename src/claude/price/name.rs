//! The spellings under which one model is known.
//!
//! | spelling | is |
//! |---|---|
//! | `claude-opus-4-5-20251101`, `claude-opus-4-5@20251101`, `claude-opus-4-5-latest` | `claude-opus-4-5` |
//! | `us.anthropic.claude-opus-4-5-20251101-v1:0`, `anthropic.claude-opus-4-6-v1` | without provider and version |
//! | `anthropic/claude-opus-4.5` | without provider, with dashes |
//! | `claude-opus-5-5[1m]`, `claude-opus-5-5:thinking` | without what clients and routers add for themselves |
//!
//! A plain name is its own spelling in every form, and nothing is copied for it.
//!
//! Nothing here guesses which model is meant: that is the table's business.

use std::borrow::Cow;

/// The names to look a model up by, closest first: as given, without provider and decoration, without date.
pub(super) fn spellings(model: &str) -> [Cow<'_, str>; 3] {
    let bare = match bare(model) {
        name if name.bytes().any(|byte| matches!(byte, b'.' | b'@')) => {
            Cow::Owned(name.replace(['.', '@'], "-"))
        }
        name => Cow::Borrowed(name),
    };
    let dated = bare.as_bytes().split(|byte| *byte == b'-').any(is_snapshot);
    let undated = if dated { Cow::Owned(undated(&bare)) } else { bare.clone() };
    [Cow::Borrowed(model), bare, undated]
}

/// Without provider in front, and without version and client's mark behind.
fn bare(model: &str) -> &str {
    // Any other name has nothing of what is looked for below.
    if !model.bytes().any(|byte| matches!(byte, b'/' | b'.' | b'[' | b':' | b'v')) {
        return model;
    }
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.split_once("anthropic.").map_or(name, |(_, name)| name);
    let name = name.split_once(['[', ':']).map_or(name, |(name, _)| name);
    match name.rsplit_once("-v") {
        Some((before, version)) if is_number(version.as_bytes()) => before,
        _ => name,
    }
}

/// Without the pieces that say which snapshot, wherever they stand.
fn undated(name: &str) -> String {
    let pieces: Vec<&str> = name.split('-').filter(|piece| !is_snapshot(piece.as_bytes())).collect();
    pieces.join("-")
}

fn is_snapshot(piece: &[u8]) -> bool {
    piece == b"latest" || (piece.len() == 8 && is_number(piece))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// True when `name` is `model` with words behind it, such as `claude-opus-4-1-thinking`. A number behind it makes
/// another model: `claude-opus-4-9` is no variant of `claude-opus-4`.
pub(super) fn is_variant(name: &str, model: &str) -> bool {
    let rest = name.strip_prefix(model).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_name_is_found_in_every_spelling() {
        for model in [
            "claude-opus-4-5",
            "claude-opus-4-5-20251101",
            "claude-opus-4-5@20251101",
            "claude-opus-4-5-latest",
            "claude-opus-4-5[1m]",
            "claude-opus-4-5-20251101[1m]",
            "claude-opus-4-5:thinking",
            "anthropic/claude-opus-4.5",
            "anthropic.claude-opus-4-5-20251101-v1:0",
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            "global.anthropic.claude-opus-4-5-v1",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0",
            "publishers/anthropic/models/claude-opus-4-5@20251101",
        ] {
            assert_eq!(spellings(model)[2], "claude-opus-4-5", "{model}");
        }
    }

    #[test]
    fn the_closest_spelling_comes_first() {
        let names = spellings("us.anthropic.claude-sonnet-4-20250514-v1:0");
        assert_eq!(
            names,
            ["us.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4-20250514", "claude-sonnet-4"]
        );
        assert_eq!(spellings("claude-opus-4-20250514-thinking")[2], "claude-opus-4-thinking");
        assert_eq!(spellings(""), [""; 3]);
    }

    #[test]
    fn words_make_a_variant_and_numbers_another_model() {
        assert!(is_variant("claude-opus-4-1-thinking", "claude-opus-4-1"));
        for name in
            ["claude-opus-4-9", "claude-opus-4", "claude-opus-4-", "claude-opus-41", "claude-opus-4thinking"]
        {
            assert!(!is_variant(name, "claude-opus-4"), "{name}");
        }
    }
}
