//! The list of keys and the palette, driven and drawn.

use super::*;
use crate::tui::model::Screen;
use crate::tui::testing::{busy, drawn, model, press};

#[test]
fn the_list_of_keys_is_narrowed_by_typing_and_says_why_not() {
    let mut model = model(busy());
    press(&mut model, &["3", "?"]);
    insta::assert_snapshot!("help_80x24", drawn(&mut model, 80, 24));
    press(&mut model, &["PageDown"]);
    insta::assert_snapshot!("help_scrolled_80x24", drawn(&mut model, 80, 24));
    press(&mut model, &["exp"]);
    insta::assert_snapshot!("help_typed_80x24", drawn(&mut model, 80, 24));
    press(&mut model, &["?"]);
    assert!(model.overlays.is_empty() && model.screen == Screen::Requests);
}

#[test]
fn scrolling_ends_where_the_keys_end() {
    let mut model = model(busy());
    model.size = (80, 24);
    press(&mut model, &["?"]);
    for _ in 0..99 {
        press(&mut model, &["Down"]);
    }
    let Some(Overlay::Help(_, end)) = model.overlays.last() else { panic!("no help") };
    assert_eq!(*end, help_rows(&model, "").len() - help_height(&model));
    press(&mut model, &["PageUp", "Up", "Esc"]);
    assert!(model.overlays.is_empty());
}

#[test]
fn the_palette_carries_out_what_was_chosen() {
    let mut model = model(busy());
    press(&mut model, &["3", ":", "s"]);
    insta::assert_snapshot!("palette_80x24", drawn(&mut model, 80, 24));
    press(&mut model, &["Esc", ":", "logs", "Enter"]);
    assert_eq!(model.screen, Screen::Logs);
    press(&mut model, &[":", "qqq"]);
    assert!(palette_rows(&model, "qqq").is_empty());
    press(&mut model, &["Enter"]);
    assert!(model.overlays.is_empty());
}

#[test]
fn what_is_disabled_says_why_instead() {
    let mut model = model(busy());
    press(&mut model, &["2", ":", "release group", "Enter"]);
    assert!(model.toast.unwrap().text.contains("no group was activated by a person"));
}

#[test]
fn the_palette_of_a_detail_has_the_detail_s_keys() {
    let mut model = model(busy());
    press(&mut model, &["3", "Enter", ":", "its log", "Enter"]);
    assert_eq!(model.screen, Screen::Logs);
    assert!(model.logs.request().is_some());
}

#[test]
fn the_best_likeness_comes_first() {
    assert_eq!(["quit", "re", "xq"].map(|t| likeness(t, "quit the repl")), [Some(0), Some(1), None]);
    assert_eq!(likeness("qtr", "quit the repl"), Some(2));
}
