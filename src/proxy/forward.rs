//! The loop: ask the plan, do the step, report the outcome. The commit point is here: what [`run`] returns has either
//! been committed or is an answer of ours.

mod wait;

use std::sync::Arc;

use http::Response;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use self::wait::Waited;
use super::inbound::Inbound;
use super::lifecycle::Ending;
use super::respond::{self, ClientBody};
use super::suspended::{Queue, Released};
use super::tap::{Parts, Tap, Timers, Worth};
use super::upstream::{Attempter, Failed, Passable, Tried};
use super::{Shared, count, headers};
use crate::claude::request::Class;
use crate::config::Config;
use crate::domain::fleet::{FleetView, InFlight, Input, Permit};
use crate::domain::outcome::Kind;
use crate::domain::plan::{Attempt, Plan, Policy, Step, Verdict};
use crate::domain::route::reason;

/// Carries one request to its answer.
pub async fn run(shared: &Shared, config: &Config, mut inbound: Box<Inbound>) -> Response<ClientBody> {
    let mut kept: Vec<(u32, Box<Passable>)> = Vec::new();
    let mut accept_empty = false;
    let mut carried: Option<Pass> = None;
    let mut released: Option<Released> = None;
    let attempter = Attempter { upstreams: &shared.transport, streaming: &config.streaming };
    let may_wait = config.suspend.enabled && inbound.lifecycle.moves_health();
    if may_wait {
        match wait::for_turn(shared, config, &mut inbound).await {
            Waited::Go(token) => released = Some(token),
            // Nobody is before it, or they were for too long.
            Waited::NoRoom | Waited::InVain => {}
            Waited::Ended(ending, message) => return end_wait(inbound, ending, message),
        }
    }
    let (mut plan, mut step) = Plan::start(
        Policy { suspend: may_wait, ..config.policy(inbound.class) },
        inbound.route_request(),
        inbound.replay(),
        inbound.deadline.into_std(),
        &shared.control.view(),
        now(),
    );
    loop {
        step = match step {
            Step::Send(attempt) => {
                let started = Instant::now();
                let Some(pass) =
                    carried.take().or_else(|| admit(shared, &mut inbound, &plan, &attempt, started))
                else {
                    step = plan.on_denied(&shared.control.view(), now());
                    continue;
                };
                let model = inbound.model_for(&attempt.spec);
                inbound.lifecycle.attempt_started(&attempt, model, started);
                match attempter.attempt(&mut inbound, &attempt, accept_empty).await {
                    Tried::Answer(answer) => {
                        let now = Instant::now();
                        commit(shared, &mut inbound, &attempt, &pass, released, now);
                        return pass_on(config, inbound, answer, Worth::Answer, Some(pass.in_flight), now);
                    }
                    Tried::Failed(failed) => {
                        accept_empty |= failed.failure.kind == Kind::EmptyCompletion;
                        let next =
                            after_failure(shared, &mut inbound, &mut plan, &attempt, *failed, &mut kept)
                                .await;
                        // A re-send to the same endpoint goes on under the same permit.
                        carried = next.asks(&attempt.spec.id).then_some(pass);
                        next
                    }
                }
            }
            Step::Sleep { until } => {
                pause(shared.control.watch(), &mut inbound, until.into()).await;
                plan.on_wake(&shared.control.view(), now())
            }
            Step::Suspend { until, waits_for } => {
                tell_exhausted(shared, inbound.lifecycle.moves_health(), &mut plan).await;
                // A request that was let go and waits again has not committed.
                released.take().into_iter().for_each(Released::failed);
                match wait::for_cure(shared, config, &mut inbound, &plan, until, waits_for).await {
                    Waited::Go(token) => {
                        let by_person = token.is_order();
                        released = Some(token);
                        plan.on_resume(by_person, &shared.control.view(), now())
                    }
                    Waited::NoRoom => plan.on_no_room(&shared.control.view(), now()),
                    Waited::InVain => plan.on_waited_in_vain(&shared.control.view(), now()),
                    Waited::Ended(ending, message) => return end_wait(inbound, ending, message),
                }
            }
            Step::Done(verdict) => {
                inbound.lifecycle.skipped(&plan.decision().skipped);
                released.into_iter().for_each(|token| end_turn(token, verdict.kind));
                return conclude(config, inbound, verdict, kept);
            }
        };
    }
}

/// Sleeps until then, or until the fleet changes.
async fn pause(mut fleet: watch::Receiver<Arc<FleetView>>, inbound: &mut Inbound, until: Instant) {
    let since = Instant::now();
    fleet.mark_unchanged();
    tokio::select! {
        () = sleep_until(until) => {}
        // An error means that the control task has gone: the sleep goes on without it.
        Ok(()) = fleet.changed() => {}
    }
    inbound.lifecycle.backed_off(since);
}

/// What an attempt holds while it runs.
struct Pass {
    in_flight: InFlight,
    _permit: Option<Borrowed>,
    /// Orders people had given when the endpoint was asked.
    orders: u64,
}

/// The permit of a half-open endpoint. Whoever waits in the queue may take it next, whatever became of this request: a
/// client that leaves changes nothing in the fleet that would wake them.
struct Borrowed {
    permit: Option<Permit>,
    queue: Queue,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.queue.look_again();
    }
}

/// The right to ask the endpoint now; nothing when it is half-open and somebody else is asking.
fn pass(shared: &Shared, view: &FleetView, attempt: &Attempt) -> Option<Pass> {
    let permits = &view.endpoint(&attempt.spec.id)?.permits;
    let permit = if attempt.needs_permit {
        let permit = Some(permits.try_half_open()?);
        Some(Borrowed { permit, queue: shared.queue.clone() })
    } else {
        None
    };
    Some(Pass { in_flight: permits.enter(), _permit: permit, orders: view.orders })
}

/// As [`pass`], with the reason why this endpoint was chosen on the record.
fn admit(
    shared: &Shared,
    inbound: &mut Inbound,
    plan: &Plan,
    attempt: &Attempt,
    now: Instant,
) -> Option<Pass> {
    // Said before the pass is taken: an endpoint whose one permit is ours would look busy.
    let (view, request, id) = (shared.control.view(), inbound.route_request(), &attempt.spec.id);
    let why = || reason(&view, &request, &inbound.wish.affinity, id, &plan.last_words(), now.into_std());
    let why = attempt.first_here.then(why);
    let pass = pass(shared, &view, attempt)?;
    if let Some(why) = why {
        inbound.lifecycle.routed(id, why, plan.decision(), now);
    }
    Some(pass)
}

/// An answer is about to be passed on. From now on the session belongs to the endpoint that answers it; only
/// conversations decide that.
fn commit(
    shared: &Shared,
    inbound: &mut Inbound,
    attempt: &Attempt,
    pass: &Pass,
    released: Option<Released>,
    now: Instant,
) {
    match released {
        Some(token) => token.committed(),
        None if inbound.class == Class::Messages => shared.queue.others_commit(),
        None => {}
    }
    if let Some(session) = inbound.session.clone().filter(|_| inbound.class == Class::Messages) {
        let answering = shared.sessions.committed(session, attempt.spec.id.clone(), pass.orders, now);
        inbound.lifecycle.answers(answering);
    }
}

async fn after_failure(
    shared: &Shared,
    inbound: &mut Inbound,
    plan: &mut Plan,
    attempt: &Attempt,
    failed: Failed,
    kept: &mut Vec<(u32, Box<Passable>)>,
) -> Step {
    inbound.lifecycle.attempt_failed(&failed.failure, failed.usage).await;
    kept.extend(failed.kept.map(|answer| (attempt.number, answer)));
    let step = plan.on_outcome(failed.failure, &shared.control.view(), now(), fastrand::f64());
    tell_exhausted(shared, inbound.lifecycle.moves_health(), plan).await;
    step
}

async fn tell_exhausted(shared: &Shared, moves_health: bool, plan: &mut Plan) {
    if let Some(exhausted) = plan.take_exhausted()
        && moves_health
    {
        let input = Input::GroupExhausted { group: exhausted.group, blamed: exhausted.blamed };
        // An error means that the control task has gone: nobody is left to wait for.
        let _ = shared.control.tell_awaited(input).await;
    }
}

/// Whoever was let go has not been answered by an endpoint, unless with what is the client's own to know.
fn end_turn(token: Released, kind: Option<Kind>) {
    match kind {
        Some(kind) if kind.is_refusal() || kind == Kind::EmptyCompletion => token.committed(),
        _ => token.failed(),
    }
}

fn end_wait(mut inbound: Box<Inbound>, ending: Ending, message: &str) -> Response<ClientBody> {
    let response = respond::error(503, message, Some(inbound.id));
    inbound.lifecycle.settle(ending, Some(503));
    response
}

fn conclude(
    config: &Config,
    mut inbound: Box<Inbound>,
    verdict: Verdict,
    kept: Vec<(u32, Box<Passable>)>,
) -> Response<ClientBody> {
    if let Some(tokens) = count::estimate(&config.token_counting, &inbound, verdict.kind) {
        return count::answer(inbound, tokens);
    }
    let Verdict { relay, refusal, kind } = verdict;
    let kind = kind.unwrap_or(Kind::Local);
    if let Some((number, rule)) = relay
        && let Some((_, answer)) = kept.into_iter().find(|(n, _)| *n == number)
        && rule.allows(|| answer.is_error_object())
    {
        let worth =
            if kind == Kind::EmptyCompletion { Worth::Answer } else { Worth::Refusal(kind, refusal.message) };
        inbound.lifecycle.relays(number);
        return pass_on(config, inbound, answer, worth, None, Instant::now());
    }
    let response = respond::refuse(&refusal, Some(inbound.id));
    inbound.lifecycle.settle(Ending::Failed(kind, refusal.message), Some(refusal.status));
    response
}

/// The commit point.
fn pass_on(
    config: &Config,
    inbound: Box<Inbound>,
    answer: Box<Passable>,
    worth: Worth,
    in_flight: Option<InFlight>,
    now: Instant,
) -> Response<ClientBody> {
    let Inbound { id, mut lifecycle, stream, headers: client, .. } = *inbound;
    let Passable { head, held, rest, inspector } = *answer;
    lifecycle.committed(head.status.as_u16(), now);
    if inspector.is_some() && worth == Worth::Answer {
        lifecycle.sample(&head, &client, &held);
    }
    let headers = headers::response_headers(head.headers);
    let announced = headers::content_length(&headers);
    let may_write = stream && head.status.is_success() && announced.is_none() && inspector.is_some();
    let parts = Parts {
        id,
        held,
        upstream: rest,
        inspector,
        lifecycle,
        timers: timers(config),
        announced,
        may_write,
        worth,
        in_flight,
    };
    let tap = Tap::new(parts, now);
    let mut response = Response::new(ClientBody::Passing(tap));
    *response.status_mut() = head.status;
    *response.headers_mut() = headers;
    respond::with_id(response, Some(id))
}

fn timers(config: &Config) -> Timers {
    let unless_zero = |d: std::time::Duration| Some(d).filter(|d| !d.is_zero());
    Timers {
        idle: unless_zero(config.streaming.max_idle_time),
        heartbeat: unless_zero(config.streaming.heartbeat_interval),
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
