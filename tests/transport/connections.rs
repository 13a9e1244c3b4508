//! Which requests share a connection, and when connections are closed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cc_forwarder::proxy::dialer::Dialer;
use cc_forwarder::proxy::pool::MAX_IDLE_AGE;
use cc_forwarder::proxy::transport::{Reuse, SendErrorKind};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::support::*;

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let upstream = Upstream::answering(OK).await;
    let (transport, spec) = (direct(), upstream.spec());
    for round in 0..50 {
        let answer = send(&transport, &spec).await.unwrap();
        assert_eq!(answer.timing.reused, round > 0);
        assert_eq!(answer.timing.connect.is_none(), round > 0);
        assert_eq!(whole(answer.body).await, "ok");
        assert_eq!(transport.idle_connections(), 1);
    }
    assert_eq!(upstream.accepted(), 1);
    transport.shutdown().await;
    upstream.until_open(0).await;
    assert_eq!(transport.idle_connections(), 0);
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each() {
    let upstream = Upstream::answering(OK).await;
    let (transport, spec) = (direct(), upstream.spec());
    let answers = futures_util::future::join_all((0..64).map(|_| send(&transport, &spec))).await;
    assert_eq!(upstream.accepted(), 64);
    assert_eq!(transport.idle_connections(), 0);
    for answer in answers {
        whole(answer.unwrap().body).await;
    }
    assert_eq!(transport.idle_connections(), 64);
    transport.shutdown().await;
    upstream.until_open(0).await;
}

#[tokio::test]
async fn an_answer_without_a_body_frees_its_connection_at_once() {
    let upstream = Upstream::answering(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    let (transport, spec) = (direct(), upstream.spec());
    let answer = send(&transport, &spec).await.unwrap();
    assert_eq!(transport.idle_connections(), 1);
    drop(answer);
    assert_eq!(transport.idle_connections(), 1);
}

#[tokio::test]
async fn a_connection_the_upstream_wants_closed_is_not_kept() {
    let close = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let upstream = Upstream::answering(close).await;
    let (transport, spec) = (direct(), upstream.spec());
    fetch(&transport, &spec).await;
    fetch(&transport, &spec).await;
    assert_eq!((upstream.accepted(), transport.idle_connections()), (2, 0));
    upstream.until_open(0).await;
}

#[tokio::test]
async fn a_dropped_body_closes_the_connection() {
    let upstream = Upstream::start(|_, mut peer| async move {
        peer.read_request().await;
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await;
        peer.until_closed().await;
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    let answer = send(&transport, &spec).await.unwrap();
    upstream.until_open(1).await;
    drop(answer);
    upstream.until_open(0).await;
    assert_eq!(transport.idle_connections(), 0);
}

#[tokio::test]
async fn a_dropped_request_closes_the_connection() {
    let seen = Arc::new(Notify::new());
    let notify = Arc::clone(&seen);
    let upstream = Upstream::start(move |_, mut peer| {
        let notify = Arc::clone(&notify);
        async move {
            peer.read_request().await;
            notify.notify_one();
            peer.until_closed().await;
        }
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    tokio::select! {
        _ = send(&transport, &spec) => panic!("nobody answered"),
        () = bounded(seen.notified()) => {}
    }
    upstream.until_open(0).await;
}

/// The upstream waits for the second request and closes instead of answering it.
#[tokio::test]
async fn a_reused_connection_that_ends_in_silence_is_told_apart() {
    let upstream = Upstream::start(|_, mut peer| async move {
        peer.read_request().await;
        peer.send(OK).await;
        peer.read_request().await;
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    fetch(&transport, &spec).await;
    let error = failure(&transport, &spec).await;
    assert_eq!(error.kind, SendErrorKind::Reset);
    assert!(error.reused && error.request_sent && error.unsent.is_none());

    fetch(&transport, &spec).await;
    let fresh = transport.send(&spec, post(&spec, Bytes::new()), PATIENCE, Reuse::Never);
    let answer = bounded(fresh).await.unwrap();
    assert!(!answer.timing.reused);
    assert_eq!(upstream.accepted(), 3);
}

#[tokio::test]
async fn a_reused_connection_that_breaks_inside_the_head_is_the_endpoints_failure() {
    let upstream = Upstream::start(|_, mut peer| async move {
        peer.read_request().await;
        peer.send(OK).await;
        peer.read_request().await;
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-le").await;
    })
    .await;
    let (transport, spec) = (direct(), upstream.spec());
    fetch(&transport, &spec).await;
    let error = failure(&transport, &spec).await;
    assert_eq!((error.kind, error.reused), (SendErrorKind::Reset, false));
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_passed_over() {
    let upstream = Upstream::answering_once(OK).await;
    let (transport, spec) = (direct(), upstream.spec());
    for _ in 0..3 {
        fetch(&transport, &spec).await;
        upstream.until_open(0).await;
        until(|| {
            transport.sweep(Instant::now());
            transport.idle_connections() == 0
        })
        .await;
    }
    assert_eq!(upstream.accepted(), 3);
}

#[tokio::test]
async fn a_sweep_closes_what_was_idle_for_too_long() {
    let upstream = Upstream::answering(OK).await;
    let (transport, spec) = (direct(), upstream.spec());
    fetch(&transport, &spec).await;
    transport.sweep(Instant::now());
    assert_eq!(transport.idle_connections(), 1);
    transport.sweep(Instant::now() + MAX_IDLE_AGE);
    assert_eq!(transport.idle_connections(), 0);
    upstream.until_open(0).await;
}

#[tokio::test]
async fn a_new_configuration_closes_what_it_does_not_name() {
    let (kept, moved) = (Upstream::answering(OK).await, Upstream::answering(OK).await);
    let transport = direct();
    let named = |upstream: &Upstream, name: &str| {
        let mut spec = Arc::unwrap_or_clone(upstream.spec());
        spec.id = cc_forwarder::domain::endpoint::EndpointId::new(name);
        Arc::new(spec)
    };
    let (a, b) = (named(&kept, "a"), named(&moved, "b"));
    fetch(&transport, &a).await;
    fetch(&transport, &b).await;

    let mut changed = (*a).clone();
    changed.priority = 9;
    transport.reconfigure(None, &[Arc::new(changed.clone()), named(&kept, "b")]);
    moved.until_open(0).await;
    fetch(&transport, &Arc::new(changed)).await;
    assert_eq!((kept.accepted(), transport.idle_connections()), (1, 1));

    transport.reconfigure(Some(Dialer::new(None, None)), std::slice::from_ref(&a));
    kept.until_open(0).await;
    fetch(&transport, &a).await;
    assert_eq!(kept.accepted(), 2);
}

#[tokio::test]
async fn after_shutdown_nothing_is_kept() {
    let upstream = Upstream::answering(OK).await;
    let (transport, spec) = (direct(), upstream.spec());
    transport.shutdown().await;
    fetch(&transport, &spec).await;
    assert_eq!(transport.idle_connections(), 0);
    upstream.until_open(0).await;
}

/// Waits for something the system does behind our back; bounded, and asked again as soon as other tasks have run.
async fn until(mut done: impl FnMut() -> bool) {
    bounded(async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
