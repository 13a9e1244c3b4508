use jiff::tz::TimeZone;

use super::*;

fn berlin() -> Clock {
    Clock::new(TimeZone::get("Europe/Berlin").unwrap())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// On this clock it is the evening after the clocks were set back.
const NOW: &str = "2026-10-25T17:30:00Z";

fn read_at_now(text: &str) -> Period {
    Period::parse(text, at(NOW), &berlin()).unwrap()
}

fn bounds(text: &str) -> (String, String) {
    let period = read_at_now(text);
    let show = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    (show(period.since), show(period.until))
}

#[test]
fn every_form_is_read() {
    let cases = [
        ("all", "", ""),
        ("today", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("Yesterday", "2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z"),
        ("1d", "2026-10-24T22:00:00Z", ""),
        ("7d", "2026-10-18T22:00:00Z", ""),
        ("30d", "2026-09-25T22:00:00Z", ""),
        ("24h", "2026-10-24T17:30:00Z", ""),
        ("90m", "2026-10-25T16:00:00Z", ""),
        ("this month", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ("last  month", "2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z"),
        ("2026-03", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
        ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026/03/29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026-11-20T10:00", "2026-11-20T09:00:00Z", ""),
        ("2026-11-20 10:00:30.5", "2026-11-20T09:00:30.5Z", ""),
        ("2026-03-29T02:30", "2026-03-29T01:30:00Z", ""),
        ("2026-10-25T02:30", "2026-10-25T00:30:00Z", ""),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", ""),
        ("2026-11-20T10:00:00+08:00", "2026-11-20T02:00:00Z", ""),
    ];
    for (text, since, until) in cases {
        assert_eq!(bounds(text), (since.to_owned(), until.to_owned()), "{text}");
    }
}

#[test]
fn ends_include_days_and_months_and_exclude_instants() {
    let until = |text| Period::between(None, Some(text), at(NOW), &berlin()).unwrap().until.unwrap();
    assert_eq!(until("2026-10-25"), at("2026-10-25T23:00:00Z"));
    assert_eq!(until("2026-10"), at("2026-10-31T23:00:00Z"));
    assert_eq!(until("2026-10-25T10:00"), at("2026-10-25T09:00:00Z"));
    assert_eq!(until("24h"), at("2026-10-24T17:30:00Z"));
    let two = Period::between(Some("2026-10-24"), Some("2026-10-25"), at(NOW), &berlin()).unwrap();
    assert_eq!(two.since, Some(at("2026-10-23T22:00:00Z")));
    let filter = two.of(Filter { status: Some(200), ..Filter::default() });
    assert_eq!((filter.until, filter.status), (two.until, Some(200)));
}

#[test]
fn what_is_no_period_says_what_is() {
    for text in
        ["", "tomorrow", "7", "0d", "-3d", "7x", "d", "2026", "2026-13", "2026-02-30", "20/11/2026", "10:00"]
    {
        let error = Period::parse(text, at(NOW), &berlin()).unwrap_err();
        assert_eq!(error, NotAPeriod::Unknown(text.to_owned()), "{text}");
        assert!(error.to_string().contains("2026-11-20T10:00"));
    }
    let far = Period::parse("99999999999d", at(NOW), &berlin());
    assert_eq!(far, Err(NotAPeriod::Beyond("99999999999d".into())));
    let backwards = Period::between(Some("today"), Some("yesterday"), at(NOW), &berlin()).unwrap_err();
    assert!(backwards.to_string().contains("between `today` and `yesterday`"));
}
