//! An export.

use super::wire::Wire;
use crate::tui::source::ExportJob;

pub(super) async fn write(wire: &Wire, job: &ExportJob) -> Result<u64, String> {
    let _ = (wire.client(), job);
    Err("not yet".to_owned())
}
