//! Requests that get no head, and what is said about them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cc_forwarder::domain::endpoint::Scheme;
use cc_forwarder::proxy::transport::{Payload, Reuse, SendErrorKind, UploadError};
use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::net::TcpListener;

use super::support::*;

const SHORT: Duration = Duration::from_millis(150);

async fn kind_after(answer: &'static [u8]) -> SendErrorKind {
    let upstream = Upstream::answering_once(answer).await;
    let error = failure(&direct(), &upstream.spec()).await;
    assert!(!error.reused && error.request_sent);
    error.kind
}

#[tokio::test]
async fn a_missing_or_broken_head_is_told_apart() {
    assert_eq!(kind_after(b"").await, SendErrorKind::Reset);
    assert_eq!(kind_after(b"HTTP/1.1 200 OK\r\ncontent").await, SendErrorKind::Reset);
    assert_eq!(kind_after(b"SSH-2.0-OpenSSH_9.6\r\n").await, SendErrorKind::Protocol);
    assert_eq!(kind_after(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").await, SendErrorKind::Protocol);
    let upgrade = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    assert_eq!(kind_after(upgrade).await, SendErrorKind::Protocol);
}

#[tokio::test]
async fn informational_answers_are_skipped() {
    let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let upstream = Upstream::answering(answer).await;
    let (transport, spec) = (direct(), upstream.spec());
    assert_eq!(fetch(&transport, &spec).await, "ok");
    assert_eq!(transport.idle_connections(), 1);
}

#[tokio::test]
async fn two_hundred_headers_are_accepted() {
    let upstream = Upstream::start(|_, mut peer| async move {
        peer.read_request().await;
        let headers: String = (0..200).map(|n| format!("x-{n}: {}\r\n", "v".repeat(200))).collect();
        peer.send(format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n").as_bytes()).await;
    })
    .await;
    let answer = send(&direct(), &upstream.spec()).await.unwrap();
    assert_eq!(answer.head.headers.len(), 201);
}

#[tokio::test]
async fn a_silent_endpoint_runs_into_the_header_timeout() {
    let upstream = Upstream::start(|_, mut peer| async move { peer.until_closed().await }).await;
    let (transport, spec) = (direct(), upstream.spec());
    let sending = transport.send(&spec, post(&spec, Bytes::new()), SHORT, Reuse::Allowed);
    let error = bounded(sending).await.map(|_| "an answer").unwrap_err();
    assert_eq!((error.kind, error.reused), (SendErrorKind::HeaderTimeout, false));
    assert_eq!(error.detail, "no response head within 0.15 s");
    upstream.until_open(0).await;
}

#[tokio::test]
async fn an_unreachable_endpoint_gives_the_body_back() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let spec = Arc::new(spec(Scheme::Http, "127.0.0.1", port));
    let error = send_payload(&direct(), &spec, stalled(&["begin"])).await.map(|_| "an answer").unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Connect);
    assert!(!error.request_sent && matches!(error.unsent, Some(Payload::Once(_))));
}

/// An upload that gives these chunks and then nothing for ever.
fn stalled(chunks: &'static [&'static str]) -> Payload {
    let frames = futures_util::stream::iter(chunks)
        .map(|chunk| Ok::<_, UploadError>(Frame::data(Bytes::from_static(chunk.as_bytes()))))
        .chain(futures_util::stream::pending());
    Payload::Once(StreamBody::new(frames).boxed_unsync())
}

fn failing() -> Payload {
    let frames = futures_util::stream::iter([
        Ok(Frame::data(Bytes::from_static(b"begin"))),
        Err(UploadError::from("the client went away")),
    ]);
    Payload::Once(StreamBody::new(frames).boxed_unsync())
}

#[tokio::test]
async fn a_failing_or_stalled_upload_is_the_clients() {
    let upstream = Upstream::start(|_, mut peer| async move { peer.until_closed().await }).await;
    let (transport, spec) = (direct(), upstream.spec());
    for payload in [failing(), stalled(&["begin"])] {
        let sending = transport.send(&spec, post(&spec, payload), SHORT, Reuse::Allowed);
        let error = bounded(sending).await.map(|_| "an answer").unwrap_err();
        assert_eq!(error.kind, SendErrorKind::RequestBody);
        upstream.until_open(0).await;
    }
}

/// Every piece comes well within the limit, all of them together take longer; the endpoint answers at the end.
#[tokio::test]
async fn a_slow_upload_does_not_run_into_the_header_timeout() {
    let upstream = Upstream::answering(OK).await;
    let (transport, spec) = (direct(), upstream.spec());
    let limit = Duration::from_secs(2);
    let frames = futures_util::stream::unfold(0, move |sent| async move {
        tokio::time::sleep(limit / 8).await;
        (sent < 12).then_some((Ok::<_, UploadError>(Frame::data(Bytes::from_static(b"x"))), sent + 1))
    });
    let payload = Payload::Once(StreamBody::new(frames).boxed_unsync());
    let answer = bounded(transport.send(&spec, post(&spec, payload), limit, Reuse::Allowed)).await.unwrap();
    assert_eq!(whole(answer.body).await, "ok");
}
