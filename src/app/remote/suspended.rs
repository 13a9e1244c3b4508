//! `suspended`: the requests that wait, and orders to them.

use jiff::Timestamp;

use super::{carry_out, model, request_id, show};
use crate::admin::suspended::SuspendedView;
use crate::app::figures::{counted, exact, length};
use crate::app::json;
use crate::app::paint::{Line, Tone, span};
use crate::app::reach::Forwarder;
use crate::app::table::{Stand, Table, plain};
use crate::cli::{EXIT_OK, SuspendedArgs, SuspendedCommand};
use crate::control::command::Command;
use crate::events::board::Queued;

/// Lists the requests that wait, or gives an order.
///
/// # Errors
/// When the forwarder does not answer, or refuses; when an id is none.
pub(in crate::app) fn run(args: &SuspendedArgs) -> anyhow::Result<u8> {
    match &args.command {
        None => list(args),
        Some(SuspendedCommand::Resume(args)) => {
            let one = args.id.as_deref().map(request_id).transpose()?;
            carry_out(&args.ask, &one.map_or(Command::ResumeAll, Command::ResumeRequest), None)
        }
        Some(SuspendedCommand::Cancel(args)) => {
            carry_out(&args.ask, &Command::CancelRequest(request_id(&args.id)?), None)
        }
    }
}

fn list(args: &SuspendedArgs) -> anyhow::Result<u8> {
    let answer = Forwarder::find(&args.ask.reach)?.get("suspended", "")?;
    match args.ask.json {
        true => json::print(&answer)?,
        false => show(&render(&json::read(&answer)?))?,
    }
    Ok(EXIT_OK)
}

/// The table of requests that wait.
pub(super) fn render(view: &SuspendedView) -> Vec<Line> {
    if view.queue.is_empty() {
        let text = match view.enabled {
            true => "No request waits.",
            false => "No request waits, and none will: request_suspend.enabled is false.",
        };
        return vec![vec![plain(text)]];
    }
    let mut table = Table::new(&[
        ("#", Stand::Right),
        ("REQUEST", Stand::Left),
        ("MODEL", Stand::Flexible),
        ("WAITED", Stand::Right),
        ("LEFT", Stand::Right),
        ("WAITS FOR", Stand::Left),
        ("FAILURE", Stand::Flexible),
    ]);
    view.queue.iter().for_each(|queued| table.add(cells(queued, view.at)));
    let mut lines = table.lines();
    let taken = view.queue.len() as u64;
    let places = counted(u64::from(view.capacity), "place");
    lines.push(vec![plain(format!("{} of {places} taken.", exact(taken)))]);
    lines
}

fn cells(queued: &Queued, at: Timestamp) -> Vec<crate::app::paint::Span> {
    let seconds = |from: Timestamp, to: Timestamp| length(to.duration_since(from).as_secs_f64());
    let failure = queued.last_failure.as_ref();
    vec![
        plain(queued.position.to_string()),
        span(Tone::Strong, queued.id.to_string()),
        plain(model(queued.described.model.as_deref())),
        plain(seconds(queued.wait.since, at)),
        plain(seconds(at, queued.wait.deadline)),
        plain(queued.wait.waits_for.words()),
        plain(failure.map_or_else(|| "-".to_owned(), |(at, kind)| format!("{at}: {}", kind.words()))),
    ]
}
