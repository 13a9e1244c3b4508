//! Exporting what is shown to a file: asking for the path, following the progress, telling the result.

use std::path::PathBuf;
use std::sync::Arc;

use crate::store::export::Format;
use crate::tui::model::{Intent, Model};
use crate::tui::msg::Effect;
use crate::tui::source::{Ask, ExportJob, ExportProgress};
use crate::tui::update::prompt;

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
}

/// Asks for the path.
pub(super) fn ask(model: &mut Model) {
    let day = model.now.to_zoned(model.facts.zone.clone()).strftime("%Y%m%d-%H%M%S");
    let start = format!("usage-{day}.csv");
    let hint = "the ending decides: .csv, .json or .ndjson; must not exist yet";
    prompt(model, "Export to which file", hint, &start, Intent::Export);
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
pub fn start(model: &mut Model, text: &str) -> Vec<Effect> {
    let Ok((path, format)) = check_path(text) else { return Vec::new() };
    let filter = model.usage.wanted.filter(model.now, &model.facts.zone);
    let progress = Arc::new(ExportProgress::default());
    model.usage.exporting =
        Some(Exporting { path: path.clone(), progress: Arc::clone(&progress), ended: None });
    vec![Effect::Ask(Ask::Export(ExportJob { filter, format, path, progress }))]
}

/// An export has ended.
pub fn exported(model: &mut Model, job: ExportJob, result: Result<u64, String>) {
    let path = model.private(&job.path.display().to_string());
    match &result {
        Ok(1) => model.say(format!("exported 1 request to {path}"), false),
        Ok(count) => model.say(format!("exported {count} requests to {path}"), false),
        Err(why) => {
            model.say(format!("the export to {path} failed: {why}"), true);
        }
    }
    let mine = |exporting: &&mut Exporting| Arc::ptr_eq(&exporting.progress, &job.progress);
    if let Some(exporting) = model.usage.exporting.as_mut().filter(mine) {
        exporting.ended = Some(result);
    }
}
