//! What a request is about, read from its method, path and raw body: [`Class`] and [`Peek`].
//!
//! The body is only looked at. It is never parsed into a tree and never written back: what the client sent is what an
//! upstream gets. The one edit there is (opt-in model mapping) replaces exactly the bytes of [`Peek::model_span`].

use std::fmt;
use std::ops::Range;

use http::Method;

use super::scan::{Malformed, members, text, uint};

#[cfg(test)]
mod tests;

/// The kind of a request. Decides what is held for replay, what may be suspended and what touches health.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = RequestClass)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// `POST /v1/messages`.
    Messages,
    /// `POST /v1/messages/count_tokens`.
    CountTokens,
    /// `/v1/models` and below.
    Models,
    /// `/v1/messages/batches` and below.
    Batches,
    /// `/v1/files` and below.
    Files,
    /// Everything else; forwarded like the others, known to nobody.
    Other,
}

impl Class {
    /// The class of a request. `path` is the path as sent, without the query; it is not normalised, so a path with a
    /// doubled or trailing slash is [`Class::Other`].
    pub fn of(method: &Method, path: &str) -> Self {
        match path {
            "/v1/messages" if method == Method::POST => Self::Messages,
            "/v1/messages/count_tokens" if method == Method::POST => Self::CountTokens,
            _ if is_at_or_below(path, "/v1/messages/batches") => Self::Batches,
            _ if is_at_or_below(path, "/v1/models") => Self::Models,
            _ if is_at_or_below(path, "/v1/files") => Self::Files,
            _ => Self::Other,
        }
    }

    /// True for requests that cost money by themselves: messages, and the creation of a batch of them. What belongs to
    /// no known class is not held to cost anything.
    pub fn is_billed(self, method: &Method, path: &str) -> bool {
        match self {
            Self::Messages => true,
            Self::Batches => method == Method::POST && path == "/v1/messages/batches",
            Self::CountTokens | Self::Models | Self::Files | Self::Other => false,
        }
    }

    /// The name in records, metrics and logs: the same as the serialised one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::Models => "models",
            Self::Batches => "batches",
            Self::Files => "files",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_at_or_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the forwarder wants to know of a `messages` or `count_tokens` body. All of it comes from top-level members; of
/// duplicates the last counts, as in every common parser.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Peek {
    /// The model asked for.
    pub model: Option<String>,
    /// Where the value of `model` stands in the body, quotes included.
    pub model_span: Option<Range<usize>>,
    /// True only for the literal `"stream": true`.
    pub stream: bool,
    /// The session named in `metadata.user_id`.
    pub session: Option<String>,
    /// `max_tokens`, when it is a plain unsigned integer.
    pub max_tokens: Option<u64>,
}

/// Looks into a request body. A body that is not one whole JSON object gives the default: half an object is not acted
/// on, the upstream will refuse it in its own words.
pub fn peek(body: &[u8]) -> Peek {
    try_peek(body).unwrap_or_default()
}

fn try_peek(body: &[u8]) -> Result<Peek, Malformed> {
    let mut peek = Peek::default();
    for member in members(body) {
        let member = member?;
        match &*member.key {
            b"model" => {
                peek.model = text(member.value)?.map(Into::into);
                peek.model_span = peek.model.is_some().then_some(member.span);
            }
            b"stream" => peek.stream = member.value == b"true",
            b"max_tokens" => peek.max_tokens = uint(member.value),
            b"metadata" => peek.session = session_in_metadata(member.value)?,
            _ => {}
        }
    }
    Ok(peek)
}

fn session_in_metadata(metadata: &[u8]) -> Result<Option<String>, Malformed> {
    if metadata.first() != Some(&b'{') {
        return Ok(None);
    }
    let mut session = None;
    for member in members(metadata) {
        let member = member?;
        if *member.key == *b"user_id" {
            session = text(member.value)?.and_then(|user_id| session_in_user_id(&user_id));
        }
    }
    Ok(session)
}

/// `user_id` is opaque to the API. Claude Code 2.x writes a JSON object with a `session_id` into the string; older
/// versions wrote `user_<hash>_account_<uuid>_session_<uuid>`.
fn session_in_user_id(user_id: &str) -> Option<String> {
    let id = match session_member(user_id.as_bytes()) {
        Ok(id) => id?,
        Err(Malformed) => user_id.rsplit_once("_session_")?.1.to_owned(),
    };
    is_plausible_session(&id).then_some(id)
}

fn session_member(json: &[u8]) -> Result<Option<String>, Malformed> {
    let mut id = None;
    for member in members(json) {
        let member = member?;
        if *member.key == *b"session_id" {
            id = text(member.value)?.map(Into::into);
        }
    }
    Ok(id)
}

/// Sessions are remembered and shown, so an id must be short and printable.
fn is_plausible_session(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}
