//! The detail of a request that two endpoints failed, with what they said.

use std::sync::Arc;

use super::*;
use crate::events::RequestId;
use crate::events::evidence::Lines;
use crate::tui::msg::{Effect, Msg};
use crate::tui::source::{Answer, Ask};
use crate::tui::testing::{busy, drawn, model, press, tell};
use crate::tui::view::requests::detail;

/// Its third attempt was answered.
fn refused() -> RequestId {
    RequestId::from_number(0x0a12_bc02)
}

fn lines(text: &str) -> Head {
    Lines::new(text.to_owned()).head()
}

fn refusal(attempt: u32, body: &str, extent: Extent) -> Refusal {
    let head = lines("content-type: application/json\nretry-after: 2\nvia: 1.1 canary-proxy\n");
    let size = body.len() as u64;
    Refusal {
        attempt,
        status: 529,
        head,
        body: body.to_owned(),
        bytes: size,
        extent,
        passed_on: attempt == 2,
    }
}

fn evidence() -> Evidence {
    let first = r#"{"type":"error","error":{"type":"overloaded_error","message":"过载: canary.example is busy, see /home/canary/log"}}"#;
    let second = "<html>\r\n\t<b>over\u{1b}[2Jloaded</b>\r\n</html>";
    Evidence {
        request: lines(
            "accept: application/json\nuser-agent: claude-cli/2.0 (canary)\nx-api-key: ***\nx-forwarded-for: 192.0.2.9\n\
             anthropic-beta: claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14,模型\n",
        ),
        refusals: vec![
            Arc::new(refusal(1, first, Extent::Whole)),
            Arc::new(refusal(2, second, Extent::Beginning)),
        ],
        forgotten: 0,
    }
}

fn answer(model: &mut Model, found: Result<Option<Evidence>, String>) {
    let found = found.map(|evidence| evidence.map(Arc::new));
    tell(model, Msg::Answer(Box::new(Answer::Evidence(refused(), found))));
}

/// The detail is open, and the headers are asked for.
fn opened() -> Model {
    let mut model = model(busy());
    model.size = (80, 24);
    let asked = press(&mut model, &["3", "/", "id:0a12bc02", "Enter", "Enter"]);
    let asked: Vec<_> = asked
        .iter()
        .filter(|effect| matches!(effect, Effect::Ask(Ask::Evidence(id)) if *id == refused()))
        .collect();
    assert_eq!(asked.len(), 1);
    assert!(press(&mut model, &["j", "k"]).is_empty(), "once");
    model
}

fn told() -> Model {
    let mut model = opened();
    answer(&mut model, Ok(Some(evidence())));
    model
}

fn text(model: &Model) -> String {
    let lines = detail::lines(model);
    lines.iter().map(|line| line.to_string() + "\n").collect()
}

#[test]
fn answers_stand_by_their_attempts_and_headers_at_the_end() {
    let mut model = told();
    insta::assert_snapshot!("evidence_120x40", drawn(&mut model, 120, 40));
    insta::assert_snapshot!("evidence_80x60", drawn(&mut model, 80, 60));
    drawn(&mut model, 80, 24);
    for _ in 0..9 {
        press(&mut model, &["PageDown"]);
    }
    let end = drawn(&mut model, 80, 24).to_string();
    assert!(end.contains("x-api-key: ***") && end.contains("模型"), "{end}");
}

#[test]
fn every_line_fits_and_nothing_acts_on_the_terminal() {
    let model = told();
    let opened = model.requests.opened().unwrap();
    let detail = opened.detail.as_ref().unwrap();
    for width in 40..130 {
        let refusals = refusals(&model, &opened.evidence, detail, width);
        for line in refusals.into_iter().chain(request(&model, &opened.evidence, width)) {
            assert!(line.width() <= width, "{width}: {line}");
            assert!(!line.to_string().contains(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn privacy_masks_who_and_where() {
    let mut model = told();
    let open = text(&model);
    model.privacy = true;
    let masked = text(&model);
    for canary in ["canary", "192.0.2", "/home", "claude-cli"] {
        assert!(open.contains(canary) && !masked.contains(canary), "{canary} in {masked}");
    }
    assert!(masked.contains("is busy, see ••••") && masked.contains("application/json"), "{masked}");
}

#[test]
fn what_is_not_there_is_said() {
    let mut model = opened();
    assert!(text(&model).contains("looking them up"));
    answer(&mut model, Ok(None));
    assert!(
        text(&model).contains("headers and error bodies are kept for the last 1000 requests of this run")
    );
    answer(&mut model, Err("connection refused".to_owned()));
    assert!(text(&model).contains(" connection refused"));
    let mut much = evidence();
    (much.forgotten, much.request.left_out) = (3, 2);
    much.refusals.truncate(1);
    Arc::make_mut(&mut much.refusals[0]).extent = Extent::Unread;
    answer(&mut model, Ok(Some(much)));
    let seen = text(&model);
    for part in
        ["3 earlier ones are not kept", "and 2 more, too long", "#1 main-a  529, its body was not read"]
    {
        assert!(seen.contains(part), "{part} in {seen}");
    }
}

#[test]
fn an_answer_for_another_request_changes_nothing() {
    let mut model = opened();
    let other = Answer::Evidence(RequestId::from_number(7), Ok(Some(Arc::new(evidence()))));
    tell(&mut model, Msg::Answer(Box::new(other)));
    assert!(text(&model).contains("looking them up"));
}

#[test]
fn of_a_request_that_runs_they_are_asked_for_at_every_attempt_and_at_its_end() {
    let mut model = model(busy());
    model.size = (80, 24);
    let asks = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Ask(Ask::Evidence(_)))).count()
    };
    assert_eq!(asks(&press(&mut model, &["3", "/", "state:forwarding", "Enter", "Enter"])), 1);
    let id = model.requests.opened().unwrap().id;
    assert_eq!(asks(&tell(&mut model, Msg::Snapshot)), 0);
    let change = |model: &mut Model, change: &dyn Fn(&mut crate::events::board::Snapshot)| {
        let mut next = (*model.snapshot).clone();
        change(&mut next);
        asks(&crate::tui::update::update(model, Msg::Snapshot, || Arc::new(next)))
    };
    let again = change(&mut model, &|next| {
        next.live.iter_mut().filter(|live| live.accepted.id == id).for_each(|live| live.attempts += 1);
    });
    assert_eq!(again, 1);
    // It failed, and the next one has not begun: it may wait for long.
    let failed = change(&mut model, &|next| {
        next.live.iter_mut().filter(|live| live.accepted.id == id).for_each(|live| {
            let last = live.tried[0].clone();
            live.tried.push(last);
        });
    });
    assert_eq!(failed, 1);
    let ended = change(&mut model, &|next| {
        next.live.retain(|live| live.accepted.id != id);
        let mut record = (*next.recent[0]).clone();
        record.id = id;
        next.recent.insert(0, Arc::new(record));
    });
    assert_eq!(ended, 1);
}
