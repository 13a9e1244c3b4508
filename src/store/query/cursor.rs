//! Where a list of requests goes on.
//!
//! A cursor names the last row that was shown, so rows that are written or removed meanwhile neither repeat nor hide
//! others. Its text form is opaque to clients: 24 hex digits of the row's key.

use std::fmt;
use std::str::FromStr;

use crate::store::key::RowKey;

/// The last row of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor(RowKey);

impl Cursor {
    /// Goes on after the row at `key`.
    pub fn after(key: RowKey) -> Self {
        Self(key)
    }

    /// The row's key.
    pub fn key(self) -> RowKey {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not a cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a cursor: pass the one that came with the page before, unchanged")]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut bytes = [0; RowKey::LEN];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotACursor);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| NotACursor)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotACursor)?;
        }
        Ok(Self(RowKey::from_bytes(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::RequestId;

    #[test]
    fn cursors_come_back_and_nothing_else_does() {
        let cursor = Cursor(RowKey { at_us: 1_795_000_000_123_456, id: RequestId::from_number(0xfeed) });
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in
            ["", "12", "+a0000000000000000000000", "zz0000000000000000000000", "é00000000000000000000000"]
        {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
