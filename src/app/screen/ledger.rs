//! What the screen asks of the ledger. Every question reads the disk: to be asked where waiting holds nobody up.

use std::fs::File;
use std::io::{self, BufWriter};

use super::file::NewFile;
use crate::store::query::Reader;
use crate::store::row::Row;
use crate::store::{Store, StoreError, export};
use crate::tui::request::Entry;
use crate::tui::source::{ExportJob, NoUsage, Usage, UsageQuery};

/// The sums of a query.
///
/// # Errors
/// Without a ledger, and when it cannot be read.
pub(super) fn usage(store: Option<&Store>, query: &UsageQuery) -> Result<Box<Usage>, NoUsage> {
    let store = store.ok_or(NoUsage::NoLedger)?;
    let read = || {
        let reader = reader(store)?;
        let bars = reader.stats(&query.filter, query.bars)?;
        Ok(Box::new(Usage { table: reader.stats(&query.filter, query.by)?, bars }))
    };
    read().map_err(|error: StoreError| NoUsage::Failed(error.to_string()))
}

fn reader(store: &Store) -> Result<Reader, StoreError> {
    Reader::of(&store.disk().begin_read()?, store.clock().clone())
}

/// Writes an export and returns how many requests it has.
///
/// # Errors
/// Without a ledger, when it cannot be read, when the file exists, or cannot be written. Then there is no new file.
pub(super) fn write(store: Option<&Store>, job: &ExportJob) -> Result<u64, String> {
    let store = store.ok_or("nothing is recorded: there is no ledger")?;
    let mut file = NewFile::create(&job.path)?;
    let rows = written(store, job, file.out())?;
    file.publish()?;
    Ok(rows)
}

fn written(store: &Store, job: &ExportJob, out: &mut BufWriter<File>) -> Result<u64, String> {
    let reader = reader(store).map_err(|error| error.to_string())?;
    let progress = |done, total| job.progress.report(done, total);
    export::export_where(&reader, &job.what.filter, job.format, out, |row| wanted(job, row), progress)
        .map_err(|error| error.to_string())
}

/// True for a row, of those that its filter of the ledger lets through, that belongs into the export.
///
/// # Errors
/// When nobody wants the export any more.
pub(in crate::app) fn wanted(job: &ExportJob, row: &Row) -> io::Result<bool> {
    let log = &job.what.log;
    match job.progress.is_cancelled() {
        true => Err(io::Error::other("cancelled")),
        false => Ok(log.is_empty() || log.fits(&Entry::of_row(row))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::super::testing::{record, settled};
    use super::*;
    use crate::store::export::Format;
    use crate::store::filter::Filter as Stored;
    use crate::store::query::By;
    use crate::tui::filter::Filter;
    use crate::tui::source::ExportProgress;

    fn job(path: PathBuf, format: Format) -> ExportJob {
        ExportJob { what: Box::default(), format, path, progress: Arc::new(ExportProgress::default()) }
    }

    #[test]
    fn sums_come_from_the_file_and_a_missing_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = settled(folder.path(), (1..=3).map(record));
        let query = UsageQuery { filter: Stored::default(), by: By::Model, bars: By::Day };
        let found = usage(Some(&store), &query).unwrap();
        assert_eq!(found.table.totals.requests, 3);
        assert_eq!(found.bars.totals, found.table.totals);
        assert_eq!(usage(None, &query), Err(NoUsage::NoLedger));
        store.close();
        assert!(matches!(usage(Some(&store), &query), Err(NoUsage::Failed(_))));
    }

    #[test]
    fn an_export_is_whole_private_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = settled(folder.path(), (1..=3).map(record));
        let path = folder.path().join("out.ndjson");
        let job = job(path.clone(), Format::Ndjson);
        assert_eq!(write(Some(&store), &job), Ok(3));
        assert_eq!(job.progress.get(), (3, 3));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again = write(Some(&store), &job).unwrap_err();
        assert!(again.contains("out.ndjson exists already"), "{again}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        fs::read_dir(folder).unwrap().map(name).filter(|name| !name.starts_with("usage.redb")).collect()
    }

    #[test]
    fn a_failed_export_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = settled(folder.path(), (1..=3).map(record));
        let nowhere = write(Some(&store), &job(folder.path().join("no/out.csv"), Format::Csv)).unwrap_err();
        assert!(nowhere.starts_with("cannot write "), "{nowhere}");
        store.close();
        write(Some(&store), &job(folder.path().join("out.csv"), Format::Csv)).unwrap_err();
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn a_cancelled_export_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = settled(folder.path(), (1..=3).map(record));
        for format in [Format::Csv, Format::Json, Format::Ndjson] {
            let job = job(folder.path().join("out"), format);
            job.progress.cancel();
            let why = write(Some(&store), &job).unwrap_err();
            assert!(why.contains("cancelled"), "{why}");
            assert_eq!(names(folder.path()), [""; 0]);
        }
    }

    #[test]
    fn the_filter_of_the_log_looks_at_each_request() {
        let folder = tempfile::tempdir().unwrap();
        let store = settled(folder.path(), (1..=3).map(record));
        let path = folder.path().join("out.csv");
        let mut job = job(path.clone(), Format::Csv);
        job.what.log = Filter::parse("!id:00000002 state:completed").unwrap();
        assert_eq!(write(Some(&store), &job), Ok(2));
        assert_eq!(job.progress.get(), (3, 3), "looked at");
        let text = fs::read_to_string(&path).unwrap();
        let ids: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        assert_eq!(ids, ["req-00000001", "req-00000003"]);
    }
}
