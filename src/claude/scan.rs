//! A forward-only walk over the members of one JSON object, or the items of one array, without looking inside values
//! nobody asked for.
//!
//! It exists because the fields we need (`stream`, `model`, `usage`) stand behind up to 32 MiB of conversation, and a
//! full parse of that would cost more than everything else the proxy does to a request.
//!
//! Rules:
//! - only members of the *outermost* object are reported, in file order, duplicates included; for an array its items;
//! - the object's or array's own grammar is checked completely: keys, colons, commas, top-level scalars, nothing but
//!   white space after the closing bracket;
//! - values that are skipped are checked only as far as needed to find their end for certain: strings are closed and
//!   brackets match in kind. A wrong comma or escape deep inside is not noticed; the top level is never misplaced;
//! - anything else is [`Malformed`], reported by the iterator as its last item. A caller that must not act on half an
//!   object reads to the end before it believes anything;
//! - no recursion: nesting costs one bit per level on the heap, never stack.
//!
//! [`members_strictly`] is the same walk with nothing left unchecked, for answers that count only when they are whole.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use self::plain::{name_len, plain_len};

mod plain;
mod strict;
#[cfg(test)]
mod tests;

/// The bytes are not one whole JSON object, or array where one was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not one whole JSON object or array")]
pub struct Malformed;

/// One member of the outermost object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// The key with its escapes resolved. Valid UTF-8, as bytes: it is only ever compared, and telling once more that
    /// each of thousands of keys is text costs more than the comparison.
    pub key: Cow<'a, [u8]>,
    /// The value as written, without surrounding white space.
    pub value: &'a [u8],
    /// Where the value stands in the scanned bytes.
    pub span: Range<usize>,
}

/// The members of the object that `json` consists of. A byte order mark is not accepted: see [`trim`].
pub fn members(json: &[u8]) -> Members<'_> {
    Members(Walk::new(json, value_end))
}

/// The members of the object that `json` consists of, each checked to its last byte: without an error, all of `json` is
/// valid by the grammar of RFC 8259.
pub fn members_strictly(json: &[u8]) -> Members<'_> {
    Members(Walk::new(json, strict::value_end))
}

/// The items of the array that `json` consists of, each as written.
pub fn items(json: &[u8]) -> Items<'_> {
    Items(Walk::new(json, value_end))
}

/// Iterator over the members of one object; made by [`members`]. After an `Err` there is nothing more.
#[derive(Clone, Debug)]
pub struct Members<'a>(Walk<'a>);

/// Iterator over the items of one array; made by [`items`]. After an `Err` there is nothing more.
#[derive(Clone, Debug)]
pub struct Items<'a>(Walk<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(b'{', b'}', Walk::member)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(b'[', b']', |walk| walk.value().map(|span| &walk.json[span]))
    }
}

/// A position between the brackets of one object or array.
#[derive(Clone, Debug)]
struct Walk<'a> {
    json: &'a [u8],
    at: usize,
    state: State,
    /// Finds the position after the value at a position.
    skip: fn(&[u8], usize) -> Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Start,
    AfterElement,
    Done,
}

impl<'a> Walk<'a> {
    fn new(json: &'a [u8], skip: fn(&[u8], usize) -> Option<usize>) -> Self {
        Self { json, at: 0, state: State::Start, skip }
    }

    /// The next element between these brackets.
    fn step<T>(
        &mut self,
        open: u8,
        close: u8,
        element: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        let step = match self.state {
            State::Start => self.expect(open).and_then(|()| self.next_or_end(close, None, element)),
            State::AfterElement => self.next_or_end(close, Some(b','), element),
            State::Done => return None,
        };
        self.state = if matches!(step, Ok(Some(_))) { State::AfterElement } else { State::Done };
        step.transpose()
    }

    fn next_or_end<T>(
        &mut self,
        close: u8,
        separator: Option<u8>,
        element: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.peek() == Some(close) {
            self.at += 1;
            return if self.peek().is_some() { Err(Malformed) } else { Ok(None) };
        }
        separator.map_or(Ok(()), |comma| self.expect(comma))?;
        element(self).map(Some)
    }

    fn member(&mut self) -> Result<Member<'a>, Malformed> {
        let key = self.key()?;
        self.expect(b':')?;
        let span = self.value()?;
        Ok(Member { key, value: &self.json[span.clone()], span })
    }

    fn key(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        self.peek();
        let start = self.at;
        if let Some([b'"', inner @ ..]) = self.json.get(start..)
            && let Some(len) = name_len(inner)
        {
            self.at = start + len + 2;
            return Ok(Cow::Borrowed(&inner[..len]));
        }
        self.at = string_end(self.json, start).ok_or(Malformed)?;
        match text(&self.json[start..self.at])?.ok_or(Malformed)? {
            Cow::Borrowed(key) => Ok(Cow::Borrowed(key.as_bytes())),
            Cow::Owned(key) => Ok(Cow::Owned(key.into_bytes())),
        }
    }

    fn value(&mut self) -> Result<Range<usize>, Malformed> {
        self.peek();
        let start = self.at;
        self.at = (self.skip)(self.json, start).ok_or(Malformed)?;
        Ok(start..self.at)
    }

    /// The next byte that is not white space, which becomes the current one.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.json.get(self.at)?;
            if !is_blank(byte) {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }
}

/// The text of a string value; `None` for a value of another type, [`Malformed`] for a string no strict parser takes.
pub fn text(value: &[u8]) -> Result<Option<Cow<'_, str>>, Malformed> {
    let [b'"', inner @ .., b'"'] = value else {
        return Ok(None);
    };
    if plain_len(inner) == inner.len() {
        return std::str::from_utf8(inner).map(|s| Some(Cow::Borrowed(s))).map_err(|_| Malformed);
    }
    let text = match without_escaped_quotes(inner) {
        Some(text) => String::from_utf8(text).ok(),
        None => serde_json::from_slice(value).ok(),
    };
    text.map(|s| Some(Cow::Owned(s))).ok_or(Malformed)
}

/// JSON inside a string, which is what Claude Code names its session in, quickly read: nothing but its quotes is escaped.
fn without_escaped_quotes(inner: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        let (plain, special) = rest.split_at(plain_len(rest));
        text.extend_from_slice(plain);
        rest = match special {
            [] => return Some(text),
            [b'\\', b'"', after @ ..] => after,
            _ => return None,
        };
        text.push(b'"');
    }
}

/// A value that is a plain unsigned integer (no sign, fraction or exponent) within 64 bits.
pub fn uint(value: &[u8]) -> Option<u64> {
    let (first, rest) = value.split_first()?;
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    rest.iter().try_fold(digit(first)?, |number, byte| number.checked_mul(10)?.checked_add(digit(byte)?))
}

/// The bytes without a leading byte order mark and without white space around them.
pub fn trim(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii()
}

/// True when the bytes are one whole, strictly valid JSON object.
pub fn is_whole_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{') && is_whole(json)
}

/// True when the bytes are one whole, strictly valid JSON value.
pub fn is_whole(json: &[u8]) -> bool {
    let start = json.iter().take_while(|b| is_blank(**b)).count();
    strict::value_end(json, start).is_some_and(|end| json[end..].iter().all(|b| is_blank(*b)))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The position after the value that starts at `at`.
fn value_end(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => string_end(json, at),
        b'{' | b'[' => container_end(json, at),
        _ => strict::scalar_end(json, at).filter(|end| json.get(*end).is_none_or(|byte| ends_scalar(*byte))),
    }
}

/// A number that runs into anything else is none, and must not be believed in part.
fn ends_scalar(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b',' | b'}' | b']')
}

/// The position after the closing quote of the string that opens at `open`.
fn string_end(json: &[u8], open: usize) -> Option<usize> {
    if json.get(open) != Some(&b'"') {
        return None;
    }
    let mut from = open + 1;
    loop {
        let quote = from + memchr(b'"', &json[from..])?;
        // A run of backslashes belongs to one quote only, so looking back stays linear.
        let backslashes = json[from..quote].iter().rev().take_while(|b| **b == b'\\').count();
        from = quote + 1;
        if backslashes % 2 == 0 {
            return Some(from);
        }
    }
}

fn container_end(json: &[u8], open: usize) -> Option<usize> {
    let mut nesting = Nesting::default();
    let mut at = open;
    loop {
        match *json.get(at)? {
            b'"' => {
                at = string_end(json, at)?;
                continue;
            }
            opening @ (b'{' | b'[') => nesting.push(opening == b'{'),
            closing @ (b'}' | b']') => {
                if nesting.pop()? != (closing == b'}') {
                    return None;
                }
                if nesting.depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Which brackets are open, one bit each (set for an object); the innermost is the lowest bit of `bits`.
#[derive(Default)]
struct Nesting {
    bits: u64,
    /// Full words of outer levels. Stays unallocated up to 64 levels.
    outer: Vec<u64>,
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Whether the innermost open bracket is an object's; nothing when none is open.
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }

    fn pop(&mut self) -> Option<bool> {
        self.depth = self.depth.checked_sub(1)?;
        let object = self.bits & 1 == 1;
        self.bits =
            if self.depth > 0 && self.depth.is_multiple_of(64) { self.outer.pop()? } else { self.bits >> 1 };
        Some(object)
    }
}
