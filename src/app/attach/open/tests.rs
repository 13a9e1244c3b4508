//! First contacts, most of which come to nothing.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use super::*;
use crate::app::attach::testing::{event, peer, picture, speaker, status};

async fn opened(routes: Router) -> Result<Opened, String> {
    let wire = peer(routes).await;
    open(wire.client().clone()).await.map_err(|error| format!("{error:#}"))
}

async fn refused(routes: Router) -> String {
    opened(routes).await.map(drop).unwrap_err()
}

fn ours() -> String {
    format!("it is version 9.9.9, this is version {}", env!("CARGO_PKG_VERSION"))
}

#[tokio::test]
async fn a_forwarder_says_what_it_is_and_what_there_is() {
    let (routes, _) = speaker("9.9.9", vec![(event("1-1", "snapshot", &picture(42)), false)]);
    let opened = opened(routes).await.map_err(|why| panic!("{why}")).unwrap();
    assert_eq!((opened.status.version.as_str(), opened.snapshot.totals.accepted), ("9.9.9", 42));
}

#[tokio::test]
async fn a_forwarder_that_comes_back_with_another_version_is_told_of() {
    let ours = env!("CARGO_PKG_VERSION");
    assert_eq!(other_version(ours), None);
    let mut facts = crate::tui::testing::unanswered(crate::tui::testing::busy()).facts;
    facts.version = ours.to_owned();
    let (sender, receiver) = watch::channel(facts);
    let (tx, mut told) = tokio::sync::mpsc::unbounded_channel();
    let telling = tell_of_versions(receiver, move |text| tx.send(text).unwrap());
    let telling = tokio_util::task::TaskTracker::new().spawn(telling);
    let this = format!("this screen is version {ours}");
    let becomes = |version: &str| sender.send_modify(|facts| facts.version = version.to_owned());
    becomes("9.9.9");
    assert_eq!(
        timeout(PATIENCE, told.recv()).await.unwrap().unwrap(),
        format!("the forwarder is version 9.9.9, {this}")
    );
    becomes("9.9.9");
    becomes("8.8.8\u{1b}[2J");
    assert_eq!(
        timeout(PATIENCE, told.recv()).await.unwrap().unwrap(),
        format!("the forwarder is version 8.8.8\\u{{1b}}[2J, {this}")
    );
    becomes(ours);
    drop(sender);
    telling.await.unwrap();
    assert_eq!(told.recv().await, None);
}

#[tokio::test]
async fn whoever_is_no_forwarder_is_told_from_one() {
    let page = || async { "<html>hello</html>" };
    let why = refused(Router::new().route("/api/v1/status", get(page))).await;
    assert!(why.contains("is no admin port of this program"), "{why}");
    let why = refused(Router::new()).await;
    assert!(why.contains("is no admin port of this program"), "{why}");
}

#[tokio::test]
async fn a_version_without_a_stream_or_with_another_one_is_named() {
    let old = Router::new().route("/api/v1/status", get(|| async { status("9.9.9") })).fallback(|| async {
        let body = r#"{"error":{"code":"not_found","message":"there is no /api/v1/stream"}}"#;
        (StatusCode::NOT_FOUND, body)
    });
    let why = refused(old).await;
    assert!(why.contains("there is no /api/v1/stream") && why.contains(&ours()), "{why}");
    let (odd, _) = speaker("9.9.9", vec![(event("1-1", "snapshot", "{}"), false)]);
    let why = refused(odd).await;
    assert!(why.contains("cannot be read (missing field") && why.contains(&ours()), "{why}");
    let (short, _) = speaker("9.9.9", vec![(": ping\n\n".to_owned(), true)]);
    let why = refused(short).await;
    assert!(why.contains("has closed the connection"), "{why}");
}

#[tokio::test]
async fn a_token_that_is_missing_is_asked_for() {
    let guarded = || async {
        let body =
            r#"{"error":{"code":"unauthorized","message":"the token is not the right one","hint":"x"}}"#;
        (StatusCode::UNAUTHORIZED, body)
    };
    let why = refused(Router::new().route("/api/v1/status", get(guarded))).await;
    assert!(why.starts_with("the token is not the right one; give it with --token or in "), "{why}");
}
