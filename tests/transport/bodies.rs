//! Request and response bodies: bytes, ends and sizes.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cc_forwarder::domain::endpoint::EndpointSpec;
use cc_forwarder::proxy::transport::{BodyErrorKind, Payload};
use futures_util::StreamExt;
use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::net::TcpListener;

use super::support::*;

/// Sends a small request to an upstream with this answer and reads it to its end.
async fn answered(answer: &'static [u8]) -> (Bytes, Result<(), BodyErrorKind>, usize) {
    let upstream = Upstream::answering_once(answer).await;
    let (transport, spec) = (direct(), upstream.spec());
    let answer = send(&transport, &spec).await.unwrap();
    let (bytes, end) = drain(answer.body).await;
    (bytes, end.map_err(|error| error.kind), transport.idle_connections())
}

#[tokio::test]
async fn missing_bytes_are_a_cut() {
    let short = answered(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1234").await;
    assert_eq!(short, ("1234".into(), Err(BodyErrorKind::Cut), 0));
    let no_last_chunk = answered(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1234\r\n").await;
    assert_eq!(no_last_chunk, ("1234".into(), Err(BodyErrorKind::Cut), 0));
    let inside_a_chunk = answered(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n1234").await;
    assert_eq!(inside_a_chunk, ("1234".into(), Err(BodyErrorKind::Cut), 0));
}

#[tokio::test]
async fn a_length_beside_chunks_means_nothing_and_goes() {
    let answer =
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1234\r\n0\r\n\r\n";
    let upstream = Upstream::answering_once(answer).await;
    let (transport, spec) = (direct(), upstream.spec());
    let answer = send(&transport, &spec).await.unwrap();
    assert!(!answer.head.headers.contains_key(CONTENT_LENGTH), "{:?}", answer.head.headers);
    let (bytes, end) = drain(answer.body).await;
    assert!(end.is_ok() && bytes == "1234", "{bytes:?}");
}

#[tokio::test]
async fn nonsense_chunks_are_a_protocol_error() {
    let nonsense =
        answered(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1234\r\nzz\r\n").await;
    assert_eq!(nonsense, ("1234".into(), Err(BodyErrorKind::Protocol), 0));
}

#[tokio::test]
async fn without_a_length_the_close_is_the_end() {
    let old = answered(b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nold").await;
    assert_eq!(old, ("old".into(), Ok(()), 0));
    let new = answered(b"HTTP/1.1 200 OK\r\n\r\nnew").await;
    assert_eq!(new, ("new".into(), Ok(()), 0));
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let spec = Arc::new(spec(
        cc_forwarder::domain::endpoint::Scheme::Http,
        "127.0.0.1",
        listener.local_addr().unwrap().port(),
    ));
    let transport = direct();
    let (head_seen, reset) = tokio::sync::oneshot::channel();
    let upstream = async {
        let (stream, _) = listener.accept().await.unwrap();
        resetting(&stream);
        let mut peer = Peer::new(stream);
        peer.read_request().await;
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1234").await;
        reset.await.unwrap();
    };
    let client = async {
        let mut body = send(&transport, &spec).await.unwrap().body;
        let first = bounded(body.frame()).await.unwrap().unwrap().into_data().unwrap();
        head_seen.send(()).unwrap();
        (first, drain(body).await)
    };
    let ((), (first, (rest, end))) = tokio::join!(upstream, client);
    assert_eq!((first, rest), ("1234".into(), Bytes::new()));
    assert_eq!(end.unwrap_err().kind, BodyErrorKind::Reset);
}

#[tokio::test]
async fn chunks_ready_together_are_one_frame_with_the_same_bytes() {
    let upstream = Upstream::start(|_, mut peer| async move {
        while peer.read_request().await.is_some() {
            let chunks = "1\r\na\r\n3\r\nbcd\r\n2\r\nef\r\n".repeat(20);
            let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
            peer.send(answer.as_bytes()).await;
        }
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    for _ in 0..3 {
        let mut body = send(&transport, &spec).await.unwrap().body;
        assert!(!body.is_end_stream() && body.size_hint().exact().is_none());
        let frame = bounded(body.frame()).await.unwrap().unwrap().into_data().unwrap();
        let (rest, end) = drain(body).await;
        end.unwrap();
        assert_eq!([&frame[..], &rest[..]].concat(), "abcdef".repeat(20).as_bytes());
        assert!(frame.len() > 6, "{} bytes in the first frame", frame.len());
    }
    assert_eq!(upstream.accepted(), 1);
}

#[tokio::test]
async fn many_single_bytes_arrive_in_order() {
    const COUNT: usize = 20_000;
    let upstream = Upstream::start(|_, mut peer| async move {
        while peer.read_request().await.is_some() {
            let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            for byte in pattern(COUNT) {
                answer.extend_from_slice(b"1\r\n");
                answer.push(byte);
                answer.extend_from_slice(b"\r\n");
            }
            answer.extend_from_slice(b"0\r\n\r\n");
            peer.send(&answer).await;
        }
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    assert_eq!(fetch(&transport, &spec).await, pattern(COUNT));
    assert_eq!(transport.idle_connections(), 1);
}

/// Every event is answered by nothing but its own arrival: a frame that waited for more would hang here.
#[tokio::test]
async fn an_event_is_delivered_without_waiting_for_the_next() {
    let (go, gone) = tokio::sync::mpsc::channel::<()>(1);
    let gone = Arc::new(tokio::sync::Mutex::new(gone));
    let upstream = Upstream::start(move |_, mut peer| {
        let gone = Arc::clone(&gone);
        async move {
            peer.read_request().await;
            peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            while gone.lock().await.recv().await.is_some() {
                peer.send(b"7\r\nevent\n\n\r\n").await;
            }
            peer.send(b"0\r\n\r\n").await;
            peer.until_closed().await;
        }
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    let mut body = send(&transport, &spec).await.unwrap().body;
    for _ in 0..200 {
        go.send(()).await.unwrap();
        let frame = bounded(body.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "event\n\n");
    }
    drop(go);
    assert!(bounded(body.frame()).await.is_none());
    assert_eq!(transport.idle_connections(), 1);
}

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    const SIZE: usize = 20 * 1024 * 1024;
    let upstream = Upstream::start(|_, mut peer| async move {
        while let Some(request) = peer.read_request().await {
            peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n").as_bytes()).await;
            peer.send(&request.body).await;
        }
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    let answer = send_payload(&transport, &spec, pattern(SIZE)).await.unwrap();
    assert_eq!(answer.body.size_hint().exact(), Some(SIZE as u64));
    assert!(whole(answer.body).await == pattern(SIZE), "the bytes came back changed");
    assert_eq!(transport.idle_connections(), 1);
}

#[tokio::test]
async fn the_size_hint_counts_down_to_the_end() {
    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let mut body = send(&direct(), &upstream.spec()).await.unwrap().body;
    assert_eq!(body.size_hint().exact(), Some(5));
    let mut left = 5;
    while let Some(frame) = bounded(body.frame()).await {
        left -= frame.unwrap().into_data().unwrap().len() as u64;
        assert_eq!(body.size_hint().exact(), Some(left));
    }
    assert!(body.is_end_stream() && left == 0);
}

#[tokio::test]
async fn trailers_are_kept() {
    let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n";
    let upstream = Upstream::answering(answer).await;
    let (transport, spec) = (direct(), upstream.spec());
    let mut body = send(&transport, &spec).await.unwrap().body;
    assert_eq!(bounded(body.frame()).await.unwrap().unwrap().into_data().unwrap(), "ok");
    assert!(!body.is_end_stream());
    assert_eq!(bounded(body.frame()).await.unwrap().unwrap().into_trailers().unwrap()["x-sum"], "7");
    assert!(body.is_end_stream());
    assert_eq!(transport.idle_connections(), 1);
}

/// The upstream refuses after the head of the request and never reads the body, which is larger than any buffer.
#[tokio::test]
async fn an_answer_during_the_upload_is_delivered() {
    let upstream = Upstream::start(|_, mut peer| async move {
        peer.read_head().await;
        peer.send(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\n\r\nbig").await;
        peer.until_closed().await;
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    let answer = send_payload(&transport, &spec, pattern(32 * 1024 * 1024)).await.unwrap();
    assert_eq!(answer.head.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(whole(answer.body).await, "big");
    assert_eq!(transport.idle_connections(), 0);
}

/// The same, but the upstream resets the connection behind its answer, and it does so while the request is being
/// written: between looking for an answer and the next write. What a reset leaves to be read is up to the system.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_followed_by_a_reset_under_a_write_is_delivered() {
    let (write_now, writing) = std::sync::mpsc::channel::<()>();
    let (reset, was_reset) = std::sync::mpsc::channel();
    let writing = Arc::new(Mutex::new(writing));
    let upstream = Upstream::start_streams(move |_, stream| {
        let (writing, reset) = (Arc::clone(&writing), reset.clone());
        async move {
            resetting(&stream);
            let mut peer = Peer::new(stream);
            peer.read_head().await;
            writing.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            peer.send(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\n\r\nbig").await;
            drop(peer);
            reset.send(()).unwrap();
        }
    })
    .await;
    let mut chunks = 0;
    let frames = futures_util::stream::poll_fn(move |cx| {
        chunks += 1;
        if chunks == 2 {
            // Gives the head time to leave: the next poll comes after a flush.
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        if chunks == 3 {
            write_now.send(()).unwrap();
            was_reset.recv_timeout(PATIENCE).unwrap();
        }
        let chunk = Frame::data(Bytes::from(vec![b'x'; 100_000]));
        std::task::Poll::Ready((chunks < 100).then_some(Ok::<_, Infallible>(chunk)))
    });
    let payload = Payload::Once(StreamBody::new(frames).map_err(Into::into).boxed_unsync());
    let transport = direct();
    let answer = send_payload(&transport, &upstream.spec(), payload).await.unwrap();
    assert_eq!(answer.head.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(whole(answer.body).await, "big");
    assert_eq!(transport.idle_connections(), 0);
}

fn upload(chunks: &'static [&'static str]) -> Payload {
    let frames = futures_util::stream::iter(chunks)
        .map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from_static(chunk.as_bytes()))));
    Payload::Once(StreamBody::new(frames).map_err(Into::into).boxed_unsync())
}

/// Sends one request to an upstream that keeps what it got.
async fn received(change: impl FnOnce(&EndpointSpec) -> http::Request<Payload>) -> Received {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let upstream = Upstream::start(move |_, mut peer| {
        let keep = Arc::clone(&keep);
        async move {
            *keep.lock().unwrap() = peer.read_request().await;
            peer.send(OK).await;
        }
    })
    .await;
    let spec = upstream.spec();
    let request = change(&spec);
    let reuse = cc_forwarder::proxy::transport::Reuse::Allowed;
    let answer = bounded(direct().send(&spec, request, PATIENCE, reuse)).await.unwrap();
    whole(answer.body).await;
    kept.lock().unwrap().take().unwrap()
}

#[tokio::test]
async fn the_length_is_stated_exactly_once() {
    let known = received(|spec| {
        let mut request = post(spec, Bytes::from_static(b"{\"a\":1}"));
        request.headers_mut().insert(CONTENT_LENGTH, "999".parse().unwrap());
        request
    })
    .await;
    assert!(known.head.starts_with("POST /v1/messages?beta=true HTTP/1.1\r\nhost: 127.0.0.1:"), "{known:?}");
    assert_eq!((known.count("content-length: 7"), known.count("content-length")), (1, 1));
    assert_eq!((known.count("transfer-encoding"), known.body), (0, b"{\"a\":1}".to_vec()));

    let empty = received(|spec| post(spec, Payload::empty())).await;
    assert_eq!((empty.count("content-length: 0"), empty.count("transfer-encoding")), (1, 0));

    let get = received(|spec| {
        let mut request = post(spec, Payload::empty());
        *request.method_mut() = Method::GET;
        request
    })
    .await;
    assert_eq!((get.count("content-length"), get.count("transfer-encoding")), (0, 0));

    let unknown = received(|spec| {
        let mut request = post(spec, upload(&["ab", "c"]));
        request.headers_mut().insert(CONTENT_LENGTH, "3".parse().unwrap());
        request
    })
    .await;
    assert_eq!((unknown.count("content-length"), unknown.count("transfer-encoding: chunked")), (0, 1));
    assert_eq!(unknown.body, b"abc");
}
