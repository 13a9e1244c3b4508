//! What one JSON answer or one event's data says: message, error or something else; model, stop reason, usage counts.
//!
//! Everything here is read leniently, field by field: a field of the wrong type is an absent field and takes no other
//! with it, because relays get single fields wrong all the time. Only the outermost JSON has to be whole.
//!
//! Field names and shapes: the public Messages API reference ("errors", "streaming", `Usage`).

use std::borrow::Cow;

use super::scan::{Malformed, Member, is_whole, members, members_strictly, text, trim, uint};

#[cfg(test)]
mod tests;

/// An error in the API's own shape: `{"type":"error","error":{"type":…,"message":…}}`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// The error type, such as `overloaded_error`.
    pub kind: String,
    /// The text for a person.
    pub message: String,
}

/// The error in a body, if the body is one whole JSON object of exactly that shape.
pub fn api_error(body: &[u8]) -> Option<ApiError> {
    let is_tagged = member(trim(body), "type").and_then(string).as_deref() == Some("error");
    match shape(body) {
        JsonShape::ErrorObject { kind: Some(kind), message: Some(message) } if is_tagged => {
            Some(ApiError { kind, message })
        }
        _ => None,
    }
}

/// What a body is, as JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JsonShape {
    /// A whole object with `"type": "message"`.
    Message,
    /// A whole object that reports an error, in the API's shape or one of those that relays invent: `"type": "error"`,
    /// or an `error` member that is not null in something that is not a message.
    ErrorObject {
        /// `error.type`.
        kind: Option<String>,
        /// `error.message`, else `error` itself when it is a string, else `message`.
        message: Option<String>,
    },
    /// Another whole object, such as the answer to count_tokens.
    OtherObject,
    /// Whole JSON, but an array, string, number, `true`, `false` or `null`.
    NotAnObject,
    /// Not JSON, or only a part of it, or nothing.
    Broken,
}

/// Looks at a whole body; a byte order mark and white space around it do not matter. Validates all of it.
pub fn shape(body: &[u8]) -> JsonShape {
    shape_and_facts(body).0
}

/// The shape of a whole body and the [`facts`] in it, of which there are none where that finds none. One pass over the
/// body for its grammar and its members: every further one would cost as much as passing it on does.
pub fn shape_and_facts(body: &[u8]) -> (JsonShape, Facts) {
    let body = trim(body);
    let other = if body.first() != Some(&b'{') && is_whole(body) {
        JsonShape::NotAnObject
    } else {
        JsonShape::Broken
    };
    read_object(body).unwrap_or((other, Facts::default()))
}

fn read_object(json: &[u8]) -> Result<(JsonShape, Facts), Malformed> {
    let (mut tag, mut error, mut top_message) = (None, None, None);
    let (mut facts, mut readable) = (Facts::default(), true);
    for member in members_strictly(json) {
        let Member { key, value, .. } = member?;
        match &*key {
            b"type" => tag = text(value)?,
            b"error" => error = (value != b"null").then_some(value),
            b"message" => top_message = string(value),
            _ => {}
        }
        readable = readable && facts.take(&key, value, Level::Outer).is_ok();
    }
    let facts = if readable { facts } else { Facts::default() };
    Ok((object_shape(tag.as_deref(), error, top_message), facts))
}

fn object_shape(tag: Option<&str>, error: Option<&[u8]>, top_message: Option<String>) -> JsonShape {
    match (tag, error) {
        (Some("message"), _) => return JsonShape::Message,
        (Some("error"), _) | (_, Some(_)) => {}
        _ => return JsonShape::OtherObject,
    }
    let (kind, message) = error.map(error_member).unwrap_or_default();
    JsonShape::ErrorObject { kind, message: message.or(top_message) }
}

/// Type and message out of the value of `error`, an object or a plain string.
fn error_member(value: &[u8]) -> (Option<String>, Option<String>) {
    if let Some(message) = string(value) {
        return (None, Some(message));
    }
    let (mut kind, mut message) = (None, None);
    for Member { key, value, .. } in members(value).flatten() {
        match &*key {
            b"type" => kind = string(value),
            b"message" => message = string(value),
            _ => {}
        }
    }
    (kind, message)
}

/// What a message, a `message_start` or a `message_delta` tells about the answer.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Facts {
    /// The model that served the answer.
    pub model: Option<String>,
    /// Why the answer ended.
    pub stop_reason: Option<String>,
    /// The counts, as far as present.
    pub usage: Counts,
}

/// Reads the facts from a JSON answer or an event's data, wherever the three forms keep them: at the top level, under
/// `message` (`message_start`) or under `delta` (`message_delta`). `None` when the JSON is not one whole object.
pub fn facts(json: &[u8]) -> Option<Facts> {
    let mut facts = Facts::default();
    facts.take_all(json, Level::Outer).ok()?;
    Some(facts)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Outer,
    Inner,
}

impl Facts {
    fn take_all(&mut self, json: &[u8], level: Level) -> Result<(), Malformed> {
        for member in members(json) {
            let Member { key, value, .. } = member?;
            self.take(&key, value, level)?;
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8], level: Level) -> Result<(), Malformed> {
        match key {
            b"model" => replace(&mut self.model, short(value)),
            b"stop_reason" => replace(&mut self.stop_reason, short(value)),
            b"usage" => self.usage = counts(value),
            b"message" | b"delta" if level == Level::Outer && value.first() == Some(&b'{') => {
                return self.take_all(value, Level::Inner);
            }
            _ => {}
        }
        Ok(())
    }
}

fn replace(old: &mut Option<String>, new: Option<String>) {
    if new.is_some() {
        *old = new;
    }
}

/// The counts of one `usage` object. `None` is absent (or not a plausible count), which differs from zero.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// `input_tokens`: uncached input only.
    pub input: Option<u64>,
    /// `output_tokens`: all output, thinking included.
    pub output: Option<u64>,
    /// `cache_read_input_tokens`.
    pub cache_read: Option<u64>,
    /// `cache_creation_input_tokens`: the total over both lifetimes.
    pub cache_write: Option<u64>,
    /// `cache_creation.ephemeral_5m_input_tokens`.
    pub cache_write_5m: Option<u64>,
    /// `cache_creation.ephemeral_1h_input_tokens`.
    pub cache_write_1h: Option<u64>,
    /// `server_tool_use.web_search_requests`.
    pub web_search: Option<u64>,
    /// `server_tool_use.web_fetch_requests`.
    pub web_fetch: Option<u64>,
    /// `server_tool_use.code_execution_requests`.
    pub code_execution: Option<u64>,
    /// `service_tier`.
    pub service_tier: Option<Cow<'static, str>>,
    /// `inference_geo`.
    pub inference_geo: Option<Cow<'static, str>>,
}

/// Above this no single answer can count; a relay that says so is wrong. (The largest context is a few million.)
const MOST_PLAUSIBLE: u64 = 1_000_000_000;

fn counts(usage: &[u8]) -> Counts {
    let mut counts = Counts::default();
    for Member { key, value, .. } in members(usage).flatten() {
        match &*key {
            b"input_tokens" => counts.input = count(value),
            b"output_tokens" => counts.output = count(value),
            b"cache_read_input_tokens" => counts.cache_read = count(value),
            b"cache_creation_input_tokens" => counts.cache_write = count(value),
            b"service_tier" => counts.service_tier = common(value),
            b"inference_geo" => counts.inference_geo = common(value),
            b"cache_creation" | b"server_tool_use" => inner_counts(value, &mut counts),
            _ => {}
        }
    }
    counts
}

fn inner_counts(object: &[u8], counts: &mut Counts) {
    for Member { key, value, .. } in members(object).flatten() {
        match &*key {
            b"ephemeral_5m_input_tokens" => counts.cache_write_5m = count(value),
            b"ephemeral_1h_input_tokens" => counts.cache_write_1h = count(value),
            b"web_search_requests" => counts.web_search = count(value),
            b"web_fetch_requests" => counts.web_fetch = count(value),
            b"code_execution_requests" => counts.code_execution = count(value),
            _ => {}
        }
    }
}

fn count(value: &[u8]) -> Option<u64> {
    uint(value).filter(|n| *n <= MOST_PLAUSIBLE)
}

fn string(value: &[u8]) -> Option<String> {
    text(value).ok().flatten().map(Into::into)
}

/// A name: not empty, and short enough to be kept in every record.
fn short(value: &[u8]) -> Option<String> {
    string(value).filter(|s| (1..=256).contains(&s.len()))
}

/// A [`short`] name of which there are few: those that are known need no memory of their own in every record.
fn common(value: &[u8]) -> Option<Cow<'static, str>> {
    const KNOWN: [&str; 6] = ["standard", "priority", "batch", "not_available", "global", "us"];
    let name = text(value).ok().flatten()?;
    match KNOWN.into_iter().find(|known| *known == name) {
        Some(known) => Some(Cow::Borrowed(known)),
        None => short(value).map(Cow::Owned),
    }
}

/// True when a content block or delta carries something: text, input, thinking, a signature, a tool's name, a result.
/// Only text and thinking can be there and say nothing yet; a block of any other type is content by being there.
pub fn says_something(block: &[u8]) -> bool {
    const MAY_BE_EMPTY: [&str; 5] = ["text", "thinking", "text_delta", "thinking_delta", "signature_delta"];
    const NOTHING: [&[u8]; 4] = [b"\"\"", b"null", b"[]", b"{}"];
    let (mut may_be_empty, mut empty) = (false, true);
    for Member { key, value, .. } in members(block).flatten() {
        if *key == *b"type" {
            may_be_empty = string(value).is_some_and(|t| MAY_BE_EMPTY.contains(&&*t));
        } else if !NOTHING.contains(&value) {
            empty = false;
        }
    }
    !(may_be_empty && empty)
}

/// The value of one top-level member, if the JSON is an object that has it. Of duplicates the last.
pub fn member<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    members(json).flatten().filter(|m| *m.key == *name.as_bytes()).last().map(|m| m.value)
}
