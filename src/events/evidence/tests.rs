use proptest::prelude::*;

use super::*;

fn id(n: u32) -> RequestId {
    RequestId::from_number(n)
}

fn refusal(attempt: u32, body: usize) -> Refusal {
    Refusal {
        attempt,
        status: 529,
        head: Head::default(),
        body: "x".repeat(body),
        bytes: body as u64,
        extent: Extent::Whole,
        passed_on: false,
    }
}

fn lines(text: &str) -> Lines {
    Lines::new(text.to_owned())
}

#[test]
fn a_request_is_told_with_its_headers_and_the_answers_that_failed_it() {
    let ring = Ring::default().open();
    ring.accepted(id(1), lines("accept: */*\nx-empty: \nx-colon: a: b\n"));
    ring.accepted(id(2), lines(""));
    ring.refused(id(1), refusal(1, 3));
    ring.refused(id(1), refusal(2, 4));
    ring.passed_on(id(1), 2);
    let found = ring.find(id(1)).unwrap();
    let told: Vec<(&str, &str)> =
        found.request.headers.iter().map(|h| (h.name.as_str(), h.value.as_str())).collect();
    assert_eq!(told, [("accept", "*/*"), ("x-empty", ""), ("x-colon", "a: b")]);
    let passed: Vec<(u32, bool)> = found.refusals.iter().map(|r| (r.attempt, r.passed_on)).collect();
    assert_eq!(passed, [(1, false), (2, true)]);
    assert_eq!(ring.find(id(2)).unwrap().refusals.len(), 0);
    assert!(ring.find(id(3)).is_none());
}

#[test]
fn it_is_open_from_the_first_onlooker_on() {
    let ring = Ring::default();
    let other = ring.clone();
    assert!(!ring.is_open());
    drop(ring.open());
    assert!(other.is_open());
}

#[test]
fn the_last_answers_of_a_request_are_kept_and_the_others_counted() {
    let ring = Ring::default().open();
    ring.accepted(id(1), lines(""));
    (1..=20).for_each(|n| ring.refused(id(1), refusal(n, 1)));
    let found = ring.find(id(1)).unwrap();
    assert_eq!((found.refusals.len(), found.forgotten), (MAX_REFUSALS, 4));
    assert_eq!((found.refusals[0].attempt, found.refusals[MAX_REFUSALS - 1].attempt), (5, 20));
}

#[test]
fn headers_beyond_the_limit_are_counted() {
    let header = format!("x-long: {}\n", "y".repeat(1_000));
    let head = lines(&(header.repeat(10) + "x-short: z\n")).head();
    assert_eq!((head.headers.len(), head.left_out), (9, 2), "the short one still fits");
    assert_eq!(head.headers[8].name, "x-short");
    let giant = lines(&format!("a: 1\nx-giant: {}\nb: 2\n", "y".repeat(MAX_HEADERS))).head();
    assert_eq!((giant.headers.len(), giant.left_out), (2, 1));
}

#[test]
fn the_oldest_requests_go() {
    const { assert!(MAX_REQUESTS == 1_000 && MAX_BYTES == 4 << 20, "as the README and the OpenAPI document say") };
    let ring = Ring::default().open();
    let count = MAX_REQUESTS as u32 + 3;
    (0..count).for_each(|n| ring.accepted(id(n), lines("")));
    assert!(ring.find(id(2)).is_none() && ring.find(id(3)).is_some());
    // Nothing comes back for one that has gone.
    ring.refused(id(2), refusal(1, 1));
    assert!(ring.find(id(2)).is_none());
}

proptest! {
    /// Whatever comes: within both bounds, and what is counted is what is there.
    #[test]
    fn it_stays_within_its_bounds(
        steps in prop::collection::vec((0..40_u32, 0..MAX_HEADERS * 2, 0..MAX_BODY * 4), 1..400),
    ) {
        let ring = Ring::default().open();
        for (n, (back, headers, body)) in (0_u32..).zip(steps) {
            ring.accepted(id(n), lines(&format!("a: {}\n", "x".repeat(headers))));
            for attempt in 1..back {
                ring.refused(id(n.saturating_sub(back)), refusal(attempt, body));
            }
            let kept = ring.kept();
            let bytes: usize = kept.requests.iter().map(Entry::size).sum();
            prop_assert_eq!(bytes, kept.bytes);
            prop_assert!(kept.bytes <= MAX_BYTES && kept.requests.len() <= MAX_REQUESTS);
            prop_assert!(kept.requests.iter().any(|entry| entry.id == id(n)), "the newest is there");
        }
    }
}
