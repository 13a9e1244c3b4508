//! The mouse on every screen: what a row is, is asked of the screen's text.

use std::sync::Arc;

use crossterm::event::KeyModifiers;

use super::*;
use crate::config::Level;
use crate::logging::ring::{Line, Ring};
use crate::tui::msg::Msg;
use crate::tui::testing::usage::{config, open_config, open_usage};
use crate::tui::testing::{ago, busy, drawn, model, press, tell};

fn mouse(model: &mut Model, kind: MouseEventKind, (column, row): (u16, u16)) -> Vec<Effect> {
    tell(model, Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

fn click_at(model: &mut Model, place: (u16, u16)) -> Vec<Effect> {
    mouse(model, MouseEventKind::Down(MouseButton::Left), place)
}

/// Where this text is on screen.
fn place(model: &mut Model, text: &str) -> (u16, u16) {
    let shown = drawn(model, 80, 24).to_string();
    let row =
        shown.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}:\n{shown}"));
    let line = shown.lines().nth(row).unwrap().trim_start_matches('"');
    let before = &line[..line.find(text).unwrap()];
    (ratatui::text::Span::raw(before).width() as u16, row as u16)
}

/// Clicks on this text.
fn click(model: &mut Model, text: &str) -> Vec<Effect> {
    let place = place(model, text);
    click_at(model, place)
}

fn turn_wheel(model: &mut Model, kind: MouseEventKind) {
    mouse(model, kind, (10, 10));
}

#[test]
fn tabs_and_footer_keys_are_clicked() {
    let mut model = model(busy());
    click(&mut model, "3 Requests");
    assert_eq!(model.screen, Screen::Requests);
    click(&mut model, "freeze");
    assert_eq!(model.requests.held_back(), Some(0));
}

#[test]
fn a_request_is_selected_and_then_opened() {
    let mut model = model(busy());
    press(&mut model, &["3"]);
    click(&mut model, "0a12bc03");
    assert_eq!(model.requests.selected().unwrap().to_string(), "req-0a12bc03");
    assert!(!model.requests.shows_detail());
    click(&mut model, "0a12bc03");
    assert_eq!(model.requests.opened().unwrap().id.to_string(), "req-0a12bc03");
    click_at(&mut model, (10, 10));
    assert!(model.requests.shows_detail(), "a detail has no rows");
}

#[test]
fn what_is_no_row_of_the_log_is_none() {
    let mut model = model(busy());
    press(&mut model, &["3", "j"]);
    let before = model.requests.selected();
    for text in ["Requests 12", "took", "older ones", "┘"] {
        click(&mut model, text);
        assert_eq!(model.requests.selected(), before, "{text}");
    }
    assert!(!model.requests.shows_detail());
}

#[test]
fn a_click_on_the_selected_row_opens_it_on_every_screen_that_has_something_to_open() {
    let mut model = model(busy());
    click(&mut model, "req-7f3a01c2");
    click(&mut model, "req-7f3a01c2");
    assert_eq!(model.requests.opened().unwrap().id.to_string(), "req-7f3a01c2");
    press(&mut model, &["4"]);
    click(&mut model, "req-000000bb");
    click(&mut model, "req-000000bb");
    assert_eq!(model.requests.opened().unwrap().id.to_string(), "req-000000bb");
    press(&mut model, &["2"]);
    click(&mut model, "main-b");
    assert!(!model.endpoints.shows_detail());
    click(&mut model, "main-b");
    assert!(model.endpoints.shows_detail() && !model.endpoints.is_editing());
    open_usage(&mut model);
    click(&mut model, "sonnet-5-5");
    assert!(model.usage.wanted().path.is_empty());
    click(&mut model, "sonnet-5-5");
    assert_eq!(model.usage.wanted().path.len(), 1);
    open_config(&mut model, config());
    click(&mut model, "auth.token ");
    let selected = model.config.index();
    click(&mut model, "auth.token ");
    assert_eq!(model.config.index(), selected);
}

#[test]
fn a_log_line_stands_still_when_clicked_and_then_is_shown_whole() {
    let mut model = model(busy());
    let ring = Ring::default();
    for message in ["first", "second", "third"] {
        let line = Line {
            seq: 0,
            at: ago(1),
            level: Level::Info,
            target: "cc_forwarder::request".to_owned(),
            message: message.to_owned(),
            fields: Vec::new(),
            request: None,
        };
        ring.push(line);
    }
    tell(&mut model, Msg::Logs(ring.since(0)));
    press(&mut model, &["6"]);
    click(&mut model, "second");
    assert_eq!((model.logs.places().0, model.logs.follows()), (1, false));
    click(&mut model, "second");
    assert_eq!(model.logs.whole().unwrap().1.message, "second");
}

#[test]
fn the_wheel_moves_what_the_arrow_keys_move() {
    let mut model = model(busy());
    press(&mut model, &["3"]);
    turn_wheel(&mut model, MouseEventKind::ScrollDown);
    assert_eq!(model.requests.places().0, WHEEL);
    turn_wheel(&mut model, MouseEventKind::ScrollUp);
    assert_eq!(model.requests.places().0, 0);
    press(&mut model, &["/", "id:0a12bc02", "Enter", "Enter"]);
    model.size = (80, 16);
    turn_wheel(&mut model, MouseEventKind::ScrollDown);
    assert_eq!(model.requests.opened().unwrap().scroll, WHEEL);
}

#[test]
fn the_wheel_closes_no_dialog() {
    let mut model = model(busy());
    for keys in [["3", "/"], ["1", "q"]] {
        press(&mut model, &keys);
        turn_wheel(&mut model, MouseEventKind::ScrollDown);
        assert_eq!(model.overlays.len(), 1, "{keys:?}");
        press(&mut model, &["Esc"]);
    }
}

#[test]
fn nothing_behind_a_dialog_is_clicked() {
    let mut model = model(busy());
    let tab = place(&mut model, "2 Endpoints");
    let row = place(&mut model, "req-7f3a01c2");
    press(&mut model, &["q"]);
    let before = Arc::clone(&model.snapshot);
    for at in [tab, row] {
        assert!(click_at(&mut model, at).is_empty());
    }
    assert!(model.screen == Screen::Overview && model.overlays.len() == 1);
    assert!(Arc::ptr_eq(&before, &model.snapshot));
}
