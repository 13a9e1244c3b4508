use serde_json::json;

use super::*;

fn error(kind: Option<&str>, message: Option<&str>) -> JsonShape {
    JsonShape::ErrorObject { kind: kind.map(Into::into), message: message.map(Into::into) }
}

#[test]
fn shapes_of_bodies() {
    let cases = [
        (r#"{"type":"message","content":[]}"#, JsonShape::Message),
        (r#"{"type":"message","error":null}"#, JsonShape::Message),
        ("\u{feff}\r\n {\"type\":\"message\"} \n", JsonShape::Message),
        (r#"{"input_tokens":14}"#, JsonShape::OtherObject),
        (r#"{"input_tokens":14,"error":null}"#, JsonShape::OtherObject),
        (r#"{}"#, JsonShape::OtherObject),
        ("[]", JsonShape::NotAnObject),
        ("null", JsonShape::NotAnObject),
        ("\"text\"", JsonShape::NotAnObject),
        ("", JsonShape::Broken),
        ("  ", JsonShape::Broken),
        ("<html>", JsonShape::Broken),
        (r#"{"type":"message","content":["#, JsonShape::Broken),
        (r#"{"type":"message","content":[1,,2]}"#, JsonShape::Broken),
        ("event: ping\n", JsonShape::Broken),
        (
            r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#,
            error(Some("api_error"), Some("m")),
        ),
        (r#"{"error":{"message":"m","code":5}}"#, error(None, Some("m"))),
        (r#"{"error":"m"}"#, error(None, Some("m"))),
        (r#"{"error":true,"message":"m"}"#, error(None, Some("m"))),
        (r#"{"type":"error"}"#, error(None, None)),
    ];
    for (body, expected) in cases {
        assert_eq!(shape(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn only_the_apis_own_shape_is_an_api_error() {
    let body = br#" {"type":"error","error":{"type":"overloaded_error","message":"Over\u006coaded"},"request_id":"r"} "#;
    let expected = ApiError { kind: "overloaded_error".into(), message: "Overloaded".into() };
    assert_eq!(api_error(body), Some(expected));
    for other in [
        r#"{"error":{"type":"x","message":"m"}}"#,
        r#"{"type":"error","error":{"type":"x"}}"#,
        r#"{"type":"error","error":"m"}"#,
        r#"{"type":"error","error":{"type":"x","message":"m"}"#,
        "",
    ] {
        assert_eq!(api_error(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn facts_stand_in_three_places() {
    let start = json!({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}});
    let delta =
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}});
    let body = json!({"model": "m", "stop_reason": "refusal", "usage": {"output_tokens": 3}, "content": [{"model": "x"}]});
    let read = |v: serde_json::Value| {
        let f = facts(v.to_string().as_bytes()).unwrap();
        (f.model, f.stop_reason, f.usage.input, f.usage.output)
    };
    assert_eq!(read(start), (Some("m".into()), None, Some(1), None));
    assert_eq!(read(delta), (None, Some("end_turn".into()), None, Some(2)));
    assert_eq!(read(body), (Some("m".into()), Some("refusal".into()), None, Some(3)));
    assert_eq!(facts(br#"{"model":"m""#), None);
    assert_eq!(facts(b"[DONE]"), None);
}

#[test]
fn a_wrong_count_takes_no_other_with_it() {
    let usage = r#"{"usage":{"input_tokens":-4,"output_tokens":7,"cache_read_input_tokens":1.5,
        "cache_creation_input_tokens":99999999999999999999,"cache_creation":{"ephemeral_5m_input_tokens":1e400,
        "ephemeral_1h_input_tokens":8},"server_tool_use":{"web_search_requests":1000000001},"service_tier":3,"inference_geo":""}}"#;
    let expected = Counts { output: Some(7), cache_write_1h: Some(8), ..Counts::default() };
    assert_eq!(facts(usage.as_bytes()).unwrap().usage, expected);
    for no_usage in [r#"{"usage":null}"#, r#"{"usage":[1]}"#, r#"{"usage":"x"}"#, r#"{"input_tokens":5}"#] {
        assert_eq!(facts(no_usage.as_bytes()).unwrap().usage, Counts::default(), "{no_usage}");
    }
}

#[test]
fn what_says_something() {
    for (block, says) in [
        (r#"{"type":"text","text":""}"#, false),
        (r#"{"type":"text","text":"","citations":null}"#, false),
        (r#"{"type":"thinking","thinking":"","signature":""}"#, false),
        (r#"{"type":"text_delta","text":""}"#, false),
        (r#"{"type":"text","text":" "}"#, true),
        (r#"{"type":"thinking","thinking":"","signature":"abc"}"#, true),
        (r#"{"type":"signature_delta","signature":"abc"}"#, true),
        (r#"{"type":"citations_delta","citation":{"a":1}}"#, true),
        (r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#, true),
        (r#"{"type":"fallback"}"#, true),
        (r#"{"type":"redacted_thinking","data":"x"}"#, true),
        (r#"{"text":"x"}"#, true),
    ] {
        assert_eq!(says_something(block.as_bytes()), says, "{block}");
    }
}

#[test]
fn a_large_body_is_checked_as_a_small_one() {
    for pad in [10, 100_000, 900_000] {
        let pad = "x".repeat(pad);
        let body = |value: &str| format!(r#"{{"type":"message","pad":"{pad}","content":[{{"n":{value}}}]}}"#);
        assert_eq!(shape(body("true").as_bytes()), JsonShape::Message);
        assert_eq!(shape(body("tru").as_bytes()), JsonShape::Broken, "with {} bytes of padding", pad.len());
    }
}

#[test]
fn a_number_that_runs_into_something_else_is_none() {
    for usage in [r#"{"output_tokens":01}"#, r#"{"output_tokens":12abc}"#, r#"{"output_tokens":5"x"}"#] {
        let json = format!(r#"{{"type":"message_delta","usage":{usage}}}"#);
        assert_eq!(facts(json.as_bytes()).unwrap_or_default().usage.output, None, "{usage}");
    }
    assert_eq!(member(br#"{"error":12x}"#, "error"), None);
}
