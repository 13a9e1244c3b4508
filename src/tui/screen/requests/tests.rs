//! The request log and the detail, driven by keys over a frozen forwarder, and what they look like.

use std::sync::Arc;

use super::history::Page;
use super::*;
use crate::events::record::testing::record;
use crate::tui::msg::Msg;
use crate::tui::request::{Numbers, Stage, Words};
use crate::tui::source::Ask;
use crate::tui::testing::{ago, busy, drawn, fresh, model, press, tell};

fn on_requests() -> Model {
    let mut model = model(busy());
    model.size = (80, 24);
    press(&mut model, &["3"]);
    model
}

fn ids(model: &Model) -> Vec<String> {
    let table = model.requests.table();
    (0..table.len()).map(|place| table.row(place).unwrap().id.to_string()).collect()
}

fn selected(model: &Model) -> String {
    model.requests.selected().unwrap().to_string()
}

#[test]
fn the_log_has_live_and_ended_requests_newest_first() {
    let mut model = on_requests();
    insta::assert_snapshot!("log_80x24", drawn(&mut model, 80, 24));
    insta::assert_snapshot!("log_120x40", drawn(&mut model, 120, 40));
    model.facts.unicode = false;
    insta::assert_snapshot!("log_ascii_80x24", drawn(&mut model, 80, 24));
}

#[test]
fn the_detail_has_all_that_is_known() {
    let mut model = on_requests();
    press(&mut model, &["/", "id:0a12bc02", "Enter", "Enter"]);
    insta::assert_snapshot!("detail_80x24", drawn(&mut model, 80, 24));
    insta::assert_snapshot!("detail_120x40", drawn(&mut model, 120, 40));
    press(&mut model, &["P"]);
    let private = drawn(&mut model, 120, 40).to_string();
    assert!(!private.contains("/v1/messages"), "{private}");
}

#[test]
fn the_detail_of_a_running_request_says_what_is_not_known_yet() {
    let mut model = on_requests();
    press(&mut model, &["/", "state:forwarding", "Enter", "Enter"]);
    assert!(drawn(&mut model, 80, 24).to_string().contains("main-a: 529 overloaded"));
    press(&mut model, &["Esc", "Esc", "/", "state:streaming", "Enter", "Enter"]);
    insta::assert_snapshot!("detail_live_80x24", drawn(&mut model, 80, 24));
}

#[test]
fn an_empty_log_says_so() {
    let mut model = model(fresh());
    press(&mut model, &["3", "Enter"]);
    assert!(model.toast.take().unwrap().text.contains("no request is selected"));
    insta::assert_snapshot!("empty_80x24", drawn(&mut model, 80, 24));
}

#[test]
fn every_key_of_the_list_moves_the_selection_as_it_says() {
    let mut model = on_requests();
    let all = ids(&model);
    assert_eq!(selected(&model), all[0]);
    press(&mut model, &["j", "Down", "k"]);
    assert_eq!(selected(&model), all[1]);
    press(&mut model, &["G"]);
    assert_eq!(&selected(&model), all.last().unwrap());
    press(&mut model, &["Up", "Home"]);
    assert_eq!(selected(&model), all[0]);
    press(&mut model, &["PageDown", "End", "PageUp", "g"]);
    assert_eq!((selected(&model), model.requests.places()), (all[0].clone(), (0, 0)));
}

#[test]
fn a_filter_narrows_the_list_and_a_wrong_one_says_what_is_accepted() {
    let mut model = on_requests();
    press(&mut model, &["/", "status:>=x", "Enter"]);
    insta::assert_snapshot!("wrong_filter_80x24", drawn(&mut model, 80, 24));
    for _ in 0..10 {
        press(&mut model, &["Backspace"]);
    }
    press(&mut model, &["state:failed", "Enter"]);
    assert_eq!(ids(&model), ["req-0a12bc03"]);
    assert_eq!(model.requests.filter(), "state:failed");
    press(&mut model, &["Esc"]);
    assert_eq!(ids(&model).len(), 12);
    press(&mut model, &["/", "nothing-like-it", "Enter"]);
    assert!(drawn(&mut model, 80, 24).to_string().contains("no request fits the filter"));
}

#[test]
fn columns_sort_both_ways() {
    let mut model = on_requests();
    press(&mut model, &["s"]);
    let ages = |model: &Model| -> Vec<_> {
        let table = model.requests.table();
        (0..table.len()).map(|place| table.row(place).unwrap().known_age()).collect()
    };
    assert!(ages(&model).is_sorted_by(|a, b| a >= b));
    press(&mut model, &["S"]);
    assert!(ages(&model).is_sorted());
    assert!(drawn(&mut model, 120, 40).to_string().contains("took↑"));
    for _ in order::Column::ALL.iter().skip(1) {
        press(&mut model, &["s"]);
    }
    assert_eq!(model.requests.table().order(), order::Order::default());
}

/// The same forwarder, one more request later.
fn later(model: &mut Model, number: u32) {
    let mut snapshot = (*model.snapshot).clone();
    let mut ended = record(&[None]);
    (ended.id, ended.accepted) = (RequestId::from_number(number), ago(1));
    snapshot.recent.insert(0, Arc::new(ended));
    snapshot.totals.completed += 1;
    let snapshot = Arc::new(snapshot);
    update::update(model, Msg::Snapshot, || snapshot);
}

#[test]
fn the_selection_stays_with_its_row_or_with_the_top() {
    let mut model = on_requests();
    let all = ids(&model);
    later(&mut model, 1);
    assert_eq!(selected(&model), "req-00000001");
    press(&mut model, &["j"]);
    later(&mut model, 2);
    assert_eq!((selected(&model), model.requests.places().0), (all[0].clone(), 2));
}

#[test]
fn a_frozen_list_holds_still_and_counts() {
    let mut model = on_requests();
    let before = ids(&model);
    press(&mut model, &[" "]);
    (0..300).for_each(|n| later(&mut model, 1_000 + n));
    assert_eq!((ids(&model), model.requests.held_back()), (before, Some(300)));
    assert!(drawn(&mut model, 80, 24).to_string().contains("frozen, 300 new"));
    press(&mut model, &[" "]);
    assert_eq!((ids(&model).len(), model.requests.missed()), (312, 0));
}

#[test]
fn requests_that_no_snapshot_showed_are_counted() {
    let mut model = on_requests();
    let mut snapshot = (*model.snapshot).clone();
    snapshot.totals.completed += 5;
    let snapshot = Arc::new(snapshot);
    update::update(&mut model, Msg::Snapshot, || snapshot);
    assert!(drawn(&mut model, 80, 24).to_string().contains("5 came by too fast"));
}

#[test]
fn ids_are_copied_from_list_and_detail() {
    let mut model = on_requests();
    let id = selected(&model);
    for effects in [press(&mut model, &["y"]), press(&mut model, &["Enter", "y"])] {
        let copied = effects.iter().filter(|effect| matches!(effect, Effect::Copy(text) if *text == id));
        assert_eq!(copied.count(), 1, "{effects:?}");
    }
}

#[test]
fn the_detail_scrolls_within_its_lines_and_goes_back_one_level() {
    let mut model = on_requests();
    press(&mut model, &["/", "id:0a12bc02", "Enter", "Enter"]);
    press(&mut model, &["j", "Down", "k"]);
    assert_eq!(model.requests.opened().unwrap().scroll, 1);
    for _ in 0..9 {
        press(&mut model, &["PageDown", " "]);
    }
    let end = model.requests.opened().unwrap().scroll;
    assert!(end > 1 && end < 40, "{end}");
    press(&mut model, &["PageUp", "Up", "Esc"]);
    assert!(!model.requests.shows_detail() && model.requests.filter() == "id:0a12bc02");
    press(&mut model, &["Enter", "Enter"]);
    assert!(!model.requests.shows_detail());
}

fn page(numbers: std::ops::Range<u32>, more: bool) -> Page {
    let entry = |n: u32| {
        let stage = Stage::Ended(crate::events::State::Completed);
        let id = RequestId::from_number(n);
        Arc::new(Entry::new(id, ago(100_000 + i64::from(n)), stage, Numbers::default(), &Words::default()))
    };
    let last = crate::store::key::RowKey::new(ago(100_000), RequestId::from_number(numbers.end));
    Page { rows: numbers.map(entry).collect(), next: more.then(|| history::Cursor::after(last)) }
}

#[test]
fn older_requests_come_by_the_page() {
    let mut model = on_requests();
    let asked = press(&mut model, &["G"]);
    assert!(matches!(asked[..], [Effect::Ask(Ask::History { before: None })]), "{asked:?}");
    assert!(press(&mut model, &["j"]).is_empty(), "one at a time");
    tell(&mut model, Msg::Answer(Box::new(Answer::History(Ok(page(0..500, true))))));
    assert_eq!(ids(&model).len(), 512);
    let asked = press(&mut model, &["G"]);
    assert!(matches!(asked[..], [Effect::Ask(Ask::History { before: Some(_) })]), "{asked:?}");
    tell(&mut model, Msg::Answer(Box::new(Answer::History(Ok(page(400..510, false))))));
    assert_eq!(ids(&model).len(), 522, "known ones are not shown twice");
    assert!(press(&mut model, &["G"]).is_empty());
    assert!(drawn(&mut model, 80, 24).to_string().contains("this is the oldest that is kept"));
}

#[test]
fn without_a_store_the_end_of_the_list_says_so() {
    let mut model = on_requests();
    press(&mut model, &["G"]);
    tell(&mut model, Msg::Answer(Box::new(Answer::History(Err("no usage store is open".to_owned())))));
    assert!(drawn(&mut model, 80, 24).to_string().contains("no older ones: no usage store is open"));
}

#[test]
fn the_detail_of_an_old_request_comes_from_the_store() {
    let mut model = on_requests();
    tell(&mut model, Msg::Answer(Box::new(Answer::History(Ok(page(0..1, false))))));
    let asked = press(&mut model, &["G", "Enter"]);
    let id = RequestId::from_number(0);
    assert!(matches!(asked[..], [Effect::Ask(Ask::Request(wanted))] if wanted == id), "{asked:?}");
    assert!(drawn(&mut model, 80, 24).to_string().contains("looking it up"));
    let detail = Arc::new(Detail::of_record(&record(&[None])));
    tell(&mut model, Msg::Answer(Box::new(Answer::Request(id, Ok(detail)))));
    assert!(drawn(&mut model, 80, 24).to_string().contains("#1 a"));
    press(&mut model, &["Esc", "Enter"]);
    tell(&mut model, Msg::Answer(Box::new(Answer::Request(id, Err("nothing is kept of it".to_owned())))));
    assert!(drawn(&mut model, 80, 24).to_string().contains("nothing is kept of it"));
}

#[test]
fn escape_leads_back_to_where_the_detail_was_opened_from() {
    let mut model = model(busy());
    press(&mut model, &["Enter"]);
    assert!(model.requests.shows_detail());
    press(&mut model, &["Esc"]);
    assert_eq!((model.screen, model.requests.shows_detail()), (Screen::Overview, false));
    press(&mut model, &["4", "Enter", "Esc"]);
    assert_eq!(model.screen, Screen::Suspended);
    // Who went elsewhere by hand comes back to a detail of the list.
    press(&mut model, &["Enter", "1", "3"]);
    assert!(model.requests.shows_detail());
    press(&mut model, &["Esc"]);
    assert_eq!((model.screen, model.requests.shows_detail()), (Screen::Requests, false));
}

#[test]
fn what_is_selected_stays_in_view_when_the_terminal_gets_smaller() {
    let mut model = on_requests();
    tell(&mut model, Msg::Answer(Box::new(Answer::History(Ok(page(0..100, false))))));
    tell(&mut model, Msg::Resize(80, 40));
    press(&mut model, &["PageDown", "k"]);
    tell(&mut model, Msg::Resize(80, 16));
    let (index, first) = model.requests.places();
    assert!((first..first + height(&model)).contains(&index), "{index} from {first}");
    press(&mut model, &["g", "/", "id:0a12bc02", "Enter", "Enter"]);
    for _ in 0..9 {
        press(&mut model, &["PageDown"]);
    }
    tell(&mut model, Msg::Resize(80, 100));
    assert_eq!(model.requests.opened().unwrap().scroll, 0, "all of it has room");
}

#[test]
fn without_a_request_since_the_start_older_ones_are_asked_for_at_once() {
    let mut model = model(fresh());
    let asked = press(&mut model, &["3"]);
    assert!(matches!(asked[..], [Effect::Ask(Ask::History { before: None })]), "{asked:?}");
    assert!(press(&mut model, &["j"]).is_empty(), "once");
    assert!(drawn(&mut model, 80, 24).to_string().contains("no request since the start"));
    tell(&mut model, Msg::Answer(Box::new(Answer::History(Ok(page(0..3, true))))));
    assert_eq!(ids(&model).len(), 3);
    assert!(press(&mut on_requests(), &["k"]).is_empty(), "with rows only who goes down asks");
}

#[test]
fn an_interrupted_request_says_what_is_not_known_of_it() {
    let mut model = model(fresh());
    press(&mut model, &["3"]);
    let mut record = record(&[]);
    (record.id, record.state, record.status) =
        (RequestId::from_number(7), crate::events::State::Interrupted, None);
    (record.accepted, record.duration_ms) = (ago(7_200), 0.0);
    (record.bytes_in, record.bytes_out) = (0, 0);
    let row = crate::store::row::Row::of_record(&record, record.accepted);
    let rows = vec![Arc::new(Entry::of_row(&row))];
    tell(&mut model, Msg::Answer(Box::new(Answer::History(Ok(Page { rows, next: None })))));
    let log = drawn(&mut model, 80, 24).to_string();
    assert!(log.contains("interrupted") && !log.contains("2h00m"), "{log}");
    press(&mut model, &["Enter"]);
    let detail = Arc::new(Detail::of_row(&row, Vec::new()));
    tell(&mut model, Msg::Answer(Box::new(Answer::Request(record.id, Ok(detail)))));
    let text = drawn(&mut model, 80, 24).to_string();
    assert!(text.contains("took -"), "{text}");
    assert_eq!(text.matches("not known: the program ended before").count(), 3, "{text}");
    for wrong in ["no endpoint was asked", "no tokens reported", "0 bytes", "none yet"] {
        assert!(!text.contains(wrong), "{wrong} in {text}");
    }
}
