//! Exports from both screens that make them.

use super::*;
use crate::tui::msg::Msg;
use crate::tui::source::{Answer, NoUsage};
use crate::tui::testing::usage::{open_usage, refuse_usage};
use crate::tui::testing::{ago, busy, drawn, model, press, tell, unanswered};

fn job(effects: &[Effect]) -> ExportJob {
    match effects {
        [Effect::Ask(Ask::Export(job))] => job.clone(),
        other => panic!("no export: {other:?}"),
    }
}

fn ended(model: &mut Model, job: ExportJob, result: Result<u64, String>) -> String {
    tell(model, Msg::Answer(Box::new(Answer::Exported(job, result))));
    model.toast.take().unwrap().text
}

#[test]
fn the_ending_decides_about_the_format() {
    let mut model = model(busy());
    open_usage(&mut model);
    press(&mut model, &["x", "x", "Enter"]);
    assert!(!model.overlays.is_empty(), "`.csvx` is no format");
    let job = job(&press(&mut model, &["Backspace", "Enter"]));
    assert_eq!((job.path, job.format), (PathBuf::from("usage-20261123-140211.csv"), Format::Csv));
    assert_eq!(check_path("a.NDJSON").unwrap().1, Format::Ndjson);
    assert!(check_path("").is_err() && check_path("csv").is_err());
}

#[test]
fn there_is_one_at_a_time_and_its_end_is_told() {
    let mut model = model(busy());
    open_usage(&mut model);
    let first = job(&press(&mut model, &["x", "Enter"]));
    press(&mut model, &["x"]);
    assert_eq!(model.toast.take().unwrap().text, "an export is running; Esc ends it");
    assert!(model.overlays.is_empty());
    assert_eq!(ended(&mut model, first, Ok(1_234)), "exported 1234 requests to usage-20261123-140211.csv");
    let second = job(&press(&mut model, &["x", "Enter"]));
    assert!(ended(&mut model, second, Err("no room".to_owned())).ends_with("failed: no room"));
    assert!(why_not(&model).is_none());
}

#[test]
fn escape_cancels_it_on_both_screens() {
    for screen in ["3", "5"] {
        let mut model = model(busy());
        press(&mut model, &[screen]);
        let job = job(&press(&mut model, &["x", "Enter"]));
        job.progress.report(1_000, 98_765);
        tell(&mut model, Msg::Tick(ago(0)));
        if screen == "3" {
            let text = drawn(&mut model, 80, 24).to_string();
            assert!(text.contains("1000 of 98765; Esc cancels"), "{text}");
        }
        press(&mut model, &["Esc"]);
        assert!(job.progress.is_cancelled(), "screen {screen}");
        assert!(why_not(&model).is_some(), "it has not ended yet");
        let told = ended(&mut model, job, Err("cancelled".to_owned()));
        assert!(told.ends_with("was cancelled; there is no such file"), "{told}");
        assert!(why_not(&model).is_none());
    }
}

#[test]
fn one_that_was_whole_already_is_told_as_that() {
    let mut model = model(busy());
    press(&mut model, &["3"]);
    let job = job(&press(&mut model, &["x", "Enter"]));
    press(&mut model, &["Esc"]);
    assert!(ended(&mut model, job, Ok(3)).starts_with("exported 3 requests"));
    assert!(!model.exporting.as_ref().unwrap().was_cancelled());
}

#[test]
fn the_log_exports_what_its_filter_lets_through() {
    let mut model = model(busy());
    press(&mut model, &["3", "/", "model:opus !state:failed", "Enter"]);
    let job = job(&press(&mut model, &["x", "Enter"]));
    assert_eq!(job.what.log.to_string(), "model:opus !state:failed");
    assert_eq!(job.what.filter, Default::default());
}

#[test]
fn without_a_ledger_there_is_nothing_to_export() {
    let mut model = unanswered(busy());
    let asked = tell(&mut model, Msg::Tick(ago(0)));
    refuse_usage(&mut model, asked, &NoUsage::NoLedger);
    for screen in ["3", "5"] {
        press(&mut model, &[screen, "x"]);
        assert_eq!(model.toast.take().unwrap().text, NO_LEDGER);
        assert!(model.overlays.is_empty());
    }
}
