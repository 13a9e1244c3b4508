//! How the screen of the configuration looks.

use std::sync::Arc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;

use crate::config::diff::Report;
use crate::tui::msg::Msg;
use crate::tui::source::{ConfigView, ReloadView};
use crate::tui::testing::usage::{config, config_refused, open_config};
use crate::tui::testing::{ago, busy, drawn, model, press, tell};

#[test]
fn small_and_large() {
    let mut model = model(busy());
    let report = Report { applied: vec!["retry.max_attempts".to_owned()], needs_restart: Vec::new() };
    let reload = ReloadView { number: 2, at: ago(5), outcome: Ok(report), pending: Vec::new() };
    open_config(&mut model, ConfigView { reload: Some(Arc::new(reload)), ..config() });
    assert_snapshot!("small", drawn(&mut model, 80, 24));
    press(&mut model, &["/", "line", "Enter"]);
    assert_snapshot!("large", drawn(&mut model, 120, 40));
}

#[test]
fn a_refused_reload() {
    let mut model = model(busy());
    open_config(&mut model, config_refused());
    press(&mut model, &["/", "server", "Enter", "j"]);
    assert_snapshot!("refused", drawn(&mut model, 80, 24));
}

#[test]
fn a_click_selects_the_row_under_it() {
    let mut model = model(busy());
    open_config(&mut model, config_refused());
    let text = drawn(&mut model, 80, 24).to_string();
    let row = text.lines().position(|line| line.contains("! /home/canary/config.yaml:9")).unwrap() as u16;
    let kind = MouseEventKind::Down(MouseButton::Left);
    let click = |row| Msg::Mouse(MouseEvent { kind, column: 5, row, modifiers: KeyModifiers::NONE });
    tell(&mut model, click(row));
    assert_eq!(model.config.index(), 1);
    for beside in [2, 3, 17, 20] {
        tell(&mut model, click(beside));
        assert_eq!(model.config.index(), 1, "line {beside} is no row");
    }
}
