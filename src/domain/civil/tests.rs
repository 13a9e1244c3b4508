use jiff::ToSpan;
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Beirut",
];

fn clock(zone: &str) -> Clock {
    Clock::new(TimeZone::get(zone).unwrap())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Starts of the hours from `from` to `to`.
fn hours(clock: &Clock, from: &str, to: &str) -> Vec<String> {
    let mut starts = vec![clock.hour(at(from))];
    while let Some(next) = starts.last().map(|s| clock.next_hour(*s)).filter(|next| *next <= at(to)) {
        starts.push(next);
    }
    starts.iter().map(|s| s.to_zoned(clock.zone().clone()).strftime("%H:%M%:z").to_string()).collect()
}

#[test]
fn a_repeated_hour_is_two() {
    let berlin = hours(&clock("Europe/Berlin"), "2026-10-24T23:10:00Z", "2026-10-25T02:10:00Z");
    assert_eq!(berlin, ["01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"]);
    let lord_howe = hours(&clock("Australia/Lord_Howe"), "2026-04-04T14:10:00Z", "2026-04-04T16:10:00Z");
    assert_eq!(lord_howe, ["01:00+11:00", "01:30+10:30", "02:00+10:30"]);
}

#[test]
fn a_skipped_hour_is_none() {
    let berlin = hours(&clock("Europe/Berlin"), "2026-03-29T00:10:00Z", "2026-03-29T02:10:00Z");
    assert_eq!(berlin, ["01:00+01:00", "03:00+02:00", "04:00+02:00"]);
    let lord_howe = hours(&clock("Australia/Lord_Howe"), "2026-10-03T14:40:00Z", "2026-10-03T16:10:00Z");
    assert_eq!(lord_howe, ["01:00+10:30", "02:30+11:00", "03:00+11:00"]);
}

#[test]
fn days_follow_the_clock() {
    let berlin = clock("Europe/Berlin");
    let autumn = at("2026-10-25T10:00:00Z");
    assert_eq!(berlin.next_day(autumn).duration_since(berlin.day(autumn)), SignedDuration::from_hours(25));
    // Midnight does not exist on this day: it starts at one.
    let beirut = clock("Asia/Beirut");
    assert_eq!(beirut.day(at("2026-03-29T10:00:00Z")), at("2026-03-28T22:00:00Z"));
    assert_eq!(beirut.next_day(at("2026-03-28T10:00:00Z")), at("2026-03-28T22:00:00Z"));
}

/// An instant of 2026, often near a change of a clock.
fn instants() -> impl Strategy<Value = Timestamp> {
    let zone = prop::sample::select(ZONES.to_vec());
    let near = (zone, 0..4_usize, -7_200_000_000_i64..7_200_000_000).prop_map(|(zone, n, off)| {
        let zone = TimeZone::get(zone).unwrap();
        let set = zone.following(at("2026-01-01T00:00:00Z")).nth(n);
        let set = set.map_or(at("2026-06-01T00:00:00Z"), |t| t.timestamp());
        set + SignedDuration::from_micros(off)
    });
    let any = (1_767_225_600_000_000_i64..1_798_761_600_000_000)
        .prop_map(|us| Timestamp::from_microsecond(us).unwrap());
    prop_oneof![near, any]
}

proptest! {
    #[test]
    fn hours_are_a_partition(at in instants(), zone in prop::sample::select(ZONES.to_vec())) {
        let clock = clock(zone);
        let (start, next) = (clock.hour(at), clock.next_hour(at));
        prop_assert!(start <= at && at < next);
        prop_assert!(next.duration_since(start) <= SignedDuration::from_hours(1));
        prop_assert_eq!(clock.hour(start), start);
        prop_assert_eq!(clock.hour(next - 1.nanosecond()), start);
        prop_assert_eq!(clock.hour(next), next);
        let shown = start.to_zoned(clock.zone().clone());
        let set = clock.zone().preceding(start + 1.nanosecond()).next().is_some_and(|t| t.timestamp() == start);
        prop_assert!(set || (shown.minute(), shown.second()) == (0, 0));
    }

    #[test]
    fn days_are_a_partition_of_hours(at in instants(), zone in prop::sample::select(ZONES.to_vec())) {
        let clock = clock(zone);
        let (start, next) = (clock.day(at), clock.next_day(at));
        prop_assert!(start <= at && at < next);
        prop_assert_eq!(clock.day(next - 1.nanosecond()), start);
        prop_assert_eq!(clock.day(next), next);
        prop_assert_eq!(clock.hour(start), start);
        prop_assert_eq!(clock.day(clock.hour(at)), start);
    }
}
