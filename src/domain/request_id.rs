//! What people call a request by, in logs, answers and on screen.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a request: `req-` and eight hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, utoipa::ToSchema)]
#[schema(value_type = String, pattern = "^req-[0-9a-f]{8}$", example = "req-7f3a21bc")]
pub struct RequestId(u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"req-00000000";
        for (place, digit) in text[4..].iter_mut().rev().zip(0..) {
            *place = b"0123456789abcdef"[(self.0 >> (4 * digit) & 0xF) as usize];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl RequestId {
    /// The number behind it.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The id of a number that was stored.
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// Not a request id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a request id (expected req- and eight hex digits)")]
pub struct NotAnId;

impl FromStr for RequestId {
    type Err = NotAnId;

    fn from_str(s: &str) -> Result<Self, NotAnId> {
        let hex = s.strip_prefix("req-").filter(|h| h.len() == 8).ok_or(NotAnId)?;
        u32::from_str_radix(hex, 16).map(Self).map_err(|_| NotAnId)
    }
}
