//! The overview as a person sees and uses it.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;

use super::*;
use crate::tui::model::{Overlay, Screen};
use crate::tui::msg::Msg;
use crate::tui::source::Ask;
use crate::tui::testing::{ago, busy, drawn, fresh, model, press, tell};

#[test]
fn a_busy_forwarder() {
    let mut model = model(busy());
    assert_snapshot!("busy_80x24", drawn(&mut model, 80, 24));
    assert_snapshot!("busy_120x40", drawn(&mut model, 120, 40));
    assert_snapshot!("busy_60x16", drawn(&mut model, 60, 16));
    assert_snapshot!("too_small", drawn(&mut model, 40, 12));
}

#[test]
fn before_the_first_request_a_card_says_what_to_set() {
    let mut model = model(fresh());
    assert_snapshot!("first_run_80x24", drawn(&mut model, 80, 24));
    model.facts.auth = false;
    model.facts.unicode = false;
    let text = drawn(&mut model, 80, 24).to_string();
    assert!(
        text.contains("ANTHROPIC_BASE_URL=http://127.0.0.1:8088") && !text.contains("AUTH_TOKEN"),
        "{text}"
    );
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn privacy_masks_where_the_configuration_is() {
    let mut model = model(fresh());
    assert!(drawn(&mut model, 80, 24).to_string().contains("/home/me"));
    press(&mut model, &["P"]);
    assert!(!drawn(&mut model, 80, 24).to_string().contains("/home/me"));
}

#[test]
fn the_selection_walks_all_rows_and_enter_goes_to_their_screens() {
    let mut model = model(busy());
    let mut visited = Vec::new();
    for _ in 0..model.overview.list.rows().len() {
        let row = model.overview.selected().unwrap().clone();
        press(&mut model, &["Enter"]);
        if let Row::Endpoint(name) = &row {
            assert_eq!(model.endpoints.selected(), Some(name));
        }
        visited.push((row, model.screen));
        press(&mut model, &["1", "j"]);
    }
    let screens: Vec<Screen> = visited.iter().map(|(_, screen)| *screen).collect();
    use Screen::{Endpoints, Requests, Suspended};
    assert_eq!(screens[..4], [Requests, Suspended, Requests, Suspended]);
    assert_eq!(screens[4..8], [Endpoints; 4]);
    assert_eq!(screens[8..], [Requests; 8]);
}

#[test]
fn the_selection_stays_with_a_request_that_ends() {
    let mut snapshot = busy();
    let mut model = model(snapshot.clone());
    press(&mut model, &["j", "j"]);
    let Some(Row::Live(id)) = model.overview.selected().cloned() else { panic!("a running request") };
    snapshot.live.retain(|l| l.accepted.id != id);
    let mut record = (*snapshot.recent[0]).clone();
    record.id = id;
    snapshot.recent.insert(0, std::sync::Arc::new(record));
    let next = std::sync::Arc::new(snapshot);
    update::update(&mut model, Msg::Snapshot, || next);
    assert_eq!(model.overview.selected(), Some(&Row::Recent(id)));
}

#[test]
fn advice_names_the_key_and_the_key_does_it() {
    let mut model = model(busy());
    let text = drawn(&mut model, 80, 24).to_string();
    assert!(text.contains("2 suspended: press a to activate backup (paused)"), "{text}");
    press(&mut model, &["a"]);
    assert!(matches!(model.overlays.last(), Some(Overlay::Confirm(_))));
    let effects = press(&mut model, &["y"]);
    let [Effect::Ask(Ask::Command(command))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(command.to_string(), "activate group backup");
}

#[test]
fn a_group_is_paused_for_a_time() {
    let mut model = model(busy());
    press(&mut model, &["j", "j", "j", "j"]);
    assert_eq!(model.overview.selected(), Some(&Row::Endpoint(EndpointId::new("main-a"))));
    press(&mut model, &["p"]);
    assert!(matches!(model.overlays.last(), Some(Overlay::Prompt(_))));
    press(&mut model, &["Esc"]);
    assert!(model.overlays.is_empty() && model.screen == Screen::Overview);
}

#[test]
fn keys_that_mean_nothing_here_say_why() {
    let mut model = model(fresh());
    model.overview.advice.clear();
    model.overview.list = List::default();
    assert_eq!(why_not(&model, Action::Activate).as_deref(), Some("select an endpoint of the group first"));
    press(&mut model, &["a"]);
    assert!(model.toast.as_ref().unwrap().error);
    assert!(model.overlays.is_empty());
}

#[test]
fn the_rate_is_of_the_last_sixty_seconds() {
    let mut model = model(busy());
    // 11 s into the minute: accepted in it 2, in the one before 3.
    let shown = per_minute(&model);
    let minutes: Vec<u32> = model.snapshot.minutes.iter().rev().take(2).map(|m| m.accepted).collect();
    let expected = f64::from(minutes[0]) + f64::from(minutes[1]) * 49.0 / 60.0;
    assert!((shown - expected).abs() < 1e-9, "{shown} {expected}");
    tell(&mut model, Msg::Tick(ago(-180)));
    assert_eq!(per_minute(&model), 0.0);
}

#[test]
fn every_row_on_screen_is_where_a_click_selects_it() {
    let mut model = model(busy());
    let text = drawn(&mut model, 120, 40).to_string();
    let mut found = 0;
    for (row, line) in (0..).zip(text.lines()) {
        for name in ["req-7f3a01c2", "req-0a12bc03", " spare "] {
            let Some(at) = line.trim_start_matches('"').find(name) else { continue };
            let column = line.trim_start_matches('"')[..at].chars().count() as u16 + 2;
            click(&mut model, column, row);
            let selected = match model.overview.selected().unwrap() {
                Row::Live(id) | Row::Recent(id) => id.to_string(),
                Row::Endpoint(id) => format!(" {id} "),
            };
            assert_eq!(selected, name);
            found += 1;
        }
    }
    assert_eq!(found, 3, "{text}");
    let before = model.overview.selected().cloned();
    click(&mut model, 5, 2);
    assert_eq!(model.overview.selected().cloned(), before, "a border is no row");
}

fn click(model: &mut Model, column: u16, row: u16) {
    let kind = MouseEventKind::Down(MouseButton::Left);
    tell(model, Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}
