//! What is told, and in which order.

use std::collections::BTreeSet;

use cc_forwarder::events::board::Snapshot;
use cc_forwarder::events::feed::{Kind, Switches};
use serde_json::Value;

use crate::reader::{Seen, Stream};
use crate::support::{PATIENCE, World};
use crate::{patient, world};

fn kinds_of<'s>(seen: &'s [Seen], request: &'s str) -> Vec<Kind> {
    seen.iter().filter(|s| s.request() == Some(request)).map(|s| s.kind).collect()
}

#[tokio::test]
async fn a_picture_comes_first_and_then_the_life_of_a_request() {
    let world = world().await;
    assert_eq!(world.client.messages(false).await.status, 200);
    let mut stream = Stream::open(&world, "", None).await;
    let first = stream.next().await.unwrap();
    assert_eq!(first.kind, Kind::Snapshot);
    assert_eq!(first.data["totals"]["accepted"], 1);
    assert!(first.data["recent"][0]["explain"].is_array(), "{}", first.data);
    serde_json::from_value::<Snapshot>(first.data).expect("a snapshot");

    assert_eq!(world.client.messages(true).await.status, 200);
    let seen = stream.until_settled(1).await;
    let settled = seen.last().unwrap();
    let life = [Kind::Accepted, Kind::Described, Kind::AttemptStarted, Kind::Committed, Kind::Settled];
    assert_eq!(kinds_of(&seen, settled.request().unwrap()), life);
    assert_eq!((&settled.data["state"], &settled.data["endpoint"]), (&"completed".into(), &"a".into()));
    assert!(settled.data["explain"].as_array().is_some_and(|lines| lines.len() > 1), "{}", settled.data);
    assert!(!settled.data["cost"].is_null() && settled.data["usage"]["output"].as_u64() > Some(0));
    let state = stream.until(|seen| seen.kind == Kind::State).await.pop().unwrap().data;
    assert_eq!((&state["totals"]["accepted"], &state["recent"]), (&2.into(), &Value::Array(Vec::new())));
    drop(stream);
    world.stop().await;
}

#[tokio::test]
async fn every_type_is_told_in_a_run_with_trouble() {
    let world = World::with(&patient(), &[("a", "main")]).await.settled().await;
    let mut stream = Stream::open(&world, "", None).await;
    // What happens before the picture is taken is in it.
    let first = stream.next().await.unwrap();
    world.sims[0].down().await.unwrap();
    let client = world.client.clone();
    let asking = tokio::spawn(async move { client.messages(true).await });
    let mut seen = vec![first];
    seen.extend(stream.until(|seen| seen.kind == Kind::Suspended).await);
    world.sims[0].up().await.unwrap();
    seen.extend(stream.until_settled(1).await);
    assert_eq!(tokio::time::timeout(PATIENCE, asking).await.unwrap().unwrap().status, 200);
    seen.extend(stream.until(|seen| seen.kind == Kind::State).await);
    let switches = seen.iter().filter(|s| s.kind == Kind::Fleet).map(|s| s.data.clone());
    let switches: Vec<Switches> = switches.map(|data| serde_json::from_value(data).unwrap()).collect();
    let mut changes = switches.iter().flat_map(|s| s.changes.iter());
    assert!(changes.any(|switch| switch.why.is_some()), "{switches:?}");
    let told: BTreeSet<Kind> = seen.iter().map(|seen| seen.kind).collect();
    let never = [Kind::Config, Kind::Log, Kind::Lagged];
    assert_eq!(told, Kind::all().filter(|kind| !never.contains(kind)).collect());
    let request = seen.iter().find(|s| s.kind == Kind::Settled).unwrap().request().unwrap().to_owned();
    let life = kinds_of(&seen, &request);
    let place = |kind| life.iter().position(|k| *k == kind).unwrap();
    assert!(place(Kind::AttemptFailed) < place(Kind::Suspended), "{life:?}");
    assert!(place(Kind::Suspended) < place(Kind::Resumed), "{life:?}");
    drop(stream);
    world.stop().await;
}

#[tokio::test]
async fn only_what_is_asked_for_comes() {
    let world = world().await;
    let mut settled = Stream::open(&world, "?events=settled", None).await;
    let mut states = Stream::open(&world, "?events=state,accepted", None).await;
    assert_eq!(states.next().await.unwrap().kind, Kind::State, "a first one without any change");
    for n in 0..3 {
        assert_eq!(world.client.messages(n == 1).await.status, 200);
    }
    let seen = settled.until_settled(3).await;
    assert_eq!(seen.len(), 3, "{seen:?}");
    let seen = states.until(|seen| seen.data["totals"]["completed"] == 3).await;
    assert_eq!(seen.iter().filter(|seen| seen.kind == Kind::Accepted).count(), 3);
    assert!(seen.iter().all(|seen| matches!(seen.kind, Kind::State | Kind::Accepted)), "{seen:?}");
    drop((settled, states));
    world.stop().await;
}
