//! The client against a peer that writes what the test says.

use std::net::SocketAddr;

use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";

async fn peer() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Takes a connection and reads the head of its request.
async fn request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_lowercase())
}

async fn chunk(stream: &mut TcpStream, text: &str) {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await.unwrap();
}

async fn opened(listener: &TcpListener, client: &Client, after: Option<&str>) -> (Events, TcpStream, String) {
    let answer = async {
        let (mut stream, head) = request(listener).await;
        stream.write_all(HEAD.as_bytes()).await.unwrap();
        (stream, head)
    };
    let (events, (stream, head)) =
        tokio::join!(client.events("/api/v1/stream", "events=state", after), answer);
    (events.unwrap(), stream, head)
}

#[tokio::test]
async fn events_come_one_by_one_and_the_stream_can_be_taken_up_again() {
    let (listener, address) = peer().await;
    let client = Client::new(&format!("http://{address}/"), Some(Secret::new("canary"))).unwrap();
    let (mut events, mut stream, head) = opened(&listener, &client, None).await;
    assert!(head.starts_with("get /api/v1/stream?events=state http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer canary\r\n") && !head.contains("last-event-id"), "{head}");
    chunk(&mut stream, ": ping\n\nid: a-1\nevent: snapshot\ndata: {}\n\nid: a-2\nev").await;
    chunk(&mut stream, "ent: state\ndata: 1\n\n").await;
    chunk(&mut stream, "data: cut").await;
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let first = events.next().await.unwrap().unwrap();
    assert_eq!((first.name.as_str(), first.data.as_str(), events.last_id()), ("snapshot", "{}", Some("a-1")));
    let second = events.next().await.unwrap().unwrap();
    assert_eq!((second.name.as_str(), events.last_id()), ("state", Some("a-2")));
    assert_eq!(events.next().await.unwrap(), None);
    let (again, _stream, head) = opened(&listener, &client, events.last_id()).await;
    assert!(head.contains("last-event-id: a-2\r\n"), "{head}");
    assert_eq!(again.last_id(), Some("a-2"));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_end() {
    let (listener, address) = peer().await;
    let client = Client::new(&format!("http://{address}"), None).unwrap();
    let (mut events, mut stream, _) = opened(&listener, &client, None).await;
    chunk(&mut stream, "data: 1\n\n").await;
    drop(stream);
    assert_eq!(events.next().await.unwrap().unwrap().data, "1");
    assert!(matches!(events.next().await, Err(AskError::Broken { .. })));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_stream_and_heartbeats_do_not() {
    // Three heartbeats, each after most of the patience: together they outlast it. Then an event, then nothing.
    let pieces = [": ping\n\n", ": ping\n\n", ": ping\n\n", "data: alive\n\n"];
    let body = futures_util::stream::unfold(pieces.into_iter(), async |mut pieces| {
        let Some(piece) = pieces.next() else { return std::future::pending().await };
        tokio::time::sleep(IDLE * 3 / 4).await;
        Some((Ok(Frame::data(Bytes::from_static(piece.as_bytes()))), pieces))
    });
    let mut events = Events::new("http://x".to_owned(), None, StreamBody::new(body));
    assert_eq!(events.next().await.unwrap().unwrap().data, "alive");
    let before = tokio::time::Instant::now();
    let silent = events.next().await.unwrap_err();
    assert!(silent.to_string().contains("fallen silent"), "{silent}");
    assert_eq!(before.elapsed(), IDLE);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let (listener, address) = peer().await;
    let client = Client::new(&format!("http://{address}"), None).unwrap();
    for (status, body, code, said) in [
        (
            409,
            r#"{"error":{"code":"conflict","message":"no \u001b[31m","hint":"try"}}"#,
            "conflict",
            r"no \u{1b}[31m (try)",
        ),
        (404, "<html>", "", "it is no admin port of this program"),
    ] {
        let answer = async {
            let (mut stream, head) = request(&listener).await;
            assert_eq!(stream.read_u16().await.unwrap().to_be_bytes(), *b"{}");
            assert!(head.contains("content-type: application/json\r\n"), "{head}");
            let length = body.len();
            let text =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.unwrap();
        };
        let (refused, ()) = tokio::join!(client.post("/x", "", Some("{}")), answer);
        let error = refused.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        let AskError::Refused { status: got, code: told, .. } = error else { panic!("{error}") };
        assert_eq!((got, told.as_str()), (status, code));
    }
}

#[tokio::test]
async fn nobody_there_is_said() {
    let (listener, address) = peer().await;
    drop(listener);
    let client = Client::new(&format!("http://{address}"), None).unwrap();
    let error = client.get("/x", "").await.unwrap_err();
    assert!(matches!(&error, AskError::Unreachable { base, .. } if base.contains("127.0.0.1")), "{error:?}");
    assert!(matches!(client.events("/x", "", None).await, Err(AskError::Unreachable { .. })));
}
