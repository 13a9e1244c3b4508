//! How the screen of usage looks.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;

use crate::claude::money::PicoUsd;
use crate::domain::budget::{BudgetScope, BudgetState, BudgetStatus, Period};
use crate::domain::testing::{group, id};
use crate::tui::model::Model;
use crate::tui::msg::Msg;
use crate::tui::source::NoUsage;
use crate::tui::testing::usage::{answer_usage, open_usage, refuse_usage};
use crate::tui::testing::{ago, busy, drawn, model, press, tell};

fn budget(scope: BudgetScope, share: f64, state: BudgetState, block: bool) -> BudgetStatus {
    BudgetStatus {
        scope,
        period: Period::Day,
        limit: PicoUsd::from_micro_usd(10_000_000),
        spent: PicoUsd::from_micro_usd((share * 1e7) as u64),
        share,
        state,
        warn_at_percent: 80,
        block,
        resets: ago(-3_600),
        unpriced: 0,
    }
}

fn opened() -> Model {
    let mut model = model(busy());
    open_usage(&mut model);
    model
}

#[test]
fn small_and_large() {
    let mut model = opened();
    assert_snapshot!("small", drawn(&mut model, 80, 24));
    press(&mut model, &["j"]);
    assert_snapshot!("large", drawn(&mut model, 120, 40));
}

#[test]
fn narrowed_with_budgets_and_an_export_that_runs() {
    let mut snapshot = busy();
    snapshot.budgets = [
        budget(BudgetScope::All, 0.48, BudgetState::Ok, false),
        budget(BudgetScope::Endpoint(id("主线-丙")), 0.9, BudgetState::Warned, true),
        budget(BudgetScope::Group(group("main")), 1.2, BudgetState::Over, true),
        budget(BudgetScope::Group(group("backup")), 1.2, BudgetState::Over, false),
    ]
    .into();
    let mut model = model(snapshot);
    open_usage(&mut model);
    for keys in [["Right", "b"], ["Enter", "b"]] {
        for key in keys {
            let effects = press(&mut model, &[key]);
            answer_usage(&mut model, effects);
        }
    }
    press(&mut model, &["x", "Enter"]);
    model.exporting.as_ref().unwrap().progress.report(12_000, 98_765);
    assert_snapshot!("narrowed", drawn(&mut model, 80, 24));
}

#[test]
fn while_something_else_is_read_the_title_says_so() {
    let mut model = opened();
    press(&mut model, &["Right"]);
    let text = drawn(&mut model, 80, 24).to_string();
    assert!(text.contains("Usage: 7 days (reading)"), "{text}");
    assert!(text.contains("opus-5-5"), "the old sums stay: {text}");
}

#[test]
fn failed_and_interrupted_are_told_apart() {
    let mut totals = crate::store::totals::Totals { requests: 412, ..Default::default() };
    let lines = |totals: &_, width| super::tokens(totals, width);
    assert_eq!(lines(&totals, 78), [" 412 requests   in 0   out 0   cache read 0 written 0"]);
    (totals.failed, totals.interrupted) = (3, 2);
    let whole = " 412 requests   3 failed   2 interrupted   in 0   out 0   cache read 0 written 0";
    assert_eq!(lines(&totals, 118), [whole]);
    assert_eq!(
        lines(&totals, 78),
        [" 412 requests   3 failed   2 interrupted", " in 0   out 0   cache read 0 written 0"]
    );
}

#[test]
fn without_a_ledger_it_says_how_to_get_one() {
    let mut model = model(busy());
    let effects = press(&mut model, &["5"]);
    refuse_usage(&mut model, effects, &NoUsage::NoLedger);
    assert_snapshot!("no_ledger", drawn(&mut model, 80, 24));
}

#[test]
fn a_ledger_that_cannot_be_read_says_why() {
    let mut model = model(busy());
    let effects = press(&mut model, &["5"]);
    refuse_usage(&mut model, effects, &NoUsage::Failed("the usage store is closed".to_owned()));
    let text = drawn(&mut model, 80, 24).to_string();
    assert!(text.contains("cannot be read") && text.contains("the usage store is closed"), "{text}");
}

fn click(row: u16) -> Msg {
    let kind = MouseEventKind::Down(MouseButton::Left);
    Msg::Mouse(MouseEvent { kind, column: 5, row, modifiers: KeyModifiers::NONE })
}

/// The sums above take a line more or less by the width: what is drawn and what is clicked on agree at every width.
#[test]
fn a_click_selects_the_row_under_it_at_every_width() {
    for width in 60..=100 {
        let mut model = opened();
        let text = drawn(&mut model, width, 24).to_string();
        let row = text.lines().position(|line| line.contains("│ sonnet")).unwrap() as u16;
        tell(&mut model, click(row));
        assert_eq!(model.usage.index(), 1, "{width} columns: {text}");
    }
}

#[test]
fn what_has_no_price_is_said_at_every_width() {
    for width in 60..=100 {
        let text = drawn(&mut opened(), width, 24).to_string();
        assert!(text.contains("$15.15") && text.contains("2 unpriced"), "{width} columns: {text}");
        assert!(text.contains("misses cost $3.08"), "{width} columns: {text}");
    }
}

#[test]
fn sums_are_as_exact_as_those_that_commands_print() {
    let text = drawn(&mut opened(), 80, 24).to_string();
    for piece in ["written 53.9k", "cache hits 90.0%", " 81.3k 90.0% "] {
        assert!(text.contains(piece), "{piece}: {text}");
    }
}

#[test]
fn a_click_selects_the_row_under_it() {
    let mut model = opened();
    let text = drawn(&mut model, 80, 24).to_string();
    let row = text.lines().position(|line| line.contains("sonnet-5-5")).unwrap() as u16;
    tell(&mut model, click(row));
    assert_eq!(model.usage.index(), 1);
    for beside in [4, 9, 13, 14, 22] {
        tell(&mut model, click(beside));
        assert_eq!(model.usage.index(), 1, "line {beside} is no row");
    }
}
