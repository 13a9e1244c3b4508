//! A frozen forwarder for the tests of screens: made the way a real one is, by facts, so that it cannot show what could
//! not be.
//!
//! Group `main`: `main-a` resting after a 529, `main-b` rate limited for 12 s, `主线-丙` down. Group `backup`: `spare`, paused for 30 min.
//! Eight requests have ended, one is streaming, one is being retried, two are suspended.

pub(crate) mod usage;

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::model::{Facts, Model};
use super::msg::{Effect, Msg};
use super::theme::{self, Depth};
use super::{update, view};
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::config::{Config, pricing};
use crate::domain::endpoint::EndpointSpec;
use crate::domain::fleet::{Fleet, Input};
use crate::domain::group::Pause;
use crate::domain::outcome::{Kind, Transport};
use crate::domain::plan::WaitsFor;
use crate::domain::pricebook::PriceBook;
use crate::domain::ratelimit::Scope;
use crate::domain::standing::Probed;
use crate::domain::testing::{at, group, id, limited, secs, settings, spec, status, transport};
use crate::events::board::{Board, Snapshot};
use crate::events::progress::Progress;
use crate::events::record::testing::record;
use crate::events::{Accepted, Described, Event, RequestId, RequestRecord, State, Wait};

/// The instant on screen.
pub(crate) const NOW: &str = "2026-11-23T14:02:11Z";
/// The same on the fleet's clock, seconds.
const FLEET_NOW: f64 = 1_000.0;

/// `NOW`, so many seconds earlier.
pub(crate) fn ago(seconds: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - jiff::SignedDuration::from_secs(seconds)
}

fn specs() -> Vec<Arc<EndpointSpec>> {
    [("main-a", "main", 1, 1), ("main-b", "main", 2, 1), ("主线-丙", "main", 3, 1), ("spare", "backup", 1, 2)]
        .map(|(name, group, priority, rank)| Arc::new(spec(name, group, priority, rank)))
        .to_vec()
}

fn fleet() -> Fleet {
    let mut fleet = Fleet::new(settings(), &specs(), at(0.0));
    let now = at(FLEET_NOW);
    let mut apply = |input| drop(fleet.apply(input, now));
    for (name, ms) in [("main-a", 1_240), ("main-b", 1_900), ("spare", 310)] {
        let result = Probed::Up { latency: Duration::from_millis(ms), authenticated: true };
        apply(Input::Probed { endpoint: id(name), started: now, result });
    }
    let mut failed = |name, failure| {
        apply(Input::Failed { endpoint: id(name), model: None, started: now, failure });
    };
    failed("main-a", status(529));
    failed("main-b", limited(12.0, Scope::Endpoint));
    failed("主线-丙", transport(Transport::Connect));
    let pause = Pause::Until(now + secs(1_800.0));
    apply(Input::Pause(group("backup"), pause));
    fleet
}

fn accepted(number: u32, seconds: i64) -> Event {
    Event::Accepted(Arc::new(Accepted {
        id: RequestId::from_number(number),
        at: ago(seconds),
        class: Class::Messages,
        method: "POST".into(),
        path: "/v1/messages".into(),
        client: Some([192, 0, 2, 7].into()),
        user_agent: Some("claude-cli/2.0".into()),
        agent: None,
    }))
}

fn described(number: u32, model: &str) -> Event {
    let described = Described {
        model: Some(model.into()),
        session: Some("0f8c3a2e-5b1d-4c77-9a10-2f6e8d4b7c35".into()),
        stream: true,
        bytes_in: 120_000,
    };
    Event::Described { id: RequestId::from_number(number), described: Arc::new(described) }
}

fn started(number: u32, attempt: u32, endpoint: &str) -> Event {
    let (id, endpoint) = (RequestId::from_number(number), id(endpoint));
    Event::AttemptStarted { id, number: attempt, endpoint, group: group("main") }
}

fn failed(number: u32, seconds: i64, endpoint: &str, kind: Kind, status: Option<u16>) -> Event {
    let (id, endpoint) = (RequestId::from_number(number), id(endpoint));
    Event::AttemptFailed { id, at: ago(seconds), endpoint, kind, status }
}

/// An answer that began 71 s ago, with the tokens it has used by now.
fn streaming(number: u32) -> Event {
    let progress = Progress::default();
    let usage = Usage { input: 4_000, cache_read: 80_000, ..Usage::default() };
    progress.report(&usage, 3_100, Some("claude-opus-5-5"));
    let id = RequestId::from_number(number);
    Event::Committed { id, status: 200, ttfb_ms: 1_000.0, after_ms: 1_000.0, progress: Arc::new(progress) }
}

fn suspended(number: u32, since: i64) -> Event {
    let deadline = ago(since) + jiff::SignedDuration::from_secs(280);
    let wait = Wait { since: ago(since), deadline, waits_for: WaitsFor::Recovery, skipped: [].into() };
    Event::Suspended { id: RequestId::from_number(number), wait }
}

/// A request that ended, `failures` of its attempts at `main-a` before the last one at `endpoint`.
fn ended(number: u32, seconds: i64, endpoint: &str, failures: usize, ok: bool) -> RequestRecord {
    let mut attempts = vec![Some(Kind::Overloaded); failures];
    attempts.push((!ok).then_some(Kind::ServerError));
    let mut record = record(&attempts);
    record.id = RequestId::from_number(number);
    record.accepted = ago(seconds);
    record.session = Some("0f8c3a2e-5b1d-4c77-9a10-2f6e8d4b7c35".into());
    let last = record.attempts.len() - 1;
    record.attempts.iter_mut().for_each(|a| a.endpoint = id("main-a"));
    record.attempts[last].endpoint = id(endpoint);
    record.endpoint = Some(id(endpoint));
    if ok {
        let usage = Usage { input: 1_000, cache_read: 90_000, output: 2_200, ..Usage::default() };
        record.attempts[last].usage = usage.clone();
        record.usage = usage;
    } else {
        record.attempts[last].status = Some(500);
        record.status = Some(500);
    }
    record
}

fn board() -> Board {
    let mut board = Board::new(ago(5 * 3_600));
    let book = book();
    for n in (0..8_u32).rev() {
        let seconds = i64::from(n) * 400 + 13;
        let (endpoint, failures, ok) = match n {
            0 => ("main-b", 1, true),
            2 => ("主线-丙", 2, true),
            3 => ("main-b", 1, false),
            _ => ("main-a", 0, true),
        };
        let mut record = ended(0x0a12_bc00 + n, seconds, endpoint, failures, ok);
        if n == 4 {
            record.state = State::Cancelled;
            record.cancel_reason = Some("client disconnected".to_owned());
            record.attempts[0].cancelled = true;
        }
        record.price(&book);
        board.apply(accepted(0x0a12_bc00 + n, seconds));
        board.settle(Arc::new(record));
    }
    running(&mut board);
    board
}

fn running(board: &mut Board) {
    let (stream, retry, first, second) = (0x7f3a_01c2, 0x91b0_cc10, 0x0000_00aa, 0x0000_00bb);
    for event in [
        accepted(first, 95),
        described(first, "claude-sonnet-5-5"),
        started(first, 1, "主线-丙"),
        failed(first, 94, "主线-丙", Kind::Connect, None),
        suspended(first, 94),
        accepted(stream, 72),
        described(stream, "claude-opus-5-5"),
        started(stream, 1, "main-a"),
        streaming(stream),
        accepted(second, 30),
        described(second, "claude-模型-测试"),
        suspended(second, 30),
        accepted(retry, 4),
        described(retry, "claude-sonnet-5-5"),
        started(retry, 1, "main-a"),
        failed(retry, 2, "main-a", Kind::Overloaded, Some(529)),
        started(retry, 2, "main-b"),
    ] {
        board.apply(event);
    }
}

fn book() -> PriceBook {
    let config = Config::built_in();
    PriceBook::new(pricing::table(&config.usage), specs().iter().map(AsRef::as_ref))
}

/// The picture of a busy forwarder.
pub(crate) fn busy() -> Snapshot {
    let mut snapshot = board().snapshot(&fleet().view(at(FLEET_NOW)), at(FLEET_NOW), ago(0));
    snapshot.price(&book());
    snapshot
}

/// The picture of a forwarder that nobody has asked anything.
pub(crate) fn fresh() -> Snapshot {
    Board::new(ago(60)).snapshot(&fleet().view(at(FLEET_NOW)), at(FLEET_NOW), ago(0))
}

/// A screen over this picture, and over a ledger that has told what was used today.
pub(crate) fn model(snapshot: Snapshot) -> Model {
    let mut model = unanswered(snapshot);
    let asked = tell(&mut model, Msg::Tick(ago(0)));
    usage::answer_usage(&mut model, asked);
    model
}

/// A screen over this picture, and over a ledger that has not answered yet.
pub(crate) fn unanswered(snapshot: Snapshot) -> Model {
    let facts = Facts {
        version: "1.2.3".to_owned(),
        base_url: "http://127.0.0.1:8088".to_owned(),
        config_source: "/home/me/.config/cc-forwarder/config.yaml".to_owned(),
        config_file: Some("/home/me/.config/cc-forwarder/config.yaml".into()),
        auth: true,
        readonly: false,
        save_edits: false,
        unicode: true,
        depth: Depth::True,
        zone: TimeZone::UTC,
    };
    Model::new(facts, Arc::new(snapshot), theme::shipped().to_vec(), 0, ago(0))
}

/// What the screen shows at this size, as text.
pub(crate) fn drawn(model: &mut Model, width: u16, height: u16) -> TestBackend {
    model.size = (width, height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(model, frame)).unwrap();
    terminal.backend().clone()
}

/// Presses keys as a person would: `j`, `Enter`, `Esc`, `Tab`, `Up`, `Down`, `Ctrl-s`, or a text letter by letter.
pub(crate) fn press(model: &mut Model, keys: &[&str]) -> Vec<Effect> {
    keys.iter().flat_map(|key| chords(key)).flat_map(|key| tell(model, Msg::Key(key))).collect()
}

/// Gives the screen a message.
pub(crate) fn tell(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let same = Arc::clone(&model.snapshot);
    update::update(model, msg, || same)
}

fn chords(name: &str) -> Vec<KeyEvent> {
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "BackTab" => KeyCode::BackTab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PageUp" => KeyCode::PageUp,
        "PageDown" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Backspace" => KeyCode::Backspace,
        _ => return letters(name),
    };
    vec![KeyEvent::from(code)]
}

fn letters(text: &str) -> Vec<KeyEvent> {
    if let Some(letter) = text.strip_prefix("Ctrl-").and_then(|rest| rest.chars().next()) {
        return vec![KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)];
    }
    text.chars().map(|c| KeyEvent::from(KeyCode::Char(c))).collect()
}
