use jiff::tz::TimeZone;
use redb::Database;
use serde_json::Value as Json;

use super::columns::COLUMNS;
use super::json::{ReadRow, RowView, StatsView};
use super::*;
use crate::claude::money::PicoUsd;
use crate::events::State;
use crate::store::civil::Clock;
use crate::store::query::By;
use crate::store::row::Row;
use crate::store::testing::{attempt, batch, database, row};
use crate::store::totals::Totals;

/// What the program before this one wrote.
const FIRST: &str = "request_id,client_ip,user_agent,method,path,start_time,end_time,duration_ms,endpoint_name,\
    group_name,model_name,status,http_status_code,retry_count,input_tokens,output_tokens,cache_creation_tokens,\
    cache_read_tokens,input_cost_usd,output_cost_usd,cache_creation_cost_usd,cache_read_cost_usd,total_cost_usd,\
    created_at,updated_at";

/// What this program adds, in its order. Names may come behind these; these stay.
const FURTHER: &str = "upstream_request_id,session_id,agent_id,request_class,is_streaming,requested_model,served_model,\
    route,attempt_count,failure_reason,error,cancel_reason,first_byte_ms,suspended_ms,bytes_in,bytes_out,\
    cache_creation_5m_tokens,cache_creation_1h_tokens,web_searches,web_fetches,code_executions,tool_cost_usd,\
    cache_saved_usd,cache_premium_usd,cache_missed_usd,unpriced_attempts,is_estimated,price_revision";

/// The names of sums. Others may be added; these stay.
const SUMS: &str = "requests completed failed cancelled interrupted rescued streams attempts failed_attempts success_rate \
    avg_duration_ms avg_first_byte_ms suspended_ms input_tokens output_tokens cache_creation_tokens \
    cache_creation_5m_tokens cache_creation_1h_tokens cache_read_tokens total_tokens web_searches web_fetches \
    code_executions input_cost_usd output_cost_usd cache_creation_cost_usd cache_read_cost_usd tool_cost_usd \
    total_cost_usd cache_hit_rate cache_saved_usd cache_premium_usd cache_missed_usd unpriced_attempts \
    unpriced_tokens estimated_attempts";

fn clock() -> Clock {
    Clock::new(TimeZone::UTC)
}

fn filled(rows: &[Row]) -> Database {
    let db = database();
    batch(&db, &clock(), |b| rows.iter().try_for_each(|row| b.put(row, None)));
    db
}

fn reader(db: &Database) -> Reader {
    Reader::new(db, clock()).unwrap()
}

fn exported(rows: &[Row], format: Format) -> String {
    let (mut out, mut told) = (Vec::new(), Vec::new());
    let db = filled(rows);
    let written = export(&reader(&db), &Filter::default(), format, &mut out, |done, total| {
        told.push((done, total));
    });
    let count = rows.len() as u64;
    assert_eq!(written.unwrap(), count);
    assert_eq!(told.last(), Some(&(count, count)));
    String::from_utf8(out).unwrap()
}

/// Two attempts, the first unpriced; texts that need care.
fn awkward() -> Row {
    let mut row = row(0x2a, "2026-11-23T10:20:30.5Z", "m", "b");
    row.attempts = vec![attempt("a", 7, 0), attempt("b", 1, 2)];
    row.attempts[0].bill = None;
    row.attempts[1].tokens.cache_write_1h = 3;
    row.attempts[1].bill.as_mut().unwrap().lines.cache_write_1h = PicoUsd::from_pico(1_250_000_000_001);
    row.user_agent = Some("=HYPERLINK(\"x\"), \"q\"\r\nnext".into());
    row.error = Some("-1".into());
    row.duration_us = 1_234_567;
    row
}

fn interrupted() -> Row {
    let mut row = row(1, "2026-11-22T10:20:30Z", "m", "a");
    (row.attempts, row.endpoint, row.group, row.client) = (Vec::new(), None, None, None);
    (row.state, row.status, row.duration_us, row.model) = (State::Interrupted, None, 0, None);
    row
}

/// The lines of a CSV, by the names in its header.
fn table(text: &str) -> Vec<std::collections::HashMap<String, String>> {
    let mut table = ::csv::Reader::from_reader(text.as_bytes());
    table.deserialize().map(Result::unwrap).collect()
}

#[test]
fn csv_begins_with_the_columns_scripts_know() {
    let text = exported(&[], Format::Csv);
    assert_eq!(text, format!("{FIRST},{FURTHER}\r\n"));
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn csv_reads_back_and_is_safe_to_open() {
    let text = exported(&[interrupted(), awkward()], Format::Csv);
    let lines = table(&text);
    let second: Vec<(&str, &str)> = vec![
        ("request_id", "req-0000002a"),
        ("client_ip", "127.0.0.1"),
        ("user_agent", "'=HYPERLINK(\"x\"), \"q\"\r\nnext"),
        ("start_time", "2026-11-23T10:20:30.500000Z"),
        ("end_time", "2026-11-23T10:20:31.734567Z"),
        ("duration_ms", "1234.567"),
        ("model_name", "m"),
        ("status", "completed"),
        ("retry_count", "1"),
        ("input_tokens", "8"),
        ("cache_creation_tokens", "3"),
        ("input_cost_usd", "0.000000000001"),
        ("cache_creation_cost_usd", "1.250000000001"),
        ("total_cost_usd", "1.250000000004"),
        ("attempt_count", "2"),
        ("error", "'-1"),
        ("unpriced_attempts", "1"),
        ("is_streaming", "true"),
    ];
    for (name, value) in second {
        assert_eq!(lines[1][name], value, "{name}");
    }
    for name in ["end_time", "duration_ms", "client_ip", "endpoint_name", "model_name", "http_status_code"] {
        assert_eq!(lines[0][name], "", "{name}");
    }
    assert_eq!((lines[0]["status"].as_str(), lines[0]["retry_count"].as_str()), ("interrupted", "0"));
}

#[test]
fn a_price_that_nobody_knows_is_not_zero() {
    let mut row = awkward();
    row.attempts.truncate(1);
    let view = serde_json::to_string(&RowView::of(&row)).unwrap();
    let json: Json = serde_json::from_str(&view).unwrap();
    assert_eq!((&json["total_cost_usd"], &json["input_tokens"]), (&Json::Null, &Json::from(7)));
    assert_eq!(table(&exported(&[row], Format::Csv))[0]["total_cost_usd"], "");
}

#[test]
fn json_has_the_same_columns_typed_and_the_attempts() {
    let text = exported(&[interrupted(), awkward()], Format::Json);
    assert!(text.contains(r#""total_cost_usd":1.250000000004,"#), "{text}");
    let rows: Vec<Json> = serde_json::from_str(&text).unwrap();
    let (first, second) = (&rows[0], &rows[1]);
    assert_eq!(second.as_object().unwrap().len(), COLUMNS.len() + 1);
    assert!(COLUMNS.iter().all(|column| second.get(column.name).is_some()));
    assert_eq!(second["user_agent"], "=HYPERLINK(\"x\"), \"q\"\r\nnext");
    assert_eq!((&second["duration_ms"], &second["is_streaming"]), (&1234.567.into(), &true.into()));
    assert_eq!((&first["end_time"], &first["attempts"]), (&Json::Null, &Json::Array(Vec::new())));
    let attempts = second["attempts"].as_array().unwrap();
    assert_eq!((&attempts[0]["number"], &attempts[0]["total_cost_usd"]), (&1.into(), &Json::Null));
    assert_eq!((&attempts[1]["endpoint_name"], &attempts[1]["price_rule"]), (&"b".into(), &"a price".into()));
}

#[test]
fn nothing_is_an_empty_array_or_no_line() {
    assert_eq!(exported(&[], Format::Json), "[]\n");
    assert_eq!(exported(&[], Format::Ndjson), "");
    let lines = exported(&[interrupted(), awkward()], Format::Ndjson);
    let ids: Vec<Json> =
        lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["request_id"].clone()).collect();
    assert_eq!(ids, ["req-00000001", "req-0000002a"]);
}

#[test]
fn a_full_disk_is_told() {
    let (db, mut small) = (filled(&[awkward()]), [0; 64]);
    for format in [Format::Csv, Format::Json, Format::Ndjson] {
        let error = export(&reader(&db), &Filter::default(), format, &mut small.as_mut_slice(), |_, _| {});
        assert!(error.unwrap_err().to_string().starts_with("the export could not be written"));
    }
}

#[test]
fn formats_have_names() {
    assert_eq!("ndjson".parse(), Ok(Format::Ndjson));
    let error = "xml".parse::<Format>().unwrap_err();
    assert_eq!(error.to_string(), "`xml` is not an export format: expected csv, json or ndjson");
}

#[test]
fn requests_and_sums_come_back_from_json() {
    for row in [awkward(), interrupted()] {
        let text = serde_json::to_string(&RowView::of(&row)).unwrap();
        assert_eq!(serde_json::from_str::<ReadRow>(&text).unwrap().0, row);
    }
    let db = filled(&[interrupted(), awkward()]);
    let reader = reader(&db);
    let stats = reader.stats(&Filter::default(), By::Day).unwrap();
    let text = serde_json::to_string(&StatsView::of(&stats, By::Day, reader.clock())).unwrap();
    let read: StatsView = serde_json::from_str(&text).unwrap();
    assert_eq!(Totals::from(&read.totals), stats.totals);
    let days: Vec<_> = read.groups.iter().map(|g| (g.start, Totals::from(&g.totals))).collect();
    assert_eq!(days, stats.groups.iter().map(|(key, t)| (key.start(), t.clone())).collect::<Vec<_>>());
}

#[test]
fn sums_have_a_json_form_with_exact_amounts() {
    let db = filled(&[interrupted(), awkward()]);
    let reader = reader(&db);
    let stats = reader.stats(&Filter::default(), By::Day).unwrap();
    let text = serde_json::to_string(&StatsView::of(&stats, By::Day, reader.clock())).unwrap();
    assert!(text.contains(r#""total_cost_usd":1.250000000004,"#), "{text}");
    let json: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(json["totals"]["success_rate"], 0.5);
    assert_eq!(json["totals"]["total_tokens"], 13);
    let keys: Vec<&Json> = json["groups"].as_array().unwrap().iter().map(|group| &group["key"]).collect();
    assert_eq!(keys, ["2026-11-22", "2026-11-23"]);
    assert_eq!(json["groups"][0]["totals"]["cache_hit_rate"], Json::Null);
    for name in SUMS.split_whitespace() {
        assert!(json["totals"].get(name).is_some(), "{name}");
    }
}

#[test]
fn rows_can_be_chosen_one_by_one_and_a_refusal_ends_it() {
    let rows: Vec<Row> = (0..5).map(|id| row(id, "2026-11-23T10:20:30Z", "m", "a")).collect();
    let db = filled(&rows);
    let (mut out, mut told) = (Vec::new(), Vec::new());
    let even = |row: &Row| Ok(row.request_id().number().is_multiple_of(2));
    let progress = |done, total| told.push((done, total));
    let written =
        export_where(&reader(&db), &Filter::default(), Format::Ndjson, &mut out, even, progress).unwrap();
    let lines = String::from_utf8(out).unwrap().lines().count();
    assert_eq!((written, lines, told), (3, 3, vec![(5, 5)]));

    let no = |_: &Row| Err(io::Error::other("no more"));
    let mut out = Vec::new();
    let error =
        export_where(&reader(&db), &Filter::default(), Format::Csv, &mut out, no, |_, _| {}).unwrap_err();
    assert!(matches!(&error, ExportError::Write(why) if why.to_string() == "no more"), "{error}");
}
