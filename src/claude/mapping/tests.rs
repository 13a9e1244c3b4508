//! Rules, the replaced value and nothing but it, and names that mean the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::claude::request::peek;

fn rules(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect()
}

/// The body as it goes out when its model is replaced by `target`.
fn mapped(body: &str, target: &str) -> String {
    let span = peek(body.as_bytes()).model_span.expect("a body with a model");
    let pieces = splice(&Bytes::from(body.to_owned()), &span, target);
    String::from_utf8(pieces.concat()).unwrap()
}

#[test]
fn the_first_rule_that_fits_counts() {
    let rules =
        rules(&[("opus", "exact"), ("claude-haiku-*", "small"), ("claude-*", "large"), ("*", "rest")]);
    for (model, expected) in [
        ("opus", "exact"),
        ("claude-haiku-4-5", "small"),
        ("claude-haiku-", "small"),
        ("claude-haiku", "large"),
        ("opus-2", "rest"),
        ("", "rest"),
    ] {
        assert_eq!(target(&rules, model), Some(expected), "{model}");
    }
    assert_eq!(target(&rules[..2], "claude-opus"), None);
    assert_eq!(target(&[], "opus"), None);
}

#[test]
fn only_the_value_changes_wherever_it_stands() {
    for (before, after) in [
        ("{\"model\":", ",\"max_tokens\":1,\"stream\":true}"),
        ("{\"max_tokens\":1,\"model\":", ",\"stream\":true}"),
        ("{\"max_tokens\":1,\"model\":", "}"),
        ("{\n  \"max_tokens\" : 1,\r\n\t\"model\" :  ", "  ,\n  \"stream\": true\n}\n"),
        ("{\"m\\u006fdel\":", ",\"x\":\"\\u00e9\\/\"}"),
        // What looks like a model inside other values is not one.
        (
            "{\"messages\":[{\"role\":\"user\",\"content\":\"\\\"model\\\":\\\"opus\\\"\",\"model\":\"opus\"}],\"model\":",
            ",\"tools\":[{\"input_schema\":{\"properties\":{\"model\":\"opus\"}}}],\"metadata\":{\"model\":\"opus\"}}",
        ),
        // Of duplicates the last is the model asked for.
        ("{\"model\":\"opus\",\"model\":7,\"model\":", "}"),
    ] {
        for value in ["\"opus\"", "\"op\\u0075s\"", "\"\""] {
            let body = [before, value, after].concat();
            assert_eq!(mapped(&body, "relay-small"), [before, "\"relay-small\"", after].concat());
        }
    }
}

#[test]
fn the_target_is_written_as_json() {
    let odd = "a\"b\\c\n\u{1}é";
    let body: Value = serde_json::from_str(&mapped("{\"model\":\"m\",\"n\":1}", odd)).unwrap();
    assert_eq!(body, json!({"model": odd, "n": 1}));
}

#[test]
fn a_model_that_is_no_string_has_no_place_to_be_replaced() {
    for body in
        ["{\"model\":7}", "{\"model\":null}", "{\"model\":{\"a\":\"b\"}}", "{}", "{\"model\":\"m\"", "[]"]
    {
        assert_eq!(peek(body.as_bytes()).model_span, None, "{body}");
    }
}

#[test]
fn a_date_at_the_end_is_the_same_model() {
    for (a, b) in [("haiku-4-5", "haiku-4-5"), ("haiku-4-5", "haiku-4-5-20251001")] {
        assert!(is_same_model(a, b) && is_same_model(b, a), "{a} {b}");
    }
    for (a, b) in [
        ("haiku-4", "haiku-4-5"),
        ("haiku-4-5", "haiku-4-5-2025100"),
        ("haiku-4-5", "haiku-4-520251001"),
        ("haiku-4-5", "haiku-4-5-2025100x"),
        ("haiku-20250101", "haiku-20250102"),
        ("opus", "haiku"),
    ] {
        assert!(!is_same_model(a, b) && !is_same_model(b, a), "{a} {b}");
    }
}

proptest! {
    #[test]
    fn everything_but_the_model_survives(
        model in ".{0,20}", target in ".{0,20}", text in ".{0,60}", first in any::<bool>(), pretty in any::<bool>(),
    ) {
        let text = json!(text);
        let model = json!(model);
        let gap = if pretty { "\n  " } else { "" };
        let body = if first {
            format!("{{{gap}\"model\":{gap}{model}{gap},\"messages\":{text}}}")
        } else {
            format!("{{{gap}\"messages\":{text},{gap}\"model\":{model}{gap}}}")
        };
        let sent = mapped(&body, &target);
        let seen = peek(sent.as_bytes());
        prop_assert_eq!(seen.model.as_deref(), Some(target.as_str()));
        prop_assert_eq!(mapped(&sent, model.as_str().unwrap()), body);
    }
}
