//! Requests as files: CSV, a JSON array, or a JSON object a line. Oldest first, without a cap, in constant memory.
//!
//! All three hold the columns of [`columns`]; JSON also the attempts. What is exported is what was committed when the
//! [`Reader`] was made. An export reads and writes for as long as it takes, so it is nothing for a thread that must not
//! wait.

pub mod columns;
mod csv;
pub mod json;

use std::io::{self, Write};
use std::str::FromStr;

use super::StoreError;
use super::filter::Filter;
use super::query::Reader;
use super::row::Row;

/// Rows between two reports of progress.
const REPORT_EVERY: u64 = 1_000;

/// How an export is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// RFC 4180, with a header line, in UTF-8 without a mark at the start.
    Csv,
    /// One array of objects; `[]` without any.
    Json,
    /// An object a line.
    Ndjson,
}

impl Format {
    /// The ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    /// The type of the content in HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Not a format.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not an export format: expected csv, json or ndjson")]
pub struct NotAFormat(String);

impl FromStr for Format {
    type Err = NotAFormat;

    fn from_str(text: &str) -> Result<Self, NotAFormat> {
        let all = [Self::Csv, Self::Json, Self::Ndjson];
        let found = all.into_iter().find(|format| format.extension() == text);
        found.ok_or_else(|| NotAFormat(text.to_owned()))
    }
}

/// Why an export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was read could not be written.
    #[error("the export could not be written: {0}")]
    Write(#[from] io::Error),
}

/// Writes what the filter matches and returns how many rows that were. `progress` is told the rows written and the rows
/// there are, now and then and at the end. `out` gets many small pieces: it should be buffered. It is flushed at the end.
///
/// # Errors
/// When the store cannot be read or `out` written; what is written then is cut off.
pub fn export(
    reader: &Reader,
    filter: &Filter,
    format: Format,
    out: &mut dyn Write,
    progress: impl FnMut(u64, u64),
) -> Result<u64, ExportError> {
    export_where(reader, filter, format, out, |_| Ok(true), progress)
}

/// As [`export`], of those rows alone that `wanted` says yes to. `progress` is told the rows it was asked about.
///
/// # Errors
/// As [`export`]; and what `wanted` says, which ends the export.
pub fn export_where(
    reader: &Reader,
    filter: &Filter,
    format: Format,
    out: &mut dyn Write,
    mut wanted: impl FnMut(&Row) -> io::Result<bool>,
    mut progress: impl FnMut(u64, u64),
) -> Result<u64, ExportError> {
    let (total, mut seen) = (reader.count(filter)?, 0);
    let mut output = Output::begin(format, out)?;
    reader.each(filter, |row| {
        if wanted(&row)? {
            output.add(&row)?;
        }
        seen += 1;
        if seen % REPORT_EVERY == 0 && seen < total {
            progress(seen, total);
        }
        Ok::<(), ExportError>(())
    })?;
    let written = output.end()?;
    progress(seen, total);
    Ok(written)
}

/// An export that is being written, row by row.
pub struct Output<W: Write> {
    form: Form<W>,
    written: u64,
}

enum Form<W: Write> {
    Table(Box<csv::Table<W>>),
    List(json::List<W>),
}

impl<W: Write> Output<W> {
    /// Begins one. `out` gets many small pieces: it should be buffered.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn begin(format: Format, out: W) -> io::Result<Self> {
        let form = match format {
            Format::Csv => Form::Table(Box::new(csv::Table::begin(out)?)),
            Format::Json | Format::Ndjson => Form::List(json::List::begin(out, format == Format::Json)?),
        };
        Ok(Self { form, written: 0 })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn add(&mut self, row: &Row) -> io::Result<()> {
        self.written += 1;
        match &mut self.form {
            Form::Table(table) => table.add(row),
            Form::List(list) => list.add(row),
        }
    }

    /// Writes what is left and returns how many rows there are. `out` is flushed.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn end(self) -> io::Result<u64> {
        match self.form {
            Form::Table(table) => table.end()?,
            Form::List(list) => list.end()?,
        }
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests;
