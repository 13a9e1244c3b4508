//! A connection that is lost and found again.

use super::*;
use crate::app::attach::testing::{event, peer, picture, speaker};
use crate::tui::testing::{busy, unanswered};

const PATIENCE: Duration = Duration::from_secs(20);

fn facts() -> Facts {
    unanswered(busy()).facts
}

/// Follows a stream that says these at each visit, until the picture has so many requests.
async fn followed(visits: Vec<(String, bool)>, until: u64) -> (Vec<LinkState>, Vec<String>) {
    let (routes, asked) = speaker("9.9.9", visits);
    let wire = peer(routes).await;
    let events = wire.events(WANTED, None).await.unwrap();
    let seen = Seen::new(wire.base(), Arc::new(busy()), facts());
    let (mut link, mut snapshots) = (seen.link(), seen.snapshots());
    let follower = Follower { wire, ear: Ear { mirror: Mirror::default(), events }, seen };
    let mut states = Vec::new();
    let watched = async {
        loop {
            tokio::select! {
                changed = link.changed() => {
                    changed.unwrap();
                    states.push(link.borrow_and_update().state.clone());
                }
                found = snapshots.wait_for(|snapshot| snapshot.totals.accepted == until) => {
                    drop(found.unwrap());
                    return;
                }
            }
        }
    };
    tokio::select! {
        never = follower.run(|_| {}) => match never {},
        found = timeout(PATIENCE, watched) => found.expect("in time"),
    }
    let asked = asked.lock().unwrap().clone();
    (states, asked)
}

fn reasons(states: &[LinkState]) -> Vec<&str> {
    let why = |state: &LinkState| matches!(state, LinkState::Lost { .. });
    let lost = states.iter().filter(|state| why(state));
    lost.filter_map(|state| match state {
        LinkState::Lost { why, .. } => Some(why.as_str()),
        LinkState::Up { .. } => None,
    })
    .collect()
}

#[tokio::test]
async fn a_stream_that_ends_is_opened_again_behind_its_last_event() {
    let first = event("1-7", "snapshot", &picture(1));
    let second = event("1-8", "state", &picture(2));
    let (states, asked) = followed(vec![(first, true), (second, false)], 2).await;
    assert_eq!(asked, ["", "1-7"]);
    let why = reasons(&states);
    assert!(why.iter().all(|why| why.contains("closed the connection")) && !why.is_empty(), "{why:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_both_versions_and_asked_for_anew() {
    let odd = event("1-1", "snapshot", &picture(1)) + &event("1-2", "state", r#"{"from":"the future"}"#);
    let (states, asked) =
        followed(vec![(odd, false), (event("2-1", "snapshot", &picture(5)), false)], 5).await;
    assert_eq!(asked, ["", ""], "what was seen before is no use");
    let why = reasons(&states);
    let ours = format!("version 9.9.9, this is version {}", env!("CARGO_PKG_VERSION"));
    assert!(why[0].contains("cannot be read") && why[0].contains(&ours), "{why:?}");
}

#[test]
fn a_loss_lasts_from_its_first_moment() {
    let seen = Seen::new("http://x", Arc::new(busy()), facts());
    seen.lose("one".to_owned());
    let LinkState::Lost { since: first, .. } = seen.link().borrow().state.clone() else { panic!("lost") };
    seen.lose("another".to_owned());
    let LinkState::Lost { since, why } = seen.link().borrow().state.clone() else { panic!("lost") };
    assert_eq!((since, why.as_str()), (first, "another"));
    seen.up(None);
    assert_eq!(seen.link().borrow().state, LinkState::Up { latency: None });
}

#[test]
fn what_is_lost_is_as_of_the_last_word() {
    let mut snapshot = busy();
    snapshot.at = Timestamp::from_second(1_000).unwrap();
    let seen = Seen::new("http://x", Arc::new(snapshot.clone()), facts());
    snapshot.at = Timestamp::from_second(2_000).unwrap();
    seen.show(Arc::new(snapshot.clone()));
    seen.lose("gone".to_owned());
    let LinkState::Lost { since, .. } = seen.link().borrow().state.clone() else { panic!("lost") };
    assert_eq!(since, snapshot.at);
}

#[tokio::test]
async fn a_forwarder_that_answers_says_what_it_is_now() {
    let (routes, _) = speaker("9.9.9", vec![]);
    let wire = peer(routes).await;
    let seen = Seen::new(wire.base(), Arc::new(busy()), facts());
    let mut known = seen.facts();
    tokio::select! {
        why = pulse(&wire, &seen) => panic!("{why}"),
        changed = timeout(PATIENCE, known.changed()) => changed.expect("in time").unwrap(),
    }
    let known = known.borrow();
    assert_eq!((known.version.as_str(), known.base_url.as_str()), ("9.9.9", "http://127.0.0.1:1"));
    assert_eq!((known.auth, known.save_edits), (false, true));
}

#[test]
fn time_is_that_of_the_forwarder() {
    let mut snapshot = busy();
    let hour = jiff::SignedDuration::from_hours(1);
    snapshot.at = Timestamp::now() + hour;
    let seen = Seen::new("http://x", Arc::new(snapshot), facts());
    let ahead = seen.now().duration_since(Timestamp::now());
    assert!((ahead - hour).abs() < jiff::SignedDuration::from_secs(5), "{ahead:?}");
}
