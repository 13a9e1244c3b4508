//! One JSON value, checked to its last byte, and where it ends.
//!
//! For answers that are held back until they are known to be whole: unlike the skipping in [`super`], nothing inside a
//! value goes unseen. The grammar is RFC 8259's, to the letter:
//!
//! | part | rule |
//! |---|---|
//! | strings | no bare control characters; escapes are those of the RFC, `\u` with four hex digits |
//! | numbers | no leading zeros, no bare point, sign or exponent; any magnitude |
//! | objects | keys are strings, one colon, one value; commas between members only |
//! | arrays | commas between items only |
//!
//! Bytes above ASCII inside strings are not looked at: whether they are UTF-8, and whether surrogates come in pairs, is
//! for the client to judge, who gets the bytes as they came.
//!
//! Strings, which are nearly all of an answer, are passed over many bytes at a time: see [`super::plain`]. No recursion:
//! see [`Nesting`].

use super::plain::{BLOCK, plain_len, specials};
use super::{Nesting, is_blank};

#[cfg(test)]
mod tests;

/// The position after the value that starts at `at`; nothing when it is malformed or not whole.
pub(super) fn value_end(json: &[u8], at: usize) -> Option<usize> {
    let mut nesting = Nesting::default();
    let mut at = at;
    loop {
        // Here stands a value.
        at = match json.get(at)? {
            b'{' => match enter(json, at, b'}') {
                Inside::Empty(end) => end,
                Inside::Element(first) => {
                    nesting.push(true);
                    at = key_end(json, first)?;
                    continue;
                }
            },
            b'[' => match enter(json, at, b']') {
                Inside::Empty(end) => end,
                Inside::Element(first) => {
                    nesting.push(false);
                    at = first;
                    continue;
                }
            },
            _ => scalar_end(json, at)?,
        };
        // Here a value has ended.
        loop {
            let Some(in_object) = nesting.innermost() else { return Some(at) };
            at = skip_blank(json, at);
            match (json.get(at)?, in_object) {
                (b',', true) => break at = key_end(json, skip_blank(json, at + 1))?,
                (b',', false) => break at = skip_blank(json, at + 1),
                (b'}', true) | (b']', false) => {
                    nesting.pop();
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

/// What stands behind an opening bracket.
enum Inside {
    /// The closing one; the position after it.
    Empty(usize),
    /// Something else, at this position.
    Element(usize),
}

fn enter(json: &[u8], open: usize, close: u8) -> Inside {
    let at = skip_blank(json, open + 1);
    if json.get(at) == Some(&close) { Inside::Empty(at + 1) } else { Inside::Element(at) }
}

/// The position of the value behind the key at `at`.
fn key_end(json: &[u8], at: usize) -> Option<usize> {
    let colon = skip_blank(json, string_end(json, at)?);
    (json.get(colon) == Some(&b':')).then(|| skip_blank(json, colon + 1))
}

fn skip_blank(json: &[u8], at: usize) -> usize {
    json[at..].iter().position(|b| !is_blank(*b)).map_or(json.len(), |blanks| at + blanks)
}

/// The same for a value that has no parts. What follows a number is for its container to judge.
pub(super) fn scalar_end(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => string_end(json, at),
        b't' => word_end(json, at, b"true"),
        b'f' => word_end(json, at, b"false"),
        b'n' => word_end(json, at, b"null"),
        _ => number_end(json, at),
    }
}

fn word_end(json: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    json[at..].starts_with(word).then_some(at + word.len())
}

fn number_end(json: &[u8], at: usize) -> Option<usize> {
    let at = at + usize::from(json[at] == b'-');
    let mut end = match json.get(at)? {
        b'0' => at + 1,
        _ => digits_end(json, at)?,
    };
    if json.get(end) == Some(&b'.') {
        end = digits_end(json, end + 1)?;
    }
    if let Some(b'e' | b'E') = json.get(end) {
        let signed = matches!(json.get(end + 1), Some(b'+' | b'-'));
        end = digits_end(json, end + 1 + usize::from(signed))?;
    }
    Some(end)
}

fn digits_end(json: &[u8], at: usize) -> Option<usize> {
    let digits = json.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0).then_some(at + digits)
}

/// The position after the closing quote of the string that opens at `open`.
fn string_end(json: &[u8], open: usize) -> Option<usize> {
    if json.get(open) != Some(&b'"') {
        return None;
    }
    let mut at = open + 1;
    while let Some(block) = json[at..].first_chunk::<BLOCK>() {
        at = match look_into(json, at, block) {
            Seen::Goes(on) => on,
            Seen::Ends(end) => return end,
        };
    }
    loop {
        at += plain_len(&json[at..]);
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = escape_end(json, at + 1)?,
            _control => return None,
        }
    }
}

/// What a block of a string shows.
enum Seen {
    /// The string goes on at this position, which is behind the block.
    Goes(usize),
    /// Its end, or none if it is malformed.
    Ends(Option<usize>),
}

/// Looks into the block that stands at `at`.
fn look_into(json: &[u8], at: usize, block: &[u8; BLOCK]) -> Seen {
    let mut specials = specials(block);
    while specials != 0 {
        let place = specials.trailing_zeros() as usize;
        match block[place] {
            b'"' => return Seen::Ends(Some(at + place + 1)),
            b'\\' => {}
            _control => return Seen::Ends(None),
        }
        let Some(end) = escape_end(json, at + place + 1) else { return Seen::Ends(None) };
        // What belongs to an escape is not looked at again; it may reach beyond the block.
        let Some(behind) = (!0_u64).checked_shl((end - at) as u32) else { return Seen::Goes(end) };
        specials &= behind;
    }
    Seen::Goes(at + BLOCK)
}

fn escape_end(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => json.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 5),
        _ => None,
    }
}
