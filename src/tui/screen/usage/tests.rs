//! Every key of the screen, and when it asks.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::tui::model::Screen;
use crate::tui::msg::Msg;
use crate::tui::source::{Answer, Ask};
use crate::tui::testing::usage::{answer_usage, open_usage, refuse_usage};
use crate::tui::testing::{ago, busy, model, press, tell, unanswered};

fn opened() -> Model {
    let mut model = model(busy());
    open_usage(&mut model);
    assert!(!model.usage.is_stale());
    model
}

/// What is asked after these keys, answered.
fn asked(model: &mut Model, keys: &[&str]) -> UsageQuery {
    let effects = press(model, keys);
    let query = effects.iter().rev().find_map(|effect| match effect {
        Effect::Ask(Ask::Usage(query)) => Some(query.clone()),
        _ => None,
    });
    answer_usage(model, effects);
    query.unwrap_or_else(|| panic!("{keys:?} asks nothing"))
}

fn selected(model: &Model) -> &str {
    model.usage.list.selected().map_or("", String::as_str)
}

/// Nothing that this screen shows: every screen wants today's sums.
fn nothing_asked(effects: &[Effect]) -> bool {
    let mine = |effect: &Effect| matches!(effect, Effect::Ask(Ask::Usage(query)) if query.by != By::Nothing);
    !effects.iter().any(mine)
}

#[test]
fn periods_go_round_and_a_typed_one_joins_them() {
    let mut model = opened();
    let since = |query: UsageQuery| query.filter.since.map(|at| at.to_string());
    assert_eq!(since(asked(&mut model, &["Right"])).as_deref(), Some("2026-11-17T00:00:00Z"));
    assert_eq!(since(asked(&mut model, &["]"])).as_deref(), Some("2026-10-25T00:00:00Z"));
    assert_eq!(since(asked(&mut model, &["Right"])), None);
    assert_eq!(since(asked(&mut model, &["Right"])).as_deref(), Some("2026-11-23T00:00:00Z"));
    assert_eq!(since(asked(&mut model, &["["])), None);
    press(&mut model, &["c", "Backspace", "Backspace", "Backspace", "2026-13", "Enter"]);
    assert!(!model.overlays.is_empty(), "what is no period is not taken");
    press(&mut model, &["Backspace", "0"]);
    let query = asked(&mut model, &["Enter"]);
    assert_eq!(query.filter.until.map(|at| at.to_string()).as_deref(), Some("2026-11-01T00:00:00Z"));
    assert_eq!(model.usage.wanted.choice, Choice::Typed("2026-10".to_owned()));
    assert_eq!(since(asked(&mut model, &["Left"])), None);
    asked(&mut model, &["Right"]);
    assert_eq!(model.usage.wanted.choice, Choice::Typed("2026-10".to_owned()));
}

#[test]
fn short_periods_have_hours_and_long_ones_days() {
    let mut model = opened();
    assert_eq!(asked(&mut model, &["Right"]).bars, By::Day);
    assert_eq!(asked(&mut model, &["Left"]).bars, By::Hour);
}

#[test]
fn groupings_and_levels() {
    let mut model = opened();
    for by in [By::Endpoint, By::Group, By::Session, By::Model, By::Endpoint] {
        assert_eq!(asked(&mut model, &["b"]).by, by);
    }
    press(&mut model, &["j"]);
    assert_eq!(selected(&model), "主线-丙");
    let query = asked(&mut model, &["Enter"]);
    assert_eq!((query.filter.endpoint.as_deref(), query.by), (Some("主线-丙"), By::Group));
    assert_eq!(asked(&mut model, &["b"]).by, By::Session);
    assert_eq!(asked(&mut model, &["b"]).by, By::Model, "endpoints are passed over");
    let query = asked(&mut model, &["Enter"]);
    assert_eq!(query.filter.model.as_deref(), Some("claude-opus-5-5"));
    let query = asked(&mut model, &["Esc"]);
    assert_eq!((query.filter.model, query.by), (None, By::Model));
    let query = asked(&mut model, &["Esc"]);
    assert_eq!((query.filter.endpoint, query.by), (None, By::Endpoint));
    assert_eq!(selected(&model), "主线-丙", "back on the row it was narrowed from");
    assert!(nothing_asked(&press(&mut model, &["Esc"])));
    assert_eq!(model.screen, Screen::Usage);
}

#[test]
fn rows_are_walked() {
    let mut model = opened();
    press(&mut model, &["G"]);
    assert_eq!(selected(&model), "");
    press(&mut model, &["Enter"]);
    assert!(model.usage.wanted.path.is_empty(), "requests without a model cannot be narrowed to");
    for (key, at) in
        [("g", 0), ("Down", 1), ("k", 0), ("PageDown", 3), ("PageUp", 0), ("End", 3), ("Home", 0)]
    {
        press(&mut model, &[key]);
        assert_eq!(model.usage.index(), at, "{key}");
    }
}

#[test]
fn an_export_is_of_what_is_shown() {
    let mut model = opened();
    asked(&mut model, &["Enter"]);
    let effects = press(&mut model, &["x", "Enter"]);
    let [Effect::Ask(Ask::Export(job))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(job.what.filter.model.as_deref(), Some("claude-opus-5-5"));
    assert!(job.what.filter.since.is_some() && job.what.log.is_empty());
    press(&mut model, &["Esc"]);
    assert!(job.progress.is_cancelled() && model.usage.wanted.path.len() == 1, "one level: the export");
}

#[test]
fn it_asks_in_front_only_and_at_most_once_a_second() {
    let mut model = model(busy());
    assert!(nothing_asked(&tell(&mut model, Msg::Snapshot)), "another screen is in front");
    open_usage(&mut model);
    let at = |ms: i64| ago(0) + SignedDuration::from_millis(ms);
    // The fixture's requests have ended just now: they may not be in the file yet.
    let first = tell(&mut model, Msg::Tick(at(1_000)));
    answer_usage(&mut model, first);
    assert!(nothing_asked(&tell(&mut model, Msg::Tick(at(9_000)))), "nothing has changed");
    Arc::make_mut(&mut model.snapshot).totals.completed += 1;
    let second = tell(&mut model, Msg::Snapshot);
    assert!(!nothing_asked(&second));
    assert!(nothing_asked(&tell(&mut model, Msg::Tick(at(12_000)))), "an answer is on its way");
    answer_usage(&mut model, second);
    Arc::make_mut(&mut model.snapshot).totals.completed += 1;
    let third = tell(&mut model, Msg::Snapshot);
    answer_usage(&mut model, third);
    Arc::make_mut(&mut model.snapshot).totals.completed += 1;
    assert!(nothing_asked(&tell(&mut model, Msg::Snapshot)), "not twice within a second");
}

#[test]
fn a_new_day_is_another_today() {
    let mut model = opened();
    let settled = tell(&mut model, Msg::Tick(ago(-2)));
    answer_usage(&mut model, settled);
    let midnight: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
    assert!(nothing_asked(&tell(&mut model, Msg::Tick(midnight - SignedDuration::from_secs(1)))));
    let effects = tell(&mut model, Msg::Tick(midnight));
    let Some(Effect::Ask(Ask::Usage(query))) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(query.filter.since, Some(midnight));
}

#[test]
fn old_sums_stay_until_the_new_ones_are_here_and_late_answers_are_dropped() {
    let mut model = opened();
    let first = press(&mut model, &["Right"]);
    assert!(model.usage.is_stale() && model.usage.usage().is_some());
    assert_eq!(why_not(&model, Action::Open).as_deref(), Some("the sums are still being read"));
    // Not asked again before the first answer; then about what is wanted by now.
    assert!(nothing_asked(&press(&mut model, &["Right"])));
    let Some(Effect::Ask(Ask::Usage(query))) = first.first() else { panic!("{first:?}") };
    let answer = Answer::Usage(query.clone(), Ok(crate::tui::testing::usage::sums(query)));
    let next = tell(&mut model, Msg::Answer(Box::new(answer)));
    assert!(model.usage.is_stale());
    answer_usage(&mut model, next);
    assert!(!model.usage.is_stale());
}

#[test]
fn without_a_ledger_nothing_can_be_exported_and_it_is_not_asked_again() {
    let mut model = unanswered(busy());
    let effects = press(&mut model, &["5"]);
    refuse_usage(&mut model, effects, &NoUsage::NoLedger);
    assert!(why_not(&model, Action::Export).is_some());
    press(&mut model, &["x"]);
    assert!(model.overlays.is_empty());
}
