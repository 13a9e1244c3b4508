//! Numbers for people: short, never more exact than they look, never zero for something.

use crate::claude::money::PicoUsd;

/// `999`, `1.2k`, `12.3k`, `123k`, `4.5M`: three or four characters of digits.
pub(super) fn count(n: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    // 999,500 and above would be written as 1000k.
    let unit = UNITS.iter().find(|(size, _)| n.saturating_add(size / 2_000) >= *size);
    let Some((size, letter)) = unit else { return n.to_string() };
    let rounded = |parts: u128| (u128::from(n) * parts + u128::from(*size) / 2) / u128::from(*size);
    match rounded(10) {
        tenths @ 0..1_000 => format!("{}.{}{letter}", tenths / 10, tenths % 10),
        _ => format!("{}{letter}", rounded(1)),
    }
}

/// `$1,234.50`, `$12.35`, `$0.0123`: cents from a dollar on, four decimals below; `<$0.0001` for what is less than
/// that.
pub(super) fn money(amount: PicoUsd) -> String {
    let cent_like = amount >= PicoUsd::from_micro_usd(1_000_000);
    match amount {
        PicoUsd::ZERO => "$0.00".to_owned(),
        small if small < PicoUsd::from_micro_usd(100) => "<$0.0001".to_owned(),
        amount if cent_like => format!("${}", grouped(&amount.usd(2))),
        amount => format!("${}", amount.usd(4)),
    }
}

/// `1234.50` as `1,234.50`.
fn grouped(number: &str) -> String {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let mut out = String::with_capacity(number.len() + 4);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if decimals.is_empty() { out } else { format!("{out}.{decimals}") }
}

/// `12,345`.
pub(super) fn exact(n: u64) -> String {
    grouped(&n.to_string())
}

/// `99.5%`; a dash when there is nothing to take a share of. Never `100%` for less, nor `0%` for more.
pub(super) fn share(part: Option<f64>) -> String {
    match part {
        None => "-".to_owned(),
        Some(all) if all >= 1.0 => "100%".to_owned(),
        Some(none) if none <= 0.0 => "0%".to_owned(),
        Some(part) => format!("{:.1}%", (part * 100.0).clamp(0.1, 99.9)),
    }
}

/// `850 ms`, `1.2 s`, `62 s`.
pub(super) fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_950.0 => format!("{:.1} s", ms / 1e3),
        ms => format!("{:.0} s", ms / 1e3),
    }
}

/// `45 s`, `12 min`, `7 h`, `12 days`: how long something has lasted or will.
pub(super) fn length(seconds: f64) -> String {
    let whole = |unit: f64| (seconds.max(0.0) / unit).floor();
    match seconds {
        seconds if seconds < 120.0 => format!("{} s", whole(1.0)),
        seconds if seconds < 7_200.0 => format!("{} min", whole(60.0)),
        seconds if seconds < 172_800.0 => format!("{} h", whole(3_600.0)),
        _ => format!("{} days", whole(86_400.0)),
    }
}

/// `1 attempt`, `1,234 attempts`.
pub(super) fn attempts(n: u64) -> String {
    format!("{} attempt{}", exact(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_whole() {
        for (seconds, text) in [
            (-1.0, "0 s"),
            (119.9, "119 s"),
            (120.0, "2 min"),
            (7_199.0, "119 min"),
            (7_200.0, "2 h"),
            (172_800.0, "2 days"),
        ] {
            assert_eq!(length(seconds), text);
        }
    }

    #[test]
    fn counts_are_short() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0k"),
            (1_250, "1.3k"),
            (12_340, "12.3k"),
            (99_949, "99.9k"),
            (123_456, "123k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (4_500_000, "4.5M"),
            (1_000_000_000, "1.0G"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(count(n), text, "{n}");
        }
    }

    #[test]
    fn money_shows_what_matters() {
        for (usd, text) in [
            ("0", "$0.00"),
            ("0.000000000001", "<$0.0001"),
            ("0.0001", "$0.0001"),
            ("0.0123456", "$0.0123"),
            ("0.5", "$0.5000"),
            ("1", "$1.00"),
            ("12.345", "$12.34"),
            ("1234.5", "$1,234.50"),
            ("1234567", "$1,234,567.00"),
        ] {
            assert_eq!(money(usd.parse().unwrap()), text, "{usd}");
        }
        assert_eq!(exact(1_234_567), "1,234,567");
        assert_eq!(exact(123), "123");
    }

    #[test]
    fn shares_do_not_round_to_all_or_nothing() {
        for (part, text) in [
            (None, "-"),
            (Some(0.0), "0%"),
            (Some(0.00001), "0.1%"),
            (Some(0.5), "50.0%"),
            (Some(0.99999), "99.9%"),
            (Some(1.0), "100%"),
        ] {
            assert_eq!(share(part), text);
        }
        assert_eq!(duration(850.4), "850 ms");
        assert_eq!(duration(1_234.0), "1.2 s");
        assert_eq!(duration(62_000.0), "62 s");
    }
}
