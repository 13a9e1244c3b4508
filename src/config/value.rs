//! Single values: text in, a typed value or "what it must be" out. Nothing here knows keys or quotes its input.
//!
//! | kind | written | not accepted |
//! |---|---|---|
//! | duration | `300ms`, `1m30s`, `2h`, `0` | a number without a unit, negative, above ten years |
//! | size | `512KB`, `100MB`, plain bytes; 1024-based | fractions |
//! | decimal | `3`, `3.75`, up to six decimals, kept exactly | exponents, negative |
//! | flag | `true`, `false` (and YAML 1.1 `yes`, `no`, `on`, `off`) | numbers |

use std::ops::RangeInclusive;
use std::time::Duration;

/// Longest accepted duration; keeps `now + duration` within every clock.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What a parser gives: the value, or what it must be.
pub(super) type Parsed<T> = Result<T, String>;

const NANOS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration in Go's spelling.
pub(super) fn duration(text: &str) -> Parsed<Duration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Err("must not be negative".to_owned());
    }
    if text.parse::<f64>().is_ok() {
        return Err("needs a unit, such as `30s`, `5m` or `300ms`".to_owned());
    }
    let nanos = nanos(text).ok_or("must be a duration such as `30s`, `1m30s`, `2h` or `300ms`")?;
    match u64::try_from(nanos).map(Duration::from_nanos) {
        Ok(d) if d <= LONGEST => Ok(d),
        _ => Err("must be at most ten years".to_owned()),
    }
}

/// A duration above zero.
pub(crate) fn positive_duration(text: &str) -> Parsed<Duration> {
    match duration(text)? {
        Duration::ZERO => Err("must be above zero".to_owned()),
        d => Ok(d),
    }
}

/// Sum of `<decimal><unit>` pieces in nanoseconds; fractions below one are dropped.
fn nanos(mut rest: &str) -> Option<u128> {
    let mut total = 0u128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after) = split_where(after, |c| c.is_ascii_digit() || c == '.');
        let (_, scale) = NANOS.iter().find(|(name, _)| *name == unit)?;
        let (whole, fraction) = decimal_parts(number)?;
        total = total.checked_add(whole.checked_mul(u128::from(*scale))?)?;
        total = total.checked_add(scaled_fraction(fraction, *scale))?;
        rest = after;
    }
    Some(total)
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// Whole part and fraction digits of `12`, `12.5`, `.5`.
fn decimal_parts(text: &str) -> Option<(u128, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some((whole, fraction))
}

/// `0.<digits> * scale`, rounded down. Digits behind the 15th are below a nanosecond of an hour.
fn scaled_fraction(digits: &str, scale: u64) -> u128 {
    let mut value = 0u128;
    let mut divisor = 1u128;
    for digit in digits.bytes().take(15) {
        value = value * 10 + u128::from(digit - b'0');
        divisor *= 10;
    }
    value * u128::from(scale) / divisor
}

/// A duration as [`duration`] reads it back: `1h30m`, `4m40s`, `250ms`, `0s`.
pub(crate) fn show_duration(d: Duration) -> String {
    let (minutes, seconds) = (d.as_secs() / 60, d.as_secs() % 60);
    let mut out = String::new();
    for (n, unit) in [(minutes / 60, "h"), (minutes % 60, "m"), (seconds, "s")] {
        if n > 0 {
            out.push_str(&format!("{n}{unit}"));
        }
    }
    match d.subsec_nanos() {
        0 if out.is_empty() => "0s".to_owned(),
        0 => out,
        n if n % 1_000_000 == 0 => format!("{out}{}ms", n / 1_000_000),
        n => format!("{out}{n}ns"),
    }
}

const SIZE_UNITS: [(&str, u32); 7] =
    [("KIB", 10), ("MIB", 20), ("GIB", 30), ("KB", 10), ("MB", 20), ("GB", 30), ("B", 0)];

/// A number of bytes above zero.
pub(super) fn size(text: &str) -> Parsed<u64> {
    let upper = text.trim().to_ascii_uppercase();
    let (digits, shift) = SIZE_UNITS
        .iter()
        .find_map(|(unit, shift)| upper.strip_suffix(unit).map(|d| (d.trim_end(), *shift)))
        .unwrap_or((&upper, 0));
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("must be a size in whole units such as `512KB`, `100MB` or `1GB`".to_owned());
    }
    match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)) {
        Some(0) => Err("must be above zero".to_owned()),
        Some(bytes) if bytes <= 1 << 50 => Ok(bytes),
        _ => Err("is larger than this program can handle".to_owned()),
    }
}

/// A whole number inside `range`.
pub(super) fn whole<T: TryFrom<u64>>(range: RangeInclusive<u64>) -> impl Fn(&str) -> Parsed<T> {
    move |text| {
        let out_of_range = || match (range.start(), range.end()) {
            (low, &u64::MAX) => format!("must be at least {low}"),
            (low, high) => format!("must be between {low} and {high}"),
        };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("must be a whole number".to_owned());
        }
        let number = text.parse::<u64>().ok().filter(|n| range.contains(n)).ok_or_else(out_of_range)?;
        T::try_from(number).map_err(|_| "is too large".to_owned())
    }
}

/// A TCP port; 0 lets the system choose.
pub(super) fn port(text: &str) -> Parsed<u16> {
    whole(0..=u64::from(u16::MAX))(text)
}

/// A count without an upper limit of its own.
pub(super) fn count<T: TryFrom<u64>>(least: u64) -> impl Fn(&str) -> Parsed<T> {
    whole(least..=u64::MAX)
}

/// A finite factor of at least `least`.
pub(super) fn factor(least: f64) -> impl Fn(&str) -> Parsed<f64> {
    move |text| match text.parse::<f64>() {
        Ok(n) if n.is_finite() && n >= least => Ok(n),
        Ok(_) => Err(format!("must be a finite number of at least {least}")),
        Err(_) => Err("must be a number".to_owned()),
    }
}

/// A decimal in millionths, exactly: USD to micro-dollars, a multiplier to parts per million.
pub(super) fn millionths(text: &str) -> Parsed<u64> {
    let malformed = || "must be a plain decimal such as `3` or `3.75`, not negative".to_owned();
    let (whole, fraction) = decimal_parts(text).ok_or_else(malformed)?;
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 6 {
        return Err("must have at most six decimals".to_owned());
    }
    let total = whole.checked_mul(1_000_000).map(|w| w + scaled_fraction(fraction, 1_000_000));
    total
        .filter(|t| *t <= u128::from(LARGEST_MILLIONTHS))
        .and_then(|t| u64::try_from(t).ok())
        .ok_or_else(|| "must be at most 1000000000".to_owned())
}

/// A thousand million, which leaves room to multiply by token counts in `u128`.
const LARGEST_MILLIONTHS: u64 = 1_000_000_000 * 1_000_000;

/// Millionths as a decimal that [`millionths`] reads back.
pub(super) fn show_millionths(n: u64) -> String {
    let text = format!("{}.{:06}", n / 1_000_000, n % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A yes or no.
pub(super) fn flag(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Ok(true),
        "false" | "no" | "off" => Ok(false),
        _ => Err("must be `true` or `false`".to_owned()),
    }
}

/// Text with something in it.
pub(super) fn filled(text: &str) -> Parsed<String> {
    if text.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A path of a request, as it stands behind a base URL.
pub(super) fn request_path(text: &str) -> Parsed<String> {
    let valid = text.starts_with('/') && is_request_target(text);
    if valid { Ok(text.to_owned()) } else { Err("must be a path such as `/v1/models`".to_owned()) }
}

/// True for text that can stand in a request line: ASCII, encoded where it must be, no fragment.
pub(super) fn is_request_target(text: &str) -> bool {
    text.is_ascii() && !text.contains('#') && text.parse::<http::uri::PathAndQuery>().is_ok()
}

/// One of a few words.
pub(super) fn choice<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&str) -> Parsed<T> {
    move |text| {
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let one_of = if all.len() > 1 { "one of " } else { "" };
            format!("must be {one_of}{}", all.join(", "))
        })
    }
}

#[cfg(test)]
mod tests;
