//! What is written, what is refused, and that nothing else is touched.

mod files;
mod properties;

use super::*;
use crate::config::System;

fn id(name: &str) -> EndpointId {
    EndpointId::new(name)
}

/// The text with these edits.
fn edited(text: &str, edits: &[(&str, u32)]) -> Result<String, EditError> {
    let edits: Vec<_> = edits.iter().map(|(name, priority)| (id(name), *priority)).collect();
    let loaded = load::parse(text, Source::File("c.yaml".into()), &System).unwrap();
    Ok(splice::apply(text, &wishes(&loaded.config, &edits)?)?.0)
}

fn refusal(text: &str, edits: &[(&str, u32)]) -> String {
    edited(text, edits).unwrap_err().to_string()
}

#[test]
fn only_the_digits_are_exchanged() {
    let before = "# head\nendpoints:\n  - name: a   # first\n    url: https://a.example\n    priority:   12   # as bought\n\
                  \x20 - url: 'https://b.example'\n    priority: \"2\"\n    name: \"b\"\n\
                  \x20 - { name: 'c', priority: '3', url: https://c.example } # flow\n";
    let after = before.replace("  12 ", "  7 ").replace("\"2\"", "\"10\"").replace("'3'", "'0'");
    assert_eq!(edited(before, &[("c", 0), ("a", 7), ("b", 10)]).unwrap(), after);
}

#[test]
fn a_tag_stays_where_it_is() {
    let before = "endpoints:\n  - name: !!str \"a\" # \"x\"\n    url: https://a.example\n    priority: !!int   12 # as bought\n\
                  \x20 - { name: b, url: https://b.example, priority: !<tag:yaml.org,2002:int> 2 }\n\
                  \x20 - name: !!str 'c'  # 'y'\n    url: https://c.example\n\
                  \x20 - name: d\n    url: https://d.example\n    priority: !!str \"4\"\n";
    let after = before
        .replace("  12 ", "  7 ")
        .replace("> 2 ", "> 20 ")
        .replace("\"4\"", "\"5\"")
        .replace("# 'y'\n", "# 'y'\n    priority: 9\n");
    assert_eq!(edited(before, &[("a", 7), ("b", 20), ("c", 9), ("d", 5)]).unwrap(), after);
}

#[test]
fn a_missing_key_is_written_in_the_style_of_its_place() {
    let before = "endpoints:\n-   name: a # one\n    url: https://a.example\n- {name: b, url: https://b.example}\n\
                  - url: https://c.example\n  name: c";
    let after = "endpoints:\n-   name: a # one\n    priority: 4\n    url: https://a.example\n\
                 - {name: b, priority: 5, url: https://b.example}\n- url: https://c.example\n  name: c\n  priority: 6";
    assert_eq!(edited(before, &[("a", 4), ("b", 5), ("c", 6)]).unwrap(), after);
}

#[test]
fn a_key_without_a_value_gets_one() {
    let before = "endpoints:\n  - name: a\n    priority:   # later\n    url: https://a.example\n";
    let after = "endpoints:\n  - name: a\n    priority: 3   # later\n    url: https://a.example\n";
    assert_eq!(edited(before, &[("a", 3)]).unwrap(), after);
}

#[test]
fn quotes_in_names_and_comments_do_not_confuse() {
    let before = "endpoints:\n  - {name: 'it''s', url: 'https://a.example'} # 'x'\n\
                  \x20 - name: \"a\\\"b\"  # \"quoted\"\n    url: https://b.example\n";
    let after = "endpoints:\n  - {name: 'it''s', priority: 1, url: 'https://a.example'} # 'x'\n\
                 \x20 - name: \"a\\\"b\"  # \"quoted\"\n    priority: 2\n    url: https://b.example\n";
    assert_eq!(edited(before, &[("it's", 1), ("a\"b", 2)]).unwrap(), after);
}

#[test]
fn line_endings_and_the_byte_order_mark_stay() {
    let before = "\u{feff}# ключ\r\nendpoints:\r\n  - name: 日本 # 東京\r\n    url: https://a.example\r\n    priority: 1\r\n\
                  \x20 - name: b\r\n    url: https://b.example\r\n";
    let after = before
        .replace("priority: 1\r\n", "priority: 8\r\n")
        .replace("name: b\r\n", "name: b\r\n    priority: 9\r\n");
    assert_eq!(edited(before, &[("日本", 8), ("b", 9)]).unwrap(), after);
}

#[test]
fn a_review_comes_back_from_json() {
    let written = vec![Written { endpoint: id("a"), line: 3, before: 1, after: 2 }];
    let review = Review { path: "dir/c.yaml".into(), stamp: Stamp::of("x"), written };
    let json = serde_json::to_string(&review).unwrap();
    assert_eq!(serde_json::from_str::<Review>(&json).unwrap(), review);
    let report = diff::Report { applied: vec!["server.port".to_owned()], needs_restart: Vec::new() };
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<diff::Report>(&json).unwrap(), report);
}

#[test]
fn nothing_to_do_is_nothing_done() {
    let text = "endpoints: [{name: a, url: https://a.example, priority: 1}]";
    assert_eq!(edited(text, &[("a", 1)]).unwrap(), text);
    assert_eq!(refusal(text, &[("x", 1)]), "the file has no endpoint \"x\"");
}

#[test]
fn numbers_that_stand_elsewhere_are_refused() {
    let with = |priority: &str| {
        format!(
            "endpoints:\n  - name: a\n    url: https://a.example\n    priority: {priority}\n\
             \x20 - name: b\n    url: https://b.example\n    priority: 2\n"
        )
    };
    assert_eq!(
        refusal(&with("&one 1"), &[("a", 3)]),
        "line 4: the priority of a has an anchor: other places may use the same number; edit the file by hand"
    );
    let alias = with("&one 1").replace("priority: 2", "priority: *one");
    assert!(refusal(&alias, &[("b", 3)]).contains("line 7: the priority of b comes from an alias"));
    assert!(refusal(&with("|-\n      1"), &[("a", 3)]).contains("is written as a block"));
    assert!(refusal(&with(r#""\x31""#), &[("a", 3)]).contains("is written with escapes"));
    let apart = refusal(&with("!!int # as bought\n      1"), &[("a", 3)]);
    assert!(apart.contains("the priority of a does not stand right behind its tag"), "{apart}");
}

#[test]
fn a_merged_number_is_refused_and_so_is_one_that_others_merge() {
    let text = "endpoints:\n  - &base\n    name: a\n    url: https://a.example\n    priority: 1\n\
                \x20 - <<: *base\n    name: b\n";
    assert!(refusal(text, &[("b", 3)]).contains("priority of b comes from a merge"));
    assert!(refusal(text, &[("a", 3)]).contains("other values of the file depend on these numbers"));
    let own = text.to_owned() + "    priority: 2\n";
    let after = own.replace("priority: 1", "priority: 3");
    assert_eq!(edited(&own, &[("a", 3)]).unwrap(), after, "b has a number of its own");
}

#[test]
fn a_reference_is_refused() {
    struct One;
    impl Env for One {
        fn var(&self, _: &str) -> Option<String> {
            Some("1".to_owned())
        }
        fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
            Err(io::ErrorKind::NotFound.into())
        }
        fn is_file(&self, _: &Path) -> bool {
            false
        }
    }
    let text = "endpoints: [{name: a, url: https://a.example, priority: \"${RANK}\"}]";
    let loaded = load::parse(text, Source::File("c.yaml".into()), &One).unwrap();
    let edits = [(id("a"), 2)];
    let refused = splice::apply(text, &wishes(&loaded.config, &edits).unwrap()).unwrap_err();
    assert!(refused.to_string().contains("comes from a `${...}` reference"), "{refused}");
}

#[test]
fn the_example_can_be_edited() {
    let text = include_str!("../../../config/example.yaml");
    let Ok(root) = yaml_endpoints(text) else { panic!("the example has endpoints") };
    let edits: Vec<(&str, u32)> = root.iter().map(|name| (name.as_str(), 41)).collect();
    let after = edited_without_env(text, &edits);
    let others = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.contains("priority:")).map(str::to_owned).collect()
    };
    assert_eq!(others(&after), others(text));
    assert_eq!(after.matches("priority: 41").count(), edits.len());
}

/// Names of the endpoints in a file whose references nobody resolves.
fn yaml_endpoints(text: &str) -> Result<Vec<String>, ()> {
    let loaded = load::parse(text, Source::File("c.yaml".into()), &Anything).map_err(drop)?;
    Ok(loaded.config.endpoints.iter().map(|e| e.id.to_string()).collect())
}

fn edited_without_env(text: &str, edits: &[(&str, u32)]) -> String {
    let loaded = load::parse(text, Source::File("c.yaml".into()), &Anything).unwrap();
    let edits: Vec<_> = edits.iter().map(|(name, priority)| (id(name), *priority)).collect();
    splice::apply(text, &wishes(&loaded.config, &edits).unwrap()).unwrap().0
}

/// A world in which every variable is set.
struct Anything;

impl Env for Anything {
    fn var(&self, _: &str) -> Option<String> {
        Some("anything".to_owned())
    }
    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Ok(b"anything".to_vec())
    }
    fn is_file(&self, _: &Path) -> bool {
        true
    }
}
