//! Stored values as bytes: a version byte, then the layout of that version in postcard.
//!
//! | value | versions |
//! |---|---|
//! | [`Row`] | 1 |
//! | [`OpenRow`] | 1 |
//! | [`Totals`] | 1 |
//! | story (lines of text) | 1 |

use serde::Serialize;

use super::row::{OpenRow, Row};
use super::totals::Totals;

/// A stored value that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Nothing is there.
    #[error("an empty value")]
    Empty,
    /// A later program wrote it.
    #[error("a value of version {0}, which this program does not know: it was written by a later one")]
    Version(u8),
    /// It is damaged.
    #[error("a damaged value: {0}")]
    Damaged(#[from] postcard::Error),
}

/// A value with a place in the store.
pub trait Stored: Sized {
    /// As bytes of the newest version.
    ///
    /// # Errors
    /// When the value cannot be encoded, which none of ours is.
    fn encode(&self) -> Result<Vec<u8>, CodecError>;

    /// From bytes of any version.
    ///
    /// # Errors
    /// When they are damaged or from a later program.
    fn decode(bytes: &[u8]) -> Result<Self, CodecError>;
}

/// What every version so far has in common: layout 1.
macro_rules! stored {
    ($($type:ty),+) => { $(
        impl Stored for $type {
            fn encode(&self) -> Result<Vec<u8>, CodecError> {
                encode(1, self)
            }

            fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
                Ok(postcard::from_bytes(layout_1(bytes)?)?)
            }
        }
    )+ };
}

stored!(Row, OpenRow, Totals, Vec<String>);

fn encode<T: Serialize>(version: u8, value: &T) -> Result<Vec<u8>, CodecError> {
    Ok(postcard::to_extend(value, vec![version])?)
}

/// What follows the version byte of a value in layout 1.
///
/// # Errors
/// When there is nothing, or another layout.
pub(super) fn layout_1(bytes: &[u8]) -> Result<&[u8], CodecError> {
    match bytes.split_first() {
        Some((1, rest)) => Ok(rest),
        Some((version, _)) => Err(CodecError::Version(*version)),
        None => Err(CodecError::Empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::request::Class;
    use crate::events::State;
    use crate::store::testing::row;

    #[test]
    fn rows_come_back_and_strangers_are_refused() {
        for (class, state) in [(Class::Other, State::Interrupted), (Class::Files, State::Cancelled)] {
            let row = Row { class, state, ..row(7, "2026-11-23T10:20:30Z", "m", "a") };
            let bytes = row.encode().unwrap();
            assert_eq!(Row::decode(&bytes).unwrap(), row);
            assert!(Row::decode(&bytes[..bytes.len() / 2]).is_err());
        }
        assert!(matches!(Row::decode(&[2, 0]), Err(CodecError::Version(2))));
        assert!(matches!(Row::decode(&[]), Err(CodecError::Empty)));
    }
}
