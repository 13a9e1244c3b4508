//! What is counted of records, and how it is written.

use jiff::Timestamp;

use super::*;
use crate::claude::price::CostLines;
use crate::domain::fleet::Fleet;
use crate::domain::testing::{at, settings, specs};
use crate::events::board::{Board, LedgerStatus};
use crate::events::record::testing::record;

/// One attempt that used this many input tokens of the model.
fn used(model: &str, input: u64) -> RequestRecord {
    let mut record = record(&[None]);
    record.attempts[0].model_served = Some(model.into());
    record.attempts[0].usage = Usage { input, ..Usage::default() };
    record
}

/// The text after these records, of a fleet of two endpoints.
fn text(records: &[RequestRecord], change: impl FnOnce(&mut Measures, &mut Snapshot)) -> String {
    let (mut board, mut meters) = (Board::new(Timestamp::from_second(50).unwrap()), Meters::default());
    for record in records {
        meters.count(record);
        board.settle(Arc::new(record.clone()));
    }
    let fleet = Fleet::new(settings(), &specs(&[1, 1]), at(0.0));
    let mut snapshot = board.snapshot(&fleet.view(at(1.0)), at(1.0), Timestamp::from_second(100).unwrap());
    let empty = Arc::new(snapshot.clone());
    let mut measures =
        Measures { snapshot: empty, meters: Arc::new(meters), events_missed: 0, lines_dropped: None };
    change(&mut measures, &mut snapshot);
    measures.snapshot = Arc::new(snapshot);
    text::write(&measures)
}

#[track_caller]
fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|have| have == *line), "{line} is missing in\n{text}");
    }
}

#[test]
fn a_record_is_counted_by_what_it_was() {
    let rescued = record(&[Some(Kind::Overloaded), Some(Kind::Reset), None]);
    let failed = record(&[Some(Kind::Overloaded)]);
    let cancelled = RequestRecord { state: State::Cancelled, ..record(&[None]) };
    let mut counted = RequestRecord { class: Class::CountTokens, ..record(&[None, None]) };
    counted.attempts[1].endpoint = EndpointId::new("b");
    let text = text(&[rescued, failed, cancelled, counted], |_, _| {});
    has(
        &text,
        &[
            "cc_forwarder_requests_total{class=\"messages\",state=\"completed\"} 1",
            "cc_forwarder_requests_total{class=\"messages\",state=\"failed\"} 1",
            "cc_forwarder_requests_total{class=\"messages\",state=\"cancelled\"} 1",
            "cc_forwarder_requests_total{class=\"count_tokens\",state=\"completed\"} 1",
            "cc_forwarder_retries_total 2",
            "cc_forwarder_failovers_total 1",
            "cc_forwarder_rescued_total 2",
            "cc_forwarder_attempts_total{endpoint=\"a\"} 6",
            "cc_forwarder_attempts_total{endpoint=\"b\"} 1",
            "cc_forwarder_attempts_total{endpoint=\"a-1\"} 0",
            "cc_forwarder_attempt_failures_total{endpoint=\"a\",kind=\"overloaded\"} 2",
            "cc_forwarder_attempt_failures_total{endpoint=\"a\",kind=\"reset\"} 1",
            "cc_forwarder_request_duration_seconds_bucket{class=\"messages\",le=\"0.5\"} 0",
            "cc_forwarder_request_duration_seconds_bucket{class=\"messages\",le=\"1\"} 2",
            "cc_forwarder_request_duration_seconds_bucket{class=\"messages\",le=\"2.5\"} 2",
            "cc_forwarder_request_duration_seconds_bucket{class=\"messages\",le=\"5\"} 3",
            "cc_forwarder_request_duration_seconds_bucket{class=\"messages\",le=\"+Inf\"} 3",
            "cc_forwarder_request_duration_seconds_sum{class=\"messages\"} 5",
            "cc_forwarder_request_duration_seconds_count{class=\"messages\"} 3",
            "cc_forwarder_time_to_first_byte_seconds_count{class=\"messages\"} 2",
            "process_start_time_seconds 50",
        ],
    );
}

#[test]
fn tokens_and_cost_are_by_model_and_endpoint() {
    let mut first = used("claude-x", 10);
    first.attempts[0].usage = Usage { input: 10, output: 4, cache_write_1h: 3, ..Usage::default() };
    let lines = CostLines { input: PicoUsd::from_pico(1_250_000), ..CostLines::default() };
    first.attempts[0].bill = Some(crate::claude::price::Bill { lines, ..bill() });
    let mut nameless = used("", 2);
    nameless.attempts[0].endpoint = EndpointId::new("b");
    let text = text(&[first.clone(), first, nameless], |_, _| {});
    has(
        &text,
        &[
            "cc_forwarder_tokens_total{kind=\"input\",model=\"claude-x\",endpoint=\"a\"} 20",
            "cc_forwarder_tokens_total{kind=\"output\",model=\"claude-x\",endpoint=\"a\"} 8",
            "cc_forwarder_tokens_total{kind=\"cache_write_1h\",model=\"claude-x\",endpoint=\"a\"} 6",
            "cc_forwarder_tokens_total{kind=\"input\",model=\"unknown\",endpoint=\"b\"} 2",
            "cc_forwarder_cost_usd_total{model=\"claude-x\",endpoint=\"a\"} 0.0000025",
            "cc_forwarder_cost_usd_total{model=\"unknown\",endpoint=\"b\"} 0",
        ],
    );
}

fn bill() -> crate::claude::price::Bill {
    let table = crate::config::pricing::table(&crate::config::Config::built_in().usage);
    let usage = Usage { input: 1, ..Usage::default() };
    table.bill("claude-opus-4-5", Timestamp::now(), &usage, 1_000_000).unwrap()
}

#[test]
fn further_models_are_counted_together() {
    let many: Vec<_> = (0..100).map(|n| used(&format!("m-{n}"), 1)).collect();
    let text = text(&[many.as_slice(), &[used("m-3", 5), used("m-99", 5)]].concat(), |_, _| {});
    let models = text.lines().filter(|l| l.starts_with("cc_forwarder_cost_usd_total{")).count();
    assert_eq!(models, MAX_MODELS + 1);
    has(
        &text,
        &[
            "cc_forwarder_tokens_total{kind=\"input\",model=\"m-3\",endpoint=\"a\"} 6",
            "cc_forwarder_tokens_total{kind=\"input\",model=\"other\",endpoint=\"a\"} 41",
        ],
    );
    assert!(!text.contains("\"m-64\""));
}

#[test]
fn a_name_can_neither_end_its_label_nor_steer_a_terminal() {
    let long = "é".repeat(500);
    let text = text(
        &[used("a\\b\"} 1\n# x\u{1b}[2J\r", 1), used("a\u{7}", 2), used("a\u{8}", 3), used(&long, 4)],
        |_, _| {},
    );
    has(
        &text,
        &[
            "cc_forwarder_tokens_total{kind=\"input\",model=\"a\\\\b\\\"} 1\\n# x\u{fffd}[2J\u{fffd}\",endpoint=\"a\"} 1",
            "cc_forwarder_tokens_total{kind=\"input\",model=\"a\u{fffd}\",endpoint=\"a\"} 5",
            &format!(
                "cc_forwarder_tokens_total{{kind=\"input\",model=\"{}\",endpoint=\"a\"}} 4",
                "é".repeat(64)
            ),
        ],
    );
}

#[test]
fn what_is_not_there_is_not_written() {
    let bare = text(&[], |_, _| {});
    for name in ["cc_forwarder_store_", "cc_forwarder_budget_", "log_lines_dropped", "response_time_ms{"] {
        assert!(!bare.contains(name), "{name} in\n{bare}");
    }
    has(&bare, &["cc_forwarder_requests_total{class=\"messages\",state=\"completed\"} 0"]);
    let full = text(&[], |measures, snapshot| {
        (measures.events_missed, measures.lines_dropped) = (7, Some(8));
        let failing = Some("disk full".to_owned());
        snapshot.ledger =
            Some(LedgerStatus { unsaved: 3, oldest_age: Some(1.5), failing, last_commit: None });
        snapshot.endpoints[0].latency_ms = Some(12.5);
    });
    has(
        &full,
        &[
            "cc_forwarder_store_unsaved 3",
            "cc_forwarder_store_oldest_age_seconds 1.5",
            "cc_forwarder_store_failing 1",
            "cc_forwarder_stream_events_dropped_total 7",
            "cc_forwarder_log_lines_dropped_total 8",
        ],
    );
    assert!(full.contains("endpoint_forwarder_endpoint_response_time_ms{name=\"a-1\",url="), "{full}");
}

#[test]
fn sums_of_times_never_go_down() {
    let mut histogram = Histogram::default();
    for seconds in [f64::NAN, f64::INFINITY, -5.0, 0.1, 601.0] {
        histogram.observe(seconds);
    }
    assert_eq!((histogram.count(), histogram.sum()), (5, 601.1));
    assert_eq!(histogram.cumulative().next(), Some((0.1, 4)));
    assert_eq!(histogram.cumulative().last(), Some((600.0, 4)));
}
