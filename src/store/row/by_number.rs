//! Numbers that stand for enum values in the file. They never change.

use serde::{Deserialize, Deserializer, Serializer, de, ser};

use crate::claude::request::Class;
use crate::events::State;

/// An enum with a fixed number for each value.
pub(super) trait Numbered: Sized + Copy + PartialEq + 'static {
    /// Each value with its number.
    const ALL: &'static [(Self, u8)];
}

impl Numbered for State {
    const ALL: &'static [(Self, u8)] =
        &[(Self::Completed, 0), (Self::Failed, 1), (Self::Cancelled, 2), (Self::Interrupted, 3)];
}

impl Numbered for Class {
    const ALL: &'static [(Self, u8)] = &[
        (Self::Messages, 0),
        (Self::CountTokens, 1),
        (Self::Models, 2),
        (Self::Batches, 3),
        (Self::Files, 4),
        (Self::Other, 255),
    ];
}

pub(super) fn serialize<T: Numbered, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    // One that nobody could read again must not get into the file.
    let numbered = T::ALL.iter().find(|(v, _)| v == value);
    s.serialize_u8(numbered.ok_or_else(|| ser::Error::custom("a value without a number"))?.1)
}

pub(super) fn deserialize<'de, T: Numbered, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    let number = u8::deserialize(d)?;
    let known = T::ALL.iter().find(|(_, n)| *n == number);
    known.map(|(v, _)| *v).ok_or_else(|| de::Error::custom(format!("unknown number {number}")))
}
