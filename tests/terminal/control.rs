//! Priorities and groups, by key, in the real program: on screen, in the fleet and in the file.

use super::session::{Session, World};

const ENDPOINTS: &str = "# Mine.\nserver: { port: 0, shutdown_grace: 5s }\nweb: { enabled: false }\n\
    usage_tracking: { enabled: false }\nhealth: { check_interval: 1h }\n\nendpoints:\n\
    \x20 - name: main-a   # the good one\n    url: http://127.0.0.1:1\n    group: main\n    group-priority: 1\n\
    \x20   priority: 1     # first\n    token: \"tok-a\"\n\
    \x20 - { name: 'main-b', url: \"http://127.0.0.1:1\", priority: '2' } # flow\n\
    \x20 - name: spare\n    url: http://127.0.0.1:1\n    group: backup\n    group-priority: 2\n    token: tok-c\n";

fn open(world: &World) -> Session {
    world.file("config.yaml", ENDPOINTS);
    let mut session = world.open(&[]);
    session.until_text("Nothing has come in yet");
    session.types("2");
    session.until_text("main-a");
    session
}

/// The rows on screen that name these, in the order of the screen.
fn order(text: &str, names: &[&str]) -> Vec<String> {
    let named = |line: &str| names.iter().find(|name| line.contains(**name)).map(|name| (*name).to_owned());
    let rows =
        text.lines().skip(3).filter(|line| !line.contains("last error") && !line.contains("no failure"));
    rows.filter_map(named).collect()
}

#[test]
fn priorities_are_edited_applied_and_saved() {
    let world = World::new("");
    let mut session = open(&world);
    session.types("\r");
    session.until_text("editing priorities");
    session.types("5");
    session.until_text("1 -> 5");
    session.types("\x13");
    session.until_text("Apply these priorities?");
    session.until_text("line 12");
    session.types("y");
    session.until_text("applied and saved");
    let saved = ENDPOINTS.replace("priority: 1     # first", "priority: 5     # first");
    assert_eq!(world.read("config.yaml"), saved);
    let now = ["main-b", "main-a", "spare"];
    session.until("the new order", |screen| order(&screen.contents(), &now) == now);
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[test]
fn a_file_that_somebody_broke_is_a_conflict_and_stays_as_it_is() {
    let world = World::new("");
    let mut session = open(&world);
    session.types("\x1b[B\r0");
    session.until_text("2 -> 0");
    world.file("config.yaml", "endpoints: [\n");
    session.types("\x13");
    session.until_text("cannot be saved");
    session.types("a");
    session.until_text("applied until the next reload");
    let now = ["main-b", "main-a", "spare"];
    session.until("the new order", |screen| order(&screen.contents(), &now) == now);
    assert_eq!(world.read("config.yaml"), "endpoints: [\n");
    session.types("q");
    assert_eq!(session.code(), Some(0));
}

#[test]
fn groups_are_paused_forced_released_and_resumed() {
    let world = World::new("");
    let mut session = open(&world);
    session.types("p");
    session.until_text("Pause group main");
    session.types("10m\r");
    session.until_text("paused by a person");
    session.types("r");
    session.until_text("Resume group main?");
    session.types("y");
    session.until("no pause", |screen| !screen.contents().contains("paused by a person"));
    session.types("GA");
    session.until_text("Force group backup?");
    session.types("y");
    session.until_text("made active by a person");
    session.types("l");
    session.until_text("Release the activated group?");
    session.types("y");
    session.until("released", |screen| !screen.contents().contains("made active by a person"));
    session.types("q");
    assert_eq!(session.code(), Some(0));
}
