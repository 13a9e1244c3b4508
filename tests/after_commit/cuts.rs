//! Cuts, ends and errors behind the commit.

use std::borrow::Cow;

use bytes::Bytes;
use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Coding, Encoding, Framing, How, Mark, SseStyle};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::scene::{assert_blamed, assert_completed, direct, events, plain_scene, standing};
use crate::support::{Answer, PATIENCE};

/// `message_start`, the start of a block, a ping, two deltas.
const SOME: Mark = Mark::Events(5);
/// In the middle of an event behind the first content.
const HALF: Mark = Mark::Bytes(1200);

fn all_ways() -> [(&'static str, How); 4] {
    [("reset", How::Reset), ("close", How::Close), ("silence", How::Silence), ("good form", How::End)]
}

fn stopped(at: Mark, how: How) -> Behaviour {
    Behaviour::healthy().stop(at, how)
}

fn assert_error_event(event: &str, answer: &Answer, label: &str) {
    let data = event.strip_prefix("event: error\ndata: ").and_then(|rest| rest.strip_suffix("\n\n"));
    let data = data.unwrap_or_else(|| panic!("{label}: {event:?} is no error event"));
    let error: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(error["type"], "error", "{label}: {error}");
    assert_eq!(error["error"]["type"], "api_error", "{label}: {error}");
    assert!(error["error"]["message"].is_string(), "{label}: {error}");
    assert_eq!(error["request_id"], answer.headers["x-cc-forwarder-request-id"].to_str().unwrap(), "{label}");
}

#[tokio::test]
async fn a_cut_between_events_is_told_in_one_error_event() {
    let whole = events(&direct(Behaviour::healthy(), true).await);
    for (label, how) in all_ways() {
        let mut world = plain_scene(stopped(SOME, how)).await;
        let answer = world.client.messages(true).await;
        assert!(!answer.broken, "{label}: {}", answer.text());
        let got = events(&answer);
        assert_eq!(got.len(), 6, "{label}: {}", answer.text());
        assert_eq!(got[..5], whole[..5], "{label}");
        assert_error_event(&got[5], &answer, label);
        let record = assert_blamed(&mut world, label).await;
        let kind = if label == "silence" { Kind::IdleTimeout } else { Kind::Cut };
        assert_eq!(record.failure, Some(kind), "{label}");
    }
}

#[tokio::test]
async fn a_cut_inside_an_event_breaks_the_connection() {
    let whole = direct(Behaviour::healthy(), true).await.body;
    for (label, how) in all_ways() {
        let mut world = plain_scene(stopped(HALF, how)).await;
        let answer = world.client.messages(true).await;
        assert!(answer.broken, "{label}: {}", answer.text());
        assert!(whole[..1200].starts_with(&answer.body), "{label}: {}", answer.text());
        assert_blamed(&mut world, label).await;
    }
}

#[tokio::test]
async fn a_cut_behind_the_last_line_of_an_event_breaks_the_connection() {
    let whole = direct(Behaviour::healthy(), true).await.body;
    let before_blank_line = events(&direct(Behaviour::healthy(), true).await)[..5].concat().len() - 1;
    for (label, how) in all_ways() {
        let mut world = plain_scene(stopped(Mark::Bytes(before_blank_line), how)).await;
        let answer = world.client.messages(true).await;
        assert!(answer.broken, "{label}: {}", answer.text());
        assert!(whole.starts_with(&answer.body), "{label}: {}", answer.text());
        assert_blamed(&mut world, label).await;
    }
}

#[tokio::test]
async fn a_cut_where_nothing_can_be_written_breaks_the_connection() {
    let sized = |b: Behaviour| b.framing(Framing::ContentLength);
    let coded = |coding| Behaviour::healthy().encoding(Encoding::Forced(coding));
    for (label, behaviour) in [
        ("length", sized(Behaviour::healthy())),
        ("gzip", coded(Coding::Gzip)),
        ("brotli", coded(Coding::Brotli)),
        ("zstd", coded(Coding::Zstd)),
        ("deflate and length", sized(coded(Coding::Deflate))),
    ] {
        for (way, how) in all_ways() {
            let label = format!("{label}, {way}");
            // A silent endpoint says what one says that closes; only nobody would see the end of it.
            let visible = if how == How::Silence { How::Close } else { how.clone() };
            let unforwarded = direct(behaviour.clone().stop(SOME, visible), true).await;
            let mut world = plain_scene(behaviour.clone().stop(SOME, how)).await;
            let answer = world.client.messages(true).await;
            assert!(answer.broken, "{label}: {}", answer.text());
            assert!(unforwarded.body.starts_with(&answer.body), "{label}: {}", answer.text());
            assert_blamed(&mut world, &label).await;
        }
    }
}

#[tokio::test]
async fn a_cut_document_breaks_the_connection() {
    let large = || Behaviour::large(3 << 20);
    for (label, how) in [("reset", How::Reset), ("close", How::Close), ("silence", How::Silence)] {
        for framing in [Framing::ContentLength, Framing::Chunked] {
            let behaviour = large().framing(framing).stop(Mark::Bytes(2 << 20), how.clone());
            let mut world = plain_scene(behaviour).await;
            let answer = world.client.messages(false).await;
            assert!(answer.broken && answer.status == 200, "{label}, {framing:?}: {}", answer.body.len());
            assert!(answer.body.len() <= 2 << 20, "{label}, {framing:?}: {}", answer.body.len());
            assert_blamed(&mut world, label).await;
        }
    }
}

#[tokio::test]
async fn an_error_event_of_the_endpoint_is_the_last_word() {
    for (kind, wanted) in [("overloaded_error", Kind::Overloaded), ("api_error", Kind::ServerError)] {
        let behaviour = stopped(SOME, How::Error(Cow::Borrowed(kind)));
        let unforwarded = direct(behaviour.clone(), true).await;
        let mut world = plain_scene(behaviour).await;
        let answer = world.client.messages(true).await;
        assert_eq!((answer.broken, &answer.body), (false, &unforwarded.body), "{kind}: {}", answer.text());
        assert_eq!(assert_blamed(&mut world, kind).await.failure, Some(wanted));
    }
}

#[tokio::test]
async fn a_client_that_leaves_at_the_error_event_has_seen_a_failure() {
    let error =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"x\"}}\n\n";
    let body = events(&direct(Behaviour::healthy(), true).await)[..5].concat() + error;
    let length = body.len();
    let hanging =
        Behaviour::fixed(200, "text/event-stream", Bytes::from(body)).stop(Mark::Bytes(length), How::Silence);
    let mut world = plain_scene(hanging).await;
    let mut response =
        world.client.open(world.client.post("/v1/messages", &crate::support::messages_body(true))).await;
    read_until(response.body_mut(), length).await;
    drop(response);
    let record = world.record().await;
    assert_eq!((record.state, record.failure), (State::Failed, Some(Kind::ServerError)), "{record:?}");
    let mut view = world.forwarder.control().watch();
    let blamed =
        timeout(PATIENCE, view.wait_for(|v| v.endpoints.iter().any(|e| e.standing.streak == 1))).await;
    assert!(blamed.is_ok_and(|v| v.is_ok()), "{:?}", standing(&world));
}

#[tokio::test]
async fn a_client_that_leaves_at_the_last_event_has_seen_everything() {
    let behaviour = Behaviour::healthy();
    let length = direct(behaviour.clone(), true).await.body.len();
    let mut world = plain_scene(behaviour.stop(Mark::Bytes(length), How::Silence)).await;
    let mut response =
        world.client.open(world.client.post("/v1/messages", &crate::support::messages_body(true))).await;
    read_until(response.body_mut(), length).await;
    drop(response);
    let record = world.record().await;
    assert_eq!((record.state, record.failure), (State::Completed, None), "{record:?}");
}

async fn read_until(body: &mut hyper::body::Incoming, length: usize) {
    let mut seen = 0;
    while seen < length {
        let frame = timeout(PATIENCE, body.frame()).await.expect("a frame in time").expect("not the end");
        seen += frame.unwrap().into_data().unwrap().len();
    }
}

#[tokio::test]
async fn a_whole_stream_ends_as_it_came() {
    let unfinished = SseStyle { final_blank_line: false, ..SseStyle::default() };
    for (label, behaviour) in [
        ("no message_stop", Behaviour::healthy().content(|c| c.no_message_stop = true)),
        ("no final blank line", Behaviour::spelled(unfinished)),
        ("neither", Behaviour::spelled(unfinished).content(|c| c.no_message_stop = true)),
        ("CRLF, no final blank line", Behaviour::spelled(SseStyle { crlf: true, ..unfinished })),
        ("until close", Behaviour::healthy().framing(Framing::UntilClose)),
    ] {
        let unforwarded = direct(behaviour.clone(), true).await;
        let mut world = plain_scene(behaviour).await;
        let answer = world.client.messages(true).await;
        assert_eq!((answer.broken, &answer.body), (false, &unforwarded.body), "{label}: {}", answer.text());
        assert_completed(&mut world, label).await;
    }
}

#[tokio::test]
async fn what_breaks_behind_the_last_event_was_whole() {
    let whole = direct(Behaviour::healthy(), true).await;
    let all = Mark::Events(events(&whole).len());
    for (label, how) in [("reset", How::Reset), ("close", How::Close), ("silence", How::Silence)] {
        let mut world = plain_scene(stopped(all, how)).await;
        let answer = world.client.messages(true).await;
        assert_eq!((answer.broken, &answer.body), (false, &whole.body), "{label}: {}", answer.text());
        assert_completed(&mut world, label).await;
    }
}
