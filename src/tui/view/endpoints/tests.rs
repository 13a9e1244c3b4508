//! How the screen of endpoints looks.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;

use crate::claude::usage::Usage;
use crate::config::edit;
use crate::domain::fleet::Condition;
use crate::domain::ratelimit::Bucket;
use crate::domain::testing::id;
use crate::events::board::Snapshot;
use crate::tui::model::{Model, Screen};
use crate::tui::msg::Msg;
use crate::tui::source::Answer;
use crate::tui::testing::{ago, busy, drawn, fresh, model, press, tell};

fn bucket(name: &str, limit: u64, remaining: u64, reset: i64) -> Bucket {
    Bucket {
        name: name.to_owned(),
        limit: Some(limit),
        remaining: Some(remaining),
        utilization: None,
        status: None,
        reset: Some(ago(-reset)),
    }
}

/// With every kind of knowledge about an endpoint.
fn rich() -> Snapshot {
    let mut snapshot = busy();
    let a = &mut snapshot.endpoints[0];
    (a.condition, a.changes_in, a.in_flight) = (Condition::Up, None, 2);
    a.budgets = vec![bucket("input-tokens", 400_000, 172_000, 720), bucket("requests", 50, 49, 40)];
    let stats = a.stats.as_mut().unwrap();
    stats.first_byte_ms = vec![900, 1_100, 4_200, 800, 1_000, 1_240, 950, 2_000];
    (stats.first_byte_p50_ms, stats.first_byte_p95_ms) = (Some(1_000.0), Some(4_200.0));
    stats.usage = Usage { input: 2_100_000, output: 188_000, ..Usage::default() };
    let unified = Bucket { utilization: Some(1.0), ..bucket("unified-5h", 1, 0, 10_800) };
    snapshot.endpoints[1].budgets =
        vec![Bucket { limit: None, remaining: None, status: Some("rejected".to_owned()), ..unified }];
    snapshot.endpoints[2].failures_in_a_row = 3;
    snapshot.groups[1].activated = true;
    snapshot.pinned = Some(id("main-a"));
    snapshot
}

fn on_endpoints(snapshot: Snapshot) -> Model {
    let mut model = model(snapshot);
    model.screen = Screen::Endpoints;
    model
}

#[test]
fn a_small_terminal() {
    assert_snapshot!(drawn(&mut on_endpoints(rich()), 80, 24));
}

#[test]
fn a_large_terminal_shows_errors() {
    let mut model = on_endpoints(rich());
    assert_snapshot!("large", drawn(&mut model, 120, 40));
    press(&mut model, &["d"]);
    assert_snapshot!("large_detail", drawn(&mut model, 120, 40));
    assert_snapshot!("detail_beside", drawn(&mut model, 160, 24));
}

#[test]
fn a_small_terminal_shows_the_detail_below() {
    let mut model = on_endpoints(rich());
    press(&mut model, &["d", "j"]);
    assert_snapshot!(drawn(&mut model, 80, 24));
}

#[test]
fn nothing_known_is_shown_as_unknown() {
    let mut model = on_endpoints(fresh());
    press(&mut model, &["d"]);
    assert_snapshot!(drawn(&mut model, 80, 24));
}

#[test]
fn plain_characters_where_there_are_no_others() {
    let mut model = on_endpoints(rich());
    model.facts.unicode = false;
    press(&mut model, &["d"]);
    assert_snapshot!(drawn(&mut model, 80, 24));
}

#[test]
fn privacy_masks_where_endpoints_live() {
    let mut model = on_endpoints(rich());
    press(&mut model, &["d", "P"]);
    model.toast = None;
    let shown = drawn(&mut model, 80, 24).to_string();
    assert!(!shown.contains("invalid"), "{shown}");
    assert!(shown.contains("••••••••"), "{shown}");
}

#[test]
fn edits_are_shown_beside_what_is() {
    let mut model = on_endpoints(rich());
    press(&mut model, &["Enter", "12", "Down", "-", "-"]);
    assert_snapshot!("editing", drawn(&mut model, 80, 24));
    let edits = vec![(id("main-a"), 12), (id("main-b"), 0)];
    let written =
        |endpoint, line, before, after| edit::Written { endpoint: id(endpoint), line, before, after };
    let review = edit::Review {
        path: "/home/me/.config/cc-forwarder/config.yaml".into(),
        stamp: edit::Stamp::of(""),
        written: vec![written("main-a", 12, 1, 12), written("main-b", 20, 7, 0)],
    };
    tell(&mut model, Msg::Answer(Box::new(Answer::Reviewed(edits.clone(), Ok(review)))));
    assert_snapshot!("review", drawn(&mut model, 80, 24));
    press(&mut model, &["Esc"]);
    let why = "/home/me/.config/cc-forwarder/config.yaml was changed since it was loaded (retry.max_attempts); reload it first, then edit again";
    tell(&mut model, Msg::Answer(Box::new(Answer::Reviewed(edits, Err(why.to_owned())))));
    assert_snapshot!("review_conflict", drawn(&mut model, 80, 24));
}

#[test]
fn a_click_on_a_row_selects_it_and_one_beside_does_nothing() {
    let mut model = on_endpoints(rich());
    drawn(&mut model, 80, 24);
    let mut click = |row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let modifiers = KeyModifiers::NONE;
        tell(&mut model, Msg::Mouse(MouseEvent { kind, column: 9, row, modifiers }));
        model.endpoints.selected().unwrap().to_string()
    };
    // Header, tabs, border, heading, the group, its first endpoint.
    assert_eq!(click(6), "main-b");
    assert_eq!(click(4), "main-b", "the head of a group is no row to select");
    assert_eq!(click(9), "spare");
    assert_eq!(click(21), "spare", "the line below the rows");
    assert_eq!(click(5), "main-a");
}

#[test]
fn the_clock_counts_down_between_snapshots() {
    let mut model = on_endpoints(rich());
    let before = drawn(&mut model, 80, 24).to_string();
    tell(&mut model, Msg::Tick(ago(-5)));
    let after = drawn(&mut model, 80, 24).to_string();
    assert!(before.contains("limited 12s") && after.contains("limited 7.0s"), "{after}");
    tell(&mut model, Msg::Tick(ago(-60)));
    let later = drawn(&mut model, 80, 24).to_string();
    assert!(!later.contains("limited 0"), "a time that has passed is not shown: {later}");
}
