//! Our pings: only in silence, only between events, only where a stream is plain, and never behind its end.

use std::time::Duration;

use cc_forwarder::simulator::{
    Behaviour, Coding, Drip, Encoding, Framing, How, Mark, Outcome, Pace, SseStyle,
};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::scene::{assert_completed, direct, events, plain_scene, scene};
use crate::support::{PATIENCE, messages_body};

const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
/// Many times the heartbeat's interval.
const SILENCE: Duration = Duration::from_millis(150);

fn beating(base: &str) -> String {
    let fast = base.replace("heartbeat_interval: 0s", "heartbeat_interval: 20ms");
    assert_ne!(fast, base);
    fast
}

/// A short answer.
fn short() -> Behaviour {
    Behaviour::healthy().deltas(2, 8)
}

/// A silence before every event.
fn halting(behaviour: Behaviour) -> Behaviour {
    behaviour.pace(Pace::every(SILENCE))
}

async fn assert_filled(label: &str, behaviour: Behaviour) {
    let unforwarded = direct(behaviour.clone(), true).await.text();
    let mut world = scene(halting(behaviour), beating).await;
    let answer = world.client.messages(true).await;
    let text = answer.text();
    assert!(!answer.broken, "{label}: {text}");
    assert!(text.matches(PING).count() > unforwarded.matches(PING).count() + 3, "{label}: {text}");
    assert_eq!(text.replace(PING, ""), unforwarded.replace(PING, ""), "{label}");
    for (at, _) in text.match_indices(PING) {
        let before = &text[..at];
        assert!(before.ends_with("\n\n") || before.ends_with("\r\n\r\n"), "{label}: a ping in {text}");
    }
    assert!(text.find(PING) > text.find("content_block_start"), "{label}: a ping before the commit");
    assert_completed(&mut world, label).await;
}

#[tokio::test]
async fn silence_is_filled_with_pings_between_events() {
    let crlf = SseStyle { crlf: true, ..SseStyle::default() };
    let unnamed = SseStyle { event_lines: false, ..SseStyle::default() };
    tokio::join!(
        assert_filled("plain", short()),
        assert_filled("CRLF", short().style(crlf)),
        assert_filled("data only", short().style(unnamed)),
        assert_filled("until close", short().framing(Framing::UntilClose)),
    );
}

#[tokio::test]
async fn no_ping_before_the_commit() {
    let mut world = scene(Behaviour::slow_first_token(SILENCE), beating).await;
    let answer = world.client.messages(true).await;
    let text = answer.text();
    assert!(text.find(PING) > text.find("content_block_start"), "{text}");
    assert_completed(&mut world, "slow first token").await;
}

async fn assert_untouched(label: &str, behaviour: Behaviour) {
    let unforwarded = direct(behaviour.clone(), true).await;
    let world = scene(halting(behaviour), beating).await;
    let answer = world.client.messages(true).await;
    assert_eq!((answer.broken, &answer.body), (false, &unforwarded.body), "{label}: {}", answer.text());
}

#[tokio::test]
async fn no_ping_into_lengths_and_codings() {
    let coded = |coding| short().encoding(Encoding::Forced(coding));
    tokio::join!(
        assert_untouched("length", short().framing(Framing::ContentLength)),
        assert_untouched("gzip", coded(Coding::Gzip)),
        assert_untouched("brotli", coded(Coding::Brotli)),
        assert_untouched("zstd", coded(Coding::Zstd)),
        assert_untouched("deflate", coded(Coding::Deflate)),
    );
}

#[tokio::test]
async fn no_ping_into_half_an_event_nor_behind_the_last() {
    let whole = events(&direct(short(), true).await);
    let text = whole.concat();
    let blank_line = whole[..5].concat().len() - 1;
    for (label, bytes, broken) in [
        ("inside a character", blank_line - 9, true),
        ("before a line's end", blank_line - 1, true),
        ("before a blank line", blank_line, true),
        ("behind message_stop", text.len(), false),
    ] {
        let world = scene(short().stop(Mark::Bytes(bytes), How::Silence), beating).await;
        let answer = world.client.messages(true).await;
        assert_eq!((answer.broken, &answer.body[..]), (broken, &text.as_bytes()[..bytes]), "{label}");
    }
}

#[tokio::test]
async fn a_silent_document_gets_no_pings() {
    let behaviour = Behaviour::large(3 << 20).stop(Mark::Bytes(2 << 20), How::Silence);
    let world = scene(behaviour, beating).await;
    let answer = world.client.messages(false).await;
    assert!(answer.broken && !answer.text().contains("ping"));
}

#[tokio::test]
async fn pings_of_the_endpoint_are_life() {
    let mut world = plain_scene(Behaviour::drips(5, Drip::Ping, Duration::from_millis(20))).await;
    let request = world.client.post("/v1/messages", &messages_body(true));
    let mut response = world.client.open(request).await;
    let started = tokio::time::Instant::now();
    // Three times as long as a silent endpoint would be given.
    while started.elapsed() < Duration::from_millis(2100) {
        let frame = timeout(PATIENCE, response.body_mut().frame()).await.expect("a frame in time");
        assert!(frame.is_some_and(|f| f.is_ok()), "after {:?}", started.elapsed());
    }
    drop(response);
    let left = world.sims[0].wait_for(|log| log.messages().any(|r| r.outcome == Outcome::ClientLeft)).await;
    left.unwrap();
    let record = world.record().await;
    assert_eq!(record.state, cc_forwarder::events::State::Cancelled, "{record:?}");
}

#[tokio::test]
async fn our_own_pings_are_no_life() {
    let mut world = scene(Behaviour::silent_from(Mark::Events(5)), beating).await;
    let answer = world.client.messages(true).await;
    let text = answer.text();
    assert!(text.matches(PING).count() > 3, "{text}");
    assert_eq!(text.matches("event: error\n").count(), 1, "{text}");
    assert!(events(&answer).last().is_some_and(|last| last.starts_with("event: error\n")), "{text}");
    assert_eq!(world.record().await.failure, Some(cc_forwarder::domain::outcome::Kind::IdleTimeout));
}
