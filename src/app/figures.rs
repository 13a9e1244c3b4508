//! Numbers for people: short, never more exact than they look, never zero for something.

use crate::claude::money::PicoUsd;
use crate::domain::words;
pub(super) use crate::tui::format::{share, sum as count};

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
pub(super) fn counted(n: u64, noun: &str) -> String {
    format!("{} {}", exact(n), words::noun(n, noun))
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
