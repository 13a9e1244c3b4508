//! The simulator observed from a raw TCP client: healthy answers, every fault exactly as named, and the log.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[path = "simulator/raw_client.rs"]
mod raw_client;

use std::io::Read;
use std::time::Duration;

use cc_forwarder::simulator::{
    Asks, Behaviour, Class, Effect, Fault, Framing, Mark, Outcome, Pace, Simulator, Usage, Writes,
};
use raw_client::{Client, End, Seen, post};
use serde_json::Value;

const STREAM: &str = r#"{"model":"claude-opus-4-8","max_tokens":1024,"messages":[{"role":"user","content":"hi"}],"stream":true}"#;
const DOCUMENT: &str =
    r#"{"model":"claude-opus-4-8","max_tokens":1024,"messages":[{"role":"user","content":"hi"}]}"#;

async fn ask(simulator: &Simulator, body: &str) -> Seen {
    Client::connect(simulator.address()).await.unwrap().ask(&post("/v1/messages?beta=true", body)).await
}

async fn simulator(behaviour: Behaviour) -> Simulator {
    let simulator = Simulator::start("sim").await.unwrap();
    simulator.set(behaviour);
    simulator
}

/// The JSON of each event in a stream, in any spelling; broken JSON becomes null.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data.trim()).unwrap_or(Value::Null)).collect()
}

fn types(text: &str) -> Vec<String> {
    events(text).iter().map(|event| event["type"].as_str().unwrap_or("broken").to_owned()).collect()
}

fn is_whole_stream(text: &str) -> bool {
    let types = types(text);
    types.contains(&"content_block_delta".into()) && types.last().is_some_and(|last| last == "message_stop")
}

fn decoded(seen: &Seen) -> String {
    let (mut text, body) = (String::new(), &seen.body[..]);
    match seen.header("content-encoding") {
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_string(&mut text),
        Some("deflate") => flate2::read::ZlibDecoder::new(body).read_to_string(&mut text),
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_string(&mut text),
        Some("zstd") => zstd::stream::read::Decoder::new(body).unwrap().read_to_string(&mut text),
        _ => return seen.text(),
    }
    .unwrap();
    text
}

#[tokio::test]
async fn a_healthy_stream_has_every_part_and_reports_its_usage() {
    let simulator = simulator(Behaviour::healthy()).await;
    let seen = ask(&simulator, STREAM).await;
    assert_eq!((seen.status, seen.end), (200, End::Whole));
    assert_eq!(seen.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(seen.header("request-id").unwrap().starts_with("req_"));
    let events = events(&seen.text());
    assert!(is_whole_stream(&seen.text()));
    let start = &events[0]["message"]["usage"];
    let split = &start["cache_creation"];
    let written = split["ephemeral_5m_input_tokens"].as_u64().unwrap()
        + split["ephemeral_1h_input_tokens"].as_u64().unwrap();
    assert_eq!(start["cache_creation_input_tokens"], written);
    simulator.wait_until_settled(1).await.unwrap();
    let told = simulator.reported_usage();
    let delta = &events[events.len() - 2]["usage"];
    assert_eq!(
        (delta["input_tokens"].as_u64(), delta["output_tokens"].as_u64()),
        (Some(told.input), Some(told.output))
    );
    assert_eq!(told.cache_write_5m + told.cache_write_1h, written);
    assert_eq!(simulator.messages()[0].told, told);
}

#[tokio::test]
async fn the_stream_and_the_document_tell_the_same_message() {
    let simulator = simulator(Behaviour::healthy().content(|content| content.thinking = Some(true))).await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"use the tool T {\"a\": [1, \"é\"]}"}],"tools":[{"name":"T"}],"stream":true}"#;
    let stream = events(&ask(&simulator, body).await.text());
    let joined = |field: &str| -> String {
        stream.iter().filter_map(|event| event["delta"][field].as_str()).collect()
    };
    assert_eq!(
        serde_json::from_str::<Value>(&joined("partial_json")).unwrap(),
        serde_json::json!({"a": [1, "é"]})
    );
    assert!(!joined("thinking").is_empty() && !joined("signature").is_empty() && !joined("text").is_empty());
    let body = body.replace(",\"stream\":true", "");
    let document: Value = serde_json::from_slice(&ask(&simulator, &body).await.body).unwrap();
    let kinds: Vec<_> =
        document["content"].as_array().unwrap().iter().map(|block| block["type"].clone()).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use"]);
    assert_eq!(document["content"][2]["input"], serde_json::json!({"a": [1, "é"]}));
    assert_eq!(document["stop_reason"], "tool_use");
}

#[tokio::test]
async fn equal_requests_get_equal_bytes_and_a_signature_names_the_server() {
    let (a, b) = (simulator(Behaviour::healthy()).await, simulator(Behaviour::healthy()).await);
    assert_eq!(ask(&a, STREAM).await.body, ask(&b, STREAM).await.body);
    b.set(Behaviour::healthy().sign(true));
    assert!(ask(&b, STREAM).await.text().contains("[sim] "));
    assert_ne!(ask(&a, DOCUMENT).await.body, ask(&b, DOCUMENT).await.body);
}

#[tokio::test]
async fn max_tokens_one_is_answered_shortly() {
    let simulator = simulator(Behaviour::healthy()).await;
    let body = DOCUMENT.replace("1024", "1");
    let message: Value = serde_json::from_slice(&ask(&simulator, &body).await.body).unwrap();
    assert_eq!(
        (message["stop_reason"].as_str(), message["usage"]["output_tokens"].as_u64()),
        (Some("max_tokens"), Some(1))
    );
}

#[tokio::test]
async fn the_other_paths_are_answered_on_one_connection() {
    let simulator = simulator(Behaviour::overloaded()).await;
    let mut client = Client::connect(simulator.address()).await.unwrap();
    let mut get = async |start: &str| client.ask(&format!("{start} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    let models: Value = serde_json::from_slice(&get("GET /v1/models?limit=1000").await.body).unwrap();
    assert!(models["data"].as_array().unwrap().len() > 2);
    let one: Value = serde_json::from_slice(&get("GET /v1/models/claude-haiku-5-5").await.body).unwrap();
    assert_eq!(one["display_name"], "Claude Haiku 5.5");
    let missing = get("GET /v1/models/gpt").await;
    assert_eq!((missing.status, missing.text().contains("not_found_error")), (404, true));
    assert_eq!(get("GET /nowhere").await.status, 404);
    let count = client.ask(&post("/v1/messages/count_tokens", DOCUMENT)).await;
    assert!(serde_json::from_slice::<Value>(&count.body).unwrap()["input_tokens"].as_u64().unwrap() > 0);
    client.socket.try_write(b"HEAD / HTTP/1.1\r\n\r\n").unwrap();
    simulator.wait_for(|log| log.of(Class::Head).count() == 1 && log.in_flight() == 0).await.unwrap();
    assert_eq!((simulator.total_connections(), simulator.log(|log| log.of(Class::Models).count())), (1, 3));
}

#[tokio::test]
async fn every_fault_is_on_the_wire_as_named() {
    for fault in Fault::all() {
        let simulator = Simulator::start("sim").await.unwrap();
        simulator.inject(&fault);
        if fault.asks != Asks::Document {
            check(&fault, &simulator, STREAM).await;
        }
        if fault.asks != Asks::Stream {
            simulator.inject(&fault);
            check(&fault, &simulator, DOCUMENT).await;
        }
        tokio::time::timeout(Duration::from_secs(20), simulator.shutdown()).await.unwrap();
        assert_eq!((simulator.open_connections(), simulator.in_flight()), (0, 0), "{}", fault.name);
        let unsettled = simulator.requests().into_iter().find(|request| !request.is_final());
        assert!(unsettled.is_none(), "{}: {unsettled:?}", fault.name);
    }
}

async fn check(fault: &Fault, simulator: &Simulator, body: &str) {
    let mut client = Client::connect(simulator.address()).await.unwrap();
    client.expects_silence = fault.needs_timer && !fault.name.starts_with("endless");
    client.body_limit = match fault.name {
        "endless-comments" | "endless-pings" => 100,
        "endless-pings-after-start" => 700,
        name if name.starts_with("endless") => 1_600,
        _ => usize::MAX,
    };
    let seen = client.ask(&post("/v1/messages", body)).await;
    let told = format!("{} ({}): {} {:?} {}", fault.name, body.len(), seen.head, seen.end, cut(&seen.text()));
    match fault.effect {
        Effect::Status => check_status(fault, &seen, &told),
        Effect::Harmless => check_whole(fault, &seen, body == STREAM, &told),
        Effect::BeforeContent => check_before_content(fault, &seen, &told),
        Effect::AfterContent => {
            assert!(seen.text().contains("_delta\""), "{told}");
            assert_eq!(seen.end, wanted_end(fault.name), "{told}");
            let error = fault.name.starts_with("error-event");
            assert_eq!(types(&seen.text()).last().is_some_and(|last| last == "error"), error, "{told}");
            assert_eq!(
                types(&seen.text()).contains(&"broken".into()),
                fault.name == "corrupt-delta" || fault.name.ends_with("mid-event"),
                "{told}"
            );
        }
    }
    if seen.end == End::Silent || seen.end == End::Endless {
        drop(client);
        if fault.name != "silent-connection" {
            simulator.wait_for(|log| log.messages().all(|request| request.aborted())).await.unwrap();
        }
        simulator.wait_for(|log| log.open_connections() == 0).await.unwrap();
    }
}

fn cut(text: &str) -> String {
    text.chars().take(3_000).collect()
}

fn check_status(fault: &Fault, seen: &Seen, told: &str) {
    let status: u16 = fault.name.split('-').nth(1).unwrap().parse().unwrap();
    assert_eq!((seen.status, seen.end), (status, End::Whole), "{told}");
    let wants = |part: &str, header: &str| {
        assert!(!fault.name.contains(part) || seen.header(header).is_some(), "{told}")
    };
    wants("retry-after", "retry-after");
    wants("bucket", "anthropic-ratelimit-tokens-reset");
    wants("window", "anthropic-ratelimit-unified-5h-reset");
    wants("do-not", "x-should-retry");
    wants("302", "location");
    if seen.header("content-type") == Some("application/json") {
        let error: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(
            (&error["type"], error["request_id"].as_str()),
            (&Value::from("error"), seen.header("request-id")),
            "{told}"
        );
    }
}

fn check_whole(fault: &Fault, seen: &Seen, stream: bool, told: &str) {
    let text = decoded(seen);
    assert_eq!((seen.status, seen.end), (200, End::Whole), "{told}");
    match stream {
        true => assert!(is_whole_stream(&text) || fault.name == "no-message-stop", "{told}"),
        false => assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["type"], "message", "{told}"),
    }
    let holds = match fault.name {
        "crlf" => text.contains("\r\n\r\n") && !text.replace("\r\n", "").contains('\n'),
        "data-only" => !text.contains("event:"),
        "no-space-after-colon" => text.contains("\ndata:{") && !text.contains("data: "),
        "no-final-blank-line" => text.ends_with("}\n") && !text.ends_with("\n\n"),
        "no-message-stop" => types(&text).last().is_some_and(|last| last == "message_delta"),
        "leading-ping" => text.starts_with("event: ping\n"),
        "thinking" => text.contains("signature_delta"),
        "http-1-0" => seen.head.starts_with("HTTP/1.0") && seen.header("content-length").is_none(),
        "content-length" => seen.header("content-length") == Some(&seen.body.len().to_string()),
        "chunked" => seen.header("transfer-encoding").is_some(),
        "gzip" | "deflate" | "zstd" => seen.header("content-encoding") == Some(fault.name),
        "brotli" => seen.header("content-encoding") == Some("br"),
        "relay-usage" => {
            text.contains(r#""usage":{"input_tokens":0,"#) && text.matches("ephemeral_1h").count() == 2
        }
        "two-message-deltas" => text.matches("event: message_delta").count() == 2,
        "split-usage" => {
            text.contains(r#""ephemeral_1h_input_tokens":70"#) && text.contains(r#""web_search_requests":2"#)
        }
        "refusal" => text.contains(r#""stop_reason":"refusal""#),
        "large-document" => text.len() > 20 << 20,
        "huge-stream" => text.matches("text_delta").count() == 20_000,
        "one-byte-writes" | "slow-first-token" => true,
        // What these do happens after the answer; their own tests look at it.
        "closes-after-answer" | "closes-on-next-request" | "resets-on-next-request" => {
            seen.header("connection") == Some("keep-alive")
        }
        name => panic!("no expectation for {name}"),
    };
    assert!(holds, "{told}");
}

fn check_before_content(fault: &Fault, seen: &Seen, told: &str) {
    let text = seen.text();
    assert_eq!(seen.end, wanted_end(fault.name), "{told}");
    assert!(
        !text.contains("_delta\"") || matches!(fault.name, "empty-completion" | "corrupt-message-start"),
        "{told}"
    );
    let holds = match fault.name {
        "html-200" => seen.status == 200 && text.contains("<html>"),
        "empty-body" | "empty-stream" => seen.status == 200 && seen.body.is_empty(),
        "error-object-in-200" => seen.status == 200 && text.starts_with(r#"{"type":"error""#),
        "empty-completion" => {
            text.contains("end_turn")
                && text.contains(r#""output_tokens":0"#)
                && !text.contains("content_block")
        }
        "document-for-stream" => {
            seen.header("content-type") == Some("application/json") && text.contains("end_turn")
        }
        "garbage-instead-of-http" => seen.status == 0 && seen.head.contains("not HTTP"),
        "garbage-stream" => text.contains("garbage"),
        "corrupt-message-start" => {
            types(&text)[0] == "broken" && types(&text).last().unwrap() == "message_stop"
        }
        "error-event-first" | "api-error-event-first" | "invalid-request-event-first" => {
            types(&text) == ["error"]
        }
        "error-event-after-ping" => types(&text) == ["ping", "error"],
        "error-event-after-start" => types(&text) == ["message_start", "error"],
        "endless-pings" => types(&text).iter().all(|kind| kind == "ping"),
        "endless-pings-after-start" => types(&text)[1..].iter().all(|kind| kind == "ping"),
        "endless-comments" => text.lines().all(|line| line.is_empty() || line.starts_with(':')),
        name if name.ends_with("after-start") => types(&text) == ["message_start"],
        name if name.ends_with("document") => seen.status == 200 && seen.body.len() == 100,
        name if name.ends_with("after-headers") => seen.status == 200 && seen.body.is_empty(),
        _ => seen.status == 0 && seen.body.is_empty(),
    };
    assert!(holds, "{told}");
}

fn wanted_end(name: &str) -> End {
    match name {
        name if name.starts_with("endless") => End::Endless,
        "silent-connection" | "stalled-upload" | "never-answers" => End::Silent,
        "flapping" => End::Reset,
        name if name.starts_with("silence") => End::Silent,
        name if name.starts_with("reset") => End::Reset,
        name if name.starts_with("close") => End::Closed,
        _ => End::Whole,
    }
}

#[tokio::test]
async fn flapping_fails_twice_and_works_twice_again_and_again() {
    let simulator = Simulator::start("sim").await.unwrap();
    simulator.inject(&Fault::named("flapping").unwrap());
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(ask(&simulator, DOCUMENT).await.status);
    }
    assert_eq!(statuses, [0, 0, 200, 200, 0, 0, 200, 200]);
}

#[tokio::test]
async fn a_script_is_used_once_and_rules_and_classes_come_first() {
    let simulator = simulator(Behaviour::healthy()).await;
    simulator.script(vec![Behaviour::overloaded(), Behaviour::retry_after(7)]);
    simulator.set_for(Class::CountTokens, Behaviour::status(404, "not_found_error"));
    simulator.rule(|request| {
        let key = request.headers.get("X-API-Key");
        (key == Some("bad")).then(|| Behaviour::status(401, "authentication_error"))
    });
    let mut client = Client::connect(simulator.address()).await.unwrap();
    assert_eq!(client.ask(&post("/v1/messages/count_tokens", DOCUMENT)).await.status, 404);
    let keyed = post("/v1/messages", DOCUMENT).replace("Host:", "x-api-key: bad\r\nHost:");
    assert_eq!(client.ask(&keyed).await.status, 401);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.ask(&post("/v1/messages", DOCUMENT)).await.status);
    }
    assert_eq!((statuses, simulator.steps_left()), (vec![529, 429, 200], 0));
}

#[tokio::test]
async fn kept_connections_break_as_scripted() {
    for (name, end) in [
        ("closes-after-answer", End::Closed),
        ("closes-on-next-request", End::Closed),
        ("resets-on-next-request", End::Reset),
    ] {
        let simulator = Simulator::start("sim").await.unwrap();
        simulator.inject(&Fault::named(name).unwrap());
        let mut client = Client::connect(simulator.address()).await.unwrap();
        assert_eq!(client.ask(&post("/v1/messages", DOCUMENT)).await.end, End::Whole);
        if name == "closes-after-answer" {
            simulator.wait_for(|log| log.open_connections() == 0).await.unwrap();
            let seen = client.response().await;
            assert_eq!((seen.status, seen.end), (0, end), "{name}");
        } else {
            assert_eq!(simulator.open_connections(), 1);
            let seen = client.ask("P").await;
            assert_eq!((seen.status, seen.end), (0, end), "{name}");
        }
        assert_eq!(simulator.log(|log| log.total_requests()), 1);
    }
}

#[tokio::test]
async fn down_refuses_and_cuts_and_up_serves_on_the_same_port() {
    let simulator = simulator(Behaviour::never_answers()).await;
    let mut client = Client::connect(simulator.address()).await.unwrap();
    client.socket.try_write(post("/v1/messages", DOCUMENT).as_bytes()).unwrap();
    simulator.wait_for(|log| log.in_flight() == 1).await.unwrap();
    simulator.down().await.unwrap();
    assert_ne!(client.response().await.end, End::Silent);
    assert_eq!(simulator.messages()[0].outcome, Outcome::Stopped);
    let refused = Client::connect(simulator.address()).await.err().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    simulator.up().await.unwrap();
    simulator.set(Behaviour::healthy());
    assert_eq!(ask(&simulator, DOCUMENT).await.status, 200);
    simulator.shutdown().await;
    assert!(simulator.up().await.is_err());
}

#[tokio::test]
async fn a_client_that_leaves_is_seen_and_told_usage_stays_what_it_saw() {
    let slow = Behaviour::healthy().pace(Pace::every(Duration::from_secs(3600)));
    let simulator = simulator(slow).await;
    let mut client = Client::connect(simulator.address()).await.unwrap();
    client.socket.try_write(post("/v1/messages", STREAM).as_bytes()).unwrap();
    simulator.wait_for(|log| log.messages().any(|request| request.told.output == 1)).await.unwrap();
    client.expects_silence = true;
    assert_eq!(types(&client.response().await.text()), ["message_start"]);
    drop(client);
    simulator.wait_for(|log| log.messages().all(|request| request.aborted())).await.unwrap();
    assert_eq!(simulator.reported_usage().output, 1);
}

#[tokio::test]
async fn usage_in_a_part_that_was_cut_off_was_not_told() {
    let simulator = simulator(Behaviour::healthy()).await;
    let cut_in_document = [Behaviour::close_at(Mark::Bytes(100)), Behaviour::truncated_at(Mark::Bytes(100))];
    for (index, behaviour) in cut_in_document.into_iter().enumerate() {
        simulator.script(vec![behaviour]);
        assert_eq!(ask(&simulator, DOCUMENT).await.body.len(), 100);
        simulator.wait_until_settled(index + 1).await.unwrap();
    }
    assert_eq!(simulator.reported_usage(), Usage::default());
    for behaviour in [Behaviour::error_event(5, "api_error"), Behaviour::close_at(Mark::Events(5))] {
        simulator.script(vec![behaviour]);
        ask(&simulator, STREAM).await;
    }
    simulator.wait_until_settled(4).await.unwrap();
    let told: Vec<_> = simulator.messages().iter().map(|request| request.told.output).collect();
    assert_eq!((told, simulator.reported_usage().output), (vec![0, 0, 1, 1], 2));
}

#[tokio::test]
async fn the_rendered_message_kept_is_never_given_to_another_request() {
    let simulator = simulator(Behaviour::healthy()).await;
    let first = ask(&simulator, STREAM).await.body;
    let cut = Behaviour::truncated_at(Mark::Events(2));
    simulator.script(vec![
        cut,
        Behaviour::healthy(),
        Behaviour::document_for_stream(),
        Behaviour::healthy().sign(true),
    ]);
    let mut bodies = Vec::new();
    for _ in 0..4 {
        bodies.push(ask(&simulator, STREAM).await.body);
    }
    assert_eq!((types(&String::from_utf8_lossy(&bodies[0])).len(), &bodies[1]), (2, &first));
    assert!(bodies[2].starts_with(b"{") && bodies[3] != first);
    assert_ne!(ask(&simulator, &STREAM.replace("hi", "ho")).await.body, first);
}

#[tokio::test]
async fn the_log_keeps_heads_and_bodies_as_sent_within_its_budget() {
    let simulator = simulator(Behaviour::healthy()).await;
    let seen = ask(&simulator, DOCUMENT).await;
    assert_eq!(seen.status, 200);
    let request = &simulator.requests()[0];
    assert_eq!((request.target.as_str(), &request.body[..]), ("/v1/messages?beta=true", DOCUMENT.as_bytes()));
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["Host", "Accept-Encoding", "Content-Length"]);
    simulator.keep_bodies(0);
    ask(&simulator, DOCUMENT).await;
    for request in simulator.requests() {
        assert_eq!((request.body.len(), request.body_bytes), (0, DOCUMENT.len()));
    }
}

#[tokio::test]
async fn cuts_by_bytes_and_writes_are_exact_and_expect_is_answered() {
    let simulator = simulator(Behaviour::close_at(Mark::Bytes(777)).writes(Writes::Bytes(10))).await;
    let seen = ask(&simulator, STREAM).await;
    assert_eq!((seen.body.len(), seen.end), (777, End::Closed));
    simulator.set(Behaviour::close_at(Mark::Events(3)).framing(Framing::ContentLength));
    let seen = ask(&simulator, STREAM).await;
    assert_eq!((types(&seen.text()).len(), seen.end), (3, End::Closed));
    simulator.set(Behaviour::healthy().usage(Usage { output: 5, ..Usage::default() }));
    let mut client = Client::connect(simulator.address()).await.unwrap();
    let request = post("/v1/messages", DOCUMENT).replace("Host:", "Expect: 100-continue\r\nHost:");
    assert_eq!(client.ask(&request).await.status, 100);
    assert_eq!(client.response().await.status, 200);
    simulator.wait_until_settled(3).await.unwrap();
    assert_eq!(simulator.messages()[2].told.output, 5);
}
