use proptest::prelude::*;

use super::*;

fn keys(json: &str) -> Result<Vec<(String, String)>, Malformed> {
    members(json.as_bytes())
        .map(|m| {
            m.map(|m| {
                (
                    String::from_utf8(m.key.into_owned()).unwrap(),
                    String::from_utf8_lossy(m.value).into_owned(),
                )
            })
        })
        .collect()
}

fn pairs(list: &[(&str, &str)]) -> Result<Vec<(String, String)>, Malformed> {
    Ok(list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

#[test]
fn members_come_in_order_with_their_raw_values() {
    let json = " { \"a\" : [1, {\"a\":2}] ,\n\"b\":\"x\\\"}\" , \"\\u0061\" : -1.5e3,\"d\":{} } \n";
    let expected = [("a", "[1, {\"a\":2}]"), ("b", "\"x\\\"}\""), ("a", "-1.5e3"), ("d", "{}")];
    assert_eq!(keys(json), pairs(&expected));
    assert_eq!(keys("{}"), pairs(&[]));
}

#[test]
fn spans_point_at_the_value() {
    let json = br#"{"x":1, "model" : "m" }"#;
    let last = members(json).last().unwrap().unwrap();
    assert_eq!(&json[last.span], br#""m""#);
}

#[test]
fn anything_but_one_whole_object_is_malformed() {
    for json in [
        "",
        " ",
        "null",
        "[]",
        "\"a\"",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{\"a\":tru}",
        "{\"a\":01}",
        "{\"a\":[}}",
        "{\"a\":[1}",
        "{\"a\":{]}",
        "{\"a\":\"\\\"}",
        "{a:1}",
        "{\"\\x\":1}",
        "{\"a\":}",
        "{\"a\":1]",
    ] {
        let last = members(json.as_bytes()).last();
        assert_eq!(last, Some(Err(Malformed)), "{json:?}");
    }
}

#[test]
fn text_and_uint_take_only_their_type() {
    assert_eq!(text(b"\"a\\n\\u00e9\""), Ok(Some("a\né".into())));
    assert_eq!(text(b"12"), Ok(None));
    assert_eq!(text(b"\"\\q\""), Err(Malformed));
    assert_eq!(text(b"\"a\nb\""), Err(Malformed));
    assert_eq!(text(b"\"\xff\""), Err(Malformed));
    assert_eq!(uint(b"64000"), Some(64_000));
    for not in [&b"-1"[..], b"1.0", b"1e3", b"18446744073709551616", b"\"1\"", b"null", b""] {
        assert_eq!(uint(not), None, "{not:?}");
    }
}

#[test]
fn trim_takes_a_byte_order_mark_and_white_space() {
    assert_eq!(trim(b"\xEF\xBB\xBF \r\n{}\t"), b"{}");
    assert!(is_whole_object(b" {\"a\":[1]}\n"));
    assert!(!is_whole_object(b"{\"a\":[1}"));
    assert!(!is_whole_object(b"[]"));
}

#[test]
fn deep_nesting_costs_no_stack() {
    let depth = 1_000_000;
    let json = format!("{{\"a\":{}{},\"b\":1}}", "[{\"k\":".repeat(depth), "}]".repeat(depth));
    // The innermost value is missing: inside skipped values only brackets and strings are looked at.
    let found = keys(&json).unwrap();
    assert_eq!(found.last().unwrap().0, "b");
    let crossed = format!("{{\"a\":{}{}}}", "[{".repeat(65), "]}".repeat(65));
    assert_eq!(members(crossed.as_bytes()).last(), Some(Err(Malformed)));
}

/// Byte by byte.
fn end_of_string(json: &[u8]) -> Option<usize> {
    let mut bytes = json.iter().enumerate().skip(1);
    loop {
        match bytes.next()? {
            (at, b'"') => return Some(at + 1),
            (_, b'\\') => _ = bytes.next(),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn strings_end_where_they_do_byte_by_byte(text in prop::collection::vec(
        prop_oneof![6 => Just(&b"\\"[..]), 2 => Just(&b"\""[..]), 2 => Just(&b"\\\""[..]), 1 => Just(&b"\n"[..]), 4 => Just(&b"xyz"[..]),
            1 => Just(&[b'x'; 29][..]), 1 => Just(&[b'y'; 61][..])], 0..40))
    {
        let json = [b"\"", text.concat().as_slice()].concat();
        prop_assert_eq!(string_end(&json, 0), end_of_string(&json), "{:?}", String::from_utf8_lossy(&json));
    }
}

#[test]
fn a_quote_is_told_from_an_escaped_one_wherever_a_block_ends() {
    for before in 0..140 {
        for backslashes in 0..6 {
            for behind in [0, 1, 60, 130] {
                let (before, behind) = ("x".repeat(before), "y".repeat(behind));
                let json = format!("\"{before}{}\"{behind}\"", "\\".repeat(backslashes)).into_bytes();
                for end in [json.len(), json.len() - 1] {
                    assert_eq!(string_end(&json[..end], 0), end_of_string(&json[..end]));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn nesting_gives_back_what_was_pushed(levels in prop::collection::vec(any::<bool>(), 0..300)) {
        let mut nesting = Nesting::default();
        levels.iter().for_each(|l| nesting.push(*l));
        let popped: Vec<_> = std::iter::from_fn(|| nesting.pop()).collect();
        prop_assert!(popped.iter().eq(levels.iter().rev()));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        members(&bytes).for_each(drop);
    }

    #[test]
    fn json_like_bytes_never_panic_and_never_outdo_a_strict_parser(json in r#"\{("a"|"b"|[,:\[\]{} 1"\\])*\}?"#) {
        let strict: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(&json);
        let ours: Result<Vec<_>, _> = members(json.as_bytes()).collect();
        if let Ok(map) = strict {
            let mut found: Vec<_> = ours.unwrap().into_iter().map(|m| String::from_utf8(m.key.into_owned()).unwrap()).collect();
            found.sort();
            found.dedup();
            prop_assert_eq!(found, map.keys().cloned().collect::<Vec<_>>());
        }
    }
}

fn listed(json: &str) -> Result<Vec<String>, Malformed> {
    items(json.as_bytes()).map(|i| i.map(|i| String::from_utf8_lossy(i).into_owned())).collect()
}

#[test]
fn items_come_in_order_as_written() {
    let expected = ["1", "{\"a\": [2]}", "\"x,]\"", "[ ]", "null"].map(str::to_owned).to_vec();
    assert_eq!(listed(" [ 1 ,{\"a\": [2]}, \"x,]\"\n,[ ],null ] "), Ok(expected));
    assert_eq!(listed("[]"), Ok(Vec::new()));
    assert_eq!(listed(" [ ] "), Ok(Vec::new()));
}

#[test]
fn anything_but_one_whole_array_is_malformed() {
    for json in
        ["", "{}", "1", "[", "[1", "[1,", "[,1]", "[1,]", "[1 2]", "[1]]", "[1] 2", "[1}", "[tru]", "[\"a]"]
    {
        assert_eq!(listed(json), Err(Malformed), "{json}");
    }
}

proptest! {
    /// JSON inside a string has a quicker way of being read; it must say the same as a full parser.
    #[test]
    fn escaped_text_is_what_a_full_parser_reads(parts in prop::collection::vec(
        prop_oneof![Just("\\\""), Just("\\\\"), Just("\\n"), Just("\\"), Just("\""), Just("ü"), Just("\t"), Just("ab{"), Just(":}")
        ], 0..8))
    {
        let value = format!("\"{}\"", parts.concat());
        let parsed: Option<String> = serde_json::from_str(&value).ok();
        // A bare quote inside does not come from a walk, and is not looked for.
        if parsed.is_some() || !parts.contains(&"\"") {
            prop_assert_eq!(text(value.as_bytes()).ok().flatten().map(Cow::into_owned), parsed);
        }
    }
}
