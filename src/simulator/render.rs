//! Messages and errors as the API writes them: a stream of events, or one JSON document.
//!
//! Events of a stream, in order (positions matter to [`super::Mark::Events`]):
//! `[ping] message_start`, per block `content_block_start [ping after the first] content_block_delta* content_block_stop`,
//! `message_delta`, `message_stop`. Fields are in the API's order, so nothing is sorted by a map in between.

use super::behaviour::{Content, Drip, SseStyle};
use super::content::{Block, Message};
use super::pieces::Pieces;
use super::usage::{Told, Usage, UsageStyle};

/// Delta type and the field that holds its text.
const THINKING: (&str, &str) = ("thinking_delta", "thinking");
const SIGNATURE: (&str, &str) = ("signature_delta", "signature");
const TEXT: (&str, &str) = ("text_delta", "text");
const INPUT: (&str, &str) = ("input_json_delta", "partial_json");

/// A body, and what its parts mean to the log and the pace.
#[derive(Debug, Default, Clone)]
pub(super) struct Body {
    /// The bytes; for a stream, one piece per event.
    pub(super) pieces: Pieces,
    /// Usage the client has been told once piece `.0` is sent.
    pub(super) told: Vec<(usize, Told)>,
    /// The first piece that carries content.
    pub(super) first_content: Option<usize>,
}

/// A JSON string literal.
pub(super) fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    push_quoted(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    // Writing a string into a Vec cannot fail.
    let _ = serde_json::to_writer(out, &String::from_utf8_lossy(text));
}

/// An error document in Anthropic's shape.
pub(super) fn error_json(kind: &str, message: &str, request_id: &str) -> String {
    let (kind, message, request_id) = (quoted(kind), quoted(message), quoted(request_id));
    format!(r#"{{"type":"error","error":{{"type":{kind},"message":{message}}},"request_id":{request_id}}}"#)
}

/// Writes events in one spelling.
pub(super) struct Events {
    style: SseStyle,
    pieces: Pieces,
}

impl Events {
    pub(super) fn new(style: SseStyle) -> Self {
        Self { style, pieces: Pieces::default() }
    }

    pub(super) fn after(style: SseStyle, pieces: Pieces) -> Self {
        Self { style, pieces }
    }

    pub(super) fn finish(self) -> Pieces {
        self.pieces
    }

    /// One event; `data` writes its JSON, on one line.
    fn push_with(&mut self, name: &str, data: impl FnOnce(&mut Vec<u8>)) {
        let style = self.style;
        let newline: &[u8] = if style.crlf { b"\r\n" } else { b"\n" };
        let colon: &[u8] = if style.space { b": " } else { b":" };
        self.pieces.push_with(|out| {
            if style.event_lines {
                [b"event", colon, name.as_bytes(), newline]
                    .iter()
                    .for_each(|part| out.extend_from_slice(part));
            }
            out.extend_from_slice(b"data");
            out.extend_from_slice(colon);
            data(out);
            out.extend_from_slice(newline);
            out.extend_from_slice(newline);
        });
    }

    /// One event with this JSON.
    fn push(&mut self, name: &str, data: &str) {
        self.push_with(name, |out| out.extend_from_slice(data.as_bytes()));
    }

    pub(super) fn ping(&mut self) {
        self.push("ping", r#"{"type": "ping"}"#);
    }

    pub(super) fn error(&mut self, kind: &str, request_id: &str) {
        self.push("error", &error_json(kind, "Simulated failure", request_id));
    }

    fn block_start(&mut self, index: usize, block: &str) {
        let data = format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#);
        self.push("content_block_start", &data);
    }

    fn deltas<'a>(
        &mut self,
        index: usize,
        (kind, field): (&str, &str),
        texts: impl Iterator<Item = &'a [u8]>,
    ) {
        let open =
            format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{field}":"#);
        for text in texts {
            self.push_with("content_block_delta", |out| {
                out.extend_from_slice(open.as_bytes());
                push_quoted(out, text);
                out.extend_from_slice(b"}}");
            });
        }
    }

    fn block_stop(&mut self, index: usize) {
        self.push("content_block_stop", &format!(r#"{{"type":"content_block_stop","index":{index}}}"#));
    }
}

fn one(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::once(text)
}

/// The piece that drips for ever.
pub(super) fn drip(kind: Drip, style: SseStyle) -> Vec<u8> {
    let mut events = Events::new(style);
    match kind {
        Drip::Delta => events.deltas(0, TEXT, one(b"drip ")),
        Drip::Ping => events.ping(),
        Drip::Comment => return b": waiting\n\n".to_vec(),
    }
    events.finish().bytes().to_vec()
}

/// The message as an event stream.
pub(super) fn stream(message: &Message, content: &Content, style: SseStyle) -> Body {
    let mut events = Events::new(style);
    let mut told = Vec::new();
    if content.leading_ping {
        events.ping();
    }
    message_start(&mut events, message, content, &mut told);
    let first_content = events.pieces.count();
    for (index, block) in message.blocks.iter().enumerate() {
        stream_block(&mut events, index, block);
    }
    message_deltas(&mut events, message, content, &mut told);
    if !content.no_message_stop {
        events.push("message_stop", r#"{"type":"message_stop"}"#);
    }
    Body { pieces: events.finish(), told, first_content: Some(first_content) }
}

fn message_start(events: &mut Events, message: &Message, content: &Content, told: &mut Vec<(usize, Told)>) {
    let start = match content.usage_style {
        UsageStyle::DeltaOnly => Usage::default(),
        _ => Usage { output: message.usage.output.min(1), ..message.usage },
    };
    let (head, tail) = (message_head(message), start.full_json(&message.terms));
    let data = format!(
        r#"{{"type":"message_start","message":{head},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{tail}}}}}"#
    );
    told.push((events.pieces.count(), Told { usage: start, output_stated: false }));
    events.push("message_start", &data);
}

fn stream_block(events: &mut Events, index: usize, block: &Block) {
    let start = match block {
        Block::Thinking { .. } => r#"{"type":"thinking","thinking":"","signature":""}"#.to_owned(),
        Block::Text(_) => r#"{"type":"text","text":""}"#.to_owned(),
        Block::ToolUse { id, name, .. } => {
            format!(r#"{{"type":"tool_use","id":"{id}","name":{},"input":{{}}}}"#, quoted(name))
        }
    };
    events.block_start(index, &start);
    if index == 0 {
        events.ping();
    }
    match block {
        Block::Thinking { text, signature } => {
            events.deltas(index, THINKING, text.iter());
            events.deltas(index, SIGNATURE, one(signature.as_bytes()));
        }
        Block::Text(text) => events.deltas(index, TEXT, text.iter()),
        Block::ToolUse { input, .. } => events.deltas(index, INPUT, input.iter()),
    }
    events.block_stop(index);
}

fn message_deltas(events: &mut Events, message: &Message, content: &Content, told: &mut Vec<(usize, Told)>) {
    let total = message.usage;
    let mut push = |reason: &str, usage: Usage, json: String| {
        let data = format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":{reason},"stop_sequence":null}},"usage":{json}}}"#
        );
        told.push((events.pieces.count(), Told { usage, output_stated: true }));
        events.push("message_delta", &data);
    };
    let reason = quoted(&message.stop_reason);
    match content.usage_style {
        UsageStyle::Standard => push(&reason, total, total.totals_json()),
        UsageStyle::DeltaOnly => push(&reason, total, total.full_json(&message.terms)),
        UsageStyle::TwoDeltas => {
            let interim = Usage { output: total.output / 2, ..total };
            push("null", interim, interim.totals_json());
            push(&reason, total, total.totals_json());
        }
    }
}

/// A body of one piece tells everything at its end.
pub(super) fn told_whole(usage: Usage) -> Vec<(usize, Told)> {
    vec![(0, Told { usage, output_stated: true })]
}

/// The message as one JSON document.
pub(super) fn document(message: &Message) -> Body {
    let blocks: Vec<_> = message.blocks.iter().map(block_json).collect();
    let (head, blocks) = (message_head(message), blocks.join(","));
    let (reason, usage) = (quoted(&message.stop_reason), message.usage.full_json(&message.terms));
    let json = format!(
        r#"{head},"content":[{blocks}],"stop_reason":{reason},"stop_sequence":null,"usage":{usage}}}"#
    );
    Body { pieces: Pieces::whole(json.into_bytes()), told: told_whole(message.usage), first_content: Some(0) }
}

/// The fields every form of a message begins with; the object is left open.
fn message_head(message: &Message) -> String {
    let model = quoted(&message.model);
    format!(r#"{{"model":{model},"id":"{}","type":"message","role":"assistant""#, message.id)
}

fn block_json(block: &Block) -> String {
    let joined = |pieces: &Pieces| String::from_utf8_lossy(pieces.bytes()).into_owned();
    match block {
        Block::Thinking { text, signature } => {
            format!(r#"{{"type":"thinking","thinking":{},"signature":"{signature}"}}"#, quoted(&joined(text)))
        }
        Block::Text(text) => format!(r#"{{"type":"text","text":{}}}"#, quoted(&joined(text))),
        Block::ToolUse { id, name, input } => {
            format!(r#"{{"type":"tool_use","id":"{id}","name":{},"input":{}}}"#, quoted(name), joined(input))
        }
    }
}
