//! A screen that panics in the middle of its work gives the terminal back, and the panic is seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cc_forwarder::config::Config;
use cc_forwarder::domain::fleet::Fleet;
use cc_forwarder::events::board::{Board, Snapshot};
use cc_forwarder::tui::model::Facts;
use cc_forwarder::tui::source::{Ask, Coming, Source};
use cc_forwarder::tui::theme::{Depth, shipped};
use cc_forwarder::tui::{Options, THREAD, Tui, terminal};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::session::{OWN_TERMINAL, World};

#[test]
fn a_panic_gives_the_terminal_back_and_is_seen() {
    let world = World::new("");
    let mut session = world.open_this_test("panics::screen_that_panics");
    session.until_text("Nothing has come in yet");
    session.types("7");
    session.until_text("on purpose");
    session.until_text("the program goes on");
    assert_eq!(session.code(), Some(0));
    session.assert_restored();
}

/// A forwarder that must not be asked for its configuration.
struct Touchy(watch::Sender<Arc<Snapshot>>);

impl Source for Touchy {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.subscribe()
    }

    fn ask(&self, ask: Ask) -> Coming {
        match ask {
            Ask::Config => panic!("on purpose"),
            _ => Box::pin(std::future::pending()),
        }
    }
}

/// What the test above looks at: without a terminal of its own there is nothing to see.
#[test]
fn screen_that_panics() {
    if std::env::var_os(OWN_TERMINAL).is_none() {
        return;
    }
    terminal::leave_on_panic();
    let screen = std::thread::Builder::new().name(THREAD.to_owned()).spawn(|| screen().run()).unwrap();
    screen.join().unwrap_err();
    println!("the program goes on");
}

fn screen() -> Tui {
    let config = Config::built_in();
    let fleet = Fleet::new(config.fleet_settings(), &config.endpoints, Instant::now());
    let now = Instant::now();
    let snapshot = Board::new(Timestamp::now()).snapshot(&fleet.view(now), now, Timestamp::now());
    let facts = Facts {
        version: "1.2.3".to_owned(),
        base_url: "http://127.0.0.1:8088".to_owned(),
        config_source: config.source.to_string(),
        config_file: None,
        auth: false,
        readonly: false,
        save_edits: false,
        unicode: true,
        depth: Depth::True,
        zone: TimeZone::UTC,
    };
    let options = Options {
        facts,
        themes: shipped().to_vec(),
        theme: 0,
        notices: Vec::new(),
        tick: Duration::from_millis(100),
        // Answers never come.
        spawn: Box::new(drop),
    };
    Tui::new(Arc::new(Touchy(watch::Sender::new(Arc::new(snapshot)))), options)
}
