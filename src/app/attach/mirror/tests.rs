//! The stream as it is scripted here, and what is seen of it.

use super::*;
use crate::events::RequestId;
use crate::events::record::testing::record;
use crate::tui::testing::busy;

fn json(snapshot: &Snapshot) -> String {
    serde_json::to_string(snapshot).unwrap()
}

/// A state in which so many requests were accepted.
fn state(accepted: u64) -> String {
    let mut state = busy();
    state.recent.clear();
    state.totals.accepted = accepted;
    json(&state)
}

fn settled(number: u32) -> String {
    let record = RequestRecord { id: RequestId::from_number(number), ..record(&[None]) };
    serde_json::to_string(&record).unwrap()
}

fn begun() -> Mirror {
    let mut mirror = Mirror::default();
    assert!(mirror.take("snapshot", &json(&busy())).unwrap().is_some());
    mirror
}

fn numbers(snapshot: &Snapshot) -> Vec<u32> {
    snapshot.recent.iter().map(|record| record.id.number()).collect()
}

#[test]
fn a_snapshot_is_seen_as_it_is() {
    let mut mirror = Mirror::default();
    let seen = mirror.take("snapshot", &json(&busy())).unwrap().unwrap();
    assert_eq!(json(&seen), json(&busy()));
}

#[test]
fn a_state_without_a_snapshot_before_it_is_no_picture() {
    let mut mirror = Mirror::default();
    assert!(mirror.take("state", &state(1)).unwrap().is_none());
}

#[test]
fn what_ended_is_seen_with_the_next_state_the_newest_first() {
    let mut mirror = begun();
    let before = numbers(&busy());
    for event in [settled(1), settled(2)] {
        assert!(mirror.take("settled", &event).unwrap().is_none());
    }
    let seen = mirror.take("state", &state(77)).unwrap().unwrap();
    assert_eq!(seen.totals.accepted, 77);
    assert_eq!(numbers(&seen), [&[2, 1], &before[..]].concat());
    let again = mirror.take("state", &state(78)).unwrap().unwrap();
    assert_eq!((numbers(&again), again.totals.accepted), (numbers(&seen), 78));
}

#[test]
fn what_is_told_twice_is_seen_once() {
    let mut mirror = begun();
    for event in [settled(1), settled(1)] {
        mirror.take("settled", &event).unwrap();
    }
    mirror.take("state", &state(1)).unwrap();
    mirror.take("settled", &settled(1)).unwrap();
    let seen = mirror.take("state", &state(2)).unwrap().unwrap();
    assert_eq!(numbers(&seen).iter().filter(|number| **number == 1).count(), 1);
}

#[test]
fn another_snapshot_begins_anew() {
    let mut mirror = begun();
    mirror.take("settled", &settled(1)).unwrap();
    assert!(mirror.take("lagged", r#"{"missed":7}"#).unwrap().is_none());
    let mut fresh = busy();
    fresh.recent.truncate(1);
    let seen = mirror.take("snapshot", &json(&fresh)).unwrap().unwrap();
    assert_eq!(numbers(&seen), numbers(&fresh));
    let next = mirror.take("state", &state(1)).unwrap().unwrap();
    assert_eq!(numbers(&next), numbers(&fresh), "what ended before it is in it");
}

#[test]
fn no_more_is_kept_than_a_snapshot_has() {
    let mut mirror = begun();
    for number in 0..300 {
        mirror.take("settled", &settled(number)).unwrap();
    }
    let seen = mirror.take("state", &state(1)).unwrap().unwrap();
    assert_eq!((seen.recent.len(), numbers(&seen)[0]), (RECENT, 299));
}

#[test]
fn other_events_and_new_fields_are_nothing_to_it_but_nonsense_is_told() {
    let mut mirror = begun();
    for event in ["accepted", "fleet", "config", "from_the_future"] {
        assert!(mirror.take(event, "not even JSON").unwrap().is_none());
    }
    let more = state(5).replacen('{', "{\"from_the_future\": [1], ", 1);
    assert_eq!(mirror.take("state", &more).unwrap().unwrap().totals.accepted, 5);
    assert!(mirror.take("state", "{}").is_err());
    assert!(mirror.take("settled", "{\"id\": 1}").is_err());
}
