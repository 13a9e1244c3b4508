//! Makes text from clients, upstreams and libraries safe to show: pure string functions.
//!
//! | danger | example | becomes |
//! |---|---|---|
//! | a new line forges a second log line | `\n` | the two characters `\n` |
//! | a terminal obeys an escape sequence | ESC `[2J`, C1 CSI | `\u{1b}[2J`, `\u{9b}` |
//! | bidirectional overrides reorder what is read | U+202E | `\u{202e}` |
//! | invisible separators split or hide text | U+2028, U+FEFF | `\u{2028}`, `\u{feff}` |
//!
//! Everything else, other scripts and emoji included, stays as it is. Escaping comes last: secrets are masked and
//! long values cut before, on the real characters.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Values longer than this many bytes are cut where a limit applies.
pub const VALUE_LIMIT: usize = 500;

/// True for characters that act on a terminal or hide and reorder text instead of showing a glyph.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}')
}

/// True for printable ASCII, which nearly every text here is: looked at byte by byte, and never unsafe.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
}

/// The text with unsafe characters written out as escapes; borrowed when there are none.
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Finished JSON with the unsafe characters that JSON allows raw (DEL, C1, bidi) as `\u` escapes. They can stand only
/// inside strings there, so the document keeps its meaning.
pub fn escape_json(json: String) -> String {
    if is_plain(&json) || !json.contains(is_unsafe) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unsafe(c) {
            // All unsafe characters are in the basic plane: one escape, no surrogate pair.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// At most `limit` bytes of the text, ended at a character boundary and with a note of what is missing.
pub fn cut(text: &str, limit: Option<usize>) -> Cow<'_, str> {
    match limit {
        Some(limit) if text.len() > limit => {
            let end = (0..=limit).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            Cow::Owned(format!("{}… ({} bytes more)", &text[..end], text.len() - end))
        }
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_survives() {
        let nasty = "a\r\nb\t\u{1b}[31m\u{7f}\u{9b}2J\u{202e}cod\u{2066}\u{2028}\u{feff}\0";
        assert_eq!(
            escape(nasty),
            r"a\r\nb\t\u{1b}[31m\u{7f}\u{9b}2J\u{202e}cod\u{2066}\u{2028}\u{feff}\u{0}"
        );
        assert!(!escape(nasty).contains(is_unsafe));
    }

    #[test]
    fn other_scripts_and_emoji_stay() {
        let fine = "naïve 日本語 👩‍💻 “quotes” \\ \"";
        assert!(matches!(escape(fine), Cow::Borrowed(t) if t == fine));
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = "x\u{1b}\u{9b}\u{202e}\u{7f}ü";
        let json = escape_json(serde_json::to_string(value).unwrap());
        assert!(!json.contains(is_unsafe));
        assert!(json.contains('ü'));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
    }

    #[test]
    fn a_cut_ends_between_characters_and_says_how_much_is_missing() {
        assert_eq!(cut("äöü", Some(3)), "ä… (4 bytes more)");
        assert_eq!(cut("äöü", Some(6)), "äöü");
        assert_eq!(cut("äöü", None), "äöü");
        assert_eq!(cut("日本", Some(1)), "… (6 bytes more)");
    }
}
