//! The message that answers a request: blocks, stop reason, usage. No wire format in here.
//!
//! Everything follows from the request's bytes and the [`Content`] settings, so two simulators, or a direct and a
//! forwarded request, give byte-identical answers (unless the answer is signed with the simulator's name).

use std::fmt::Write;

use super::ask::{Ask, example};
use super::behaviour::Content;
use super::pieces::Pieces;
use super::usage::{Terms, Usage};

/// A complete assistant message; block content is cut into the pieces a stream sends it in.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) blocks: Vec<Block>,
    pub(super) stop_reason: String,
    pub(super) usage: Usage,
    pub(super) terms: Terms,
}

/// A content block.
#[derive(Debug)]
pub(super) enum Block {
    Thinking { text: Pieces, signature: String },
    Text(Pieces),
    ToolUse { id: String, name: String, input: Pieces },
}

/// Words with everything a JSON string or a byte counter could stumble over.
const WORDS: [&str; 32] = [
    "the",
    "stream",
    "carries",
    "every",
    "byte",
    "as",
    "it",
    "came",
    "naïve",
    "\"quoted\"",
    "back\\slash",
    "→",
    "日本語",
    "🦀",
    "and",
    "then",
    "some",
    "more",
    "tokens",
    "follow",
    "each",
    "event",
    "in",
    "order,",
    "line\nbreak",
    "tab\there",
    "<tag>",
    "50%",
    "a",
    "sentence",
    "ends",
    "here.",
];

/// Thinking needs some room: below this `max_tokens` there is none.
const LEAST_TOKENS_TO_THINK: u64 = 64;

/// Text deltas of an answer when nothing else is asked for.
const USUAL_DELTAS: u64 = 8;

/// splitmix64: a small deterministic sequence.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn word(&mut self) -> &'static str {
        WORDS[(self.next() % WORDS.len() as u64) as usize]
    }

    /// A piece of text of at least `bytes` bytes.
    fn text(&mut self, out: &mut Vec<u8>, bytes: usize) {
        let start = out.len();
        while out.len() - start < bytes.max(1) {
            out.extend_from_slice(self.word().as_bytes());
            out.push(b' ');
        }
    }
}

/// An id in the API's style: prefix, then letters and digits that follow from the seed.
pub(super) fn id(prefix: &str, seed: u64) -> String {
    let mut sequence = Sequence(seed);
    let mut id = format!("{prefix}_01");
    for _ in 0..2 {
        let _ = write!(id, "{:011x}", sequence.next() & 0xfff_ffff_ffff);
    }
    id
}

impl Message {
    /// The answer of the simulator called `name` to `ask`.
    pub(super) fn answer(ask: &Ask, content: &Content, name: &str) -> Self {
        let (blocks, stop_reason) = match content.empty {
            true => (Vec::new(), "end_turn"),
            false => blocks(ask, content, name),
        };
        let output = if content.empty { 0 } else { output_tokens(&blocks).min(ask.max_tokens.max(1)) };
        Self {
            id: id("msg", ask.seed),
            model: content.model.as_deref().unwrap_or(&ask.model).to_owned(),
            blocks,
            stop_reason: content.stop_reason.as_deref().unwrap_or(stop_reason).to_owned(),
            usage: content.usage.unwrap_or_else(|| Usage::of_request(ask.body_bytes, output)),
            terms: Terms {
                service_tier: content.service_tier.as_deref().unwrap_or("standard").to_owned(),
                inference_geo: content.inference_geo.as_deref().map(str::to_owned),
            },
        }
    }
}

fn blocks(ask: &Ask, content: &Content, name: &str) -> (Vec<Block>, &'static str) {
    let mut words = Sequence(ask.seed);
    let mut blocks = Vec::new();
    if content.thinking.unwrap_or(ask.thinking && ask.max_tokens >= LEAST_TOKENS_TO_THINK) {
        blocks.push(thinking(&mut words, content.delta_bytes));
    }
    if let Some(schema) = &ask.schema {
        blocks.push(Block::Text(cut(&example(schema).to_string(), content.delta_bytes)));
        return (blocks, "end_turn");
    }
    let (text, complete) = text(&mut words, ask, content, name);
    blocks.push(Block::Text(text));
    let call = match content.tool {
        None => ask.asked_call.as_ref(),
        Some(true) => ask.asked_call.as_ref().or(ask.possible_call.as_ref()),
        Some(false) => None,
    };
    match call {
        Some(call) if complete => {
            let input = cut(&call.input.to_string(), content.delta_bytes);
            blocks.push(Block::ToolUse { id: id("toolu", ask.seed), name: call.name.clone(), input });
            (blocks, "tool_use")
        }
        _ => (blocks, if complete { "end_turn" } else { "max_tokens" }),
    }
}

fn thinking(words: &mut Sequence, delta_bytes: usize) -> Block {
    let mut text = Pieces::default();
    for _ in 0..4 {
        text.push_with(|out| words.text(out, delta_bytes));
    }
    let signature: String = (0..8).fold("Er".to_owned(), |mut signature, _| {
        let _ = write!(signature, "{:016x}", words.next());
        signature
    });
    Block::Thinking { text, signature: signature + "==" }
}

/// The text, and whether it got to its end before `max_tokens`.
fn text(words: &mut Sequence, ask: &Ask, content: &Content, name: &str) -> (Pieces, bool) {
    let wanted = content.deltas.map_or_else(|| USUAL_DELTAS + words.next() % 8, |count| count as u64);
    let tokens_each = (content.delta_bytes as u64 / 4).max(1);
    let affordable = match content.deltas {
        Some(_) => u64::MAX,
        None => (ask.max_tokens / tokens_each).max(1),
    };
    let most_bytes = match content.deltas {
        Some(_) => content.delta_bytes,
        None => {
            content.delta_bytes.min(usize::try_from(ask.max_tokens).unwrap_or(usize::MAX).saturating_mul(4))
        }
    };
    let mut text = Pieces::default();
    if content.sign {
        text.push(format!("[{name}] ").as_bytes());
    }
    for _ in 0..wanted.min(affordable) {
        text.push_with(|out| words.text(out, most_bytes));
    }
    (text, wanted <= affordable)
}

/// Cuts text into pieces of about `bytes`, never inside a character.
fn cut(text: &str, bytes: usize) -> Pieces {
    let mut pieces = Pieces::default();
    let mut rest = text;
    while !rest.is_empty() {
        let end = (bytes.max(1)..rest.len()).find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece.as_bytes());
        rest = behind;
    }
    pieces
}

fn output_tokens(blocks: &[Block]) -> u64 {
    let bytes: usize = blocks
        .iter()
        .map(|block| match block {
            Block::Thinking { text, .. } | Block::Text(text) => text.bytes().len(),
            Block::ToolUse { input, .. } => input.bytes().len(),
        })
        .sum();
    bytes as u64 / 4 + 1
}
