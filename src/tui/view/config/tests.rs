//! How the screen of the configuration looks.

use std::sync::Arc;

use insta::assert_snapshot;

use crate::config::diff::Report;
use crate::tui::source::{ConfigView, ReloadView};
use crate::tui::testing::usage::{config, config_refused, open_config};
use crate::tui::testing::{ago, busy, drawn, model, press};

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
