//! Lines as they are printed.

use super::*;
use crate::app::paint::rendered;
use crate::app::text::WIDTH;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::group::GroupState;
use crate::domain::outcome::Kind;
use crate::events::record::testing;

fn attempt(endpoint: &str, failure: Option<(Kind, Option<u16>)>) -> AttemptRecord {
    AttemptRecord {
        number: 1,
        endpoint: EndpointId::new(endpoint),
        group: GroupId::new("main"),
        model_sent: None,
        model_served: None,
        start_ms: 0.0,
        connect_ms: None,
        first_byte_ms: None,
        duration_ms: 10.0,
        status: failure.and_then(|(_, status)| status),
        failure: failure.map(|(kind, _)| kind),
        cancelled: false,
        usage: Usage::default(),
        bill: None,
    }
}

fn record(attempts: Vec<AttemptRecord>) -> RequestRecord {
    RequestRecord {
        first_byte_ms: Some(640.0),
        duration_ms: 2_140.0,
        model: Some("claude-opus-4-8".into()),
        usage: Usage { input: 10_600, output: 112, ..Usage::default() },
        attempts,
        ..testing::record(&[None])
    }
}

fn printed(record: &RequestRecord) -> String {
    rendered(&request(record, Duration::from_millis(3_520)), false)
}

#[test]
fn a_request_and_its_way() {
    let overloaded = Some((Kind::Overloaded, Some(529)));
    let record =
        record(vec![attempt("main-a", overloaded), attempt("main-a", overloaded), attempt("main-b", None)]);
    let line = format!("  3.5s {} opus-4-8   main-a 529 529 -> main-b   200 0.6/2.1s 10.6k+112\n", record.id);
    assert_eq!(printed(&record), line);
    assert_eq!(width(line.trim_end()), width(&rendered(&[heads()], false)) - 1);
}

#[test]
fn a_long_way_takes_several_lines_that_fit() {
    let attempts = vec![
        attempt("main-a", Some((Kind::Connect, None))),
        attempt("main-b", Some((Kind::Html, Some(200)))),
        attempt("backup-a", Some((Kind::EmptyCompletion, Some(200)))),
        attempt("backup-a", None),
    ];
    let text = printed(&record(attempts));
    let starts: Vec<&str> = text.lines().map(|line| line[BEFORE..].trim_start()).collect();
    let expected = ["main-a refused ", "-> main-b web page", "-> backup-a empty", "completion -> backup-a"];
    assert_eq!(starts.len(), expected.len(), "{text}");
    assert!(starts.iter().zip(expected).all(|(line, start)| line.starts_with(start)), "{text}");
    assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
}

#[test]
fn whole_answers_have_one_time_and_counts_no_tokens() {
    let mut count = record(vec![attempt("main-a", None)]);
    count.class = Class::CountTokens;
    count.stream = false;
    let text = printed(&count);
    assert!(text.ends_with("     2.1s   counted\n"), "{text}");
}

#[test]
fn numbers_stay_short() {
    assert_eq!([950, 10_600, 1_250_000].map(thousands), ["950", "10.6k", "1.2M"]);
}

#[test]
fn changes_in_words_without_repetition() {
    let words = |change: &Change| rendered(&super::change(change, Duration::from_millis(1_200)), false);
    let endpoint = |from, to| Change::Endpoint { id: EndpointId::new("main-a"), from, to };
    let group = |to| Change::Group { id: GroupId::new("main"), from: GroupState::Active, to };
    let opened = endpoint(Condition::Up, Condition::Open);
    assert_eq!(words(&opened), "  1.2s * endpoint main-a: up -> breaker open\n");
    assert_eq!(words(&endpoint(Condition::Unknown, Condition::Up)), "");
    assert_eq!(words(&group(GroupState::Standby)), "");
    assert_eq!(words(&group(GroupState::Cooling)), "  1.2s * group main rests: all of it failed\n");
}
