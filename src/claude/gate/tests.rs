use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::claude::fixtures::*;
use crate::claude::request::Class;
use crate::claude::sse::Decoder;
use crate::claude::wire::ApiError;

/// Runs a stream through decoder and gate in pieces of `size` bytes: the ruling after the last piece, and after the end.
fn run(stream: &[u8], size: usize) -> (Ruling, Ruling) {
    let (mut decoder, mut gate) = (Decoder::new(), StreamGate::new());
    for piece in stream.chunks(size) {
        gate.on_bytes(piece);
        decoder.feed(piece, &mut |e| _ = gate.on_event(e.kind(), &e)).unwrap();
    }
    let open = gate.ruling().clone();
    decoder.finish(&mut |e| _ = gate.on_event(e.kind(), &e));
    (open, gate.on_end().clone())
}

fn while_open(stream: &str) -> Ruling {
    run(stream.as_bytes(), usize::MAX).0
}

fn at_end(stream: &str) -> Ruling {
    run(stream.as_bytes(), usize::MAX).1
}

fn fail(failure: GateFailure) -> Ruling {
    Ruling::Fail(failure)
}

fn start() -> String {
    message_start(json!({"input_tokens": 5, "output_tokens": 1}))
}

fn error(kind: &str, message: &str) -> GateFailure {
    GateFailure::ErrorEvent { kind: kind.into(), message: message.into() }
}

fn empty_text() -> String {
    block_start(0, json!({"type": "text", "text": ""}))
}

#[test]
fn preliminaries_do_not_commit() {
    let preliminaries =
        ": hello\n\n".to_owned() + &start() + &ping() + &event("vendor_news", &json!({"a": 1}));
    assert_eq!(while_open(&preliminaries), Ruling::Hold);
    assert_eq!(while_open(""), Ruling::Hold);
}

#[test]
fn any_kind_of_content_commits() {
    let blocks = [
        json!({"type": "text", "text": "x"}),
        json!({"type": "tool_use", "id": "t", "name": "n", "input": {}}),
        json!({"type": "redacted_thinking", "data": "x"}),
        json!({"type": "fallback"}),
        json!({"type": "web_search_tool_result", "tool_use_id": "t", "content": []}),
    ];
    for block in blocks {
        assert_eq!(while_open(&(start() + &block_start(0, block.clone()))), Ruling::Commit, "{block}");
    }
    let deltas = [
        json!({"type": "text_delta", "text": "x"}),
        json!({"type": "input_json_delta", "partial_json": ""}),
        json!({"type": "thinking_delta", "thinking": "x"}),
        json!({"type": "signature_delta", "signature": "x"}),
        json!({"type": "citations_delta", "citation": {}}),
        json!({"type": "new_delta"}),
    ];
    for delta in deltas {
        assert_eq!(while_open(&(start() + &block_delta(0, delta.clone()))), Ruling::Commit, "{delta}");
    }
}

#[test]
fn an_empty_block_alone_is_no_content() {
    let thinking = block_start(0, json!({"type": "thinking", "thinking": "", "signature": ""}));
    let empty_delta = block_delta(0, json!({"type": "text_delta", "text": ""}));
    let stream = start() + &thinking + &block_stop(0) + &empty_text() + &empty_delta + &block_stop(0);
    assert_eq!(while_open(&stream), Ruling::Hold);
    assert_eq!(
        while_open(&(stream + &error_event("overloaded_error", "x"))),
        fail(error("overloaded_error", "x"))
    );
}

#[test]
fn a_stop_reason_commits_and_a_refusal_is_an_answer() {
    for reason in ["refusal", "max_tokens", "tool_use", "pause_turn"] {
        let stream = start() + &message_delta(json!(reason), json!({"output_tokens": 0}));
        assert_eq!(while_open(&stream), Ruling::Commit, "{reason}");
    }
    assert_eq!(
        while_open(&(start() + &message_delta(Value::Null, json!({"output_tokens": 3})))),
        Ruling::Hold
    );
}

#[test]
fn an_empty_completion_is_found() {
    let delta = |usage| message_delta(json!("end_turn"), usage);
    let no_start_output = message_start(json!({"input_tokens": 5}));
    let empty = fail(GateFailure::EmptyCompletion);
    assert_eq!(while_open(&(start() + &delta(json!({"output_tokens": 0})))), empty);
    assert_eq!(
        while_open(&(start() + &empty_text() + &block_stop(0) + &delta(json!({"output_tokens": 0})))),
        empty
    );
    assert_eq!(while_open(&(no_start_output + &delta(json!({})))), empty);
    assert_eq!(while_open(&(start() + &delta(json!({"output_tokens": 2})))), Ruling::Commit);
    assert_eq!(while_open(&(start() + &delta(json!({})))), Ruling::Commit, "message_start said 1");
}

#[test]
fn error_events_fail_whatever_came_before() {
    let overloaded = error_event("overloaded_error", "Overloaded");
    let expected = fail(error("overloaded_error", "Overloaded"));
    assert_eq!(while_open(&overloaded), expected);
    assert_eq!(while_open(&(ping() + &overloaded)), expected);
    assert_eq!(while_open(&(start() + &overloaded)), expected);
    assert_eq!(while_open("event: error\ndata: busy\n\n"), fail(error("unknown_error", "busy")));
    assert_eq!(
        while_open("data: {\"type\":\"error\",\"error\":\"busy\"}\n\n"),
        fail(error("unknown_error", "busy"))
    );
    let Ruling::Fail(GateFailure::ErrorEvent { message, .. }) =
        while_open(&error_event("x", &"é".repeat(9_000)))
    else {
        panic!("no error event");
    };
    assert_eq!(message.chars().count(), 1024);
}

#[test]
fn what_an_upstream_wrote_is_not_in_the_text_of_a_failure() {
    let odd_kind = while_open(&error_event("\u{1b}[2J", "secret"));
    assert_eq!(odd_kind, fail(error("unknown_error", "secret")));
    let text = error("overloaded_error", "secret").to_string();
    assert!(!text.contains("overloaded_error") && !text.contains("secret"), "{text}");
}

#[test]
fn ends_before_content() {
    assert_eq!(at_end(""), fail(GateFailure::Empty));
    assert_eq!(at_end("\n\n"), fail(GateFailure::Empty));
    assert_eq!(at_end(": keep-alive\n\n"), fail(GateFailure::Empty));
    assert_eq!(at_end(&ping()), fail(GateFailure::Empty));
    assert_eq!(at_end(&start()), fail(GateFailure::Cut));
    assert_eq!(at_end(&(start() + &empty_text())), fail(GateFailure::Cut));
    assert_eq!(at_end(&start()[..40]), fail(GateFailure::Cut));
    assert_eq!(at_end("event: message_st"), fail(GateFailure::Cut));
    assert_eq!(at_end("upstream connect error"), fail(GateFailure::Malformed));
    assert_eq!(while_open(&(start() + &message_stop())), fail(GateFailure::Empty));
}

#[test]
fn a_cut_inside_the_first_content_frame_does_not_commit() {
    let content = block_delta(0, json!({"type": "text_delta", "text": "hello"}));
    let stream = start() + &content[..content.len() - 6];
    assert_eq!(at_end(&stream), fail(GateFailure::Cut));
    assert_eq!(at_end((start() + &content).trim_end()), Ruling::Commit);
}

#[test]
fn malformed_frames_of_known_events_fail() {
    for data in ["{", "[DONE]", "oops", "{\"type\":\"message_start\"", "\"x\"", "{\"a\":[1,,2]}"] {
        let stream = format!("event: content_block_delta\ndata: {data}\n\n");
        assert_eq!(while_open(&(start() + &stream)), fail(GateFailure::Malformed), "{data}");
    }
    assert_eq!(
        while_open("data: [DONE]\n\nevent: ping\ndata: pong\n\nevent: new\ndata: x\n\n"),
        Ruling::Hold
    );
}

#[test]
fn web_pages_and_json_are_no_streams() {
    assert_eq!(while_open("\u{feff} \n<!DOCTYPE html>"), fail(GateFailure::Html));
    assert_eq!(while_open("{\"type\":\"mess"), Ruling::Hold);
    let whole = message(json!([{"type": "text", "text": "x"}]), "end_turn", 3);
    assert_eq!(at_end(&whole), fail(GateFailure::JsonInsteadOfStream));
    assert_eq!(at_end("[]"), fail(GateFailure::JsonInsteadOfStream));
    let object = r#" {"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    let expected = GateFailure::ErrorObject { kind: "overloaded_error".into(), message: "m".into() };
    assert_eq!(run(object.as_bytes(), 3).1, fail(expected));
}

#[test]
fn what_was_held_long_enough_goes_out_unless_it_is_json() {
    let mut gate = StreamGate::new();
    gate.on_bytes(start().as_bytes());
    assert_eq!(gate.on_hold_expired(), &Ruling::Commit);
    let mut gate = StreamGate::new();
    gate.on_bytes(b"{\"type\":");
    assert_eq!(gate.on_hold_expired(), &fail(GateFailure::JsonInsteadOfStream));
}

#[test]
fn the_first_ruling_is_final() {
    let content = block_delta(0, json!({"type": "text_delta", "text": "x"}));
    let late_error = start() + &content + &error_event("api_error", "m");
    assert_eq!(at_end(&late_error), Ruling::Commit);
    assert_eq!(at_end(&(error_event("api_error", "m") + &content)), fail(error("api_error", "m")));
}

fn body(class: Class, body: &str) -> Ruling {
    let mut gate = BodyGate::new(class);
    gate.on_bytes(body.as_bytes());
    gate.on_end(body.as_bytes()).clone()
}

#[test]
fn whole_bodies() {
    let text = json!([{"type": "text", "text": "x"}]);
    let no_object = fail(GateFailure::NotJson);
    let cases = [
        (message(text.clone(), "end_turn", 3), Ruling::Commit),
        (message(text, "end_turn", 0), Ruling::Commit),
        (message(json!([]), "end_turn", 2), Ruling::Commit),
        (message(json!([]), "refusal", 0), Ruling::Commit),
        (message(json!([]), "end_turn", 0), fail(GateFailure::EmptyCompletion)),
        (message(json!([{"type": "text", "text": ""}]), "end_turn", 0), fail(GateFailure::EmptyCompletion)),
        (r#"{"type":"message","stop_reason":"end_turn"}"#.into(), fail(GateFailure::EmptyCompletion)),
        (String::new(), fail(GateFailure::Empty)),
        (" \n".into(), fail(GateFailure::Empty)),
        ("<html></html>".into(), fail(GateFailure::Html)),
        (r#"{"type":"message","content":[{"#.into(), fail(GateFailure::Malformed)),
        ("[1]".into(), no_object.clone()),
        ("upstream connect error".into(), no_object.clone()),
        (start(), no_object),
        (
            r#"{"error":{"type":"overloaded_error","message":"m"}}"#.into(),
            fail(GateFailure::ErrorObject { kind: "overloaded_error".into(), message: "m".into() }),
        ),
        (
            r#"{"type":"error"}"#.into(),
            fail(GateFailure::ErrorObject { kind: "unknown_error".into(), message: String::new() }),
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(body(Class::Messages, &json), expected, "{json}");
    }
}

#[test]
fn a_count_is_any_whole_object_that_is_no_error() {
    assert_eq!(body(Class::CountTokens, r#"{"input_tokens":14}"#), Ruling::Commit);
    assert_eq!(body(Class::CountTokens, r#"{"stop_reason":"end_turn"}"#), Ruling::Commit);
    assert!(matches!(
        body(Class::CountTokens, r#"{"error":"x"}"#),
        Ruling::Fail(GateFailure::ErrorObject { .. })
    ));
}

#[test]
fn a_large_body_goes_out_but_a_web_page_is_seen_at_once() {
    let mut gate = BodyGate::new(Class::Messages);
    assert_eq!(gate.on_bytes(b"{\"type\""), &Ruling::Hold);
    assert_eq!(gate.on_hold_expired(), &Ruling::Commit);
    let mut gate = BodyGate::new(Class::Messages);
    assert_eq!(gate.on_bytes(b"  "), &Ruling::Hold);
    assert_eq!(gate.on_bytes(b"\n<html>"), &fail(GateFailure::Html));
    assert_eq!(gate.on_hold_expired(), &fail(GateFailure::Html));
}

fn progress(stream: &str) -> StreamProgress {
    let (mut decoder, mut progress) = (Decoder::new(), StreamProgress::new());
    decoder.feed(stream.as_bytes(), &mut |e| progress.on_event(e.kind(), &e)).unwrap();
    decoder.finish(&mut |e| progress.on_event(e.kind(), &e));
    progress
}

#[test]
fn how_streams_end() {
    let stream = full_stream(3);
    let without_stop = stream.strip_suffix(&message_stop()).unwrap();
    let without_delta = &stream[..stream.find("event: message_delta").unwrap()];
    let failed = error_event("api_error", "m");
    let errored = StreamEnd::Errored(ApiError { kind: "api_error".into(), message: "m".into() });
    let cases = [
        (stream.clone(), StreamEnd::Complete),
        (without_stop.into(), StreamEnd::Complete),
        (without_stop.trim_end().into(), StreamEnd::Complete),
        (without_stop[..without_stop.len() - 5].into(), StreamEnd::Cut),
        (without_delta.into(), StreamEnd::Cut),
        (without_delta.to_owned() + &message_stop(), StreamEnd::Complete),
        (without_delta.to_owned() + "event: message_stop\ndata: {\"ty", StreamEnd::Cut),
        (without_delta.to_owned() + &message_delta(Value::Null, json!({})), StreamEnd::Cut),
        (without_delta.to_owned() + &failed, errored.clone()),
        (without_stop.to_owned() + &failed, errored),
        (stream.clone() + &failed, StreamEnd::Complete),
        (String::new(), StreamEnd::Cut),
    ];
    for (stream, end) in cases {
        assert_eq!(progress(&stream).end(), end, "{}", &stream[stream.len().saturating_sub(200)..]);
    }
    assert!(progress(&full_stream(0)).has_message_stop() && progress(without_stop).has_stop_reason());
}

fn any_event() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(start()),
        Just(ping()),
        Just(empty_text()),
        Just(block_stop(0)),
        Just(block_delta(0, json!({"type": "text_delta", "text": "x"}))),
        Just(message_delta(json!("end_turn"), json!({"output_tokens": 0}))),
        Just(message_stop()),
        Just(error_event("overloaded_error", "m")),
        Just("event: message_start\ndata: {\n\n".to_owned()),
        Just(": comment\n\n".to_owned()),
        Just("{\"type\":\"error\"}".to_owned()),
        Just("<p>".to_owned()),
    ]
}

proptest! {
    #[test]
    fn cuts_change_no_ruling(
        events in prop::collection::vec(any_event(), 0..5),
        size in 1usize..50,
        length in any::<prop::sample::Index>(),
    ) {
        let stream = events.concat();
        let part = &stream.as_bytes()[..length.index(stream.len() + 1)];
        prop_assert_eq!(run(part, size).1, run(part, usize::MAX).1);
    }

    #[test]
    fn the_end_always_rules(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_ne!(run(&bytes, 10).1, Ruling::Hold);
    }
}
