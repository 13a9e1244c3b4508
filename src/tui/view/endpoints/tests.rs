//! How the screen of endpoints looks.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;

use super::{Columns, review};
use crate::claude::usage::Usage;
use crate::config::edit;
use crate::domain::fleet::Condition;
use crate::domain::ratelimit::Bucket;
use crate::domain::testing::id;
use crate::events::board::Snapshot;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Overlay, Screen};
use crate::tui::msg::Msg;
use crate::tui::source::{Answer, Edits};
use crate::tui::testing::{ago, busy, drawn, fresh, model, press, tell};
use crate::tui::theme::Role;

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

fn edit_of(model: &Model) -> Edits {
    crate::tui::screen::endpoints::edit::pending(model)
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
fn a_long_priority_is_shown_whole_at_every_width() {
    let mut model = on_endpoints(rich());
    let mut snapshot = rich();
    snapshot.endpoints[0].priority = 123_456;
    model.snapshot = std::sync::Arc::new(snapshot);
    for width in 60..=160 {
        let text = drawn(&mut model, width, 16).to_string();
        assert!(text.contains(" 123456 ") && text.contains("priority"), "{width} columns: {text}");
    }
    press(&mut model, &["Enter", "654321"]);
    for width in 60..=160 {
        let text = drawn(&mut model, width, 16).to_string();
        assert!(text.contains(" 123456 -> 654321 "), "{width} columns: {text}");
        assert!(text.contains("limited"), "{width} columns: {text}");
    }
    let narrow = Columns::of(&model, 38);
    let row = narrow.row(&model, &model.snapshot.endpoints[0], false);
    assert!(row.width() <= 38 && row.to_string().ends_with(" 123456 -> 654321"), "{row}");
}

/// Every line of a review is reached by scrolling, and its answers never leave the screen.
#[test]
fn a_review_is_read_to_its_end_on_a_small_terminal() {
    let why = "/home/me/.config/cc-forwarder/config.yaml was changed since it was loaded (retry.max_attempts, \
               request_suspend.keepalive, group.session_idle); reload it first, then edit again";
    for (width, height) in [(60, 16), (40, 12)] {
        let mut model = on_endpoints(rich());
        press(&mut model, &["Enter", "123456", "Down", "654321", "Down", "999999"]);
        let edits = edit_of(&model);
        tell(&mut model, Msg::Answer(Box::new(Answer::Reviewed(edits, Err(why.to_owned())))));
        model.size = (width, height);
        let Some(Overlay::Review(shown, 0)) = model.overlays.last().cloned() else { panic!("it is open") };
        let mut seen = std::collections::BTreeSet::new();
        for first in 0..=review::deepest(&model, &shown) {
            let (title, lines) = review::dialog(&model, &shown, first, model.size);
            assert!(lines.len() + 2 <= usize::from(height), "{lines:?}");
            assert!(lines.iter().all(|line| line.width() + 4 <= usize::from(width)), "{lines:?}");
            assert!(title.len() + 4 <= usize::from(width), "{title}");
            let text: Vec<String> = lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
            assert_eq!(text.last().unwrap(), "Enter: apply only");
            assert!(text.iter().any(|line| line == "(y apply and save: not now)"), "{text:?}");
            seen.extend(text);
        }
        let end = seen.iter().any(|line| line.ends_with("edit again") || line == "again");
        let numbers = ["1 -> 123456", "2 -> 654321", "3 -> 999999"];
        assert!(end && numbers.iter().all(|n| seen.iter().any(|line| line.ends_with(n))), "{seen:?}");
    }
}

#[test]
fn an_answer_that_cannot_be_given_looks_so_in_the_footer() {
    let mut model = on_endpoints(rich());
    press(&mut model, &["Enter", "5"]);
    let edits = edit_of(&model);
    tell(&mut model, Msg::Answer(Box::new(Answer::Reviewed(edits, Err("it is read-only".to_owned())))));
    let why = model.why_not(Action::ApplyAndSave);
    assert_eq!(why.as_deref(), Some("cannot be saved: it is read-only"));
    let buffer = drawn(&mut model, 80, 24).buffer().clone();
    let footer: String = (0..80).map(|column| buffer[(column, 23)].symbol()).collect();
    let place = footer.find("apply and save").unwrap() as u16;
    let looks = |role| model.theme().style(role).fg;
    assert_eq!(buffer[(place, 23)].style().fg, looks(Role::Muted), "{footer}");
    let other = footer.find("apply only").unwrap() as u16;
    assert_eq!(buffer[(other, 23)].style().fg, looks(Role::Text), "{footer}");
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
