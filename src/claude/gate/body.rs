//! The gate in front of a whole JSON answer (`messages` without `stream`, `count_tokens`).
//!
//! Real is one whole JSON object that is not an error object. It is held until it has ended, or until the caller's limit
//! (1 MiB) is reached; then it goes out as it is. An empty completion is looked for in `messages` answers only.

use super::{GateFailure, Ruling, first_byte};
use crate::claude::request::Class;
use crate::claude::scan::trim;
use crate::claude::wire::{Facts, JsonShape, member, says_something, shape_and_facts};

/// Judges one answer that is not a stream.
#[derive(Debug)]
pub struct BodyGate {
    class: Class,
    ruling: Ruling,
    /// The first byte that is not white space has come and been looked at.
    sniffed: bool,
    /// What a whole body says.
    facts: Option<Box<Facts>>,
}

impl BodyGate {
    /// A gate for an answer to a request of this class.
    pub fn new(class: Class) -> Self {
        Self { class, ruling: Ruling::Hold, sniffed: false, facts: None }
    }

    /// The ruling so far.
    pub fn ruling(&self) -> &Ruling {
        &self.ruling
    }

    /// Takes decoded body bytes as they come; a web page is recognised at its first byte.
    pub fn on_bytes(&mut self, decoded: &[u8]) -> &Ruling {
        if !self.sniffed {
            let first = first_byte(decoded);
            self.sniffed = first.is_some();
            if first == Some(b'<') && self.ruling == Ruling::Hold {
                self.ruling = Ruling::Fail(GateFailure::Html);
            }
        }
        &self.ruling
    }

    /// The body has ended; `body` is all of it, decoded. Never a hold.
    pub fn on_end(&mut self, body: &[u8]) -> &Ruling {
        if self.ruling == Ruling::Hold {
            let (shape, facts) = shape_and_facts(body);
            let judged = judge(self.class, trim(body), shape, &facts);
            self.ruling = judged.map_or_else(Ruling::Fail, |()| Ruling::Commit);
            self.facts = Some(Box::new(facts));
        }
        &self.ruling
    }

    /// What the body that [`Self::on_end`] judged says, so that nobody has to read it once more.
    pub fn take_facts(&mut self) -> Option<Box<Facts>> {
        self.facts.take()
    }

    /// More than is allowed has been held: goes out as it is, unless it was already found to be none.
    pub fn on_hold_expired(&mut self) -> &Ruling {
        if self.ruling == Ruling::Hold {
            self.ruling = Ruling::Commit;
        }
        &self.ruling
    }
}

fn judge(class: Class, body: &[u8], shape: JsonShape, facts: &Facts) -> Result<(), GateFailure> {
    match (shape, body.first()) {
        (_, None) => Err(GateFailure::Empty),
        (_, Some(b'<')) => Err(GateFailure::Html),
        (JsonShape::ErrorObject { kind, message }, _) => Err(GateFailure::error_object(kind, message)),
        (JsonShape::Broken, Some(b'{')) => Err(GateFailure::Malformed),
        (JsonShape::Broken | JsonShape::NotAnObject, _) => Err(GateFailure::NotJson),
        _ if class == Class::Messages && is_empty_completion(body, facts) => {
            Err(GateFailure::EmptyCompletion)
        }
        _ => Ok(()),
    }
}

fn is_empty_completion(message: &[u8], facts: &Facts) -> bool {
    facts.stop_reason.as_deref() == Some("end_turn")
        && facts.usage.output.unwrap_or(0) == 0
        && member(message, "content").is_none_or(says_nothing)
}

fn says_nothing(content: &[u8]) -> bool {
    let blocks: Result<Vec<&serde_json::value::RawValue>, _> = serde_json::from_slice(content);
    blocks.is_ok_and(|blocks| !blocks.iter().any(|block| says_something(block.get().as_bytes())))
}
