//! What is said before and after, and what counts as success.

use super::*;
use crate::app::paint::rendered;
use crate::app::text::width;

fn tally() -> Tally {
    let failures = [("529", 3), ("500", 2), ("web page", 1)];
    Tally {
        records: 12,
        failures: failures.map(|(word, n)| (word.to_owned(), n)).into(),
        retries: 3,
        failovers: 2,
        group_changes: 1,
        waits: 1,
        usage: Usage { input: 41_000, output: 900, ..Usage::default() },
        failed: 0,
    }
}

fn seen() -> Seen {
    Seen { asked: 12, whole: 12, wrong: Vec::new() }
}

#[test]
fn the_closing_words() {
    let text = rendered(&closing(&tally(), &seen()), false);
    for part in [
        "6 failures: 500 (2), 529 (3), web page (1)",
        "0 failures: 12 requests, 12 answers",
        "1 wait while",
        "41.0k in",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
}

#[test]
fn without_trouble_there_was_nothing_to_repair() {
    let quiet = Tally { records: 12, ..Tally::default() };
    assert!(is_success(&quiet, &seen()));
    assert!(rendered(&closing(&quiet, &seen()), false).contains("nothing to repair"));
}

#[test]
fn the_header_fits_with_the_longest_ports() {
    let bill = [("main", "main-a", 65_535), ("main", "main-b", 65_534), ("backup", "backup-a", 65_533)];
    let text = rendered(&header("127.0.0.1:65532".parse().unwrap(), 4, &bill, u32::MAX), false);
    assert!(text.contains("    main    main-a on :65535, then main-b on :65534\n"), "{text}");
    assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
}

#[test]
fn success_needs_every_answer_and_every_record() {
    assert!(is_success(&tally(), &seen()));
    assert!(!is_success(&Tally::default(), &Seen::default()), "nothing was shown");
    let short = Seen { whole: 11, wrong: vec!["status 503".to_owned()], ..seen() };
    assert!(!is_success(&tally(), &short));
    assert!(!is_success(&Tally { records: 13, ..tally() }, &seen()));
    let text = rendered(&closing(&tally(), &short), false);
    assert!(
        text.contains("1 failure: ") && text.contains("1 x status 503") && text.contains("failed"),
        "{text}"
    );
}
