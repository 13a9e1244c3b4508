//! `groups`: which one serves, why, and orders to them.

use super::{carry_out, show};
use crate::admin::groups::GroupsView;
use crate::app::figures::length;
use crate::app::json;
use crate::app::paint::{Line, Tone, span};
use crate::app::reach::Forwarder;
use crate::app::table::{Stand, Table, plain};
use crate::cli::{EXIT_OK, GroupsArgs, GroupsCommand};
use crate::control::command::Command;
use crate::domain::endpoint::GroupId;
use crate::domain::group::GroupState;
use crate::domain::order::Order;
use crate::events::board::GroupStatus;

/// Lists groups, or gives an order.
///
/// # Errors
/// When the forwarder does not answer, or refuses.
pub(in crate::app) fn run(args: &GroupsArgs) -> anyhow::Result<u8> {
    let Some(command) = &args.command else { return list(args) };
    let (ask, order, group) = match command {
        GroupsCommand::Activate(args) => {
            let group = GroupId::new(&*args.name);
            (&args.ask, Order::Activate { group: group.clone(), force: args.force }, group)
        }
        GroupsCommand::Pause(args) => {
            let group = GroupId::new(&*args.name);
            (&args.ask, Order::Pause { group: group.clone(), duration: args.duration }, group)
        }
        GroupsCommand::Resume(args) => {
            let group = GroupId::new(&*args.name);
            (&args.ask, Order::Resume { group: group.clone() }, group)
        }
        GroupsCommand::Release(args) => (&args.ask, Order::Release, GroupId::new(&*args.name)),
    };
    carry_out(ask, &Command::Order(order), Some(&group))
}

fn list(args: &GroupsArgs) -> anyhow::Result<u8> {
    let answer = Forwarder::find(&args.ask.reach)?.get("groups", "")?;
    match args.ask.json {
        true => json::print(&answer)?,
        false => show(&render(&json::read(&answer)?))?,
    }
    Ok(EXIT_OK)
}

/// The table of groups.
pub(super) fn render(view: &GroupsView) -> Vec<Line> {
    let mut table = Table::new(&[
        ("GROUP", Stand::Flexible),
        ("RANK", Stand::Right),
        ("STATE", Stand::Left),
        ("FOR", Stand::Right),
        ("ENDS IN", Stand::Right),
        ("WHY", Stand::Flexible),
    ]);
    for group in &view.groups {
        let time = |seconds: Option<f64>| plain(seconds.map_or_else(|| "-".to_owned(), length));
        table.add(vec![
            span(Tone::Strong, &*group.name.0),
            plain(group.priority.to_string()),
            state(group),
            time(group.for_seconds),
            time(group.ends_in),
            plain(group.why.words()),
        ]);
    }
    table.lines()
}

fn state(group: &GroupStatus) -> crate::app::paint::Span {
    match group.state {
        GroupState::Active => span(Tone::Good, "active"),
        GroupState::Standby => span(Tone::Plain, "standby"),
        GroupState::Cooling => span(Tone::Trouble, "cooling"),
        GroupState::Paused => span(Tone::Trouble, "paused"),
    }
}
