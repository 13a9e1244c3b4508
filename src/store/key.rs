//! The keys of the store's tables, as bytes that sort in the order the queries walk them.
//!
//! | key | bytes |
//! |---|---|
//! | [`RowKey`] | acceptance in microseconds, 8 big-endian; request id, 4 |
//! | [`BucketKey`] | start of the bucket in seconds, 8 big-endian; each name as length (2) and bytes |
//!
//! Times before 1970 do not occur and are kept as 1970.

use jiff::Timestamp;

use crate::events::{RequestId, RequestRecord};

/// Where a request's row stands: by acceptance, then by id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowKey {
    /// Acceptance, microseconds since 1970.
    pub at_us: u64,
    /// Whose.
    pub id: RequestId,
}

impl RowKey {
    /// Where the row of this request stands, or would.
    pub fn of(record: &RequestRecord) -> Self {
        Self { at_us: micros(record.accepted), id: record.id }
    }

    /// Length in bytes.
    pub const LEN: usize = 12;

    /// The key of a request accepted at `at`.
    pub fn new(at: Timestamp, id: RequestId) -> Self {
        Self { at_us: micros(at), id }
    }

    /// As stored.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.at_us.to_be_bytes());
        bytes[8..].copy_from_slice(&self.id.number().to_be_bytes());
        bytes
    }

    /// From what was stored.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
        let at_us = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Self { at_us, id: RequestId::from_number(u32::from_be_bytes([i, j, k, l])) }
    }

    /// The smallest key after this one.
    pub fn next(self) -> Self {
        match self.id.number().checked_add(1) {
            Some(id) => Self { id: RequestId::from_number(id), ..self },
            None => Self { at_us: self.at_us.saturating_add(1), id: RequestId::from_number(0) },
        }
    }

    /// The smallest key at or after `at`.
    pub fn first_at(at: Timestamp) -> Self {
        Self { at_us: micros(at), id: RequestId::from_number(0) }
    }
}

/// Microseconds since 1970.
pub fn micros(at: Timestamp) -> u64 {
    u64::try_from(at.as_microsecond()).unwrap_or(0)
}

/// The instant `us` microseconds after 1970; the latest there is when that is beyond the calendar.
pub fn instant(us: u64) -> Timestamp {
    i64::try_from(us).ok().and_then(|us| Timestamp::from_microsecond(us).ok()).unwrap_or(Timestamp::MAX)
}

/// One bucket of a rollup: a stretch of time and the names its sums are about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BucketKey<const N: usize> {
    /// Start of the hour or day, seconds since 1970.
    pub start: u64,
    /// What the sums are about.
    pub names: [String; N],
}

impl<const N: usize> BucketKey<N> {
    /// As stored. Names are cut at 65,535 bytes, far beyond what a row keeps.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.names.iter().map(|n| n.len() + 2).sum::<usize>());
        bytes.extend_from_slice(&self.start.to_be_bytes());
        for name in &self.names {
            let len = u16::try_from(name.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(&name.as_bytes()[..usize::from(len)]);
        }
        bytes
    }

    /// From what was stored; nothing when the bytes are no such key.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (start, names) = bucket_parts(bytes)?;
        Some(Self { start, names: names.map(|name| String::from_utf8_lossy(name).into_owned()) })
    }
}

/// Start and names of a stored bucket's key, in place; nothing when the bytes are no such key.
pub fn bucket_parts<const N: usize>(bytes: &[u8]) -> Option<(u64, [&[u8]; N])> {
    let (start, mut rest) = bytes.split_first_chunk()?;
    let mut names = [[].as_slice(); N];
    for name in &mut names {
        let (len, after) = rest.split_first_chunk()?;
        (*name, rest) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    }
    Some((u64::from_be_bytes(*start), names))
}

/// The smallest key of buckets that start at or after `start` seconds.
pub fn bucket_floor(start: u64) -> [u8; 8] {
    start.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_keys_sort_by_time_then_id_and_come_back() {
        let key = |at_us, id| RowKey { at_us, id: RequestId::from_number(id) };
        let keys = [key(0, 9), key(1, 0), key(1, 7), key(256, 1), key(u64::MAX, 0)];
        let bytes: Vec<_> = keys.iter().map(|k| k.to_bytes()).collect();
        assert!(bytes.is_sorted());
        assert!(keys.iter().zip(&bytes).all(|(k, b)| RowKey::from_bytes(b) == *k));
    }

    #[test]
    fn bucket_keys_come_back_whatever_the_names_hold() {
        let key = BucketKey { start: 3600, names: ["a\0b".into(), String::new(), "é".into()] };
        let bytes = key.to_bytes();
        assert_eq!(BucketKey::<3>::from_bytes(&bytes), Some(key));
        assert_eq!(BucketKey::<3>::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert!(bucket_floor(3600).as_slice() < bytes.as_slice());
    }
}
