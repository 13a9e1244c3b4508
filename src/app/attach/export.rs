//! Exports from a forwarder elsewhere: its rows come over, the file is written here.
//!
//! They come as a JSON object a line, whatever the file is to be, and are read back and written by what writes exports
//! there: the same file comes out. So the filters of the screen hold that the ledger there knows nothing of, the rows are
//! counted, and an export can be cancelled between two of them.

use std::io::{self, Write};

use super::answers::Counted;
use super::query;
use super::wire::Wire;
use crate::app::screen::{NewFile, wanted};
use crate::store::export::Output;
use crate::store::export::json::ReadRow;
use crate::tui::source::ExportJob;

/// Rows between two reports of progress.
const REPORT_EVERY: u64 = 1_000;
/// Longer lines are no rows.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Writes an export and returns how many requests it has.
///
/// # Errors
/// When the forwarder does not give it, nobody wants it any more, or the file cannot be written. Then there is none.
pub(super) async fn write(wire: &Wire, job: &ExportJob) -> Result<u64, String> {
    let query = query::filter(&job.what.filter);
    let counted = wire.get::<Counted>("/api/v1/usage/requests", &format!("limit=1&{query}")).await;
    let Counted { total } = counted.map_err(|error| error.to_string())?;
    job.progress.report(0, total);
    let mut file = NewFile::create(&job.path)?;
    let mut rows = Rows::begin(job, total, file.out()).map_err(|error| error.to_string())?;
    let query = format!("format=ndjson&{query}");
    let got = wire.client().download("/api/v1/usage/export", &query, |piece| rows.take(piece)).await;
    got.map_err(|error| error.to_string())?;
    let written = rows.end().map_err(|error| error.to_string())?;
    file.publish()?;
    Ok(written)
}

/// Rows that come in pieces.
struct Rows<'j, W: Write> {
    job: &'j ExportJob,
    output: Output<W>,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    seen: u64,
    total: u64,
}

impl<'j, W: Write> Rows<'j, W> {
    fn begin(job: &'j ExportJob, total: u64, out: W) -> io::Result<Self> {
        Ok(Self { job, output: Output::begin(job.format, out)?, line: Vec::new(), seen: 0, total })
    }

    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.row()?;
                self.line.clear();
            } else if self.line.len() > MAX_LINE {
                return Err(io::Error::other("a row is longer than any real one"));
            }
        }
        Ok(())
    }

    fn row(&mut self) -> io::Result<()> {
        let unreadable = |error| io::Error::other(format!("a row cannot be read: {error}"));
        let ReadRow(row) = serde_json::from_slice(&self.line).map_err(unreadable)?;
        if wanted(self.job, &row)? {
            self.output.add(&row)?;
        }
        self.seen += 1;
        if self.seen.is_multiple_of(REPORT_EVERY) {
            self.job.progress.report(self.seen, self.total.max(self.seen));
        }
        Ok(())
    }

    fn end(self) -> io::Result<u64> {
        if !self.line.is_empty() {
            return Err(io::Error::other("the last row is cut off"));
        }
        self.job.progress.report(self.seen, self.seen);
        self.output.end()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::export::Format;
    use crate::store::export::json::RowView;
    use crate::store::row::Row;
    use crate::store::testing::row;
    use crate::tui::source::ExportProgress;

    fn job(format: Format) -> ExportJob {
        let progress = Arc::new(ExportProgress::default());
        ExportJob { what: Box::default(), format, path: "x".into(), progress }
    }

    fn rows() -> Vec<Row> {
        ["2026-11-23T10:00:00Z", "2026-11-23T11:00:00.25Z"].map(|at| row(7, at, "m", "a")).to_vec()
    }

    fn lines() -> String {
        rows().iter().map(|row| serde_json::to_string(&RowView::of(row)).unwrap() + "\n").collect()
    }

    fn written(job: &ExportJob, pieces: &[&[u8]]) -> io::Result<(u64, String)> {
        let mut out = Vec::new();
        let mut rows = Rows::begin(job, 2, &mut out)?;
        pieces.iter().try_for_each(|piece| rows.take(piece))?;
        let count = rows.end()?;
        Ok((count, String::from_utf8(out).unwrap()))
    }

    #[test]
    fn the_file_is_the_one_that_is_written_there_however_the_rows_come() {
        let text = lines();
        for format in [Format::Csv, Format::Json, Format::Ndjson] {
            let mut expected = Vec::new();
            let mut output = Output::begin(format, &mut expected).unwrap();
            rows().iter().for_each(|row| output.add(row).unwrap());
            assert_eq!(output.end().unwrap(), 2);
            let expected = (2, String::from_utf8(expected).unwrap());
            assert_eq!(written(&job(format), &[text.as_bytes()]).unwrap(), expected);
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(7).collect();
            let job = job(format);
            assert_eq!(written(&job, &pieces).unwrap(), expected);
            assert_eq!(job.progress.get(), (2, 2));
        }
    }

    #[test]
    fn what_is_cut_or_cancelled_is_no_export() {
        let text = lines();
        let cut = written(&job(Format::Csv), &[&text.as_bytes()[..text.len() - 9]]).unwrap_err();
        assert_eq!(cut.to_string(), "the last row is cut off");
        assert!(written(&job(Format::Csv), &[b"{}\n"]).unwrap_err().to_string().contains("cannot be read"));
        let job = job(Format::Csv);
        job.progress.cancel();
        assert_eq!(written(&job, &[text.as_bytes()]).unwrap_err().to_string(), "cancelled");
    }

    #[test]
    fn filters_that_only_the_screen_knows_hold() {
        let mut job = job(Format::Ndjson);
        job.what.log = crate::tui::filter::Filter::parse("endpoint:other").unwrap();
        let (count, text) = written(&job, &[lines().as_bytes()]).unwrap();
        assert_eq!((count, text.as_str(), job.progress.get()), (0, "", (2, 2)));
    }
}
