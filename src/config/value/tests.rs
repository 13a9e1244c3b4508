use proptest::prelude::*;

use super::*;

#[test]
fn durations_are_go_durations() {
    for (text, millis) in [
        ("0", 0),
        ("0s", 0),
        ("300ms", 300),
        ("1m30s", 90_000),
        ("2h", 7_200_000),
        ("1.5h", 5_400_000),
        (".5s", 500),
        ("1h0m0.25s", 3_600_250),
        ("1500us", 1),
    ] {
        let got = duration(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(got.as_millis(), millis, "{text}");
    }
    assert_eq!(duration("7ns"), Ok(Duration::from_nanos(7)));
}

#[test]
fn what_is_no_duration_says_why() {
    for (text, why) in [
        ("30", "needs a unit, such as `30s`, `5m` or `300ms`"),
        ("1.5", "needs a unit, such as `30s`, `5m` or `300ms`"),
        ("-1s", "must not be negative"),
        ("", "must be a duration such as `30s`, `1m30s`, `2h` or `300ms`"),
        ("1d", "must be a duration such as `30s`, `1m30s`, `2h` or `300ms`"),
        ("s", "must be a duration such as `30s`, `1m30s`, `2h` or `300ms`"),
        ("1m30", "must be a duration such as `30s`, `1m30s`, `2h` or `300ms`"),
        ("1..5s", "must be a duration such as `30s`, `1m30s`, `2h` or `300ms`"),
        ("87601h", "must be at most ten years"),
        ("99999999999999999h", "must be at most ten years"),
    ] {
        assert_eq!(duration(text), Err(why.to_owned()), "{text}");
    }
    assert_eq!(positive_duration("0s"), Err("must be above zero".to_owned()));
}

#[test]
fn sizes_count_in_1024() {
    for (text, bytes) in [
        ("1", 1),
        ("512B", 512),
        ("1KB", 1024),
        ("100MB", 100 << 20),
        ("100 mb", 100 << 20),
        ("1GiB", 1 << 30),
    ] {
        assert_eq!(size(text), Ok(bytes), "{text}");
    }
    assert_eq!(size("0"), Err("must be above zero".to_owned()));
    assert!(size("1.5GB").is_err() && size("").is_err() && size("MB").is_err() && size("-1").is_err());
    assert_eq!(size("99999999999GB"), Err("is larger than this program can handle".to_owned()));
}

#[test]
fn whole_numbers_keep_their_range() {
    assert_eq!(port("0"), Ok(0));
    assert_eq!(port("65535"), Ok(65535));
    assert_eq!(port("65536"), Err("must be between 0 and 65535".to_owned()));
    assert_eq!(port("-1"), Err("must be between 0 and 65535".to_owned()));
    assert_eq!(port("80.0"), Err("must be a whole number".to_owned()));
    assert_eq!(count::<u32>(1)("0"), Err("must be at least 1".to_owned()));
    assert_eq!(count::<u32>(0)("4294967296"), Err("is too large".to_owned()));
}

#[test]
fn decimals_are_exact() {
    for (text, millionth) in [("3", 3_000_000), ("0.30", 300_000), (".000001", 1), ("1.1000000", 1_100_000)] {
        assert_eq!(millionths(text), Ok(millionth), "{text}");
    }
    assert_eq!(millionths("0.0000001"), Err("must have at most six decimals".to_owned()));
    assert!(millionths("-1").is_err() && millionths("1e3").is_err() && millionths(".").is_err());
    assert_eq!(millionths("1000000001"), Err("must be at most 1000000000".to_owned()));
    assert_eq!(show_millionths(3_750_000), "3.75");
    assert_eq!(show_millionths(0), "0");
}

#[test]
fn flags_factors_choices_and_paths() {
    assert_eq!(flag("Yes"), Ok(true));
    assert_eq!(flag("off"), Ok(false));
    assert!(flag("1").is_err());
    assert_eq!(factor(1.0)("1"), Ok(1.0));
    assert!(factor(1.0)("0.9").is_err() && factor(1.0)("inf").is_err() && factor(1.0)("NaN").is_err());
    assert_eq!(choice(&[("a", 1), ("b", 2)])("b"), Ok(2));
    assert_eq!(choice(&[("a", 1), ("b", 2)])("c"), Err("must be one of `a`, `b`".to_owned()));
    assert!(request_path("/v1/models?limit=1").is_ok());
    assert!(
        request_path("v1/models").is_err() && request_path("/a b").is_err() && request_path("/a#b").is_err()
    );
}

proptest! {
    #[test]
    fn a_shown_duration_reads_back(nanos in 0u64..=LONGEST.as_nanos() as u64) {
        let d = Duration::from_nanos(nanos);
        prop_assert_eq!(duration(&show_duration(d)), Ok(d));
    }

    #[test]
    fn a_shown_decimal_reads_back(n in 0..=LARGEST_MILLIONTHS) {
        prop_assert_eq!(millionths(&show_millionths(n)), Ok(n));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,30}|[0-9.hmsunKMGB-]{0,40}") {
        let _ = (duration(&text), size(&text), millionths(&text), factor(0.0)(&text), request_path(&text));
    }
}
