//! The strict walk against serde_json, whose judgement it has to share byte for byte.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use crate::claude::scan::{is_whole, is_whole_object, members_strictly};

fn reference(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

fn agree(json: &[u8]) {
    assert_eq!(is_whole(json), reference(json), "{:?}", String::from_utf8_lossy(json));
}

#[test]
fn the_grammar_is_the_same_at_its_corners() {
    let values = [
        "",
        " ",
        "null",
        "nul",
        "nulll",
        "true",
        "false",
        "True",
        "0",
        "-0",
        "00",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1.5",
        "1.e3",
        "1e",
        "1e+",
        "1e5",
        "1E-5",
        "-1.5e+10",
        "1e999",
        "123456789012345678901234567890",
        "\"\"",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\\\\"",
        "\"\\q\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\u{7f}\"",
        "[]",
        "[ ]",
        "[,]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,2]",
        "[[[]]]",
        "[}",
        "{}",
        "{ }",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1,\"b\":[{}]}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" : 1 }",
        "{\"a\"::1}",
        "{]",
        "[{\"a\":[1,{\"b\":null}]}]",
        "1 2",
        "[] []",
        "\u{feff}{}",
        "\u{c}1",
    ];
    for value in values {
        agree(value.as_bytes());
        agree(format!("[{value}]").as_bytes());
        agree(format!("{{\"k\":{value}}}").as_bytes());
        agree(format!(" {{\"k\" :\r\n\t{value} , \"l\":[1, {value}]}} ").as_bytes());
    }
    agree(b"\"\xff\xfe\"");
}

#[test]
fn every_byte_is_judged_alike_wherever_a_block_ends() {
    for length in [0, 1, 30, 31, 32, 33, 63, 64, 65, 200] {
        for byte in 0..=255 {
            for at in [0, length / 2, length] {
                let mut text = vec![b'x'; length];
                text.insert(at, byte);
                agree(&[b"\"", text.as_slice(), b"\""].concat());
            }
        }
    }
}

#[test]
fn every_escape_is_judged_alike_wherever_a_block_ends() {
    let escapes = [
        r"\n", r#"\""#, r"\\", r"\\\", r"\\\\", r"\u00e9", r"\u00g9", r"\u00e", r"\q", "\\\u{1}", r#"\\""#,
        r"\n\t\q",
    ];
    for escape in escapes {
        for before in 0..140 {
            for behind in [0, 1, 2, 70, 130] {
                let (before, behind) = ("x".repeat(before), "y".repeat(behind));
                agree(format!("\"{before}{escape}{behind}\"").as_bytes());
                agree(format!("\"{before}{escape}{behind}").as_bytes());
                agree(format!("[\"{before}{escape}{behind}\\\\\",\"z\"]").as_bytes());
            }
        }
    }
}

#[test]
fn every_part_of_a_document_is_broken_and_only_the_whole_is_whole() {
    let json = br#"{"type":"message","content":[{"type":"text","text":"a \"quoted\" line\n, thirty-two bytes and more of it"},{"n":[-1.5e3,true,null,{}]}],"usage":{"output_tokens":12}}"#;
    for end in 0..json.len() {
        assert!(!is_whole(&json[..end]), "{end}");
    }
    assert!(is_whole(json));
    assert_eq!(members_strictly(json).filter(Result::is_ok).count(), 3);
}

#[test]
fn deep_nesting_costs_no_stack() {
    let depth = 1_000_000;
    let json = |inner: &str| format!("{}{inner}{}", "[{\"k\":".repeat(depth), "}]".repeat(depth));
    assert!(is_whole(json("1").as_bytes()));
    assert!(!is_whole(json("").as_bytes()));
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof!["[ -~]{0,40}", "\\PC{0,20}", "(\n|\"|\\\\|x){0,50}", "x{0,100}"];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// All members of an object, duplicates included, each as written.
struct Listed(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Listed {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Listed;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Listed, A::Error> {
                let mut listed = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Box<serde_json::value::RawValue>>()? {
                    listed.push((key, value.get().to_owned()));
                }
                Ok(Listed(listed))
            }
        }
        from.deserialize_map(Visitor)
    }
}

fn listed(json: &str) -> Option<Vec<(String, String)>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    members_strictly(json.as_bytes())
        .map(|m| m.map(|m| (String::from_utf8(m.key.into_owned()).unwrap(), text(m.value))).ok())
        .collect()
}

proptest! {
    #[test]
    fn members_are_the_same_with_duplicates_blanks_and_escapes(
        members in prop::collection::vec(("[ \n\t]?", r#"(a|b|\\n|\\u0061|\\ud83d\\ude00|é|\\ud800){0,2}"#, value(), "[ \r]?"), 0..6),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let list: Vec<_> = members.iter().map(|(l, k, v, r)| format!("{l}\"{k}\"{r}:{l}{v}{r}")).collect();
        let mut json = format!("{{{}}}", list.join(","));
        if let Some(cut) = cut {
            let at = cut.index(json.len());
            json = json.chars().enumerate().filter(|(i, _)| *i != at).map(|(_, c)| c).collect();
        }
        let wanted = serde_json::from_str::<Listed>(&json).ok().map(|l| l.0);
        prop_assert_eq!(listed(&json), wanted, "{}", json);
    }

    #[test]
    fn numbers_are_judged_alike(number in "[-+]?[01]{0,3}(\\.[09]{0,2})?([eE][-+]?[05]{0,4})?[ ,x]?") {
        for json in [number.clone(), format!("[{number}]"), format!("{{\"a\":{number}}}"), format!("[1,{number}")] {
            prop_assert_eq!(is_whole(json.as_bytes()), reference(json.as_bytes()), "{}", json);
        }
    }

    #[test]
    fn strings_are_judged_alike(text in r#"(\\|u|\\u|\\u[dD][89cC]00|[0-9a-fA-F]{1,4}|"|/|b|f|n|r|t|\x00|\x1f|\x7f| |é|x{15}){0,12}"#) {
        for json in [format!("\"{text}\""), format!("[\"{text}\",1]"), format!("{{\"{text}\":\"{text}\"}}")] {
            prop_assert_eq!(is_whole(json.as_bytes()), reference(json.as_bytes()), "{}", json);
            let object = json.starts_with('{') && reference(json.as_bytes());
            prop_assert_eq!(is_whole_object(json.as_bytes()), object, "{}", json);
        }
    }

    #[test]
    fn whole_documents_are_whole(value in value()) {
        prop_assert!(is_whole(value.to_string().as_bytes()));
        prop_assert!(is_whole(serde_json::to_string_pretty(&value).unwrap().as_bytes()));
    }

    #[test]
    fn damaged_documents_are_judged_alike(value in value(), at: prop::sample::Index, byte: u8, kind in 0..3) {
        let mut json = value.to_string().into_bytes();
        let at = at.index(json.len());
        match kind {
            0 => json[at] = byte,
            1 => json.insert(at, byte),
            _ => drop(json.remove(at)),
        }
        prop_assert_eq!(is_whole(&json), reference(&json), "{}", String::from_utf8_lossy(&json));
    }

    #[test]
    fn soups_of_tokens_are_judged_alike(soup in "(\\{|\\}|\\[|\\]|,|:|\"|\"a\"|\\\\|[ \n]|-|0|1|\\.|e|true|null|\\\\u00e9){0,24}") {
        prop_assert_eq!(is_whole(soup.as_bytes()), reference(soup.as_bytes()), "{}", soup);
    }

    #[test]
    fn arbitrary_bytes_are_judged_alike(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(is_whole(&bytes), reference(&bytes));
    }
}
