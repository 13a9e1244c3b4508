//! HTTP/2 endpoints: over TLS and by prior knowledge.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use cc_forwarder::domain::endpoint::{EndpointSpec, Scheme};
use cc_forwarder::proxy::transport::{BodyErrorKind, SendErrorKind};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::support::*;
use super::tls::Authority;

/// Answers with the target, `host` as it came, and the body.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let about = format!("{} {} {:?}\n", request.method(), request.uri(), request.headers().get("host"));
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(Full::new([about.as_bytes(), &body].concat().into())))
}

async fn serve(stream: impl Stream + 'static) {
    let builder = http2::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(stream), service_fn(echo)).await;
}

async fn cleartext() -> Upstream {
    Upstream::start_streams(|_, stream: TcpStream| serve(stream)).await
}

async fn over_tls(acceptor: TlsAcceptor) -> Upstream {
    Upstream::start_streams(move |_, stream: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(tls) = acceptor.accept(stream).await {
                serve(tls).await;
            }
        }
    })
    .await
}

fn http2(scheme: Scheme, host: &str, upstream: &Upstream) -> Arc<EndpointSpec> {
    let mut spec = spec(scheme, host, upstream.addr.port());
    spec.http2 = true;
    Arc::new(spec)
}

#[tokio::test]
async fn requests_share_one_connection() {
    let upstream = cleartext().await;
    let (transport, spec) = (direct(), http2(Scheme::Http, "127.0.0.1", &upstream));
    let expected = format!("POST http://{}/v1/messages?beta=true None\n{{}}", upstream.addr);
    assert_eq!(fetch(&transport, &spec).await, expected);
    let answers = futures_util::future::join_all((0..50).map(|_| send(&transport, &spec))).await;
    assert_eq!((upstream.accepted(), transport.idle_connections()), (1, 0));
    for answer in answers {
        let answer = answer.unwrap();
        assert!(answer.timing.reused);
        assert_eq!(whole(answer.body).await, expected);
    }
    assert_eq!(transport.idle_connections(), 1);
    transport.shutdown().await;
    upstream.until_open(0).await;
}

#[tokio::test]
async fn tls_agrees_on_http2_or_fails() {
    let authority = Authority::new();
    let upstream = over_tls(authority.acceptor(&["localhost"], &[b"http/1.1", b"h2"])).await;
    let transport = authority.transport();
    let body = fetch(&transport, &http2(Scheme::Https, "localhost", &upstream)).await;
    assert!(body.starts_with(b"POST https://localhost:"));
    transport.shutdown().await;
    upstream.until_open(0).await;

    for alpn in [&[][..], &[&b"http/1.1"[..]]] {
        let without = over_tls(authority.acceptor(&["localhost"], alpn)).await;
        let transport = authority.transport();
        let error = failure(&transport, &http2(Scheme::Https, "localhost", &without)).await;
        assert_eq!(error.kind, SendErrorKind::Tls, "{error}");
    }
}

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    let upstream = cleartext().await;
    let spec = http2(Scheme::Http, "127.0.0.1", &upstream);
    let sent = pattern(5 * 1024 * 1024);
    let answer = send_payload(&direct(), &spec, sent.clone()).await.unwrap();
    let size = answer.body.size_hint().exact().unwrap();
    let body = whole(answer.body).await;
    assert_eq!(body.len() as u64, size);
    assert!(body.ends_with(&sent), "the bytes came back changed");
}

/// The first connection says GOAWAY after its first answer, as servers do when they are restarted.
#[tokio::test]
async fn a_connection_told_to_go_away_is_replaced() {
    let (retire, retired) = watch::channel(false);
    let upstream = Upstream::start_streams(move |number, stream: TcpStream| {
        let mut retired = retired.clone();
        async move {
            let builder = http2::Builder::new(TokioExecutor::new());
            let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service_fn(echo)));
            tokio::select! {
                _ = serving.as_mut() => return,
                _ = retired.wait_for(|retired| *retired && number == 0) => serving.as_mut().graceful_shutdown(),
            }
            let _ = serving.await;
        }
    })
    .await;
    let (transport, spec) = (direct(), http2(Scheme::Http, "127.0.0.1", &upstream));
    fetch(&transport, &spec).await;
    retire.send_replace(true);
    upstream.until_open(0).await;
    fetch(&transport, &spec).await;
    assert_eq!(upstream.accepted(), 2);
}

/// The first connection serves one request; every further request, and any on other connections, breaks its connection.
#[tokio::test]
async fn a_broken_connection_counts_as_reused_only_when_it_was() {
    let upstream = Upstream::start_streams(|number, stream: TcpStream| async move {
        let (break_it, mut broken) = watch::channel(false);
        let served = AtomicBool::new(number > 0);
        let service = service_fn(|request| {
            let last = served.swap(true, Ordering::SeqCst);
            break_it.send_replace(last);
            async move { if last { std::future::pending().await } else { echo(request).await } }
        });
        let builder = http2::Builder::new(TokioExecutor::new());
        tokio::select! {
            _ = builder.serve_connection(TokioIo::new(stream), service) => {}
            _ = broken.wait_for(|broken| *broken) => {}
        }
    })
    .await;
    let (transport, spec) = (direct(), http2(Scheme::Http, "127.0.0.1", &upstream));
    fetch(&transport, &spec).await;
    for reused in [true, false] {
        let error = failure(&transport, &spec).await;
        assert_eq!((error.kind, error.reused), (SendErrorKind::Reset, reused));
        upstream.until_open(0).await;
    }
    assert_eq!(upstream.accepted(), 2);
}

/// A frame header of HTTP/2: length, type, flags, stream.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;

/// Sends its settings, waits for a request's first bytes and answers with these frames.
async fn scripted(frames: Vec<u8>) -> Upstream {
    Upstream::start(move |_, mut peer| {
        let frames = frames.clone();
        async move {
            peer.send(&frame(SETTINGS, 0, 0, &[])).await;
            // The client's preface looks like two heads; its frames come behind it.
            peer.read_head().await;
            peer.read_head().await;
            peer.until_sent(HEADERS).await;
            peer.send(&frames).await;
            peer.until_closed().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_refused_stream_was_not_processed() {
    let refused = 7u32.to_be_bytes();
    let upstream = scripted(frame(RST_STREAM, 0, 1, &refused)).await;
    let error = failure(&direct(), &http2(Scheme::Http, "127.0.0.1", &upstream)).await;
    assert_eq!((error.kind, error.reused), (SendErrorKind::Reset, true));

    let internal_error = 2u32.to_be_bytes();
    let upstream = scripted(frame(RST_STREAM, 0, 1, &internal_error)).await;
    let error = failure(&direct(), &http2(Scheme::Http, "127.0.0.1", &upstream)).await;
    assert_eq!((error.kind, error.reused), (SendErrorKind::Reset, false));
}

#[tokio::test]
async fn a_stream_reset_in_its_body_is_a_reset() {
    // 0x88 is `:status: 200` in HPACK's static table; END_HEADERS is 4.
    let answer = [
        frame(HEADERS, 4, 1, &[0x88]),
        frame(0, 0, 1, b"some"),
        frame(RST_STREAM, 0, 1, &2u32.to_be_bytes()),
    ];
    let upstream = scripted(answer.concat()).await;
    let answer = send(&direct(), &http2(Scheme::Http, "127.0.0.1", &upstream)).await.unwrap();
    let (_, end) = drain(answer.body).await;
    assert_eq!(end.unwrap_err().kind, BodyErrorKind::Reset);
}
