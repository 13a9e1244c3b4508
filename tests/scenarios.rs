//! What the fleet does over time, told as files: `tests/fixtures/scenarios/*.yaml`.
//!
//! Each file describes a fleet, a timeline and what is expected; what it may say is listed in `scenarios/file.rs`. They
//! are played on the pure decisions alone, on a clock that is moved by hand: no sockets, no sleeping, and a week takes
//! as long as a second.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

#[path = "scenarios/answer.rs"]
mod answer;
#[path = "scenarios/checks.rs"]
mod checks;
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
    activate_force_release,
    activated_group_holds_until_it_fails,
    answer_that_breaks_off,
    answers_that_are_none,
    balanced_sessions_stick,
    blip_of_the_only_group,
    blip_of_two_groups,
    blip_without_suspension,
    clear_ends_a_stated_rest,
    client_gives_up_on_silence,
    clients_own_credential_refused,
    cooldown_starts_anew,
    deadline_ends_the_wait,
    endpoint_says_how_to_retry,
    error_names_every_endpoint,
    failover_within_the_request,
    fastest_follows_latency,
    force_a_group_that_is_down,
    half_open_lets_one_through,
    half_open_that_fails_opens_again,
    harmless_outcomes,
    headerless_429_does_not_poison,
    low_budget_is_asked_later,
    manual_mode_never_moves,
    manual_mode_waits_for_its_group,
    only_a_probe_speaks_against_it,
    overload_never_opens_the_breaker,
    pause_for_two_seconds,
    pause_of_the_only_group,
    pinned_endpoint,
    probes_mark_down_and_up,
    queue_is_let_go_in_steps,
    queue_of_two_places,
    refused_credential,
    reload_keeps_breakers_and_cooldowns,
    reload_keeps_pins_and_health,
    reload_with_other_priorities_moves_sessions,
    reset_headers_only,
    retry_after_thirty,
    sessions_and_a_group_that_recovers,
    sessions_and_a_pause,
    sessions_fail_back_immediate,
    sessions_fail_back_manual,
    stated_limit_is_waited_for,
    week_long_limit_of_the_account,
    week_long_limit_on_one_model,
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
