use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SESSION: &str = "4f9e3c2a-1111-4222-8333-944455556666";

/// A body in Claude Code's order: `stream` last, behind the tools.
fn claude_code_body() -> Vec<u8> {
    let user_id =
        json!({"device_id": "ab".repeat(32), "account_uuid": "", "session_id": SESSION}).to_string();
    let tools: Vec<Value> = (0..24)
        .map(|i| {
            json!({"name": format!("Tool{i}"), "description": "a \"stream\": true, {[ in text\n".repeat(120),
                        "input_schema": {"type": "object", "properties": {"model": {"stream": true}}}})
        })
        .collect();
    let mut body =
        br#"{"model":"claude-opus-4-8","messages":[{"role":"system","content":"x"}],"tools":"#.to_vec();
    body.extend(serde_json::to_vec(&tools).unwrap());
    body.extend(format!(r#","metadata":{},"#, json!({ "user_id": user_id })).bytes());
    body.extend(br#""max_tokens":64000,"thinking":{"type":"adaptive"},"stream":true}"#);
    body
}

#[test]
fn class_of_method_and_path() {
    let cases = [
        (Method::POST, "/v1/messages", Class::Messages),
        (Method::GET, "/v1/messages", Class::Other),
        (Method::POST, "/v1/messages/", Class::Other),
        (Method::POST, "//v1/messages", Class::Other),
        (Method::POST, "/v1//messages", Class::Other),
        (Method::POST, "/V1/messages", Class::Other),
        (Method::POST, "/v1/messages/count_tokens", Class::CountTokens),
        (Method::GET, "/v1/messages/count_tokens", Class::Other),
        (Method::POST, "/v1/messages/batches", Class::Batches),
        (Method::GET, "/v1/messages/batches/msgbatch_1/results", Class::Batches),
        (Method::POST, "/v1/messages/batchesx", Class::Other),
        (Method::GET, "/v1/models", Class::Models),
        (Method::GET, "/v1/models/claude-opus-4-8", Class::Models),
        (Method::GET, "/v1/modelsx", Class::Other),
        (Method::DELETE, "/v1/files/file_1", Class::Files),
        (Method::HEAD, "/", Class::Other),
        (Method::POST, "", Class::Other),
    ];
    for (method, path, class) in cases {
        assert_eq!(Class::of(&method, path), class, "{method} {path}");
    }
}

#[test]
fn class_names_are_the_same_everywhere() {
    for class in
        [Class::Messages, Class::CountTokens, Class::Models, Class::Batches, Class::Files, Class::Other]
    {
        assert_eq!(serde_json::to_value(class).unwrap(), class.to_string());
    }
}

#[test]
fn a_claude_code_body_is_read_to_its_last_field() {
    let body = claude_code_body();
    assert!(body.len() > 64 * 1024);
    let peek = peek(&body);
    assert_eq!(peek.model.as_deref(), Some("claude-opus-4-8"));
    assert_eq!(&body[peek.model_span.unwrap()], br#""claude-opus-4-8""#);
    assert!(peek.stream);
    assert_eq!(peek.session.as_deref(), Some(SESSION));
    assert_eq!(peek.max_tokens, Some(64_000));
}

#[test]
fn streaming_is_the_literal_true_at_the_top_level_and_nothing_else() {
    let cases = [
        (r#"{"stream":true}"#, true),
        (r#"{"\u0073tream" : true}"#, true),
        ("{\n  \"stream\": true\n}\r\n", true),
        (r#"{"stream":true,"stream":false}"#, false),
        (r#"{"stream":false,"stream":true}"#, true),
        (r#"{"stream":"true"}"#, false),
        (r#"{"stream":1}"#, false),
        (r#"{"x":{"stream":true}}"#, false),
        (r#"{"x":"\"stream\":true"}"#, false),
        (r#"[{"stream":true}]"#, false),
        (r#"{"stream":true"#, false),
        (r#"{"stream":true} trailing"#, false),
        (r#"{"stream":true,"x":[}"#, false),
        (r#"{"stream":true,"model":"\q"}"#, false),
    ];
    for (body, stream) in cases {
        assert_eq!(peek(body.as_bytes()).stream, stream, "{body}");
    }
}

#[test]
fn the_last_model_counts_and_its_span_is_its_own() {
    let body = br#"{"model":"a","model": "b\u0063" }"#;
    let found = peek(body);
    assert_eq!(found.model.as_deref(), Some("bc"));
    assert_eq!(&body[found.model_span.unwrap()], br#""b\u0063""#);
    let found = peek(br#"{"model":"a","model":7}"#);
    assert_eq!((found.model, found.model_span), (None, None));
}

#[test]
fn sessions_in_both_forms_of_user_id() {
    let with =
        |user_id: Value| peek(json!({"metadata": {"user_id": user_id}}).to_string().as_bytes()).session;
    let old = format!("user_{}_account_0123_session_{SESSION}", "0a".repeat(32));
    assert_eq!(with(old.into()).as_deref(), Some(SESSION));
    assert_eq!(with(json!({"session_id": SESSION}).to_string().into()).as_deref(), Some(SESSION));
    for no_session in
        [json!("someone"), json!(""), json!("x_session_"), json!(5), json!("{\"session_id\":7}")]
    {
        assert_eq!(with(no_session.clone()), None, "{no_session}");
    }
    assert_eq!(with(format!("x_session_{}", "a".repeat(129)).into()), None);
    assert_eq!(with("x_session_a\u{1b}[2J".into()), None);
    assert_eq!(peek(br#"{"metadata":null,"stream":true}"#).session, None);
}

#[test]
fn deep_nesting_is_no_trouble() {
    let body = format!(r#"{{"x":{}{},"stream":true}}"#, "[".repeat(3_000_000), "]".repeat(3_000_000));
    assert!(peek(body.as_bytes()).stream);
}

/// The same facts by way of a strict parser.
fn reference(body: &[u8]) -> Peek {
    let Ok(Value::Object(top)) = serde_json::from_slice(body) else {
        return Peek::default();
    };
    let user_id = top.get("metadata").and_then(|m| m.get("user_id")).and_then(Value::as_str);
    let session = user_id.and_then(|user_id| match serde_json::from_str::<Value>(user_id) {
        Ok(Value::Object(inner)) => inner.get("session_id").and_then(Value::as_str).map(str::to_owned),
        _ => user_id.rsplit_once("_session_").map(|(_, id)| id.to_owned()),
    });
    Peek {
        model: top.get("model").and_then(Value::as_str).map(str::to_owned),
        model_span: None,
        stream: top.get("stream") == Some(&Value::Bool(true)),
        session: session.filter(|id| is_plausible_session(id)),
        max_tokens: top.get("max_tokens").and_then(Value::as_u64),
    }
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["model", "stream", "metadata", "user_id", "max_tokens", "a\"b", "{["])
            .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "\\",
            "\"",
            "\\\"",
            "{\"session_id\":\"s-1\"}",
            "u_session_s-2",
            "]}",
            "\u{2028}"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..6)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Writes every character of every string as a unicode escape.
fn escaped(value: &Value) -> String {
    let escape = |s: &str| s.encode_utf16().map(|u| format!("\\u{u:04x}")).collect::<String>();
    match value {
        Value::String(s) => format!("\"{}\"", escape(s)),
        Value::Array(items) => format!("[{}]", items.iter().map(escaped).collect::<Vec<_>>().join(" ,")),
        Value::Object(map) => {
            let member = |(k, v): (&String, &Value)| format!("\"{}\":{}", escape(k), escaped(v));
            format!("{{{}}}", map.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn check(body: &[u8]) {
    let found = peek(body);
    if let Some(span) = found.model_span.clone() {
        assert_eq!(serde_json::from_slice::<String>(&body[span]).ok(), found.model);
    }
    assert_eq!(found.model.is_some(), found.model_span.is_some());
    assert_eq!(Peek { model_span: None, ..found }, reference(body), "{}", String::from_utf8_lossy(body));
}

proptest! {
    #[test]
    fn peek_agrees_with_a_strict_parser(value in any_json()) {
        check(value.to_string().as_bytes());
        check(&serde_json::to_vec_pretty(&value).unwrap());
        check(escaped(&value).as_bytes());
    }

    #[test]
    fn no_part_of_a_body_is_taken_for_the_whole(value in any_json(), cut in any::<prop::sample::Index>()) {
        let body = json!({"stream": true, "model": "m", "x": value}).to_string();
        let cut = cut.index(body.len());
        prop_assert_eq!(peek(&body.as_bytes()[..cut]), Peek::default());
    }

    #[test]
    fn whatever_a_strict_parser_takes_is_read_the_same(
        value in any_json(),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"{}[]\",:\\ 1tn".to_vec()),
    ) {
        let mut body = json!({"model": "m", "x": value, "stream": true}).to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        if serde_json::from_slice::<Value>(&body).is_ok() {
            check(&body);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        peek(&bytes);
    }
}

#[test]
fn what_costs_money_by_itself() {
    for (method, path, billed) in [
        (Method::POST, "/v1/messages", true),
        (Method::POST, "/v1/messages/batches", true),
        (Method::GET, "/v1/messages/batches", false),
        (Method::POST, "/v1/messages/batches/b_1/cancel", false),
        (Method::POST, "/v1/messages/count_tokens", false),
        (Method::GET, "/v1/models", false),
        (Method::POST, "/v1/files", false),
        (Method::POST, "/api/event_logging/batch", false),
    ] {
        assert_eq!(Class::of(&method, path).is_billed(&method, path), billed, "{method} {path}");
    }
}
