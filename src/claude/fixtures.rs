//! Streams and bodies as real upstreams send them, for the tests of this module tree.

use serde_json::{Value, json};

/// How the lines of a stream end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LineEnd {
    Lf,
    CrLf,
    Cr,
}

/// JSON with `type` as the first member of every object, as the API writes it.
fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key != "type");
            let members: Vec<_> =
                members.iter().map(|(k, v)| format!("{}:{}", json!(k), written(v))).collect();
            format!("{{{}}}", members.join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// One event in the API's form: name line, data line, blank line.
pub(crate) fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {}\n\n", written(data))
}

/// `message_start` with this `usage`.
pub(crate) fn message_start(usage: Value) -> String {
    let message = json!({
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-opus-4-8", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    event("message_start", &json!({"type": "message_start", "message": message}))
}

/// `message_delta` with this stop reason and `usage`.
pub(crate) fn message_delta(stop_reason: Value, usage: Value) -> String {
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
    event("message_delta", &json!({"type": "message_delta", "delta": delta, "usage": usage}))
}

/// `message_stop`.
pub(crate) fn message_stop() -> String {
    event("message_stop", &json!({"type": "message_stop"}))
}

/// `ping`.
pub(crate) fn ping() -> String {
    event("ping", &json!({"type": "ping"}))
}

/// An `error` event in the API's shape.
pub(crate) fn error_event(kind: &str, message: &str) -> String {
    event("error", &json!({"type": "error", "error": {"type": kind, "message": message}}))
}

/// A `content_block_start` with this block.
pub(crate) fn block_start(index: usize, block: Value) -> String {
    event(
        "content_block_start",
        &json!({"type": "content_block_start", "index": index, "content_block": block}),
    )
}

/// A `content_block_delta` with this delta.
pub(crate) fn block_delta(index: usize, delta: Value) -> String {
    event("content_block_delta", &json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

/// A `content_block_stop`.
pub(crate) fn block_stop(index: usize) -> String {
    event("content_block_stop", &json!({"type": "content_block_stop", "index": index}))
}

/// A whole block: start, one delta per entry, stop.
fn block(index: usize, start: Value, deltas: impl IntoIterator<Item = Value>) -> String {
    let deltas: String = deltas.into_iter().map(|d| block_delta(index, d)).collect();
    block_start(index, start) + &deltas + &block_stop(index)
}

/// A turn as Claude Code sees it: a ping, signed thinking, text in `words` pieces (multi-byte characters included), a
/// tool call, and usage with cache reads and both kinds of cache writes.
pub(crate) fn full_stream(words: usize) -> String {
    let text = (0..words).map(|i| json!({"type": "text_delta", "text": format!("wörd {i} 🦀\n")}));
    let thinking = [
        json!({"type": "thinking_delta", "thinking": "Let me see."}),
        json!({"type": "signature_delta", "signature": "Ab+/".repeat(100)}),
    ];
    let input = ["", "{\"path\":", " \"src/lib.rs\"}"]
        .map(|p| json!({"type": "input_json_delta", "partial_json": p}));
    let tool = json!({"type": "tool_use", "id": "toolu_01", "name": "Read", "input": {}});
    [
        message_start(json!({
            "input_tokens": 12, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 110_689,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            "output_tokens": 1, "service_tier": "standard", "inference_geo": "us",
        })),
        ping(),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""}), thinking),
        block(1, json!({"type": "text", "text": ""}), text),
        block(2, tool, input),
        message_delta(
            json!("tool_use"),
            json!({"output_tokens": 582, "server_tool_use": {"web_search_requests": 2}}),
        ),
        message_stop(),
    ]
    .concat()
}

/// The same stream with other line ends.
pub(crate) fn with_line_ends(stream: &str, end: LineEnd) -> Vec<u8> {
    let end = match end {
        LineEnd::Lf => "\n",
        LineEnd::CrLf => "\r\n",
        LineEnd::Cr => "\r",
    };
    stream.replace('\n', end).into_bytes()
}

/// A non-streaming answer.
pub(crate) fn message(content: Value, stop_reason: &str, output_tokens: u64) -> String {
    json!({
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-opus-4-8", "content": content,
        "stop_reason": stop_reason, "usage": {"input_tokens": 3, "output_tokens": output_tokens},
    })
    .to_string()
}

/// A request as Claude Code sends it: a system prompt in blocks, tools with schemas, and turns of prompt, signed
/// thinking, tool call, tool result and answer.
pub(crate) fn conversation(turns: usize, tools: usize) -> Value {
    let code = "fn main() {\n    let path = std::env::args().nth(1);\n    println!(\"{path:?}\");\n}\n";
    let turn = |n: usize| {
        let id = format!("toolu_{n:024}");
        json!([
            {"role": "user", "content": [{"type": "text", "text": format!("Step {n}: {}", "please read the file and explain what it does. ".repeat(6))}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "The user wants me to read a file first. ".repeat(8), "signature": "Ab+/".repeat(60)},
                {"type": "tool_use", "id": id, "name": "Read", "input": {"file_path": format!("/home/user/project/src/module_{n}.rs"), "limit": 200}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": code.repeat(12)}]}]},
            {"role": "assistant", "content": [{"type": "text", "text": "It prints its first argument. ".repeat(12)}]},
        ])
    };
    let messages: Vec<Value> =
        (0..turns).flat_map(|n| turn(n).as_array().cloned().unwrap_or_default()).collect();
    let tool = |n: usize| {
        json!({
            "name": format!("Tool{n}"),
            "description": "Reads a file from the local file system. You can access any file directly. ".repeat(6),
            "input_schema": {
                "type": "object", "required": ["file_path"], "additionalProperties": false,
                "properties": {
                    "file_path": {"type": "string", "description": "The absolute path to the file to read"},
                    "limit": {"type": "number", "description": "The number of lines to read"},
                },
            },
        })
    };
    let system = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are an interactive tool that helps with software engineering. ".repeat(40), "cache_control": {"type": "ephemeral"}},
    ]);
    json!({
        "model": "claude-opus-4-8", "messages": messages, "system": system,
        "tools": (0..tools).map(tool).collect::<Vec<_>>(),
    })
}
