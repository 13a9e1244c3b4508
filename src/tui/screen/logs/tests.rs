//! The log screen, driven by keys, and what it looks like.

use super::*;
use crate::logging::ring::Ring;
use crate::tui::msg::Msg;
use crate::tui::testing::{ago, busy, drawn, model, press, tell};

fn line(level: Level, message: &str, request: Option<&str>) -> Line {
    Line {
        seq: 0,
        at: ago(3),
        level,
        target: "cc_forwarder::request".to_owned(),
        message: message.to_owned(),
        fields: vec![("endpoint".into(), "主线-丙".to_owned()), ("status".into(), "529".to_owned())],
        request: request.map(str::to_owned),
    }
}

fn ring() -> Ring {
    let ring = Ring::default();
    ring.push(line(Level::Info, "completed", Some("req-0a12bc00")));
    ring.push(line(Level::Warn, "over\x1b[2Jloaded\nforged", Some("req-91b0cc10")));
    ring.push(line(Level::Debug, &format!("long {}", "words ".repeat(60)), None));
    ring.push(line(Level::Error, "failed for good", Some("req-0a12bc00")));
    ring
}

fn on_logs() -> Model {
    let mut model = model(busy());
    model.size = (80, 24);
    model.logs.available = true;
    tell(&mut model, Msg::Logs(ring().since(0)));
    press(&mut model, &["6"]);
    model
}

fn shown(model: &Model) -> Vec<u64> {
    (0..model.logs.len()).map(|place| model.logs.line(place).unwrap().seq).collect()
}

#[test]
fn lines_are_cut_and_harmless() {
    let mut model = on_logs();
    insta::assert_snapshot!("log_80x24", drawn(&mut model, 80, 24));
    insta::assert_snapshot!("log_120x40", drawn(&mut model, 120, 40));
}

#[test]
fn enter_shows_a_line_whole_and_escape_goes_back() {
    let mut model = on_logs();
    press(&mut model, &["k", "Enter"]);
    insta::assert_snapshot!("whole_80x24", drawn(&mut model, 80, 24));
    model.size = (60, 16);
    press(&mut model, &["j", "Down", "k", "PageDown", "Up", "PageUp"]);
    let newer = Ring::default();
    (0..9).for_each(|_| newer.push(line(Level::Info, "newer", None)));
    tell(&mut model, Msg::Logs(newer.since(4)));
    assert_eq!(model.logs.whole().unwrap().1.seq, 3, "it does not go away under the reader");
    press(&mut model, &["Esc"]);
    assert!(model.logs.whole().is_none());
}

#[test]
fn level_and_words_narrow_and_escape_widens() {
    let mut model = on_logs();
    press(&mut model, &["v", "v", "v"]);
    assert_eq!((model.logs.level(), shown(&model)), ("warn", vec![2, 4]));
    press(&mut model, &["v", "v"]);
    press(&mut model, &["/", "status=529 !\"for good\" 日", "Enter"]);
    assert_eq!(shown(&model), [] as [u64; 0]);
    assert!(drawn(&mut model, 80, 24).to_string().contains("no line fits"));
    press(&mut model, &["Esc", "/", "REQ-0A12", "Enter"]);
    assert_eq!(shown(&model), [1, 4]);
    press(&mut model, &["/", "\"", "Enter"]);
    assert!(!model.overlays.is_empty(), "a quote is not closed");
    press(&mut model, &["Esc", "Esc"]);
    assert_eq!(shown(&model), [1, 2, 3, 4]);
}

#[test]
fn following_ends_with_moving_up_and_begins_again_at_the_end() {
    let mut model = on_logs();
    assert!(model.logs.follows() && model.logs.places().0 == 3);
    press(&mut model, &["k"]);
    let newer = Ring::default();
    (0..5).for_each(|_| newer.push(line(Level::Info, "newer", None)));
    tell(&mut model, Msg::Logs(newer.since(4)));
    assert_eq!((model.logs.follows(), model.logs.places().0, model.logs.len()), (false, 2, 5));
    press(&mut model, &["G"]);
    assert!(model.logs.follows() && model.logs.places().0 == 4);
    press(&mut model, &["f", "g"]);
    assert!(!model.logs.follows() && model.logs.places().0 == 0);
    press(&mut model, &["PageDown", "PageUp", "j", "f"]);
    assert!(model.logs.follows());
}

#[test]
fn from_a_line_to_its_request_and_back() {
    let mut model = on_logs();
    press(&mut model, &["o"]);
    assert_eq!(model.requests.opened().unwrap().id.to_string(), "req-0a12bc00");
    press(&mut model, &["o"]);
    assert_eq!((model.screen, shown(&model)), (Screen::Logs, vec![1, 4]));
    assert_eq!(model.logs.request(), Some("req-0a12bc00"));
    press(&mut model, &["Esc", "k", "o"]);
    assert_eq!(model.screen, Screen::Logs);
    assert!(model.toast.unwrap().text.contains("belongs to no request"));
}

#[test]
fn lines_that_were_gone_already_are_counted() {
    let mut model = on_logs();
    let full = Ring::default();
    (0..MAX_LINES + 14).for_each(|_| full.push(line(Level::Info, "busy", None)));
    tell(&mut model, Msg::Logs(full.since(4)));
    assert_eq!((model.logs.kept(), model.logs.missed()), (MAX_LINES, 10));
    assert!(drawn(&mut model, 80, 24).to_string().contains("10 came by too fast"));
}

#[test]
fn without_lines_it_says_where_they_are() {
    let mut model = model(busy());
    press(&mut model, &["6", "Enter"]);
    assert!(drawn(&mut model, 80, 24).to_string().contains("cannot be had here"));
}

#[test]
fn privacy_masks_what_tells_where_somebody_is() {
    let mut model = on_logs();
    let told = Ring::default();
    told.push(line(Level::Info, "connect to 192.0.2.7:443 failed", None));
    let mut told = told.since(0);
    Arc::make_mut(&mut told[0]).seq = 5;
    tell(&mut model, Msg::Logs(told));
    press(&mut model, &["P"]);
    let text = drawn(&mut model, 80, 24).to_string();
    assert!(text.contains("connect to •••••••• failed") && !text.contains("192.0"), "{text}");
}

#[test]
fn what_is_selected_stays_in_view_when_the_terminal_gets_smaller() {
    let mut model = on_logs();
    let more = Ring::default();
    (0..60).for_each(|_| more.push(line(Level::Info, "more", None)));
    tell(&mut model, Msg::Logs(more.since(4)));
    for keys in [["k", "k"], ["f", "j"]] {
        tell(&mut model, Msg::Resize(80, 40));
        press(&mut model, &keys);
        tell(&mut model, Msg::Resize(80, 12));
        let (index, first) = model.logs.places();
        assert!((first..first + height(&model)).contains(&index), "{index} from {first}");
    }
}
