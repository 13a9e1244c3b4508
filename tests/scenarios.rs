//! What the fleet does over time, told as files: `tests/fixtures/scenarios/*.yaml`.
//!
//! Each file describes a fleet, a timeline and what is expected; what it may say is listed in `scenarios/file.rs`. They
//! are played on the pure decisions alone, on a clock that is moved by hand: no sockets, no sleeping, and a week takes
//! as long as a second.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

#[path = "scenarios/answer.rs"]
mod answer;
#[path = "scenarios/file.rs"]
mod file;
#[path = "scenarios/request.rs"]
mod request;
#[path = "scenarios/runner.rs"]
mod runner;
#[path = "scenarios/scene.rs"]
mod scene;

/// One test a file, and the list of all of them.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        const LISTED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                let name = concat!("tests/fixtures/scenarios/", stringify!($name), ".yaml");
                let text = include_str!(concat!("fixtures/scenarios/", stringify!($name), ".yaml"));
                if let Err(wrong) = runner::run(name, text) {
                    panic!("{wrong}");
                }
            }
        )*
    };
}

scenarios! {
    failover_within_the_request,
}

#[test]
fn every_file_is_listed() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/scenarios");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = files.map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    let mut listed = LISTED.to_vec();
    listed.sort_unstable();
    assert_eq!(names, listed, "in the directory (left) and in the list above (right)");
}
