//! Looking into bodies: events and tokens of a stream, and what a request asks for.
//!
//! The decoder runs beside every streamed byte, the peek once per request. Throughput is per byte of the stream.

use bytes::Bytes;
use cc_forwarder::claude::gate::StreamProgress;
use cc_forwarder::claude::request::peek;
use cc_forwarder::claude::sse::{Decoder, Event};
use cc_forwarder::claude::usage::UsageMeter;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use serde_json::json;

fn main() {
    divan::main();
}

/// Bytes of a stream.
const STREAM: usize = 4 * 1024 * 1024;

/// A stream as the API writes it: start, deltas with this much text, end.
fn stream(text: usize, line_end: &str) -> Vec<u8> {
    let mut out = String::new();
    let mut event = |name: &str, data: &str| {
        out.push_str(&format!("event: {name}{line_end}data: {data}{line_end}{line_end}"));
        out.len()
    };
    event(
        "message_start",
        r#"{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-opus-4-8","content":[],"stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1}}}"#,
    );
    let text = "x".repeat(text);
    let delta = format!(
        r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
    );
    while event("content_block_delta", &delta) < STREAM {}
    event(
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":77}}"#,
    );
    event("message_stop", r#"{"type":"message_stop"}"#);
    out.into_bytes()
}

/// Decodes `bytes` in pieces of `piece` bytes, as the tap does.
fn look(bytes: &[u8], piece: usize) -> u64 {
    let (mut decoder, mut meter, mut progress) = (Decoder::new(), UsageMeter::new(), StreamProgress::new());
    for chunk in bytes.chunks(piece) {
        let fed = decoder.feed(chunk, &mut |event: Event<'_>| {
            let kind = event.kind();
            meter.on_event(kind, event.data);
            progress.on_event(kind, &event);
        });
        assert!(fed.is_ok(), "no event is too large");
    }
    assert!(progress.has_message_stop(), "the stream was understood");
    meter.usage().output
}

fn measure(bencher: Bencher<'_, '_>, bytes: &[u8], piece: usize) {
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| look(black_box(bytes), piece));
}

/// Events of about 120 bytes, as most are, in the pieces that sockets give.
#[divan::bench(args = [120, 1_460, 65_536])]
fn small_events(bencher: Bencher<'_, '_>, piece: usize) {
    measure(bencher, &stream(20, "\n"), piece);
}

/// Deltas of 4 KB.
#[divan::bench(args = [1_460, 65_536])]
fn large_events(bencher: Bencher<'_, '_>, piece: usize) {
    measure(bencher, &stream(4_000, "\n"), piece);
}

/// CRLF line ends.
#[divan::bench(args = [1_460, 65_536])]
fn crlf(bencher: Bencher<'_, '_>, piece: usize) {
    measure(bencher, &stream(20, "\r\n"), piece);
}

/// A request like Claude Code's: system prompt, tools, a conversation, with the members the forwarder wants at the end.
#[divan::bench(args = [2_000, 100_000, 2_000_000])]
fn peek_request(bencher: Bencher<'_, '_>, bytes: usize) {
    let turn = json!({ "role": "user", "content": [{ "type": "text", "text": "fn main() {\n    say(\"hi\");\n}\n".repeat(20) }] });
    let turns = vec![turn; bytes / 800];
    let tools = vec![json!({ "name": "Bash", "input_schema": { "type": "object", "properties": {} } }); 16];
    let text =
        json!({ "messages": turns, "tools": tools, "model": "claude-opus-4-8", "stream": true }).to_string();
    let body = Bytes::from(text);
    assert!(peek(&body).stream, "the body is understood");
    bencher.counter(BytesCount::of_slice(&body)).bench(|| peek(black_box(&body)));
}
