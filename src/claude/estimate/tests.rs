//! Every kind of block counts, and the sum is near what an endpoint counts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::claude::fixtures::conversation;

const RATIO: f64 = 4.0;

fn estimate(body: &Value) -> u64 {
    tokens(body.to_string().as_bytes(), RATIO).unwrap()
}

/// What one block adds to a message, at one character per token.
fn block(block: Value) -> u64 {
    let with = |content: Value| {
        let body = json!({"messages": [{"role": "user", "content": content}]}).to_string();
        tokens(body.as_bytes(), 1.0).unwrap()
    };
    with(json!([block])) - with(json!([]))
}

#[test]
fn every_kind_of_block_counts() {
    let text = "x".repeat(1000);
    let results = json!([{"type": "text", "text": text}, {"type": "text", "text": "more"}]);
    for (kind, value, expected) in [
        ("text", json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}), 1000),
        ("thinking", json!({"type": "thinking", "thinking": text, "signature": "AAAA"}), 1000),
        ("hidden thinking", json!({"type": "thinking", "thinking": "", "signature": "A".repeat(400)}), 300),
        ("redacted", json!({"type": "redacted_thinking", "data": "A".repeat(400)}), 300),
        (
            "tool_use",
            json!({"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"p": text}}),
            1012,
        ),
        ("server_tool_use", json!({"type": "server_tool_use", "id": "x", "name": "web", "input": {}}), 5),
        ("tool_result", json!({"type": "tool_result", "tool_use_id": "t", "content": text}), 1000),
        ("nested result", json!({"type": "tool_result", "tool_use_id": "t", "content": results}), 1004),
        ("empty result", json!({"type": "tool_result", "tool_use_id": "t"}), 0),
        ("image by url", json!({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}), 1600),
        ("unknown", json!({"type": "future", "payload": [1, 2, 3]}), 35),
        (
            "text document",
            json!({"type": "document", "title": "T", "source": {"type": "text", "data": text}}),
            1001,
        ),
        (
            "blocks in a document",
            json!({"type": "document", "source": {"type": "content", "content": results}}),
            1004,
        ),
        ("pdf", json!({"type": "document", "source": {"type": "base64", "data": "A".repeat(200_000)}}), 6000),
        (
            "pdf by url",
            json!({"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}}),
            2000,
        ),
        ("string", json!("plain"), 5),
        ("null text", json!({"type": "text", "text": null}), 0),
    ] {
        assert_eq!(block(value), expected, "{kind}");
    }
    let image = "iVBORw0KGgoAAAANSUhEUgAAA+gAAAJY";
    let image = json!({"type": "image", "source": {"type": "base64", "data": image}});
    assert_eq!(block(image.clone()), 800, "1000 by 600 pixels");
    assert_eq!(block(json!({"type": "tool_result", "content": [image]})), 800);
    let search = json!({"type": "web_search_tool_result", "content": [{"encrypted_content": text}]});
    assert_eq!(block(search.clone()), search.to_string().len() as u64);
}

#[test]
fn system_and_tools_count_in_every_form() {
    let plain = estimate(&json!({"messages": []}));
    let text = "You are helpful. ".repeat(100);
    for system in [json!(text), json!([{"type": "text", "text": text}]), json!([text])] {
        assert_eq!(estimate(&json!({"messages": [], "system": system})) - plain, 425);
    }
    let tool = json!({"name": "Bash", "description": text, "input_schema": {"type": "object"}});
    let compact = json!({"messages": [], "tools": [tool, tool]});
    assert_eq!(estimate(&compact) - plain, (2 * tool.to_string().len() as u64).div_ceil(4));
    let pretty = serde_json::to_string_pretty(&compact).unwrap();
    assert_eq!(tokens(pretty.as_bytes(), RATIO), Some(estimate(&compact)), "white space is no prompt");
}

#[test]
fn the_ratio_is_characters_per_token() {
    let body = json!({"messages": [{"role": "user", "content": "x".repeat(12_000)}]}).to_string();
    for (ratio, expected) in [(4.0, 3_007), (3.0, 4_007), (0.1, 120_007)] {
        assert_eq!(tokens(body.as_bytes(), ratio), Some(expected));
    }
}

#[test]
fn other_scripts_count_more_than_their_characters() {
    assert_eq!(block(json!({"type": "text", "text": "漢字"})), 6);
    let escaped = br#"{"messages":[{"content":"\u6f22\u5b57\n"}]}"#;
    let plain = "{\"messages\":[{\"content\":\"漢字 \"}]}";
    assert_eq!(tokens(escaped, 1.0), tokens(plain.as_bytes(), 1.0));
}

#[test]
fn only_a_whole_object_is_counted() {
    for body in ["", "[]", "{", "{\"messages\":[", "not JSON", "{\"messages\":[]} x"] {
        assert_eq!(tokens(body.as_bytes(), RATIO), None, "{body}");
    }
    assert_eq!(tokens(b"{}", RATIO), Some(PER_REQUEST));
}

#[test]
fn what_has_another_shape_counts_by_its_length() {
    for (body, least) in [
        (r#"{"messages":{"odd":"0123456789"}}"#, 20),
        (r#"{"messages":["0123456789"]}"#, 10),
        (r#"{"messages":[{"content":{"odd":"0123456789"}}]}"#, 20),
        (r#"{"messages":[{"content":[7,["0123456789"],{"type":7}]}]}"#, 20),
        (r#"{"messages":[{"content":"\ud83e cut"}]}"#, 10),
        (r#"{"messages":[{"content":[{"type":"document","source":"0123456789"}]}]}"#, 10),
    ] {
        assert!(tokens(body.as_bytes(), 1.0).unwrap() >= least, "{body}");
    }
}

#[test]
fn deep_nesting_ends_somewhere() {
    let open = r#"{"type":"tool_result","content":["#.repeat(50_000);
    let body = format!("{{\"messages\":[{{\"content\":[{open}{}]}}]}}", "]}".repeat(50_000));
    assert!(tokens(body.as_bytes(), RATIO).unwrap() > 100_000);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(body in "(?s).{0,200}") {
        let _ = tokens(body.as_bytes(), RATIO);
    }

    /// The rule of the measure endpoint: about four bytes of body to a token.
    #[test]
    fn a_conversation_is_near_its_size(turns in 1usize..12, tools in 0usize..20) {
        let body = conversation(turns, tools).to_string();
        let counted = body.len() as f64 / 4.0;
        let estimated = tokens(body.as_bytes(), RATIO).unwrap() as f64;
        prop_assert!((estimated / counted - 1.0).abs() < 0.25, "{estimated} of {counted}");
    }
}
