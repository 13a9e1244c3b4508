//! Clients that leave: the upstream learns of it within a second, and nobody is blamed.

use std::time::Duration;

use cc_forwarder::domain::endpoint::EndpointId;
use cc_forwarder::domain::standing::Breaker;
use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Drip, Log, Mark, Pace};
use tokio::time::{Instant, timeout};

use crate::support::raw::{Raw, messages_request};
use crate::support::{QUICK, World};

/// The upstream must know by then.
const SOON: Duration = Duration::from_secs(1);

/// Patient with slow upstreams: only the leaving client ends anything.
fn patient() -> String {
    QUICK
        .replace("response_header_timeout: 700ms, max_idle_time: 700ms", "max_idle_time: 60s")
        .replace("global_timeout: 700ms", "global_timeout: 60s")
}

fn assert_nobody_is_blamed(world: &World) {
    let now = Instant::now().into_std();
    for endpoint in &world.forwarder.control().view().endpoints {
        assert_eq!((endpoint.standing.streak, endpoint.breaker(now)), (0, Breaker::Closed), "{endpoint:?}");
        assert_eq!(endpoint.permits.in_flight(), 0, "{endpoint:?}");
    }
}

/// A client that leaves once `begun` holds upstream (and `seen` has come down) leaves one cancelled record.
async fn leaves(
    behaviour: Behaviour,
    stream: bool,
    begun: impl FnMut(&Log) -> bool,
    seen: Option<&str>,
) -> (World, Raw) {
    let world = World::with(&patient(), &[("a", "main"), ("b", "main")]).await;
    world.sims[0].set(behaviour);
    let mut raw = world.raw().await;
    raw.send(messages_request(stream)).await;
    world.sims[0].wait_for(begun).await.unwrap();
    if let Some(seen) = seen {
        raw.until(seen).await;
    }
    (world, raw)
}

async fn assert_cancelled(mut world: World, raw: Raw) {
    drop(raw);
    let aborted = world.sims[0].wait_for(|log| log.messages().any(|r| r.aborted()) && log.in_flight() == 0);
    timeout(SOON, aborted).await.expect("the upstream is cancelled within a second").unwrap();
    let record = world.record().await;
    assert_eq!(record.state, State::Cancelled, "{record:?}");
    assert_eq!(record.cancel_reason.as_deref(), Some("client disconnected"));
    assert_eq!(record.failure, None);
    assert!(record.attempts.len() == 1 && record.attempts[0].cancelled, "{record:?}");
    assert_nobody_is_blamed(&world);
    assert_eq!(world.sims[1].messages().len(), 0);
    assert!(world.stop().await.is_empty(), "one record, not two");
}

fn has_request(log: &Log) -> bool {
    log.messages().any(|r| r.body_bytes > 0)
}

fn answers(log: &Log) -> bool {
    log.messages().any(|r| r.status.is_some())
}

#[tokio::test]
async fn before_the_head() {
    for stream in [false, true] {
        let (world, raw) = leaves(Behaviour::never_answers(), stream, has_request, None).await;
        assert_cancelled(world, raw).await;
    }
}

#[tokio::test]
async fn while_the_gate_holds() {
    let held = Behaviour::silent_from(Mark::Events(1));
    let (world, raw) = leaves(held, true, answers, None).await;
    // Held means that the head is upstream's and not yet the client's.
    world.snapshot(|s| s.live.iter().any(|l| l.attempts == 1)).await;
    assert_eq!(raw.unread(), "");
    assert_cancelled(world, raw).await;
}

#[tokio::test]
async fn in_the_middle_of_a_stream() {
    for silent in [false, true] {
        let behaviour = if silent {
            Behaviour::silent_from(Mark::Events(5))
        } else {
            Behaviour::drips(4, Drip::Delta, Duration::from_millis(5))
        };
        let (world, raw) = leaves(behaviour, true, answers, Some("content_block_delta")).await;
        assert_cancelled(world, raw).await;
    }
}

#[tokio::test]
async fn in_the_middle_of_a_long_document() {
    let slow = Behaviour::large(3_000_000).pace(Pace { between_events: Duration::ZERO, ..Pace::default() });
    let slow = slow.stop(Mark::Bytes(2_000_000), cc_forwarder::simulator::How::Silence);
    let (world, raw) = leaves(slow, false, answers, Some("\"content\"")).await;
    assert_cancelled(world, raw).await;
}

#[tokio::test]
async fn while_uploading() {
    let mut world = World::pair().await;
    let request = messages_request(true);
    let mut raw = world.raw().await;
    raw.send(&request[..request.len() - 10]).await;
    world.snapshot(|s| s.live.len() == 1).await;
    drop(raw);
    let record = world.record().await;
    assert_eq!((record.state, record.attempts.len()), (State::Cancelled, 0), "{record:?}");
    assert!(world.sims.iter().all(|s| s.messages().is_empty()));
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn during_a_back_off() {
    let base = patient().replace("base_delay: 5ms, max_delay: 20ms", "base_delay: 1000s, max_delay: 1000s");
    let base = base.replace("suspend: { enabled: false }", "suspend: { enabled: false, timeout: 2000s }");
    let mut world = World::with(&base, &[("a", "main")]).await;
    world.sims[0].set(Behaviour::reset_before_headers());
    let mut raw = world.raw().await;
    raw.send(messages_request(true)).await;
    world.fleet(|view| view.endpoints[0].standing.streak == 1).await;
    world.snapshot(|s| s.live.iter().any(|l| l.last_failure.is_some())).await;
    drop(raw);
    let record = world.record().await;
    assert_eq!((record.state, record.attempts.len()), (State::Cancelled, 1), "{record:?}");
    assert!(!record.attempts[0].cancelled, "that attempt had ended before");
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let world = World::with(&patient(), &[("a", "main"), ("b", "main")]).await;
    world.sims[0].cycle(vec![
        Behaviour::healthy(),
        Behaviour::drips(4, Drip::Delta, Duration::from_millis(5)),
        Behaviour::never_answers(),
    ]);
    let id = EndpointId::new("a");
    for _ in 0..10 {
        for _ in 0..3 {
            let mut raw = world.raw().await;
            let before = world.sims[0].messages().len();
            raw.send(messages_request(true)).await;
            world.sims[0].wait_for(|log| log.messages().count() > before).await.unwrap();
        }
    }
    world.sims[0].wait_for(|log| log.in_flight() == 0).await.unwrap();
    world.snapshot(|s| s.live.is_empty() && s.totals.accepted == 30).await;
    let view = world.forwarder.control().view();
    assert_eq!(view.endpoint(&id).unwrap().permits.in_flight(), 0);
    let gone = async {
        while world.forwarder.client_connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(crate::support::PATIENCE, gone).await.expect("no client connection stays");
    let idle = world.forwarder.idle_upstream_connections();
    world.sims[0].wait_for(|log| log.open_connections() <= idle).await.unwrap();
}
