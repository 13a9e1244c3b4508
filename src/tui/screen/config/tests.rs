//! Every key of the screen.

use super::*;
use crate::tui::msg::Msg;
use crate::tui::source::Answer;
use crate::tui::testing::usage::{config, config_refused, open_config};
use crate::tui::testing::{ago, busy, model, press, tell};

fn opened(view: ConfigView) -> Model {
    let mut model = model(busy());
    open_config(&mut model, view);
    model
}

fn shown(model: &Model) -> Vec<&str> {
    let entries = model.config.entries().unwrap();
    let key = |row: &Row| match row {
        Row::Key(at) => Some(entries[*at].key.as_str()),
        Row::Problem(_) => None,
    };
    model.config.rows().iter().filter_map(key).collect()
}

#[test]
fn the_filter_looks_at_key_value_and_origin() {
    let mut model = opened(config());
    let all = shown(&model).len();
    press(&mut model, &["/", "line !endpoints", "Enter"]);
    assert_eq!(
        shown(&model),
        ["auth.enabled", "auth.token", "retry.max_attempts", "server.host", "server.port"]
    );
    press(&mut model, &["/", " 8088", "Enter"]);
    assert_eq!(shown(&model), ["server.port"]);
    press(&mut model, &["Esc"]);
    assert_eq!(shown(&model).len(), all);
}

#[test]
fn a_reload_is_confirmed_and_the_editor_gets_the_file() {
    let mut model = opened(config());
    let effects = press(&mut model, &["r", "y"]);
    assert!(matches!(effects.first(), Some(Effect::Ask(Ask::Command(Command::Reload)))), "{effects:?}");
    let effects = press(&mut model, &["e"]);
    let file = model.facts.config_file.clone();
    assert!(
        matches!(effects.first(), Some(Effect::Edit(path)) if Some(path) == file.as_ref()),
        "{effects:?}"
    );
    model.facts.config_file = None;
    for key in ["r", "e"] {
        assert!(press(&mut model, &[key]).is_empty());
        assert!(model.toast.as_ref().unwrap().text.starts_with("there is no configuration file"));
    }
    assert!(model.overlays.is_empty());
}

#[test]
fn rows_are_walked_problems_first() {
    let mut model = opened(config_refused());
    assert_eq!(model.config.rows()[..2], [Row::Problem(0), Row::Problem(1)]);
    let last = model.config.rows().len() - 1;
    let page = usize::from(model.size.1) - 8;
    for (key, at) in [
        ("j", 1),
        ("Up", 0),
        ("G", last),
        ("PageUp", last - page),
        ("g", 0),
        ("PageDown", page),
        ("Home", 0),
        ("End", last),
    ] {
        press(&mut model, &[key]);
        assert_eq!(model.config.index(), at, "{key}");
    }
}

#[test]
fn a_refusal_comes_into_view_and_a_success_takes_it_away() {
    let mut model = opened(config());
    press(&mut model, &["G"]);
    tell(&mut model, Msg::Answer(Box::new(Answer::Config(Ok(config_refused())))));
    assert_eq!(model.config.index(), 0);
    press(&mut model, &["G"]);
    tell(&mut model, Msg::Answer(Box::new(Answer::Config(Ok(config_refused())))));
    assert_ne!(model.config.index(), 0, "once seen it does not pull again");
    tell(&mut model, Msg::Answer(Box::new(Answer::Config(Ok(config())))));
    assert!(model.config.problems().is_empty());
}

#[test]
fn it_asks_once_a_second_in_front() {
    let mut model = model(busy());
    let asks = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Ask(Ask::Config))).count();
    assert_eq!(asks(&tell(&mut model, Msg::Tick(ago(-1)))), 0);
    assert_eq!(asks(&press(&mut model, &["7", "j", "k"])), 1);
    assert_eq!(asks(&tell(&mut model, Msg::Tick(ago(-2)))), 1);
}

#[test]
fn the_footer_offers_only_what_can_be_done() {
    let mut model = opened(config());
    let text = crate::tui::testing::drawn(&mut model, 120, 40).to_string();
    assert!(!text.contains("Enter details") && text.contains("r reload"), "{text}");
}
