//! Many requests: an array, or a line each.

use std::io::{self, Write};

use super::RowView;
use crate::store::row::Row;

/// A list that is being written.
pub(in crate::store::export) struct List<W: Write> {
    out: W,
    array: bool,
    empty: bool,
}

impl<W: Write> List<W> {
    /// Begins an array, or lines.
    pub(in crate::store::export) fn begin(mut out: W, array: bool) -> io::Result<Self> {
        out.write_all(if array { b"[" } else { b"" })?;
        Ok(Self { out, array, empty: true })
    }

    /// Writes one.
    pub(in crate::store::export) fn add(&mut self, row: &Row) -> io::Result<()> {
        let before: &[u8] = match (self.array, self.empty) {
            (true, true) => b"\n",
            (true, false) => b",\n",
            (false, _) => b"",
        };
        self.out.write_all(before)?;
        self.empty = false;
        serde_json::to_writer(&mut self.out, &RowView::of(row))?;
        self.out.write_all(if self.array { b"" } else { b"\n" })
    }

    /// Ends the array, and flushes.
    pub(in crate::store::export) fn end(mut self) -> io::Result<()> {
        self.out.write_all(match (self.array, self.empty) {
            (true, true) => b"]\n",
            (true, false) => b"\n]\n",
            (false, _) => b"",
        })?;
        self.out.flush()
    }
}
