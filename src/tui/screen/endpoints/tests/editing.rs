//! Priorities, from the first digit to the file.

use super::*;

fn edits(model: &Model) -> Vec<(String, u32)> {
    edit::pending(model).into_iter().map(|(name, priority)| (name.to_string(), priority)).collect()
}

fn of(pairs: &[(&str, u32)]) -> Edits {
    pairs.iter().map(|(name, priority)| (id(name), *priority)).collect()
}

fn review() -> Review {
    Review { path: "config.yaml".into(), stamp: Stamp::of("text"), written: Vec::new() }
}

fn answer(model: &mut Model, answer: Answer) -> Vec<Effect> {
    tell(model, Msg::Answer(Box::new(answer)))
}

/// `main-a` 1 -> 5, shown with its review.
fn reviewed(file: Result<Review, String>) -> Model {
    let mut model = screen();
    press(&mut model, &["Enter", "5", "Ctrl-s"]);
    answer(&mut model, Answer::Reviewed(of(&[("main-a", 5)]), file));
    assert!(matches!(model.overlays.last(), Some(Overlay::Review(..))));
    model
}

#[test]
fn digits_make_numbers_and_are_no_tabs() {
    let mut model = screen();
    press(&mut model, &["Enter", "1", "2"]);
    assert_eq!(edits(&model), [("main-a".to_owned(), 12)]);
    assert_eq!(model.screen, Screen::Endpoints);
    press(&mut model, &["Backspace"]);
    assert_eq!(edits(&model), [], "1 is what it has");
    press(&mut model, &["9999999999"]);
    assert_eq!(edits(&model), [("main-a".to_owned(), 199_999)], "further digits do not count");
    press(&mut model, &["q?:x"]);
    assert!(model.overlays.is_empty() && model.endpoints.is_editing());
}

#[test]
fn the_arrows_go_to_other_endpoints_and_a_new_number_begins_there() {
    let mut model = screen();
    press(&mut model, &["Enter", "7", "Down", "8", "Up", "9"]);
    assert_eq!(edits(&model), [("main-a".to_owned(), 9), ("main-b".to_owned(), 8)]);
    press(&mut model, &["Enter"]);
    assert_eq!(selected(&model), "main-b", "Enter goes on to the next");
}

#[test]
fn plus_and_minus_count_and_stop_at_zero() {
    let mut model = screen();
    press(&mut model, &["Enter", "+", "=", "Right"]);
    assert_eq!(edits(&model), [("main-a".to_owned(), 4)]);
    press(&mut model, &["-", "-", "-", "-", "Left"]);
    assert_eq!(edits(&model), [("main-a".to_owned(), 0)]);
}

#[test]
fn the_resulting_order_breaks_ties_by_file_order() {
    let mut model = screen();
    press(&mut model, &["Enter", "3"]);
    let main = &model.snapshot.groups[0];
    let order = edit::resulting_order(&model, main, &edit::pending(&model)).unwrap();
    assert_eq!(order, [id("main-b"), id("main-a"), id("主线-丙")]);
    assert_eq!(edit::resulting_order(&model, &model.snapshot.groups[1], &edit::pending(&model)), None);
}

#[test]
fn esc_forgets_one_edit_and_asks_about_more() {
    let mut model = screen();
    press(&mut model, &["Enter", "5", "Esc"]);
    assert!(!model.endpoints.is_editing());
    assert_eq!(toast(&mut model), "the priorities stay as they were");
    press(&mut model, &["Enter", "5", "Down", "6", "Esc"]);
    assert!(matches!(model.overlays.last(), Some(Overlay::Confirm(_))));
    press(&mut model, &["n"]);
    assert_eq!(edits(&model).len(), 2, "one level back: still editing");
    press(&mut model, &["Esc", "y"]);
    assert!(!model.endpoints.is_editing());
}

#[test]
fn nothing_changed_is_nothing_to_review() {
    let mut model = screen();
    assert!(press(&mut model, &["Enter", "Ctrl-s"]).is_empty());
    assert_eq!(toast(&mut model), "nothing is changed yet: type a number, or press + or -");
}

#[test]
fn applied_first_then_saved() {
    let mut model = screen();
    let effects = press(&mut model, &["Enter", "5", "Ctrl-s"]);
    assert!(matches!(ask(effects), Ask::ReviewPriorities(edits) if edits == of(&[("main-a", 5)])));
    answer(&mut model, Answer::Reviewed(of(&[("main-a", 5)]), Ok(review())));
    let set = command(press(&mut model, &["y"]));
    assert_eq!(set, Command::SetPriorities(of(&[("main-a", 5)])));
    assert!(!model.endpoints.is_editing());
    let save = ask(answer(&mut model, Answer::Done(set, Ok(String::new()))));
    assert!(matches!(save, Ask::SavePriorities(edits, _) if edits == of(&[("main-a", 5)])));
    answer(&mut model, Answer::Saved(Ok(review())));
    assert_eq!(toast(&mut model), "applied and saved to config.yaml");
}

#[test]
fn applied_only_leaves_the_file() {
    let mut model = reviewed(Ok(review()));
    let set = command(press(&mut model, &["a"]));
    assert!(answer(&mut model, Answer::Done(set, Ok(String::new()))).is_empty());
    assert_eq!(toast(&mut model), "applied until the next reload; the file is as it was");
}

#[test]
fn enter_gives_the_answer_of_the_configuration() {
    for (save, saves) in [(true, true), (false, false)] {
        let mut model = reviewed(Ok(review()));
        model.facts.save_edits = save;
        let set = command(press(&mut model, &["Enter"]));
        assert_eq!(!answer(&mut model, Answer::Done(set, Ok(String::new()))).is_empty(), saves);
    }
}

#[test]
fn a_conflict_is_shown_and_can_only_be_applied() {
    let mut model = reviewed(Err("config.yaml was changed".to_owned()));
    model.facts.save_edits = true;
    assert!(press(&mut model, &["y"]).is_empty());
    assert_eq!(toast(&mut model), "cannot be saved: config.yaml was changed");
    assert!(matches!(model.overlays.last(), Some(Overlay::Review(..))), "it stays open");
    assert_eq!(model.why_not(Action::ApplyOnly), None);
    let set = command(press(&mut model, &["Enter"]));
    assert!(answer(&mut model, Answer::Done(set, Ok(String::new()))).is_empty(), "nothing is saved");
}

#[test]
fn back_from_the_review_goes_on_editing() {
    for key in ["Esc", "n"] {
        let mut model = reviewed(Ok(review()));
        assert!(press(&mut model, &[key]).is_empty());
        assert_eq!(edits(&model), [("main-a".to_owned(), 5)]);
    }
}

#[test]
fn what_the_fleet_refuses_can_be_edited_on_and_is_not_saved() {
    let mut model = reviewed(Ok(review()));
    let set = command(press(&mut model, &["y"]));
    assert!(answer(&mut model, Answer::Done(set, Err("no".to_owned()))).is_empty());
    assert_eq!(toast(&mut model), "not applied: no");
    assert_eq!(edits(&model), [("main-a".to_owned(), 5)]);
}

#[test]
fn a_failed_save_says_that_the_edits_hold() {
    let mut model = screen();
    answer(&mut model, Answer::Saved(Err("the file changed".to_owned())));
    assert_eq!(toast(&mut model), "applied, not saved: the file changed");
}

#[test]
fn a_review_of_other_edits_is_not_shown() {
    let mut model = screen();
    press(&mut model, &["Enter", "5", "Ctrl-s", "6"]);
    answer(&mut model, Answer::Reviewed(of(&[("main-a", 5)]), Ok(review())));
    assert!(model.overlays.is_empty());
}

#[test]
fn an_endpoint_that_leaves_takes_its_edit_along() {
    let mut model = screen();
    press(&mut model, &["Enter", "5", "Down", "6"]);
    let mut later = busy();
    later.endpoints.remove(0);
    model.snapshot = Arc::new(later);
    refresh(&mut model);
    assert_eq!(edits(&model), [("main-b".to_owned(), 6)]);
}

#[test]
fn a_refused_save_stays_in_view_until_it_was_read() {
    let ago = crate::tui::testing::ago;
    let mut model = screen();
    answer(&mut model, Answer::Saved(Err("the file changed".to_owned())));
    tell(&mut model, Msg::Notice("configuration reloaded".to_owned(), false));
    let shown = |model: &Model| model.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default();
    tell(&mut model, Msg::Tick(ago(-7)));
    assert_eq!(shown(&model), "applied, not saved: the file changed");
    tell(&mut model, Msg::Tick(ago(-8)));
    assert_eq!(shown(&model), "configuration reloaded");
    tell(&mut model, Msg::Tick(ago(-12)));
    assert_eq!(shown(&model), "");
    model.say("first", true);
    model.say("second", true);
    assert_eq!(shown(&model), "second", "of two errors the newer one is shown");
    model.say("third", false);
    press(&mut model, &["Esc"]);
    assert_eq!(shown(&model), "third", "Esc takes it as read");
}
