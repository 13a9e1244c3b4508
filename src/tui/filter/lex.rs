//! From text to words: white space, quotes, `!`, `-`, `field:`.

use std::iter::Peekable;
use std::str::Chars;

/// One word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// With `!`, or with `-` before a field.
    pub negated: bool,
    /// What stands before the first colon outside quotes.
    pub field: Option<String>,
    /// The rest, quotes taken away.
    pub value: String,
}

/// All words of a text.
///
/// # Errors
/// When a quote is not closed, or a `!` stands alone.
pub(super) fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(words);
        }
        words.push(word(&mut chars)?);
    }
}

fn word(chars: &mut Peekable<Chars<'_>>) -> Result<Word, String> {
    let mut negated = chars.next_if_eq(&'!').is_some();
    let (mut field, mut value, mut quotes) = (None, String::new(), false);
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        match c {
            '"' => {
                quotes = true;
                quote(chars, &mut value)?;
            }
            ':' if field.is_none() && !quotes && !value.is_empty() => {
                field = Some(std::mem::take(&mut value))
            }
            c => value.push(c),
        }
    }
    if let Some(rest) = field.as_ref().and_then(|name: &String| name.strip_prefix('-')).map(str::to_owned) {
        negated = !negated;
        field = Some(rest);
    }
    match value.is_empty() && field.is_none() {
        true => Err("! and \"\" need a word to go with".to_owned()),
        false => Ok(Word { negated, field, value }),
    }
}

/// The rest of a quoted text.
fn quote(chars: &mut Peekable<Chars<'_>>, value: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\\' => value.extend(chars.next_if(|c| matches!(c, '"' | '\\')).or(Some('\\'))),
            c => value.push(c),
        }
    }
    Err("a quote is not closed: add \" at its end".to_owned())
}

/// A value as it has to be written, in quotes where it would not be read back as it is.
pub(super) fn quoted(value: &str) -> String {
    let odd = |c: char| c.is_whitespace() || matches!(c, '"' | ':');
    let bare = !value.is_empty() && !value.contains(odd) && !value.starts_with(['!', '-']);
    match bare {
        true => value.to_owned(),
        false => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}
