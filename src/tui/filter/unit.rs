//! Numbers with their units: `400`, `0.10`, `$4`, `100k`, `10s`, `800ms`, `2m`. Kept as whole numbers of the smallest
//! unit, so that printing and parsing agree.

use super::Number;

/// Nanodollars in a dollar.
const DOLLAR: u64 = 1_000_000_000;

const COUNTS: [(&str, u64); 5] = [("k", 1_000), ("K", 1_000), ("m", 1_000_000), ("M", 1_000_000), ("", 1)];
/// Seconds without a unit; `ms` before `s` and `m`, which it ends or begins with.
const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("", 1_000)];

/// The number in the field's smallest unit; nothing when it is none.
pub(super) fn parse(number: Number, text: &str) -> Option<u64> {
    match number {
        Number::Cost => decimal(text.strip_prefix('$').unwrap_or(text), DOLLAR),
        Number::Status | Number::Attempts => decimal(text, 1),
        Number::Tokens | Number::In | Number::Out => with_unit(text, &COUNTS),
        Number::Duration | Number::Ttft => with_unit(text, &TIMES),
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, factor) = units.iter().find_map(|(unit, n)| text.strip_suffix(unit).map(|d| (d, *n)))?;
    decimal(digits, factor)
}

/// A decimal number times `factor`; digits too small for a whole number are cut off.
fn decimal(text: &str, factor: u64) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + part.len() == 0
        || !digits(whole)
        || !digits(part)
        || (part.is_empty() && text.ends_with('.'))
    {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let part = &part[..part.len().min(18)];
    let scale = 10_u128.pow(part.len() as u32);
    let part = if part.is_empty() { 0 } else { part.parse::<u128>().ok()? };
    let part = u64::try_from(part * u128::from(factor) / scale).ok()?;
    whole.checked_mul(factor)?.checked_add(part)
}

/// As [`parse`] reads it.
pub(super) fn print(number: Number, value: u64) -> String {
    match number {
        Number::Cost => {
            let text = format!("{}.{:09}", value / DOLLAR, value % DOLLAR);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Number::Duration | Number::Ttft if value.is_multiple_of(1_000) => format!("{}s", value / 1_000),
        Number::Duration | Number::Ttft => format!("{value}ms"),
        _ => value.to_string(),
    }
}

/// What is accepted, for messages.
pub(super) fn example(number: Number) -> &'static str {
    match number {
        Number::Status => "a status like 529 or 5xx",
        Number::Attempts => "a count like 2",
        Number::Cost => "dollars like 0.10",
        Number::Tokens | Number::In | Number::Out => "a count like 500, 100k or 2M",
        Number::Duration | Number::Ttft => "a time like 800ms, 10s or 2m",
    }
}
