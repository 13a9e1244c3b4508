//! `explain`: the story of one request, from what there was to choose from to how it ended.

use jiff::tz::TimeZone;

use super::requests::table::{cost, result, tokens, zoned};
use super::{fact, request_id, show};
use crate::admin::requests::RequestDetail;
use crate::app::figures::duration;
use crate::app::json;
use crate::app::paint::{Line, Tone, span};
use crate::app::table::plain;
use crate::app::text::{WIDTH, wrap};
use crate::app::usage::Ledger;
use crate::cli::{EXIT_OK, ExplainArgs};
use crate::logging::escape::escape;
use crate::store::export::json::RequestView;

/// Tells it.
///
/// # Errors
/// When the id is none, nothing is known of it, or nobody can be asked.
pub(in crate::app) fn run(args: &ExplainArgs) -> anyhow::Result<u8> {
    let id = request_id(&args.id)?;
    let answer = Ledger::open_or_ask(&args.ask.reach)?.request(id)?;
    match args.ask.json {
        true => json::print(&answer)?,
        false => show(&render(&json::read(&answer)?, &TimeZone::system()))?,
    }
    Ok(EXIT_OK)
}

/// What it was, then what happened, step by step.
pub(super) fn render(detail: &RequestDetail, zone: &TimeZone) -> Vec<Line> {
    let request = &detail.request;
    let head = vec![span(Tone::Strong, request.request_id.to_string()), plain("  "), result(request)];
    let mut lines = vec![head];
    lines.extend(facts(request, zone).iter().flat_map(|(name, text)| fact(name, text)));
    lines.push(vec![]);
    let steps = detail.explain.iter().flat_map(|step| wrap(&escape(step), 4, WIDTH));
    lines.extend(steps.map(|step| vec![plain(step)]));
    lines
}

fn facts(request: &RequestView, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let at = zoned(request.start_time, zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    let mut facts = vec![("Accepted", at), ("Asked for", format!("{} {}", request.method, request.path))];
    let mut say = |name, text: Option<String>| facts.extend(text.map(|text| (name, text)));
    say("Model", models(request));
    say(
        "Endpoint",
        request.endpoint_name.as_ref().map(|endpoint| match &request.group_name {
            Some(group) => format!("{endpoint} (group {group})"),
            None => endpoint.clone(),
        }),
    );
    say("Time", times(request));
    let used = tokens(request);
    say("Tokens", (used != "-").then_some(used));
    let cost = cost(request);
    say("Cost", (cost != "-").then_some(cost));
    say("Session", request.session_id.clone());
    say("Error", request.error.clone());
    facts
}

/// What was asked for, and what answered if that differs.
fn models(request: &RequestView) -> Option<String> {
    let asked = request.requested_model.clone()?;
    let served = request.served_model.as_ref().filter(|served| **served != asked);
    Some(served.map_or_else(|| asked.clone(), |served| format!("{asked}, answered by {served}")))
}

fn times(request: &RequestView) -> Option<String> {
    let first = request.first_byte_ms.map(|ms| format!("{} to the first byte", duration(ms)));
    let whole = request.duration_ms.map(|ms| format!("{} in all", duration(ms)));
    let waited =
        (request.suspended_ms > 0.0).then(|| format!("{} of it waiting", duration(request.suspended_ms)));
    let all: Vec<String> = [first, whole, waited].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(", "))
}
