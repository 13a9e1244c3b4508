//! Requests as a table for spreadsheets and scripts.
//!
//! Text that clients and endpoints chose may begin like a formula, which a spreadsheet would run. Such a cell gets an
//! apostrophe in front: it begins with `=`, `+`, `-`, `@`, a tab or a line break. Numbers and times of ours never do.

use std::fmt::Write as _;
use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};

use super::columns::{COLUMNS, Facts, Value};
use crate::store::key::instant;
use crate::store::row::Row;

/// A table that is being written.
pub(super) struct Table<W: Write> {
    out: Writer<W>,
    cell: String,
}

impl<W: Write> Table<W> {
    /// Writes the header.
    pub(super) fn begin(out: W) -> io::Result<Self> {
        let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        out.write_record(COLUMNS.iter().map(|column| column.name))?;
        Ok(Self { out, cell: String::new() })
    }

    /// Writes a line.
    pub(super) fn add(&mut self, row: &Row) -> io::Result<()> {
        let facts = Facts::of(row);
        for column in &COLUMNS {
            self.cell.clear();
            show(&(column.of)(&facts), &mut self.cell);
            self.out.write_field(&self.cell)?;
        }
        self.out.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Writes what is buffered.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn show(value: &Value<'_>, cell: &mut String) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Missing => Ok(()),
        Value::Text(text) => {
            if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
                cell.push('\'');
            }
            cell.push_str(text);
            Ok(())
        }
        Value::Id(id) => write!(cell, "{id}"),
        Value::Address(address) => write!(cell, "{address}"),
        Value::Count(count) => write!(cell, "{count}"),
        Value::Length(us) => write!(cell, "{}", *us as f64 / 1e3),
        Value::Instant(us) => write!(cell, "{:.6}", instant(*us)),
        Value::Usd(amount) => write!(cell, "{amount}"),
        Value::Flag(flag) => write!(cell, "{flag}"),
    };
}
