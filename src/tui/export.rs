//! Exporting requests of the ledger to a file: asking for the path, following the progress, telling the result. One at a
//! time, from whatever screen; `Esc` on the screens that show it ends one that runs.

use std::path::PathBuf;
use std::sync::Arc;

use super::model::{Intent, Model};
use super::msg::Effect;
use super::source::{Ask, ExportJob, ExportProgress, Selection};
use super::today;
use super::update::prompt;
use crate::domain::words::counted;
use crate::store::export::Format;

/// Why nothing can be exported without a ledger.
pub const NO_LEDGER: &str = "nothing is recorded: there is no ledger (usage_tracking.enabled)";

/// An export that runs, or the one that ended last.
#[derive(Clone, Debug)]
pub struct Exporting {
    /// To where.
    pub path: PathBuf,
    /// How far it is.
    pub progress: Arc<ExportProgress>,
    /// How it ended.
    pub ended: Option<Result<u64, String>>,
}

impl Exporting {
    /// True until it has ended.
    pub fn runs(&self) -> bool {
        self.ended.is_none()
    }

    /// True when a person has ended it.
    pub fn was_cancelled(&self) -> bool {
        self.progress.is_cancelled() && !matches!(self.ended, Some(Ok(_)))
    }
}

/// Asks for the path.
pub fn ask(model: &mut Model, what: Selection) {
    let day = model.now.to_zoned(model.facts.zone.clone()).strftime("%Y%m%d-%H%M%S");
    let start = format!("usage-{day}.csv");
    let hint = "the ending decides: .csv, .json or .ndjson; must not exist yet";
    prompt(model, "Export to which file", hint, &start, Intent::Export(Box::new(what)));
}

/// Why nothing can be exported now.
pub fn why_not(model: &Model) -> Option<String> {
    if today::has_no_ledger(model) {
        return Some(NO_LEDGER.to_owned());
    }
    let runs = model.exporting.as_ref().is_some_and(Exporting::runs);
    runs.then(|| "an export is running; Esc ends it".to_owned())
}

/// The format that the ending of a file's name asks for.
///
/// # Errors
/// When it asks for none; the text says which there are.
pub fn check_path(text: &str) -> Result<(PathBuf, Format), String> {
    if text.is_empty() {
        return Err("give the path of a file".to_owned());
    }
    let path = PathBuf::from(text);
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let format = ending.parse().map_err(|_| "the name must end in .csv, .json or .ndjson".to_owned())?;
    Ok((path, format))
}

/// A path was entered; [`check_path`] has seen it.
pub fn start(model: &mut Model, what: Box<Selection>, text: &str) -> Vec<Effect> {
    let Ok((path, format)) = check_path(text) else { return Vec::new() };
    let progress = Arc::new(ExportProgress::default());
    model.exporting = Some(Exporting { path: path.clone(), progress: Arc::clone(&progress), ended: None });
    vec![Effect::Ask(Ask::Export(ExportJob { what, format, path, progress }))]
}

/// Ends an export that runs; false when none does. What was written goes away.
pub fn cancel(model: &mut Model) -> bool {
    let Some(running) = model.exporting.as_ref().filter(|exporting| exporting.runs()) else { return false };
    running.progress.cancel();
    model.dirty = true;
    true
}

/// An export has ended.
pub fn exported(model: &mut Model, job: &ExportJob, result: Result<u64, String>) {
    let path = model.private(&job.path.display().to_string());
    match &result {
        Ok(count) => model.say(format!("exported {} to {path}", counted(*count, "request")), false),
        Err(_) if job.progress.is_cancelled() => {
            model.say(format!("the export to {path} was cancelled; there is no such file"), false);
        }
        Err(why) => {
            model.say(format!("the export to {path} failed: {why}"), true);
        }
    }
    let mine = |exporting: &&mut Exporting| Arc::ptr_eq(&exporting.progress, &job.progress);
    if let Some(exporting) = model.exporting.as_mut().filter(mine) {
        exporting.ended = Some(result);
    }
}

#[cfg(test)]
mod tests;
