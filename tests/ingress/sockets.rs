//! What clients do on a socket: old versions, reuse, pipelining, garbage, heads that never end.

use std::time::Duration;

use cc_forwarder::events::State;
use tokio::io::AsyncReadExt;

use crate::support::World;
use crate::support::raw::{messages_request, post};

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let mut world = World::pair().await;
    let mut raw = world.raw().await;
    for i in 0..20 {
        let seen = raw.ask(messages_request(i % 2 == 0)).await;
        assert!(seen.status == 200 && seen.whole, "{seen:?}");
        assert_eq!(world.record().await.state, State::Completed);
    }
    assert_eq!(raw.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let mut world = World::pair().await;
    let mut raw = world.raw().await;
    let health = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    raw.send([messages_request(true), health.to_owned(), messages_request(false)].concat()).await;
    let answers = [raw.answer("POST").await, raw.answer("GET").await, raw.answer("POST").await];
    assert!(answers.iter().all(|a| a.status == 200 && a.whole), "{answers:?}");
    assert!(answers[0].text().contains("message_stop"));
    assert!(answers[1].text().contains("healthy"));
    assert_eq!(answers[2].json()["type"], "message");
    assert!(world.record().await.stream);
    assert!(!world.record().await.stream);
}

#[tokio::test]
async fn http_1_0_clients_get_an_answer_without_chunks() {
    let mut world = World::pair().await;
    for stream in [false, true] {
        let request = messages_request(stream).replacen("HTTP/1.1", "HTTP/1.0", 1);
        let seen = world.raw().await.ask(request).await;
        assert_eq!(seen.status, 200, "{seen:?}");
        assert!(seen.header("transfer-encoding").is_none(), "{}", seen.head);
        assert!(seen.whole && seen.text().contains(if stream { "message_stop" } else { "end_turn" }));
        assert_eq!(world.record().await.state, State::Completed);
        assert!(world.sims[0].messages().iter().all(|r| r.status == Some(200)));
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_told_to_go_on() {
    let mut world = World::pair().await;
    let request = post("/v1/messages", &crate::support::messages_body(false), "Expect: 100-continue\r\n");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut raw = world.raw().await;
    raw.send(format!("{head}\r\n\r\n")).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 100"));
    assert_eq!(raw.ask(body).await.status, 200);
    assert_eq!(world.record().await.state, State::Completed);
}

#[tokio::test]
async fn garbage_gets_a_400_and_leaves_no_trace() {
    let world = World::pair().await;
    for garbage in [
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "hello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
    ] {
        let mut raw = world.raw().await;
        let seen = raw.ask(garbage).await;
        assert!((400..=505).contains(&seen.status), "{garbage:?}: {seen:?}");
        let _ = raw.drain().await;
    }
    // Neither does a connection that says nothing, or half a word.
    for said in ["", "GET /hea"] {
        let mut raw = world.raw().await;
        raw.send(said).await;
    }
    assert_eq!(world.client.get("/health").await.status, 200);
    assert_eq!(world.sims[0].messages().len(), 0);
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn many_headers_pass_and_too_many_are_refused() {
    let mut world = World::pair().await;
    let lines = |n: usize| (0..n).map(|i| format!("X-Many-{i}: {i}\r\n")).collect::<String>();
    let body = crate::support::messages_body(false);
    assert_eq!(world.raw().await.ask(post("/v1/messages", &body, &lines(200))).await.status, 200);
    assert_eq!(world.record().await.state, State::Completed);
    let received = world.sims[0].messages();
    assert_eq!(received[0].headers.get("x-many-199"), Some("199"));
    assert_eq!(world.raw().await.ask(post("/v1/messages", &body, &lines(400))).await.status, 431);
    let long = format!("X-Long: {}\r\n", "y".repeat(600_000));
    let seen = world.raw().await.ask(post("/v1/messages", &body, &long)).await;
    assert_eq!(seen.status, 431, "{}", seen.head);
    assert_eq!(world.raw().await.ask(messages_request(false)).await.status, 200, "others are not disturbed");
}

/// With a paused clock nothing really waits: time jumps to the next timer as soon as everybody is idle.
#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let world = World::pair().await;
    let mut raw = world.raw().await;
    raw.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await;
    assert_eq!(world.client.get("/health").await.status, 200, "others are served meanwhile");
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let mut rest = Vec::new();
    let ended = raw.socket.read_to_end(&mut rest);
    let _ = tokio::time::timeout(Duration::from_secs(120), ended).await.expect("the connection is closed");
    assert!(begun.elapsed() >= Duration::from_secs(29), "{:?}", begun.elapsed());
}
