//! How the queue looks.

use insta::assert_snapshot;

use crate::domain::plan::WaitsFor;
use crate::domain::route::{Skip, SkipReason};
use crate::domain::testing::id;
use crate::tui::model::{Model, Screen};
use crate::tui::testing::{busy, drawn, fresh, model, press};

fn queue() -> Model {
    let mut snapshot = busy();
    let second = &mut snapshot.queue[1];
    second.described = Default::default();
    second.wait.waits_for = WaitsFor::Resume;
    second.wait.skipped = [
        Skip { endpoint: id("主线-丙"), reason: SkipReason::Resting },
        Skip { endpoint: id("spare"), reason: SkipReason::GroupPaused },
    ]
    .into();
    let mut model = model(snapshot);
    model.screen = Screen::Suspended;
    model
}

#[test]
fn small_and_large() {
    let mut model = queue();
    assert_snapshot!("small", drawn(&mut model, 80, 24));
    press(&mut model, &["j"]);
    assert_snapshot!("large", drawn(&mut model, 120, 40));
}

#[test]
fn plain_characters_where_there_are_no_others() {
    let mut model = queue();
    model.facts.unicode = false;
    assert_snapshot!(drawn(&mut model, 80, 24));
}

#[test]
fn an_empty_queue_says_what_it_is_for() {
    let mut model = model(fresh());
    model.screen = Screen::Suspended;
    assert_snapshot!(drawn(&mut model, 80, 24));
}
