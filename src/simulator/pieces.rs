//! Bytes with cut marks: one buffer, and the places where it may be cut.
//!
//! A stream body is rendered once into one buffer; each event ends at a mark. Everything later (cutting the body short,
//! encoding it, writing it event by event or in blocks) only moves marks, so a stream of 100,000 events costs two
//! allocations and no copy per event.
//!
//! Clones share the buffer; whoever only moves marks never copies it.
//!
//! Rule: marks only grow; bytes behind the last mark do not count.

use std::sync::Arc;

/// A buffer and the end offset of each piece in it.
#[derive(Debug, Default, Clone)]
pub(super) struct Pieces {
    bytes: Arc<Vec<u8>>,
    ends: Arc<Vec<usize>>,
}

impl Pieces {
    /// One piece holding all of `bytes`; none when it is empty.
    pub(super) fn whole(bytes: Vec<u8>) -> Self {
        let ends = if bytes.is_empty() { Vec::new() } else { vec![bytes.len()] };
        Self { bytes: Arc::new(bytes), ends: Arc::new(ends) }
    }

    /// Appends one piece, written by `render` at the end of the buffer.
    pub(super) fn push_with(&mut self, render: impl FnOnce(&mut Vec<u8>)) {
        let length = self.length();
        let bytes = Arc::make_mut(&mut self.bytes);
        bytes.truncate(length);
        render(bytes);
        Arc::make_mut(&mut self.ends).push(bytes.len());
    }

    /// Appends a copy of `piece`.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.push_with(|out| out.extend_from_slice(piece));
    }

    /// How many pieces there are.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes there are in all pieces together.
    pub(super) fn length(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// All bytes together.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length()).unwrap_or_default()
    }

    /// The offset just behind piece `index`.
    pub(super) fn end_of(&self, index: usize) -> Option<usize> {
        self.ends.get(index).copied()
    }

    /// The pieces in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter()).map(|(start, &end)| self.bytes.get(start..end).unwrap_or_default())
    }

    /// Drops everything behind the first `count` pieces.
    pub(super) fn keep_pieces(&mut self, count: usize) {
        Arc::make_mut(&mut self.ends).truncate(count);
    }

    /// Drops everything behind the first `length` bytes; the piece that is cut keeps its first part.
    pub(super) fn keep_bytes(&mut self, length: usize) {
        if length >= self.length() {
            return;
        }
        let ends = Arc::make_mut(&mut self.ends);
        ends.retain(|&end| end < length);
        if length > 0 {
            ends.push(length);
        }
    }

    /// Joins neighbours into blocks of at least `block` bytes (the last one may be smaller).
    pub(super) fn join(&mut self, block: usize) {
        let (mut start, last) = (0, self.length());
        Arc::make_mut(&mut self.ends).retain(|&end| {
            let keep = end - start >= block || end == last;
            if keep {
                start = end;
            }
            keep
        });
    }

    /// Takes the last `count` bytes off the end: a final newline, say.
    pub(super) fn trim_end(&mut self, count: usize) {
        self.keep_bytes(self.length().saturating_sub(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abc() -> Pieces {
        let mut pieces = Pieces::default();
        for piece in ["aa", "bbb", "c"] {
            pieces.push(piece.as_bytes());
        }
        pieces
    }

    fn shown(pieces: &Pieces) -> Vec<String> {
        pieces.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
    }

    #[test]
    fn cutting_by_pieces_and_by_bytes() {
        let mut cut = abc();
        cut.keep_pieces(2);
        assert_eq!(shown(&cut), ["aa", "bbb"]);
        let mut cut = abc();
        cut.keep_bytes(3);
        assert_eq!(shown(&cut), ["aa", "b"]);
        cut.keep_bytes(2);
        assert_eq!(shown(&cut), ["aa"]);
        cut.keep_bytes(0);
        assert_eq!(cut.count(), 0);
    }

    #[test]
    fn joining_keeps_every_byte() {
        let mut joined = abc();
        joined.join(4);
        assert_eq!(shown(&joined), ["aabbb", "c"]);
        joined.join(64);
        assert_eq!(shown(&joined), ["aabbbc"]);
    }

    #[test]
    fn trimming_the_end_takes_whole_pieces_too() {
        let mut trimmed = abc();
        trimmed.trim_end(2);
        assert_eq!(shown(&trimmed), ["aa", "bb"]);
        trimmed.push(b"new");
        assert_eq!(trimmed.bytes(), b"aabbnew");
    }
}
