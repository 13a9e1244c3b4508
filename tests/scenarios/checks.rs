//! The runner by itself: a scenario that is wrong, or not understood, has to fail.

use super::runner::run;

/// One request that fails over; `more` is what the step expects.
fn scene(more: &str) -> String {
    format!(
        "
fleet:
  groups: {{main: [main-a], backup: [backup-a]}}
  config: {{retry: {{max_attempts: 1}}}}
timeline:
  - at: 10s
    answers: {{main-a: 529}}
    request: {{}}
    expect:
      gets: answer of backup-a
      asked: ['main-a, first in order', 'backup-a, after main-a failed, overloaded']
{more}"
    )
}

const CHANGES: &str = "
      changes:
        - 10s active group main -> backup
        - 10s group main active -> standby
        - 10s group backup standby -> active
        - 10s endpoint main-a up -> resting
";

fn wrong(text: &str) -> String {
    run("inline.yaml", text).unwrap_err()
}

#[test]
fn a_right_expectation_passes() {
    run("inline.yaml", &scene(CHANGES)).unwrap();
}

#[test]
fn a_wrong_expectation_fails_with_file_step_expected_and_got() {
    let text = scene(CHANGES).replace("answer of backup-a", "answer of main-a");
    let told = "inline.yaml:\n  step 1 at 10s: gets\n    expected: answer of main-a\n    got:      answer of backup-a";
    assert_eq!(wrong(&text), told);
}

#[test]
fn every_expectation_can_fail() {
    for (right, other) in [
        ("backup-a, after main-a failed, overloaded", "backup-a, first in order"),
        ("['main-a, first in order', ", "["),
        ("10s endpoint main-a up", "11s endpoint main-a up"),
        ("        - 10s endpoint main-a up -> resting\n", ""),
        ("      gets: answer of backup-a\n", ""),
        ("    request: {}\n", ""),
        ("request: {}", "request: {answers: {main-a: [529, 529]}}"),
        ("{main-a: 529}", "{main-b: 529}"),
    ] {
        let text = scene(CHANGES);
        assert!(text.contains(right), "{right}");
        wrong(&text.replace(right, other));
    }
    for state in [
        "active: main",
        "groups: {main: active}",
        "groups: {mian: standby}",
        "endpoints: {main-a: up}",
        "endpoints: {main-c: up}",
        "waiting: 1",
        "answered: 11s",
        "refused: anything",
        "says: anything",
    ] {
        wrong(&scene(&format!("      {state}{CHANGES}")));
    }
    for state in ["active: backup", "groups: {main: standby}", "endpoints: {main-a: resting}", "waiting: 0"] {
        run("inline.yaml", &scene(&format!("      {state}{CHANGES}"))).unwrap();
    }
}

#[test]
fn an_order_that_is_refused_fails_unless_that_is_expected() {
    let step = "\n  - at: 20s\n    release: true\n";
    let told = wrong(&format!("{}{step}", scene(CHANGES)));
    assert!(told.contains("step 2 at 20s: order") && told.contains("nothing to release"), "{told}");
}

#[test]
fn what_is_not_known_is_an_error() {
    for (right, other) in [
        ("timeline:", "timelime:"),
        ("  groups: ", "  gruops: "),
        ("max_attempts", "max_atempts"),
        ("  - at: 10s", "  - at: 10s\n    when: 10s"),
        ("at: 10s", "at: ten seconds"),
        ("request: {}", "request: {sesion: s}"),
        ("gets: answer", "get: answer"),
        ("main-a: 529", "main-a: overlaoded"),
        ("main-a: 529", "main-a: {is: 529, afetr: 1s}"),
        ("main-a: 529", "main-a: 200"),
        ("main-a: 529", "main-c: 529"),
        ("request: {}", "request: {answers: {main-c: [ok]}}"),
        ("request: {}", "request: {}\n    release: true"),
    ] {
        let text = scene(CHANGES);
        assert!(text.contains(right), "{right}");
        let told = wrong(&text.replace(right, other));
        assert!(told.starts_with("inline.yaml:"), "{told}");
    }
}

#[test]
fn steps_are_in_order_of_time() {
    let told = wrong(&format!("{}\n  - at: 9s\n", scene(CHANGES)));
    assert!(told.contains("step 2 at 9s"), "{told}");
}
