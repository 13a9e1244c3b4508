//! Amounts of money, exact to the millionth part of a millionth of a dollar: [`PicoUsd`].
//!
//! Prices are micro-dollars per million tokens, which is pico-dollars per token; so a count times a price is a whole
//! number of pico-dollars, and nothing is rounded before a factor is applied or a person looks.
//!
//! | form | text | used for |
//! |---|---|---|
//! | [`PicoUsd::exact`], `Display`, JSON | `0.0000125`, `4`, `0` | files and machines; reads back as the same amount |
//! | [`PicoUsd::usd`] | `4.81`, `0.00` | people |
//! | [`PicoUsd::pico`] | a whole number of pico-dollars | binary formats |
//!
//! Rules: factors round half to even, once ([`Factor`] multiplies several before that); amounts are never negative;
//! sums and products stay at the largest amount instead of wrapping (it is beyond 10^26 dollars). No amount ever
//! passes through floating point here.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Decimals of an exact amount in dollars.
const DECIMALS: u32 = 12;
/// Pico-dollars in a dollar.
const DOLLAR: u128 = 10_u128.pow(DECIMALS);
/// The factor that changes nothing, in parts per million.
pub const UNCHANGED_PPM: u64 = 1_000_000;

/// An amount in pico-dollars (10^-12 USD), not negative.
///
/// In JSON it is a number with all its decimals (`0.0000125`) and reads from such a number or a string; in binary
/// formats it is a `u128`. Exact JSON works with the readers and writers of `serde_json` on text: on its way through a
/// `serde_json::Value` an amount of more than 15 digits is cut to what an `f64` holds, and it cannot be read from
/// behind `#[serde(flatten)]`, which keeps no digits either.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, utoipa::ToSchema)]
#[schema(value_type = f64, example = 0.0000125)]
pub struct PicoUsd(u128);

impl PicoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount in pico-dollars.
    pub const fn from_pico(pico: u128) -> Self {
        Self(pico)
    }

    /// An amount in micro-dollars.
    pub const fn from_micro_usd(micro: u64) -> Self {
        Self(micro as u128 * 1_000_000)
    }

    /// The amount in pico-dollars.
    pub const fn pico(self) -> u128 {
        self.0
    }

    /// True for nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `count` times the amount.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count as u128))
    }

    /// The difference; nothing when `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount times `ppm` / 1 000 000, rounded half to even.
    #[must_use]
    pub fn scaled_ppm(self, ppm: u64) -> Self {
        self.scaled(Factor::from_ppm(ppm))
    }

    /// The amount times `factor`, rounded half to even.
    #[must_use]
    pub fn scaled(self, factor: Factor) -> Self {
        let Factor { numerator, denominator } = factor;
        // amount * n/d with n = k*d + j and amount = q*d + r is amount*k + q*j + r*j/d: only the last term has a
        // fraction, and r*j < d*d <= 10^36 fits.
        let (k, j) = (numerator / denominator, numerator % denominator);
        let (q, r) = (self.0 / denominator, self.0 % denominator);
        let (below, rest) = (r * j / denominator, r * j % denominator);
        let floor = self.0.saturating_mul(k).saturating_add(q.saturating_mul(j)).saturating_add(below);
        Self(half_even(floor, rest, denominator))
    }

    /// The shortest decimal in dollars that is exactly this amount, such as `0.0000125`, `4` or `0`.
    pub fn exact(self) -> String {
        let text = format!("{}.{:012}", self.0 / DOLLAR, self.0 % DOLLAR);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// Dollars with so many decimals (12 at most), rounded half to even, for people.
    pub fn usd(self, decimals: u32) -> String {
        let decimals = decimals.min(DECIMALS);
        let (unit, per_dollar) = (10_u128.pow(DECIMALS - decimals), 10_u128.pow(decimals));
        let units = half_even(self.0 / unit, self.0 % unit, unit);
        let whole = units / per_dollar;
        match decimals as usize {
            0 => whole.to_string(),
            width => format!("{whole}.{:0width$}", units % per_dollar),
        }
    }
}

/// `floor + rest/whole`, rounded half to even.
fn half_even(floor: u128, rest: u128, whole: u128) -> u128 {
    let up = rest * 2 > whole || (rest * 2 == whole && floor % 2 == 1);
    floor.saturating_add(u128::from(up))
}

/// A product of factors in parts per million, kept exactly until it is applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Factor {
    numerator: u128,
    /// At most 10^18, see [`PicoUsd::scaled`].
    denominator: u128,
}

impl Factor {
    /// `ppm` / 1 000 000.
    pub const fn from_ppm(ppm: u64) -> Self {
        Self { numerator: ppm as u128, denominator: 1_000_000 }
    }

    /// All three factors at once. Their types keep the product within 128 bits.
    pub const fn product(ppm: u64, second_ppm: u32, third_ppm: u32) -> Self {
        Self {
            numerator: ppm as u128 * second_ppm as u128 * third_ppm as u128,
            denominator: 1_000_000_000_000_000_000,
        }
    }
}

impl Add for PicoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for PicoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for PicoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl<'a> Sum<&'a Self> for PicoUsd {
    fn sum<I: Iterator<Item = &'a Self>>(amounts: I) -> Self {
        amounts.copied().sum()
    }
}

/// [`PicoUsd::exact`], padded as asked.
impl fmt::Display for PicoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.exact())
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAnAmount {
    /// It is no decimal number, or negative.
    #[error("must be a decimal number of dollars such as `3` or `0.0000125`, not negative")]
    Malformed,
    /// It has more than twelve decimals that count.
    #[error("must have at most twelve decimals")]
    TooFine,
    /// It is beyond 10^26 dollars.
    #[error("is too large for an amount of money")]
    TooLarge,
}

/// A decimal in dollars, with an exponent if need be (`1.25e-5`), read exactly.
impl FromStr for PicoUsd {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_| NotAnAmount::Malformed)?)
            }
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || mantissa.ends_with('.') {
            return Err(NotAnAmount::Malformed);
        }
        let fraction = fraction.trim_end_matches('0');
        let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| NotAnAmount::TooLarge)?;
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        shifted(digits, i64::from(exponent) + i64::from(DECIMALS) - places).map(Self)
    }
}

/// `digits * 10^places`, if that is a whole number that fits.
fn shifted(digits: u128, places: i64) -> Result<u128, NotAnAmount> {
    if digits == 0 {
        return Ok(0);
    }
    let power = u32::try_from(places.unsigned_abs()).ok().and_then(|n| 10_u128.checked_pow(n));
    match power {
        Some(power) if places >= 0 => digits.checked_mul(power).ok_or(NotAnAmount::TooLarge),
        Some(power) if digits.is_multiple_of(power) => Ok(digits / power),
        None if places >= 0 => Err(NotAnAmount::TooLarge),
        _ => Err(NotAnAmount::TooFine),
    }
}

impl Serialize for PicoUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_u128(self.0);
        }
        RawValue::from_string(self.exact()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PicoUsd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(Self);
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = match raw.get() {
            quoted if quoted.starts_with('"') => serde_json::from_str(quoted).map_err(D::Error::custom)?,
            number => number.to_owned(),
        };
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
