//! A request's time in the queue.
//!
//! | it waits | because | when it ends in vain |
//! |---|---|---|
//! | for its turn | those who came earlier wait at the endpoint that it would ask | it is sent all the same |
//! | for a cure | its plan has nowhere to go | it gets the error it would have got |
//!
//! A request for one token never waits: its client asks whether it may go on, and that is the answer.

use std::time::Instant;

use super::super::Shared;
use super::super::inbound::Inbound;
use super::super::lifecycle::Ending;
use super::super::suspended::{Released, Waiting, Wake};
use crate::config::Config;
use crate::domain::line::Ticket;
use crate::domain::outcome::Kind;
use crate::domain::plan::{Plan, WaitsFor};
use crate::domain::route::RouteRequest;

/// How a wait in the queue ended.
pub(super) enum Waited {
    /// It may go.
    Go(Released),
    /// It did not wait: the queue is full, it need not, or it has no time.
    NoRoom,
    /// It waited until its deadline.
    InVain,
    /// A person or the end of the program ended it, with these words for the client.
    Ended(Ending, &'static str),
}

/// Waits behind those whom it would overtake, if there are any and there is room.
pub(super) async fn for_turn(shared: &Shared, config: &Config, inbound: &mut Inbound) -> Waited {
    if shared.queue.is_empty() || inbound.deadline <= tokio::time::Instant::now() {
        return Waited::NoRoom;
    }
    let ticket = ticket(inbound, inbound.route_request());
    let (strategy, now) = (config.strategy.kind, super::now());
    let until = ticket.until;
    let place = {
        let view = shared.control.view();
        shared.queue.join_behind(inbound.id, ticket, capacity(config), &view, strategy, now)
    };
    let Some(place) = place else { return Waited::NoRoom };
    inbound.lifecycle.suspended(until.into(), WaitsFor::Turn, &[]);
    wait(inbound, place, until).await
}

/// Waits until something can be asked that `plan` has not asked in vain, if there is room.
pub(super) async fn for_cure(
    shared: &Shared,
    config: &Config,
    inbound: &mut Inbound,
    plan: &Plan,
    until: Instant,
    waits_for: WaitsFor,
) -> Waited {
    // Of the plan: what it has learnt of the client's credential would otherwise be learnt again and again.
    let ticket = Ticket { until, ..ticket(inbound, plan.route().clone()) };
    let Some(place) = shared.queue.join(inbound.id, ticket, capacity(config)) else { return Waited::NoRoom };
    inbound.lifecycle.suspended(until.into(), waits_for, &plan.decision().skipped);
    wait(inbound, place, until).await
}

async fn wait(inbound: &mut Inbound, place: Waiting, until: Instant) -> Waited {
    let woken = tokio::time::timeout_at(until.into(), place).await;
    inbound.lifecycle.resumed();
    match woken {
        Ok(Wake::Go(token)) => Waited::Go(token),
        Ok(Wake::Cancelled) => Waited::Ended(
            Ending::Cancelled("cancelled by a person"),
            "The request was cancelled while it waited.",
        ),
        Ok(Wake::Stopping) => Waited::Ended(
            Ending::Failed(Kind::Local, "the forwarder stopped while the request waited".to_owned()),
            "The forwarder is stopping.",
        ),
        Err(_) => Waited::InVain,
    }
}

fn ticket(inbound: &Inbound, route: RouteRequest) -> Ticket {
    Ticket { accepted: inbound.lifecycle.accepted().into_std(), until: inbound.deadline.into_std(), route }
}

fn capacity(config: &Config) -> usize {
    usize::try_from(config.suspend.max_suspended).unwrap_or(usize::MAX)
}
