//! `endpoints`: how they are, and orders to them.

use super::{carry_out, order, show};
use crate::admin::config::priorities::SaveOrder;
use crate::admin::endpoints::EndpointsView;
use crate::app::client::Call;
use crate::app::figures::{duration, length, share};
use crate::app::paint::{Line, Span, Tone, span};
use crate::app::reach::Forwarder;
use crate::app::table::{Stand, Table, plain};
use crate::app::{json, run};
use crate::cli::{EXIT_FAILED, EXIT_OK, EndpointsArgs, EndpointsCommand, NameArgs, PriorityArgs};
use crate::control::command::{Checked, Command};
use crate::domain::endpoint::EndpointId;
use crate::domain::fleet::Condition;
use crate::domain::order::Order;
use crate::events::board::EndpointStatus;
use crate::logging::escape::escape;

/// Lists endpoints, or gives an order.
///
/// # Errors
/// When the forwarder does not answer, or refuses.
pub(in crate::app) fn run(args: &EndpointsArgs) -> anyhow::Result<u8> {
    let Some(command) = &args.command else { return list(args) };
    let id = |args: &NameArgs| EndpointId::new(&*args.name);
    match command {
        EndpointsCommand::Priority(args) => prioritise(args),
        EndpointsCommand::Probe(args) => probe(args),
        EndpointsCommand::Enable(args) => carry_out(&args.ask, &Command::SetEnabled(id(args), true), None),
        EndpointsCommand::Disable(args) => carry_out(&args.ask, &Command::SetEnabled(id(args), false), None),
        EndpointsCommand::Clear(args) => {
            carry_out(&args.ask, &Command::Order(Order::Clear { endpoint: id(args) }), None)
        }
    }
}

fn list(args: &EndpointsArgs) -> anyhow::Result<u8> {
    let group = args.group.iter().map(|group| ("group", group));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(group).finish();
    let answer = Forwarder::find(&args.ask.reach)?.get("endpoints", &query)?;
    match args.ask.json {
        true => json::print(&answer)?,
        false => show(&render(&json::read(&answer)?))?,
    }
    Ok(EXIT_OK)
}

fn prioritise(args: &PriorityArgs) -> anyhow::Result<u8> {
    let endpoint = EndpointId::new(&*args.name);
    if !args.save {
        return carry_out(&args.ask, &Command::SetPriorities(vec![(endpoint, args.priority)]), None);
    }
    // The answer says more than those of other orders; what is printed of it is the same.
    let save = SaveOrder { priorities: [(endpoint, args.priority)].into(), review: None };
    order(&args.ask, &Call::to("config/priorities").with(&save))
}

fn probe(args: &NameArgs) -> anyhow::Result<u8> {
    let call = Call::of(&Command::Probe(EndpointId::new(&*args.name)), None).map_err(anyhow::Error::msg)?;
    let answer = Forwarder::find(&args.ask.reach)?.order(&call)?;
    let checked: Checked = json::read(&answer)?;
    match args.ask.json {
        true => json::print(&answer)?,
        false => run::print(&format!("{}\n", escape(&checked.message)))?,
    }
    let well = checked.up && !checked.credential_problem;
    Ok(if well { EXIT_OK } else { EXIT_FAILED })
}

/// The table of endpoints.
pub(super) fn render(view: &EndpointsView) -> Vec<Line> {
    if view.endpoints.is_empty() {
        return vec![vec![plain("No endpoints.")]];
    }
    let mut table = Table::new(&[
        ("ENDPOINT", Stand::Flexible),
        ("GROUP", Stand::Flexible),
        ("PRIO", Stand::Right),
        ("STATE", Stand::Left),
        ("ENDS IN", Stand::Right),
        ("TTFB", Stand::Right),
        ("OK", Stand::Right),
        ("NOW", Stand::Right),
        ("FAILURE", Stand::Flexible),
    ]);
    for endpoint in &view.endpoints {
        let pinned = view.pinned.as_ref() == Some(&endpoint.name);
        let stats = endpoint.stats.as_ref();
        let first_byte = stats.and_then(|stats| stats.first_byte_p50_ms).or(endpoint.latency_ms);
        table.add(vec![
            span(Tone::Strong, &*endpoint.name.0),
            plain(&*endpoint.group.0),
            plain(if pinned { "-p".to_owned() } else { endpoint.priority.to_string() }),
            state(endpoint),
            plain(endpoint.changes_in.map_or_else(|| "-".to_owned(), length)),
            plain(first_byte.map_or_else(|| "-".to_owned(), duration)),
            plain(share(stats.and_then(|stats| stats.success))),
            plain(endpoint.in_flight.to_string()),
            plain(endpoint.last_error.as_deref().unwrap_or("-")),
        ]);
    }
    table.lines()
}

/// Its condition in a word.
pub(super) fn state(endpoint: &EndpointStatus) -> Span {
    let tone = match endpoint.condition {
        Condition::Up => Tone::Good,
        Condition::Unknown | Condition::Disabled => Tone::Quiet,
        Condition::Resting | Condition::HalfOpen | Condition::RateLimited => Tone::Trouble,
        Condition::Down | Condition::Open | Condition::Credential | Condition::OverBudget => Tone::Bad,
    };
    span(tone, endpoint.condition.word())
}
