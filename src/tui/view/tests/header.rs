//! The line on top: honest about endpoints, and what it leaves out first.

use std::sync::Arc;

use super::*;
use crate::domain::fleet::Condition;

fn header(model: &mut Model, width: u16) -> String {
    let text = drawn(model, width, 24).to_string();
    text.lines().next().unwrap().trim_matches(['"', ' ']).to_owned()
}

#[test]
fn only_what_is_up_is_counted_as_up() {
    let mut model = model(busy());
    let conditions = |model: &mut Model, all: [Condition; 4]| {
        let endpoints = &mut Arc::make_mut(&mut model.snapshot).endpoints;
        endpoints.iter_mut().zip(all).for_each(|(endpoint, condition)| endpoint.condition = condition);
        header(model, 120)
    };
    use Condition::{Disabled, Down, Unknown, Up};
    assert!(conditions(&mut model, [Unknown; 4]).contains("0/4 up, 4 unknown  "));
    assert!(conditions(&mut model, [Up, Unknown, Down, Disabled]).contains("1/3 up, 1 unknown  "));
    assert!(conditions(&mut model, [Up, Up, Down, Disabled]).contains("2/3 up  "));
}

#[test]
fn with_less_room_the_rate_goes_first_and_the_suspended_never() {
    let mut model = model(busy());
    let shown = [120, 92, 80, 70, 60].map(|width| header(&mut model, width));
    let has = |text: &str| shown.each_ref().map(|line| line.contains(text));
    assert_eq!(has("req/m"), [true, false, false, false, false]);
    assert_eq!(has("cc-forwarder"), [true, true, false, false, false]);
    assert_eq!(has("backup"), [true, true, true, false, false]);
    assert_eq!(has("$4.12 today"), [true; 5]);
    assert_eq!(has("2 suspended"), [true; 5]);
    assert!(shown.iter().all(|line| line.ends_with("14:02:11")), "{shown:?}");
}
