//! The failure table of the design as a test suite: every fault of the simulator's catalogue under its own name, in every
//! arrangement of endpoints, streaming and not.
//!
//! `tests/faults/table.rs` says what has to come of a fault, `tests/faults/suite.rs` looks whether it does, and
//! `tests/faults/unlisted.rs` has what is not a simulator's doing: refused connections, names, mixed failures.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

#[path = "faults/suite.rs"]
mod suite;
#[path = "faults/table.rs"]
mod table;
#[path = "faults/unlisted.rs"]
mod unlisted;

use std::collections::BTreeSet;

use cc_forwarder::simulator::Fault;
use table::Last::{Ours, Restated, Unchanged};
use table::*;

/// A test for each fault, named after it.
macro_rules! faults {
    ($($name:ident: $expect:expr,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                suite::run(stringify!($name), $expect).await;
            }
        )*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

faults! {
    // Statuses.
    status_302: clients(),
    status_400: clients(),
    status_401: credential(),
    status_402: credential(),
    status_403: credential(),
    status_404: clients(),
    status_408: server(Unchanged),
    status_409: clients(),
    status_413: clients(),
    status_413_early: clients(),
    status_422: clients(),
    status_429: throttled(),
    status_429_retry_after: limited(),
    status_429_bucket_empty: limited(),
    status_429_window_used_up: limited(),
    status_429_do_not_retry: limited(),
    status_500: server(Unchanged),
    status_500_do_not_retry: given_up(Unchanged),
    status_502_html: server(Ours(502, "api_error")),
    status_503: server(Unchanged),
    status_503_html: server(Ours(503, "api_error")),
    status_503_retry_after: server(Unchanged),
    status_504: server(Unchanged),
    status_520: server(Ours(520, "api_error")),
    status_529: overloaded(Unchanged),

    // Breaks before any byte of an answer's body.
    silent_connection: silent(),
    reset_on_accept: broken(),
    stalled_upload: silent(),
    reset_in_upload: broken(),
    never_answers: silent(),
    reset_before_headers: broken(),
    close_before_headers: broken(),
    garbage_instead_of_http: broken(),
    silence_after_headers: silent(),
    reset_after_headers: broken(),
    close_after_headers: broken(),
    flapping: Expect::Recovers(3),

    // A 200 that is none.
    html_200: broken(),
    empty_body: broken(),
    error_object_in_200: overloaded(Restated(529, "overloaded_error")),
    empty_completion: Expect::BelievedTwice,
    empty_stream: broken(),
    document_for_stream: broken(),
    error_event_first: overloaded(Restated(529, "overloaded_error")),
    api_error_event_first: server(Restated(500, "api_error")),
    invalid_request_event_first: clients(),
    error_event_after_ping: overloaded(Restated(529, "overloaded_error")),
    error_event_after_start: overloaded(Restated(529, "overloaded_error")),
    corrupt_message_start: broken(),
    garbage_stream: broken(),
    silence_after_start: silent(),
    reset_after_start: broken(),
    close_after_start: broken(),
    truncated_after_start: broken(),
    endless_pings: Expect::Endless,
    endless_pings_after_start: Expect::Endless,
    endless_comments: Expect::Endless,
    half_document: broken(),
    reset_in_document: broken(),
    close_in_document: broken(),
    silence_in_document: silent(),

    // Breaks after content; `tests/after_commit.rs` looks closer.
    reset_mid_stream: Expect::Breaks,
    close_mid_stream: Expect::Breaks,
    reset_mid_event: Expect::Breaks,
    close_mid_event: Expect::Breaks,
    truncated_mid_stream: Expect::Breaks,
    silence_mid_stream: Expect::Breaks,
    error_event_mid_stream: Expect::Breaks,
    corrupt_delta: answer(),
    endless_deltas: Expect::Endless,
    endless_pings_mid_stream: Expect::Endless,

    // Whole answers.
    crlf: answer(),
    data_only: answer(),
    no_space_after_colon: answer(),
    no_final_blank_line: answer(),
    no_message_stop: answer(),
    leading_ping: answer(),
    thinking: answer(),
    one_byte_writes: answer(),
    http_1_0: answer(),
    content_length: answer(),
    chunked: answer(),
    gzip: answer(),
    deflate: answer(),
    brotli: answer(),
    zstd: answer(),
    relay_usage: answer(),
    two_message_deltas: answer(),
    split_usage: answer(),
    refusal: answer(),
    slow_first_token: answer(),
    large_document: answer(),
    huge_stream: answer(),
    closes_after_answer: answer(),
    closes_on_next_request: answer(),
    resets_on_next_request: answer(),
}

#[test]
fn every_fault_of_the_catalogue_has_its_test() {
    let tested: BTreeSet<String> = NAMES.iter().map(|name| name.replace('_', "-")).collect();
    let catalogue: BTreeSet<String> = Fault::all().iter().map(|fault| fault.name.to_owned()).collect();
    assert_eq!(tested, catalogue);
}
