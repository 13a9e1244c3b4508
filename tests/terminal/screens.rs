//! Every screen with something on it, by key and by mouse, in the real program over a simulated endpoint.

use std::cell::Cell;
use std::path::Path;

use cc_forwarder::config::{Source, System, load};
use cc_forwarder::simulator::{Behaviour, Simulator};
use cc_forwarder::store::export::{Format, export};
use cc_forwarder::store::filter::Filter;
use cc_forwarder::store::query::Reader;
use cc_forwarder::store::{Options, Store};
use vt100::Screen;

use super::session::{Session, World};
use crate::support::Client;

/// Deletes the line that is being typed.
const CLEAR: &str = "\x15";

/// A program over one simulated endpoint.
struct Scene {
    sim: Simulator,
    world: World,
    session: Session,
    client: Client,
}

impl Scene {
    /// Without a ledger.
    async fn set() -> Self {
        Self::with(|_| {}).await
    }

    /// With a ledger.
    async fn recorded() -> Self {
        Self::with(|world| {
            let text = world.read("config.yaml");
            let recorded = text.replace(
                "usage_tracking: { enabled: false }",
                "usage_tracking: { database_path: usage.redb }",
            );
            assert_ne!(recorded, text);
            world.file("config.yaml", &recorded);
        })
        .await
    }

    async fn with(change: impl FnOnce(&World)) -> Self {
        let sim = Simulator::start("a").await.unwrap();
        let world = World::with_endpoint("", &sim.url());
        change(&world);
        let session = world.open(&[]);
        session.until_text("Nothing has come in yet");
        let client = Client::new(format!("http://{}", session.address()));
        Self { sim, world, session, client }
    }

    /// Asks once, and gets an answer of this status.
    async fn ask(&self, status: u16) {
        self.sim.set(match status {
            200 => Behaviour::healthy(),
            status => Behaviour::status(status, "invalid_request_error"),
        });
        assert_eq!(self.client.messages(false).await.status, status);
    }

    async fn end(mut self) -> World {
        self.session.types("q");
        assert_eq!(self.session.code(), Some(0), "{}", self.session.text());
        self.session.assert_restored();
        self.sim.shutdown().await;
        self.world
    }
}

/// The lines of the screen that have this text.
fn lines(screen: &Screen, text: &str) -> usize {
    screen.contents().lines().filter(|line| line.contains(text)).count()
}

/// Column and row of a text, counted from 1 as terminals do.
fn place(session: &Session, text: &str) -> (usize, usize) {
    let shown = session.text();
    let row =
        shown.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text} on\n{shown}"));
    let line = shown.lines().nth(row).unwrap();
    (line[..line.find(text).unwrap()].chars().count() + 1, row + 1)
}

/// Clicks on a text.
fn click(session: &mut Session, text: &str) {
    let (column, row) = place(session, text);
    session.types(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_filtered_sorted_frozen_and_opened() {
    let mut scene = Scene::set().await;
    for status in [200, 200, 400] {
        scene.ask(status).await;
    }
    let session = &mut scene.session;
    session.types("3");
    session
        .until("three rows", |screen| lines(screen, " completed") == 2 && lines(screen, " failed 400") == 1);
    session.types("/state:failed\r");
    session.until_text("Requests 1 | filter: state:failed");
    session.until("one row", |screen| lines(screen, " completed") == 0);
    session.types("\r");
    session.until_text("The endpoint refused the request. a: 400");
    session.until_text("Decisions");
    // What the endpoint said, then the headers of the request, are further down.
    session.types(" ");
    session.until_text("#1 a  400, ");
    session.until_text(r#"{"type":"error","error":{"type":"invalid_request_error""#);
    session.until_text("x-api-key: ***");
    assert!(!session.text().contains("client-key"), "{}", session.text());
    session.types("\x1b");
    session.until_text("Requests 1 | filter");
    session.types("\x1b");
    session.until_text("Requests 3 ");
    session.types("s");
    session.until_text("by duration, falling");
    session.types("S");
    session.until_text("by duration, rising");
    session.types(" ");
    session.until_text("frozen, 0 new");
    scene.ask(200).await;
    scene.session.until_text("frozen, 1 new");
    scene.session.types(" ");
    scene.session.until_text("Requests 4 ");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mouse_goes_where_it_is_pointed() {
    let mut scene = Scene::set().await;
    scene.ask(200).await;
    scene.ask(400).await;
    let session = &mut scene.session;
    click(session, "3 Requests");
    session.until_tab("Requests");
    session.until_text(" completed");
    // The newest is selected already; the other one is selected by the first click and opened by the second.
    click(session, " completed");
    click(session, " completed");
    session.until_text("Decisions");
    session.until_text("200 answered");
    click(session, "back");
    session.until_text("Requests 2");
    scene.end().await;
}

/// What an export of everything has to be.
fn wanted(folder: &Path, format: Format, keep: impl Fn(&str) -> bool) -> String {
    let text = std::fs::read_to_string(folder.join("config.yaml")).unwrap();
    let config = load::parse(&text, Source::File(folder.join("config.yaml")), &System).unwrap().config;
    let options = Options { path: folder.join("usage.redb"), ..Options::of(&config) };
    let clock = options.clock.clone();
    let (store, _) = Store::open(options).unwrap();
    let mut out = Vec::new();
    let reader = store.disk().with(|db| Reader::new(db, clock)).unwrap();
    export(&reader, &Filter::default(), format, &mut out, |_, _| {}).unwrap();
    let all = String::from_utf8(out).unwrap();
    all.split_inclusive("\r\n")
        .enumerate()
        .filter(|(n, line)| *n == 0 || keep(line))
        .map(|(_, line)| line)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_told_narrowed_and_exported_as_the_store_has_it() {
    let mut scene = Scene::recorded().await;
    for status in [200, 400, 200] {
        scene.ask(status).await;
    }
    let session = &mut scene.session;
    session.types("5");
    session.until_text(" 3 requests   1 failed");
    session.until_text("By model");
    session.types("\r");
    session.until_text("Usage: today > model ");
    session.until_text("By endpoint");
    session.types("\x1b");
    session.until_text("By model");
    session.types("x");
    session.until_text("Export to which file");
    session.types(&format!("{CLEAR}all.csv\r"));
    session.until_text("exported 3 requests to all.csv");
    session.types(&format!("x{CLEAR}all.csv\r"));
    session.until_text("exists already");
    // The log exports what its filter lets through.
    session.types("3/state:failed\r");
    session.until_text("Requests 1 | filter");
    session.types(&format!("x{CLEAR}failed.csv\r"));
    session.until_text("exported 1 request to failed.csv");
    let world = scene.end().await;
    assert_eq!(world.read("all.csv"), wanted(world.folder(), Format::Csv, |_| true));
    assert_eq!(world.read("all.csv").lines().count(), 4);
    assert_eq!(
        world.read("failed.csv"),
        wanted(world.folder(), Format::Csv, |line| line.contains(",failed,"))
    );
    assert_eq!(world.read("failed.csv").lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_has_the_day_and_goes_on_after_a_restart() {
    let scene = Scene::recorded().await;
    scene.session.until_text("$0 today");
    scene.ask(200).await;
    scene.session.until("what it cost", |screen| {
        let header = screen.contents().lines().next().unwrap_or_default().to_owned();
        header.contains(" today") && !header.contains("$0 today")
    });
    let cost = |session: &Session| {
        let text = session.text();
        let (before, _) = text.lines().next().unwrap().split_once(" today").unwrap();
        before.rsplit(' ').next().unwrap().to_owned()
    };
    let before = cost(&scene.session);
    let world = scene.end().await;
    let mut again = world.open(&[]);
    again.until_text(&format!("{before} today"));
    again.types("q");
    assert_eq!(again.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_filtered_and_its_lines_are_shown_whole() {
    let mut scene = Scene::set().await;
    scene.ask(400).await;
    let session = &mut scene.session;
    session.types("6");
    session.until_text("listening; set ANTHROPIC_BASE_URL");
    session.types("/running\r");
    session.until_text("filter: running");
    session.until("other lines are gone", |screen| lines(screen, "listening;") == 0);
    session.types("\r");
    session.until_text("Log line ");
    session.until_text("endpoints    1");
    session.types("\x1b");
    session.until_text("filter: running");
    session.types("\x1b");
    session.until_text("listening; set ANTHROPIC_BASE_URL");
    session.types("vvv");
    session.until_text("warn and above");
    session.until("finer lines are gone", |screen| lines(screen, "listening;") == 0);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_searched_reloaded_and_edited() {
    let mut scene = Scene::set().await;
    let session = &mut scene.session;
    session.types("7/server.port\r");
    session.until("one key", |screen| lines(screen, " server.port") >= 1 && lines(screen, "retry.") == 0);
    session.types("\x1b");
    session.until("all keys", |screen| lines(screen, "retry.") >= 1);
    session.types("r");
    session.until_text("Reload");
    session.types("y");
    session.until_text("reloaded: ");
    // The editor of the tests ends at once; the screen comes back as it was.
    session.types("e");
    session.until_text("back from the editor");
    session.until("the keys", |screen| screen.alternate_screen() && lines(screen, "retry.") >= 1);
    scene.end().await;
}

#[test]
fn themes_are_switched_live() {
    let world = World::new("");
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    let look = |screen: &Screen| {
        [(0, 1), (3, 3)].map(|(row, column)| {
            screen.cell(row, column).map(|cell| (cell.fgcolor(), cell.bgcolor(), cell.inverse()))
        })
    };
    let before = Cell::new([None; 2]);
    let remember = |screen: &Screen| {
        before.set(look(screen));
        true
    };
    session.until("its first colours", remember);
    for name in ["light", "high-contrast", "color-blind", "mono", "nord", "gruvbox", "dark"] {
        session.types("T");
        let told = format!("theme: {name} ");
        session.until(name, |screen| screen.contents().contains(&told) && look(screen) != before.get());
        session.until("its colours", remember);
    }
    session.types("q");
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_request_is_looked_at_resumed_and_answered() {
    let mut scene = Scene::with(|world| {
        let text = world.read("config.yaml");
        world.file(
            "config.yaml",
            &format!("request_suspend: {{ enabled: false }}\nretry: {{ max_attempts: 1 }}\n{text}"),
        );
    })
    .await;
    // Who may not wait asks on, and after so many failures the endpoint rests for half a minute.
    scene.sim.set(Behaviour::status(500, "api_error"));
    for _ in 0..6 {
        assert_eq!(scene.client.messages(false).await.status, 500);
    }
    scene.sim.set(Behaviour::healthy());
    let session = &mut scene.session;
    session.types("2");
    session.until("a long rest", |screen| lines(screen, " open 2") == 1);
    let text = scene.world.read("config.yaml");
    scene.world.file("config.yaml", &text.replace("request_suspend: { enabled: false }", ""));
    session.until_text("configuration reloaded: ");
    let client = scene.client.clone();
    let waiting = tokio::spawn(async move { client.messages(true).await });
    session.types("4");
    session.until_text("Suspended: 1 waiting");
    session.types("\r");
    session.until_tab("Requests");
    session.until_text("waits for an endpoint to recover");
    session.types("\x1b");
    session.until_tab("Suspended");
    session.types("r");
    session.until_text("It goes on at once, whatever its turn.");
    session.types("y");
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.broken), (200, false), "{}", answer.text());
    session.until_text("No request is suspended.");
    session.types("3");
    session.until_text(" completed");
    scene.end().await;
}
