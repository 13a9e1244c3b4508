//! Bodies of requests: limits, memory, and large ones that stream through.

use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Class};

use crate::support::raw::post;
use crate::support::{QUICK, World, messages_body};

/// QUICK with more keys in its server section.
fn server(keys: &str) -> String {
    QUICK.replace("shutdown_grace: 2s", &format!("shutdown_grace: 2s, {keys}"))
}

/// A messages body of a little more than this many bytes.
fn large(bytes: usize) -> String {
    messages_body(false).replacen("Say something.", &"word ".repeat(bytes / 5), 1)
}

#[tokio::test]
async fn what_is_too_large_for_replay_is_refused() {
    let mut world = World::with(&server("max_body_bytes: 64KB"), &[("a", "main")]).await;
    for (path, chunked) in
        [("/v1/messages", false), ("/v1/messages?beta=true", true), ("/v1/messages/count_tokens", false)]
    {
        let body = large(3_000_000);
        let request = if chunked {
            let size = body.len();
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"
            )
        } else {
            post(path, &body, "")
        };
        // The whole upload goes out before the answer is looked at, as many clients do.
        let seen = world.raw().await.ask(request).await;
        assert_eq!(seen.status, 413, "{seen:?}");
        let error = seen.json();
        assert_eq!(error["error"]["type"], "request_too_large");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains("server.max_body_bytes"), "{message}");
        let record = world.record().await;
        assert_eq!((record.state, record.status), (State::Failed, Some(413)), "{record:?}");
        assert!(record.attempts.is_empty());
        assert_eq!(error["request_id"], record.id.to_string());
    }
    let fitting = world.client.send(world.client.post("/v1/messages", &large(60_000))).await;
    assert_eq!(fitting.status, 200, "{}", fitting.text());
    assert_eq!(world.sims[0].requests().len() as u64, 1 + probes(&world));
}

fn probes(world: &World) -> u64 {
    world.sims[0].log(|log| log.of(Class::Models).count() as u64)
}

#[tokio::test]
async fn large_uploads_of_other_classes_stream_through_once() {
    let mut world = World::with(&server("max_body_bytes: 64KB"), &[("a", "main"), ("b", "main")]).await;
    let body = "x".repeat(3_000_000);
    for _ in 0..2 {
        let answer = world.client.send(world.client.post("/v1/files", &body)).await;
        // The simulator knows no files; its 404 is the endpoint's answer.
        assert_eq!(answer.status, 404, "{}", answer.text());
        let record = world.record().await;
        assert_eq!(record.attempts.len(), 1, "{record:?}");
    }
    let uploads: Vec<_> = world.sims[0].requests().into_iter().filter(|r| r.target == "/v1/files").collect();
    assert_eq!(uploads.len(), 2);
    assert!(uploads.iter().all(|r| r.body == body.as_bytes()), "byte for byte");

    // Its body is gone after the first try, so nobody else is asked.
    world.sims[0].set_for(Class::Other, Behaviour::overloaded());
    let answer = world.client.send(world.client.post("/v1/files", &body)).await;
    assert_eq!(answer.status, 529, "{}", answer.text());
    assert_eq!(world.record().await.attempts.len(), 1);
    assert!(world.sims[1].requests().iter().all(|r| r.class == Class::Models), "only probes");
}

#[tokio::test]
async fn bodies_share_a_budget_and_give_it_back() {
    let world = &mut World::with(&server("max_buffered_bytes: 128KB"), &[("a", "main")]).await;
    world.sims[0].set(Behaviour::never_answers());
    let request = post("/v1/messages", &large(90_000), "");
    let mut holder = world.raw().await;
    holder.send(&request).await;
    world.sims[0].wait_for(|log| log.messages().any(|r| r.body_bytes > 90_000)).await.unwrap();

    let refused = world.raw().await.ask(&request).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("server.max_buffered_bytes"), "{message}");
    let record = world.record().await;
    assert_eq!((record.state, record.status), (State::Failed, Some(503)), "{record:?}");

    world.sims[0].set(Behaviour::healthy());
    drop(holder);
    assert_eq!(world.record().await.state, State::Cancelled);
    for _ in 0..5 {
        assert_eq!(world.raw().await.ask(&request).await.status, 200, "the room is free again");
        assert_eq!(world.record().await.state, State::Completed);
    }
}

#[tokio::test]
async fn a_body_that_is_only_announced_takes_no_room() {
    let world = &mut World::with(&server("max_buffered_bytes: 128KB"), &[("a", "main")]).await;
    let request = post("/v1/messages", &large(90_000), "");
    let start = request.split_inclusive("\r\n\r\n").next().unwrap();
    let mut announcing = world.raw().await;
    announcing.send(format!("{start}{{")).await;
    world.forwarder.snapshot().wait_for(|s| !s.live.is_empty()).await.unwrap();
    assert_eq!(world.raw().await.ask(&request).await.status, 200);
}

#[tokio::test]
async fn a_body_leaves_the_budget_at_the_commit() {
    let world = &mut World::with(&server("max_buffered_bytes: 128KB"), &[("a", "main")]).await;
    let long = Behaviour::drips(3, cc_forwarder::simulator::Drip::Delta, std::time::Duration::from_millis(5));
    world.sims[0].script(vec![long]);
    let streaming = large(90_000).replace("\"stream\":false", "\"stream\":true");
    let mut first = world.raw().await;
    first.send(post("/v1/messages", &streaming, "")).await;
    first.until("content_block_delta").await;
    let second = world.raw().await.ask(post("/v1/messages", &large(90_000), "")).await;
    assert_eq!(second.status, 200, "{second:?}");
}
