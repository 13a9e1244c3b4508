//! The request log of the terminal interface with a hundred thousand requests: every key has to be answered, frame
//! included, within 50 ms.

#![allow(clippy::expect_used, reason = "a bench that cannot draw fails")]

use std::sync::Arc;

use cc_forwarder::events::board::{Snapshot, Totals};
use cc_forwarder::events::{RequestId, State};
use cc_forwarder::tui::keymap::Action;
use cc_forwarder::tui::model::{Facts, Model, Screen};
use cc_forwarder::tui::msg::Msg;
use cc_forwarder::tui::request::{Entry, Numbers, Stage, Words};
use cc_forwarder::tui::screen::requests::history::Page;
use cc_forwarder::tui::screen::requests::set_filter;
use cc_forwarder::tui::source::Answer;
use cc_forwarder::tui::theme::{self, Depth};
use cc_forwarder::tui::{update, view};
use divan::{Bencher, black_box};
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn main() {
    divan::main();
}

/// Requests in the log.
const REQUESTS: u32 = 100_000;

fn entry(n: u32) -> Arc<Entry> {
    let accepted = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::from(n));
    let numbers = Numbers {
        attempts: 1 + n % 3,
        status: Some(if n.is_multiple_of(50) { 529 } else { 200 }),
        tokens: Some((u64::from(n.wrapping_mul(2_654_435_761)) % 200_000, u64::from(n % 4_000))),
        ..Numbers::default()
    };
    let (endpoint, session) =
        (format!("endpoint-{}", n % 7), format!("0f8c3a2e-5b1d-4c77-9a10-{:012x}", n / 40));
    let words = Words {
        model: Some(["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-8"][n as usize % 3]),
        endpoint: Some(&endpoint),
        group: Some("main"),
        session: Some(&session),
        path: "/v1/messages",
        ..Words::default()
    };
    Arc::new(Entry::new(RequestId::from_number(n), accepted, Stage::Ended(State::Completed), numbers, &words))
}

fn snapshot() -> Arc<Snapshot> {
    Arc::new(Snapshot {
        at: Timestamp::UNIX_EPOCH,
        started: Timestamp::UNIX_EPOCH,
        totals: Totals::default(),
        active_group: None,
        pinned: None,
        groups: Vec::new(),
        endpoints: Vec::new(),
        budgets: Arc::from([]),
        live: Vec::new(),
        queue: Vec::new(),
        recent: Vec::new(),
        minutes: Vec::new(),
        ledger: None,
    })
}

fn model() -> Model {
    let facts = Facts {
        version: String::new(),
        base_url: String::new(),
        config_source: String::new(),
        config_file: None,
        auth: false,
        readonly: false,
        save_edits: false,
        unicode: true,
        depth: Depth::True,
        zone: jiff::tz::TimeZone::UTC,
    };
    let mut model = Model::new(facts, snapshot(), theme::shipped().to_vec(), 0, Timestamp::UNIX_EPOCH);
    (model.size, model.screen) = ((120, 40), Screen::Requests);
    let page = Page { rows: (0..REQUESTS).map(entry).collect(), next: None };
    update::update(&mut model, Msg::Answer(Box::new(Answer::History(Ok(page)))), snapshot);
    assert_eq!(model.requests.table().len(), REQUESTS as usize);
    model
}

/// Does something again and again, and draws the frame after it.
fn with_frame(bencher: Bencher<'_, '_>, mut act: impl FnMut(&mut Model, usize)) {
    let mut model = model();
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("memory is a terminal");
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        act(&mut model, turn);
        terminal.draw(|frame| view::draw(black_box(&model), frame)).expect("memory takes a frame");
    });
}

#[divan::bench]
fn scroll_a_page(bencher: Bencher<'_, '_>) {
    with_frame(bencher, |model, turn| {
        let action = if turn % 200 < 100 { Action::PageDown } else { Action::PageUp };
        update::perform(model, action);
    });
}

#[divan::bench]
fn to_the_end_and_back(bencher: Bencher<'_, '_>) {
    with_frame(bencher, |model, turn| {
        update::perform(model, if turn % 2 == 0 { Action::First } else { Action::Last });
    });
}

#[divan::bench(args = ["opus", "session:000000000042", "tokens:>150k -endpoint:endpoint-3", "!nothing"])]
fn filter(bencher: Bencher<'_, '_>, text: &str) {
    with_frame(bencher, |model, turn| drop(set_filter(model, if turn % 2 == 0 { "" } else { text })));
}

#[divan::bench]
fn sort_by_the_next_column(bencher: Bencher<'_, '_>) {
    with_frame(bencher, |model, _| drop(update::perform(model, Action::Sort)));
}

#[divan::bench]
fn a_snapshot_comes(bencher: Bencher<'_, '_>) {
    with_frame(bencher, |model, _| drop(update::update(model, Msg::Snapshot, snapshot)));
}
