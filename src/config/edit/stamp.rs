//! Versions of a file. As text, and in JSON, `00c0ffee00c0ffee-1234`: a hash in 16 hex digits and the length. The numbers
//! would not survive a reader whose numbers are floating point.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Tells versions of a file apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp(u64, usize);

impl Stamp {
    /// The stamp of a text.
    pub fn of(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish(), text.len())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.0, self.1)
    }
}

/// Not the version of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the version of a file: pass the one that came with the review, unchanged")]
pub struct NotAStamp;

impl FromStr for Stamp {
    type Err = NotAStamp;

    fn from_str(text: &str) -> Result<Self, NotAStamp> {
        let (hash, length) = text.split_once('-').filter(|(hash, _)| hash.len() == 16).ok_or(NotAStamp)?;
        let hash = u64::from_str_radix(hash, 16).map_err(|_| NotAStamp)?;
        Ok(Self(hash, length.parse().map_err(|_| NotAStamp)?))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_come_back_and_nothing_else_does() {
        for text in ["", "endpoints: []", "x"] {
            let stamp = Stamp::of(text);
            assert_eq!(stamp.to_string().parse(), Ok(stamp));
            let json = serde_json::to_string(&stamp).unwrap();
            assert_eq!(serde_json::from_str::<Stamp>(&json).unwrap(), stamp);
        }
        for text in ["", "12-3", "00c0ffee00c0ffee", "00c0ffee00c0ffee-x", "zzzzzzzzzzzzzzzz-1"] {
            assert_eq!(text.parse::<Stamp>(), Err(NotAStamp), "{text}");
        }
    }
}
