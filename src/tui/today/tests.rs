//! When today's sums are asked for, and what stands where they are not known.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::events::board::{LedgerStatus, Snapshot};
use crate::tui::msg::Msg;
use crate::tui::source::Ask;
use crate::tui::testing::usage::{answer_usage, refuse_usage};
use crate::tui::testing::{ago, busy, drawn, model, tell, unanswered};

fn asked(effects: &[Effect]) -> Vec<&UsageQuery> {
    let query = |effect| match effect {
        &Effect::Ask(Ask::Usage(ref query)) => Some(query),
        _ => None,
    };
    effects.iter().filter_map(query).collect()
}

fn header(model: &mut Model) -> String {
    drawn(model, 120, 40).to_string().lines().next().unwrap().to_owned()
}

fn refused(model: &mut Model, why: &NoUsage) {
    let effects = tell(model, Msg::Tick(ago(0)));
    refuse_usage(model, effects, why);
}

#[test]
fn every_screen_shows_what_the_ledger_says_of_today() {
    let mut model = model(busy());
    assert!(header(&mut model).contains("$4.12 today"));
    let text = drawn(&mut model, 80, 24).to_string();
    assert!(text.contains("Tokens and cost today") && text.contains("in 2.5M  out 111k"), "{text}");
}

#[test]
fn nothing_is_said_before_the_ledger_has_answered() {
    let mut model = unanswered(busy());
    assert_eq!(today(&model), Today::Unknown);
    assert!(!header(&mut model).contains('$'));
    assert!(drawn(&mut model, 80, 24).to_string().contains("reading the ledger"));
}

#[test]
fn without_a_ledger_it_is_told_since_when() {
    let mut model = unanswered(busy());
    refused(&mut model, &NoUsage::NoLedger);
    assert!(header(&mut model).contains(" since 09:02"), "{}", header(&mut model));
    assert!(drawn(&mut model, 80, 24).to_string().contains("Tokens and cost since 09:02"));
    model.snapshot = Arc::new(Snapshot { started: ago(86_400), ..(*model.snapshot).clone() });
    assert!(header(&mut model).contains(" since 11-22 14:02"), "{}", header(&mut model));
    // It is not asked again, until there is one.
    assert!(asked(&tell(&mut model, Msg::Tick(ago(-60)))).is_empty());
    Arc::make_mut(&mut model.snapshot).ledger = Some(LedgerStatus::default());
    assert_eq!(asked(&tell(&mut model, Msg::Tick(ago(-61)))).len(), 1);
}

#[test]
fn a_ledger_that_cannot_be_read_is_asked_again_when_there_is_news() {
    let mut model = unanswered(busy());
    refused(&mut model, &NoUsage::Failed("closed".to_owned()));
    assert!(matches!(today(&model), Today::SinceStart(_)) && !has_no_ledger(&model));
    let effects = tell(&mut model, Msg::Tick(ago(-5)));
    answer_usage(&mut model, effects);
    assert!(matches!(today(&model), Today::Day(_)));
}

#[test]
fn it_is_asked_at_a_modest_pace_and_only_about_news() {
    let mut model = model(busy());
    let at = |ms: i64| ago(0) + SignedDuration::from_millis(ms);
    assert!(asked(&tell(&mut model, Msg::Tick(at(1_900)))).is_empty());
    // What had ended just before may not have been in the file.
    let effects = tell(&mut model, Msg::Tick(at(2_000)));
    let query = asked(&effects)[0].clone();
    assert_eq!((query.by, query.bars), (By::Nothing, By::Nothing));
    assert_eq!(query.filter.since.unwrap().to_string(), "2026-11-23T00:00:00Z");
    assert!(asked(&tell(&mut model, Msg::Tick(at(60_000)))).is_empty(), "an answer is on its way");
    answer_usage(&mut model, effects);
    assert!(asked(&tell(&mut model, Msg::Tick(at(120_000)))).is_empty(), "nothing has happened");
}

#[test]
fn yesterday_is_not_today() {
    let mut model = model(busy());
    let midnight: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
    let effects = tell(&mut model, Msg::Tick(midnight));
    assert_eq!(today(&model), Today::Unknown);
    assert_eq!(asked(&effects)[0].filter.since, Some(midnight));
    answer_usage(&mut model, effects);
    assert!(matches!(today(&model), Today::Day(_)));
}
