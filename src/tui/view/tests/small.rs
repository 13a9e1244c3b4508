//! Terminals with little room: everything is reached and read, and what is not seen does nothing.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::tui::model::{Overlay, Toast};
use crate::tui::testing::press;

fn lines(model: &mut Model, width: u16, height: u16) -> Vec<String> {
    let text = drawn(model, width, height).to_string();
    text.lines().map(|line| line.split('"').nth(1).unwrap_or_default().to_owned()).collect()
}

fn click(column: u16, row: u16) -> Msg {
    let kind = MouseEventKind::Down(MouseButton::Left);
    Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

#[test]
fn every_tab_is_seen_and_clicked_at_every_width() {
    for width in 60..=90 {
        let mut model = opened(Screen::Overview);
        for (digit, screen) in ('1'..).zip(Screen::ALL) {
            let tabs = lines(&mut model, width, 16).swap_remove(1);
            let place = tabs.find(digit).unwrap_or_else(|| panic!("no {digit} at {width}: {tabs}"));
            assert!(tabs.contains(&screen.short()[..3]), "{width}: {tabs}");
            tell(&mut model, click(place as u16, 1));
            assert_eq!(model.screen, screen, "{width}: {tabs}");
        }
    }
}

#[test]
fn the_tab_in_front_keeps_its_name_where_there_is_room_for_digits_only() {
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(40, 1)).unwrap();
    let model = opened(Screen::Suspended);
    terminal.draw(|frame| crate::tui::view::frame::tabs(&model, frame, frame.area())).unwrap();
    let text = terminal.backend().to_string();
    assert_eq!(text.trim(), format!("{:?}", format!("{:<40}", " 1  2  3  4 Suspended  5  6  7 ")));
}

/// Three notices at the start, each with its reason at the end.
#[test]
fn a_long_message_is_read_to_its_end() {
    let notices = ["one.yaml", "two.yaml", "three.yaml"].map(|file| {
        format!(
            "/home/me/.config/cc-forwarder/themes/{file}: line 3: there is no role `okay`, there is: ok, warn"
        )
    });
    for (width, height) in [(80, 24), (60, 16)] {
        let mut model = opened(Screen::Overview);
        model.say(notices.join("\n"), true);
        let shown = lines(&mut model, width, height);
        let said: String = shown.iter().map(|line| format!("{} ", line.trim())).collect();
        for notice in &notices {
            assert!(said.contains(notice.as_str()), "{width}x{height}: {said}");
        }
        assert!(shown[usize::from(height) - 1].contains("help"), "the keys stay: {shown:#?}");
    }
}

#[test]
fn a_message_longer_than_the_screen_is_cut_and_says_so() {
    let mut model = opened(Screen::Overview);
    model.say("word ".repeat(1_000), true);
    let shown = lines(&mut model, 60, 16);
    assert!(shown[14].trim_end().ends_with('…'), "{shown:#?}");
    assert!(shown[15].contains("help"), "{shown:#?}");
}

#[test]
fn a_longer_message_stays_longer() {
    let mut model = opened(Screen::Overview);
    let stays = |model: &Model| {
        let Some(Toast { until, .. }) = &model.toast else { panic!("it is said") };
        until.duration_since(model.clock).as_secs()
    };
    model.say("short", true);
    assert_eq!(stays(&model), 8);
    model.say("x".repeat(240), true);
    assert_eq!(stays(&model), 20);
}

#[test]
fn a_question_is_read_to_its_end() {
    let mut model = opened(Screen::Overview);
    press(&mut model, &["q"]);
    let said: String = lines(&mut model, 60, 16).iter().map(|line| line.replace('│', " ")).collect();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("requests that wait") && said.contains("get an error."), "{said}");
}

#[test]
fn a_dialog_that_is_not_seen_takes_no_keys() {
    let mut model = opened(Screen::Suspended);
    press(&mut model, &["x"]);
    assert!(matches!(model.overlays.last(), Some(Overlay::Confirm(_))));
    model.size = (59, 16);
    for key in ["y", "Enter", "n", "Esc", "1", ":"] {
        assert!(press(&mut model, &[key]).is_empty(), "{key}");
        assert_eq!((model.overlays.len(), model.screen), (1, Screen::Suspended), "{key}");
    }
    assert!(tell(&mut model, Msg::Paste("text".to_owned())).is_empty());
    assert!(tell(&mut model, click(3, 1)).is_empty());
    assert_eq!(model.screen, Screen::Suspended);
    model.size = (60, 16);
    let sent = press(&mut model, &["y"]);
    assert!(matches!(sent[..], [Effect::Ask(Ask::Command(_))]), "with room it is seen, and acts: {sent:?}");
}

#[test]
fn leaving_works_without_room_and_asks_where_it_is_seen() {
    let mut idle = model(fresh());
    let shown = lines(&mut idle, 40, 12).join("\n");
    assert!(shown.contains("40x12 is too small: 60x16 wanted") && shown.contains("q quits"), "{shown}");
    assert!(matches!(press(&mut idle, &["q"])[..], [Effect::Quit]));
    let mut busy = model(busy());
    busy.size = (40, 12);
    for key in ["q", "Ctrl-c"] {
        assert!(press(&mut busy, &[key]).is_empty());
        for height in [12, 1] {
            let shown = lines(&mut busy, 40, height).join("\n");
            assert!(shown.contains("Quit? y n  4 running"), "{height}: {shown}");
        }
        press(&mut busy, &["n"]);
        assert!(busy.overlays.is_empty());
    }
    press(&mut busy, &["q"]);
    assert!(matches!(press(&mut busy, &["y"])[..], [Effect::Quit]));
}
