//! The end of the program in the middle of requests.

use std::time::Duration;

use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Drip, Pace};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use crate::support::raw::messages_request;
use crate::support::{PATIENCE, QUICK, World, messages_body, read};

async fn streaming(world: &World) -> http::Response<hyper::body::Incoming> {
    let request = world.client.post("/v1/messages", &messages_body(true));
    let mut response = world.client.open(request).await;
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    response
}

fn endless() -> Behaviour {
    Behaviour::drips(4, Drip::Delta, Duration::from_millis(5))
}

fn grace(text: &str) -> String {
    QUICK.replace("shutdown_grace: 2s", &format!("shutdown_grace: {text}"))
}

#[tokio::test]
async fn streams_drain_and_complete() {
    let mut world = World::with(&grace("60s"), &[("a", "main")]).await;
    world.sims[0].set(Behaviour::healthy().deltas(40, 20).pace(Pace::every(Duration::from_millis(10))));
    let response = streaming(&world).await;
    let address = world.forwarder.address();
    let stop = tokio::spawn(world.forwarder.stop(std::future::pending()));
    let answer = read(response).await;
    assert!(!answer.broken && answer.text().contains("message_stop"));
    let board = timeout(PATIENCE, stop).await.unwrap().unwrap();
    assert_eq!((board.totals().accepted, board.totals().completed), (1, 1));
    assert_eq!(world.records.recv().await.unwrap().state, State::Completed);
    assert!(world.records.recv().await.is_none());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody is let in any more");
}

#[tokio::test]
async fn what_outlasts_the_grace_is_cut_and_recorded() {
    let mut world = World::with(&grace("100ms"), &[("a", "main")]).await;
    world.sims[0].set(endless());
    let response = streaming(&world).await;
    let stop = tokio::spawn(world.forwarder.stop(std::future::pending()));
    assert!(read(response).await.broken, "a cut is not a clean end");
    timeout(PATIENCE, stop).await.unwrap().unwrap();
    let record = world.records.recv().await.unwrap();
    assert_eq!((record.state, record.cancel_reason.as_deref()), (State::Cancelled, Some("shutdown")));
    assert!(record.usage.estimated && record.usage.input > 0, "what it had told is kept: {record:?}");
    assert!(world.records.recv().await.is_none());
}

#[tokio::test]
async fn a_second_word_hurries() {
    let mut world = World::with(&grace("1000s"), &[("a", "main")]).await;
    world.sims[0].set(endless());
    let response = streaming(&world).await;
    let begun = Instant::now();
    timeout(PATIENCE, world.forwarder.stop(std::future::ready(()))).await.unwrap();
    assert!(begun.elapsed() < PATIENCE);
    assert!(read(response).await.broken);
    assert_eq!(world.records.recv().await.unwrap().state, State::Cancelled);
}

#[tokio::test]
async fn idle_and_half_spoken_connections_do_not_hold_it_up() {
    let world = World::with(&grace("1000s"), &[("a", "main")]).await;
    world.client.messages(true).await;
    let _fresh = world.raw().await;
    let mut served = world.raw().await;
    assert_eq!(served.ask(messages_request(false)).await.status, 200);
    timeout(PATIENCE, world.forwarder.stop(std::future::pending())).await.expect("not the grace period");
    assert!(served.drain().await.is_ok(), "closed, not reset");
}
