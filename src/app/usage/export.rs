//! `export`: requests into a file or the standard output, with a progress bar where somebody watches.
//!
//! A file appears whole: it is written beside its place and renamed at the end. A reader of the standard output that has
//! gone ends the export in peace.

use std::fs;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::Question;
use super::ledger::{Ledger, Progress};
use crate::app::reach::say;
use crate::cli::{EXIT_OK, ExportArgs};
use crate::files;

/// Runs it.
///
/// # Errors
/// When the ledger cannot be reached, the question makes no sense, or the output cannot be written.
pub(super) fn run(args: &ExportArgs) -> anyhow::Result<u8> {
    let mut asked = Question::default();
    asked.span(&args.span);
    asked.which(&args.which);
    let (query, format) = (asked.query(), args.format.name());
    let ledger = Ledger::open(&args.reach)?;
    let mut bar = Bar::new(args.output.is_some());
    match &args.output {
        Some(path) => {
            let size = into_file(path, |out| ledger.export(format, &query, out, |at| bar.show(at)))?;
            bar.end();
            say(&format!("wrote {} ({size} bytes)", path.display()))?;
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let written = ledger.export(format, &query, &mut out, |at| bar.show(at));
            bar.end();
            quietly(written.and_then(|()| Ok(out.flush()?)))?;
        }
    }
    Ok(EXIT_OK)
}

/// A reader that has gone is no error.
fn quietly(written: anyhow::Result<()>) -> anyhow::Result<()> {
    let gone = |error: &anyhow::Error| {
        let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
        io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    match written {
        Err(error) if gone(&error) => Ok(()),
        written => written,
    }
}

/// Writes a file that appears whole; its size in bytes.
fn into_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let mut name = path.file_name().with_context(|| format!("{} names no file", path.display()))?.to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let part = Part(path.with_file_name(name));
    let cannot = || format!("cannot write {}", path.display());
    let mut out = BufWriter::new(files::create(&part.0).with_context(cannot)?);
    write(&mut out).with_context(cannot)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(cannot)?;
    file.sync_all().with_context(cannot)?;
    let size = file.metadata().with_context(cannot)?.len();
    fs::rename(&part.0, path).with_context(cannot)?;
    Ok(size)
}

/// A file that goes unless it was renamed.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Shows how far it is, on stderr, if that is a terminal and the data do not run over it.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new(into_file: bool) -> Self {
        let watched = io::stderr().is_terminal() && (into_file || !io::stdout().is_terminal());
        Self(watched.then(ProgressBar::new_spinner))
    }

    fn show(&mut self, at: Progress) {
        let Some(bar) = &self.0 else { return };
        match at {
            Progress::Rows(done, total) => {
                if bar.length() != Some(total) {
                    bar.set_length(total);
                    bar.set_style(style("{bar:30} {pos}/{len} requests, {per_sec}, {eta} left"));
                }
                bar.set_position(done);
            }
            Progress::Bytes(bytes) => {
                if bar.position() == 0 {
                    bar.set_style(style("{spinner} {bytes}, {bytes_per_sec}"));
                }
                bar.set_position(bytes);
            }
        }
    }

    fn end(&self) {
        self.0.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// The templates are ours and right; a wrong one would only look plain.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
