//! What filters mean, and that no text breaks them.

use proptest::prelude::*;

use super::*;

struct Request;

impl Subject for Request {
    fn everything(&self) -> &str {
        "claude-opus-5-5\nmain-a\nreq-7f3a01c2\n日本"
    }

    fn text(&self, name: Name) -> &str {
        match name {
            Name::Model => "claude-opus-5-5",
            Name::Endpoint => "main-a",
            _ => "",
        }
    }

    fn number(&self, number: Number) -> Option<u64> {
        match number {
            Number::Status => Some(529),
            Number::Cost => Some(100_000_000),
            Number::Tokens => Some(100_001),
            Number::Duration => Some(10_000),
            _ => None,
        }
    }
}

fn fits(text: &str) -> bool {
    Filter::parse(text).unwrap().fits(&Request)
}

#[test]
fn terms_mean_what_the_help_says() {
    for yes in [
        "",
        "  ",
        "OPUS",
        "日本",
        "endpoint:main",
        "opus endpoint:MAIN-A",
        "status:529",
        "status:5xx",
        "status:>=400",
        "!status:4xx",
        "cost:0.10",
        "cost:>=$.1",
        "tokens:>100k",
        "duration:10",
        "duration:<=10s",
        "duration:<10.001s",
        "-model:haiku",
        "!haiku",
        "\"opus-5\"",
        "!ttft:>0",
        "-opus",
    ] {
        assert!(fits(yes), "{yes}");
    }
    for no in [
        "haiku",
        "!opus",
        "model:main-a",
        "status:<529",
        "status:4xx",
        "cost:>0.1",
        "tokens:>0.2M",
        "duration:>10s",
        "ttft:>0",
        "opus haiku",
        "opus -endpoint:main",
    ] {
        assert!(!fits(no), "{no}");
    }
}

#[test]
fn what_is_wrong_is_said_with_what_is_accepted() {
    let error = |text: &str| Filter::parse(text).unwrap_err();
    assert_eq!(
        error("colour:red"),
        "no field \"colour\": model endpoint group session state id path agent class kind status cost tokens in \
         out duration ttft attempts; quote a text with a colon"
    );
    assert_eq!(error("cost:>ten"), "cost: wants dollars like 0.10, with = > >= < or <= before it");
    assert_eq!(error("status:"), "status: wants a status like 529 or 5xx, with = > >= < or <= before it");
    assert_eq!(error("model:"), "model: needs a text behind the colon");
    assert_eq!(error("\"open"), "a quote is not closed: add \" at its end");
    assert_eq!(error("a !"), "! and \"\" need a word to go with");
    assert!(error("tokens:99999999999999999999").contains("a count like"));
}

#[test]
fn log_words_take_colons_as_they_are() {
    let words = Words::parse("status:529 !\"all good\"").unwrap();
    assert!(words.fit("warn status:529 overloaded") && !words.fit("status:529 all good") && !words.fit("x"));
    assert!(Words::parse("").unwrap().is_empty());
}

fn texts() -> impl Strategy<Value = String> {
    "[a-z0-9 :!\"\\\\=><.$日é-]{1,8}".prop_map(|text| text.to_lowercase())
}

fn tests() -> impl Strategy<Value = Test> {
    let names = prop::sample::select(Name::ALL.to_vec());
    let numbers = prop::sample::select(Number::ALL.to_vec());
    let compares = prop::sample::select(Compare::ALL.to_vec());
    prop_oneof![
        texts().prop_map(Test::Anywhere),
        (names, texts()).prop_map(|((name, _), text)| Test::Contains(name, text)),
        (numbers, compares, 0..=10_u64.pow(15)).prop_map(|((n, _), (c, _), v)| Test::Compares(n, c, v)),
        (1_u64..=9).prop_map(Test::StatusClass),
    ]
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser_and_what_parses_prints_the_same(text in "\\PC{0,40}") {
        if let Ok(filter) = Filter::parse(&text) {
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
        }
        drop(Words::parse(&text));
    }

    #[test]
    fn what_is_printed_parses_to_the_same(terms in prop::collection::vec((any::<bool>(), tests()), 0..5)) {
        let filter = Filter(terms.into_iter().map(|(negated, test)| Term { negated, test }).collect());
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }
}
