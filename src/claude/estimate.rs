//! How many tokens a prompt has, roughly, without asking anybody: for count_tokens when no endpoint can.
//!
//! | part | counts as |
//! |---|---|
//! | text of messages, system, tool results and documents | its length |
//! | thinking | its text, or what its signature holds encrypted, if that is more |
//! | a tool call | name and input |
//! | a tool's definition, and any block that is not known here (server tools and their results) | its JSON |
//! | an image | its pixels, or, without them, the most that an image can count |
//! | a PDF | its size in usual pages |
//! | each message, and the request itself | a few tokens for what stands around it |
//!
//! The length of a text is that of its UTF-8: scripts beyond ASCII are cut into more tokens per character. Signatures,
//! ids and cache marks are not part of the prompt. Reads leniently: what is malformed inside counts by its length. Walks
//! the body in place and descends a bounded number of levels.
//!
//! Sources of the numbers: the API's public notes on token counting, vision (width times height by 750, at most about
//! 1,600 tokens an image) and PDFs (1,500 to 3,000 tokens a page).

mod image;

use std::borrow::Cow;

use super::scan::{Malformed, Member, items, members, text};

#[cfg(test)]
mod tests;

/// For the request as a whole.
const PER_REQUEST: u64 = 3;
/// For the role of a message and the marks around it.
const PER_MESSAGE: u64 = 4;
/// A page of a PDF, bytes and tokens.
const PAGE: (u64, u64) = (50 * 1024, 2_000);
/// Blocks inside blocks (a tool's result, a document) are followed this deep.
const DEEPEST: u32 = 6;

/// The tokens of a `messages` or `count_tokens` body at this many characters per token; `None` when the body is not one
/// whole JSON object.
pub fn tokens(body: &[u8], chars_per_token: f64) -> Option<u64> {
    let mut sum = Sum { tokens: PER_REQUEST, ..Sum::default() };
    for member in members(body) {
        let Member { key, value, .. } = member.ok()?;
        match &*key {
            b"messages" => sum.each(value, Sum::message),
            b"system" => sum.content(value, DEEPEST),
            b"tools" => sum.each(value, Sum::json),
            _ => {}
        }
    }
    Some(sum.tokens.saturating_add((sum.chars as f64 / chars_per_token).ceil() as u64))
}

/// What was counted so far.
#[derive(Default)]
struct Sum {
    /// Bytes of text.
    chars: u64,
    /// What does not depend on the length of a text.
    tokens: u64,
}

impl Sum {
    /// Adds every item of an array; what is no array adds its JSON.
    fn each(&mut self, array: &[u8], mut add: impl FnMut(&mut Self, &[u8])) {
        if items(array).any(|item| item.is_err()) {
            return self.json(array);
        }
        items(array).flatten().for_each(|item| add(self, item));
    }

    fn message(&mut self, message: &[u8]) {
        self.tokens += PER_MESSAGE;
        if message.first() != Some(&b'{') {
            return self.json(message);
        }
        for Member { key, value, .. } in members(message).flatten() {
            if *key == *b"content" {
                self.content(value, DEEPEST);
            }
        }
    }

    /// A string, or an array of blocks.
    fn content(&mut self, content: &[u8], depth: u32) {
        match content.first() {
            Some(b'"') => self.text(content),
            _ => self.each(content, |sum, block| sum.block(block, depth)),
        }
    }

    fn block(&mut self, json: &[u8], depth: u32) {
        let Ok(block) = Block::read(json) else { return self.content_or_json(json) };
        match (block.kind.as_deref(), depth.checked_sub(1)) {
            (Some("text"), _) => self.text(block.text),
            (Some("thinking"), _) => self.chars += length(block.thinking).max(decoded(block.signature)),
            (Some("redacted_thinking"), _) => self.chars += decoded(block.data),
            (Some("tool_use" | "server_tool_use" | "mcp_tool_use"), _) => {
                self.text(block.name);
                self.json(block.input);
            }
            (Some("tool_result" | "mcp_tool_result"), Some(depth)) => self.content(block.content, depth),
            (Some("image"), _) => self.image(block.source),
            (Some("document"), Some(depth)) => {
                self.text(block.title);
                self.text(block.context);
                self.document(block.source, depth);
            }
            _ => self.json(json),
        }
    }

    /// What stands where a block should: a plain string is a text.
    fn content_or_json(&mut self, json: &[u8]) {
        if json.first() == Some(&b'"') { self.text(json) } else { self.json(json) }
    }

    fn image(&mut self, source: &[u8]) {
        let data = Block::read(source).ok().map(|source| source.data);
        self.tokens += data.and_then(text_of).map_or(image::MOST, |data| image::tokens(&data));
    }

    fn document(&mut self, source: &[u8], depth: u32) {
        let Ok(source_block) = Block::read(source) else { return self.json(source) };
        match source_block.kind.as_deref() {
            Some("text") => self.text(source_block.data),
            Some("content") => self.content(source_block.content, depth),
            _ => self.tokens += decoded(source_block.data).div_ceil(PAGE.0).max(1) * PAGE.1,
        }
    }

    fn text(&mut self, value: &[u8]) {
        self.chars += length(value);
    }

    fn json(&mut self, value: &[u8]) {
        self.chars += compact_length(value);
    }
}

/// The members of a block, or of the source inside it, that count; raw, empty when absent.
#[derive(Default)]
struct Block<'a> {
    kind: Option<Cow<'a, str>>,
    text: &'a [u8],
    thinking: &'a [u8],
    signature: &'a [u8],
    data: &'a [u8],
    name: &'a [u8],
    input: &'a [u8],
    content: &'a [u8],
    source: &'a [u8],
    title: &'a [u8],
    context: &'a [u8],
}

impl<'a> Block<'a> {
    fn read(json: &'a [u8]) -> Result<Self, Malformed> {
        let mut block = Self::default();
        for member in members(json) {
            let Member { key, value, .. } = member?;
            let place = match &*key {
                b"type" => {
                    block.kind = text(value)?;
                    continue;
                }
                b"text" => &mut block.text,
                b"thinking" => &mut block.thinking,
                b"signature" => &mut block.signature,
                b"data" => &mut block.data,
                b"name" => &mut block.name,
                b"input" => &mut block.input,
                b"content" => &mut block.content,
                b"source" => &mut block.source,
                b"title" => &mut block.title,
                b"context" => &mut block.context,
                _ => continue,
            };
            *place = value;
        }
        Ok(block)
    }
}

fn text_of(value: &[u8]) -> Option<Cow<'_, str>> {
    text(value).ok().flatten()
}

/// The bytes of a string with its escapes resolved. What is no string, or has escapes without a meaning (half a
/// surrogate pair), counts as written; `null` is nothing.
fn length(value: &[u8]) -> u64 {
    if value == b"null" {
        return 0;
    }
    text_of(value).map_or(value.len(), |text| text.len()) as u64
}

/// The bytes behind a base64 string.
fn decoded(value: &[u8]) -> u64 {
    length(value) / 4 * 3
}

/// The length of JSON without the white space between its parts.
fn compact_length(json: &[u8]) -> u64 {
    let (mut length, mut in_string, mut escaped) = (0, false, false);
    for byte in json {
        if in_string || !byte.is_ascii_whitespace() {
            length += 1;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    length
}
