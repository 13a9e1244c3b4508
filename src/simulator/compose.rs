//! What is answered: from a [`Reply`] and a request to a status, a content type and a body, nothing cut or encoded yet.
//!
//! Rendering a long stream costs more than sending it, so the message rendered last is kept ([`Rendered`]): a bench that
//! repeats one request is served from memory.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::ask::Ask;
use super::behaviour::{Behaviour, Content, Reply, SseStyle};
use super::content::Message;
use super::http::Head;
use super::log::Class;
use super::models;
use super::pieces::Pieces;
use super::render::{self, Body};
use super::usage::Usage;

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Composed {
    pub(super) status: u16,
    pub(super) content_type: Cow<'static, str>,
    pub(super) body: Body,
    pub(super) is_stream: bool,
}

/// What an answer depends on besides the behaviour.
pub(super) struct Context<'a> {
    pub(super) name: &'a str,
    pub(super) class: Class,
    pub(super) head: &'a Head,
    pub(super) body: &'a [u8],
    pub(super) body_hash: u64,
    pub(super) rendered: &'a Rendered,
}

/// The message rendered last, whatever its size.
#[derive(Debug, Default)]
pub(super) struct Rendered(Mutex<Option<(Key, Composed)>>);

/// Everything a rendered message depends on.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    body_hash: u64,
    body_bytes: usize,
    as_document: bool,
    content: Content,
    style: SseStyle,
}

impl Rendered {
    fn get(&self, key: &Key) -> Option<Composed> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(have, _)| have == key).map(|(_, composed)| composed.clone())
    }

    fn put(&self, key: Key, composed: &Composed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((key, composed.clone()));
    }
}

impl Context<'_> {
    /// The answer before anything is cut or encoded.
    pub(super) fn compose(&self, behaviour: &Behaviour, request_id: &str) -> Composed {
        match &behaviour.reply {
            Reply::Auto | Reply::Json => self.automatic(behaviour, request_id),
            Reply::Fixed { status, content_type, body } => Composed {
                status: *status,
                content_type: content_type.clone(),
                body: Body {
                    told: behaviour.content.usage.map_or_else(Vec::new, render::told_whole),
                    ..plain(body.to_vec())
                },
                is_stream: content_type.starts_with("text/event-stream"),
            },
            Reply::Error { status, kind, message } => error(*status, kind, message, request_id),
            Reply::Raw(bytes) => Composed {
                status: 0,
                content_type: Cow::Borrowed(""),
                body: plain(bytes.to_vec()),
                is_stream: false,
            },
        }
    }

    fn automatic(&self, behaviour: &Behaviour, request_id: &str) -> Composed {
        let path = self.head.target.split('?').next().unwrap_or_default();
        let found = match self.class {
            Class::Head => Some(json(200, String::new())),
            Class::Models => models::answer(path).map(|text| json(200, text)),
            Class::Other => None,
            Class::Messages => Some(self.message(behaviour, request_id)),
            Class::CountTokens => Some(self.count(request_id)),
        };
        found.unwrap_or_else(|| error(404, "not_found_error", &format!("Nothing is at {path}"), request_id))
    }

    fn message(&self, behaviour: &Behaviour, request_id: &str) -> Composed {
        let key = Key {
            body_hash: self.body_hash,
            body_bytes: self.body.len(),
            as_document: matches!(behaviour.reply, Reply::Json),
            content: behaviour.content.clone(),
            style: behaviour.style,
        };
        if let Some(composed) = self.rendered.get(&key) {
            return composed;
        }
        let Some(ask) = Ask::read(self.body) else { return unreadable(request_id) };
        let composed = message(&ask, behaviour, self.name);
        self.rendered.put(key, &composed);
        composed
    }

    fn count(&self, request_id: &str) -> Composed {
        let Some(ask) = Ask::read(self.body) else { return unreadable(request_id) };
        json(200, format!(r#"{{"input_tokens":{}}}"#, Usage::of_request(ask.body_bytes, 0).prompt()))
    }
}

fn unreadable(request_id: &str) -> Composed {
    error(400, "invalid_request_error", "The body is not a JSON object of the expected shape", request_id)
}

fn error(status: u16, kind: &str, message: &str, request_id: &str) -> Composed {
    json(status, render::error_json(kind, message, request_id))
}

fn message(ask: &Ask, behaviour: &Behaviour, name: &str) -> Composed {
    let message = Message::answer(ask, &behaviour.content, name);
    let is_stream = ask.stream && !matches!(behaviour.reply, Reply::Json);
    let (content_type, mut body) = match is_stream {
        true => (
            "text/event-stream; charset=utf-8",
            render::stream(&message, &behaviour.content, behaviour.style),
        ),
        false => ("application/json", render::document(&message)),
    };
    if let Some(event) = behaviour.content.corrupt_event {
        body.pieces = corrupted(&body.pieces, event);
    }
    if is_stream && !behaviour.style.final_blank_line {
        body.pieces.trim_end(if behaviour.style.crlf { 2 } else { 1 });
    }
    Composed { status: 200, content_type: Cow::Borrowed(content_type), body, is_stream }
}

/// The same pieces, but the JSON in piece `spoiled` misses its last brace.
fn corrupted(pieces: &Pieces, spoiled: usize) -> Pieces {
    let mut result = Pieces::default();
    for (index, piece) in pieces.iter().enumerate() {
        match piece.iter().rposition(|&byte| byte == b'}').filter(|_| index == spoiled) {
            Some(brace) => {
                let (before, after) = piece.split_at(brace);
                result.push(&[before, after.get(1..).unwrap_or_default()].concat());
            }
            None => result.push(piece),
        }
    }
    result
}

fn json(status: u16, text: String) -> Composed {
    Composed {
        status,
        content_type: Cow::Borrowed("application/json"),
        body: plain(text.into_bytes()),
        is_stream: false,
    }
}

fn plain(bytes: Vec<u8>) -> Body {
    Body { pieces: Pieces::whole(bytes), ..Body::default() }
}
