//! Records for the tests of the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cc_forwarder::claude::price::CostLines;
use cc_forwarder::claude::request::Class;
use cc_forwarder::claude::usage::Usage;
use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::events::{Accepted, AttemptRecord, RequestId, RequestRecord, State};
use cc_forwarder::store::civil::Clock;
use cc_forwarder::store::codec::Stored;
use cc_forwarder::store::row::Row;
use cc_forwarder::store::{Options, Store, schema};
use jiff::tz::TimeZone;
use redb::ReadableTable;

/// Quick commits, nothing deleted, days of `zone`.
pub(crate) fn options(path: &std::path::Path, zone: &str) -> Options {
    Options {
        path: path.to_owned(),
        buffer: 1000,
        batch: 256,
        interval: Duration::from_millis(20),
        max_retry: 2,
        retention_days: 0,
        cleanup_interval: Duration::from_secs(3600),
        clock: Clock::new(TimeZone::get(zone).unwrap()),
    }
}

/// What a client of today leaves behind, `minutes` after noon.
pub(crate) fn record(id: u32, minutes: i64) -> Arc<RequestRecord> {
    let noon: jiff::Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let usage = Usage { input: 10, output: 5, ..Usage::default() };
    Arc::new(RequestRecord {
        id: RequestId::from_number(id),
        upstream_id: Some("req_011CVPexampleexample".into()),
        accepted: noon + jiff::SignedDuration::from_mins(minutes),
        first_byte_ms: Some(812.25),
        duration_ms: 4321.5,
        client: Some("127.0.0.1".parse().unwrap()),
        user_agent: Some("claude-cli/2.1.50 (external, cli)".into()),
        method: "POST".into(),
        path: "/v1/messages".into(),
        class: Class::Messages,
        model: Some("claude-sonnet-5-5".into()),
        served_model: Some("claude-sonnet-5-5".into()),
        session: Some("0f8fad5b-d9cb-469f-a165-70867728950e".into()),
        agent: None,
        stream: true,
        one_token: false,
        endpoint: Some(EndpointId::new("main-a")),
        group: Some(GroupId::new("main")),
        route: None,
        trace: Vec::new(),
        status: Some(200),
        state: State::Completed,
        failure: None,
        error: None,
        cancel_reason: None,
        suspended_ms: 0.0,
        bytes_in: 123_456,
        bytes_out: 4_567,
        usage: usage.clone(),
        cost: CostLines::default(),
        unpriced: 1,
        attempts: vec![AttemptRecord {
            number: 1,
            endpoint: EndpointId::new("main-a"),
            group: GroupId::new("main"),
            model_sent: None,
            model_served: None,
            start_ms: 0.5,
            connect_ms: Some(20.0),
            first_byte_ms: Some(800.0),
            duration_ms: 4300.0,
            status: Some(200),
            failure: None,
            cancelled: false,
            usage,
            bill: None,
        }],
        skipped: Vec::new(),
    })
}

/// The beginning of [`record`].
pub(crate) fn accepted(id: u32, minutes: i64) -> Accepted {
    let record = record(id, minutes);
    Accepted {
        id: record.id,
        at: record.accepted,
        class: record.class,
        method: record.method.clone(),
        path: record.path.clone(),
        client: record.client,
        user_agent: record.user_agent.clone(),
        agent: None,
    }
}

/// All rows, in order.
pub(crate) fn rows(store: &Store) -> Vec<Row> {
    let table = store.disk().begin_read().unwrap().open_table(schema::ROWS).unwrap();
    table.iter().unwrap().map(|entry| Row::decode(entry.unwrap().1.value()).unwrap()).collect()
}

/// Waits until the store is as wanted.
pub(crate) fn until(store: &Store, condition: impl Fn(&Store) -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition(store) {
        assert!(Instant::now() < end, "in time; the store is at {:?}", store.load());
        std::thread::sleep(Duration::from_millis(2));
    }
}
