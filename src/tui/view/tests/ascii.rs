//! A terminal that shows ASCII only gets nothing else.

use super::*;

#[test]
fn no_screen_draws_anything_else() {
    for (name, mut model) in screens() {
        model.facts.unicode = false;
        for (width, height) in [(80, 24), (120, 40), (40, 12)] {
            let backend = drawn(&mut model, width, height);
            let odd = backend.buffer().content().iter().find(|cell| !cell.symbol().is_ascii());
            assert!(odd.is_none(), "{name} at {width}x{height}: {odd:?}");
        }
    }
}

#[test]
fn states_can_still_be_told() {
    let mut model = opened(Screen::Endpoints);
    model.facts.unicode = false;
    let text = text(&mut model);
    for word in ["resting", "limited", "up", "paused"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
