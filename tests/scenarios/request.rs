//! One request on its way through the plan, on virtual time.
//!
//! The same steps in the same order as the forward loop of the proxy, against scripted answers:
//!
//! | state | ends | then |
//! |---|---|---|
//! | asking | with the first byte, or the failure | the fleet learns of it; answering, or the plan's next step |
//! | backing off | at its end, or when the fleet changes | the plan is asked again |
//! | waiting for its turn | when the queue lets it go, or at the deadline | the plan is made |
//! | waiting for a cure | likewise | a new round, or the verdict |
//! | answering | with the last byte | ended |
//!
//! The client may leave in any of them. Jitter is always one half. What the loop does for records, and its estimates of
//! token counts, are not here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use cc_forwarder::claude::request::Class;
use cc_forwarder::domain::endpoint::EndpointId;
use cc_forwarder::domain::fleet::{InFlight, Input, Permit};
use cc_forwarder::domain::line::{Ticket, Turn};
use cc_forwarder::domain::outcome::{self, Failure, Kind};
use cc_forwarder::domain::plan::{Attempt, Plan, Policy, Replay, Step, Verdict};
use cc_forwarder::domain::route::{self, RouteRequest};
use cc_forwarder::domain::session::Affinity;

use super::answer::{Answer, Told};
use super::file::{RequestFile, Span};
use super::scene::Scene;

const JITTER: f64 = 0.5;

/// What the request is, which never changes.
struct Nature {
    number: usize,
    class: Class,
    one_token: bool,
    session: Option<Arc<str>>,
    route: RouteRequest,
    affinity: Affinity,
    accepted: Instant,
    deadline: Instant,
    leaves: Option<Instant>,
}

/// The right to ask an endpoint, held while the attempt runs.
struct Pass {
    in_flight: InFlight,
    _permit: Option<Permit>,
    orders: u64,
}

enum State {
    Asking { attempt: Attempt, pass: Pass, answer: Answer, since: Instant, ends: Instant },
    BackingOff { until: Instant, revision: u64 },
    Waiting { since: Instant, until: Instant },
    Answering { attempt: Attempt, since: Instant, ends: Instant, breaks: bool, _in_flight: InFlight },
    Ended,
}

/// A request and what has become of it.
pub(crate) struct Request {
    nature: Nature,
    plan: Plan,
    state: State,
    script: BTreeMap<EndpointId, VecDeque<Answer>>,
    /// Answers that could be passed on: attempt, status, endpoint.
    kept: Vec<(u32, u16, EndpointId)>,
    /// An empty completion was taken for a failure, which happens once.
    accept_empty: bool,
    /// The queue let it go, and it has not committed since.
    released: Option<Turn>,
    /// Its plan is made anew when its turn comes.
    awaits_turn: bool,
    /// See [`super::file::Expect`].
    pub(crate) asked: Vec<String>,
    /// The message of an error of ours.
    pub(crate) said: Option<String>,
    /// What the client got, and when.
    pub(crate) got: Option<(String, Span)>,
}

impl Request {
    /// Sends it; it goes as far as it can without time passing.
    pub(crate) fn send(file: &RequestFile, number: usize, scene: &mut Scene) -> Self {
        let nature = Nature::of(file, number, scene);
        let (plan, step) = nature.start(scene);
        let script =
            file.answers.iter().map(|(id, list)| (EndpointId::new(id.as_str()), list.clone().into()));
        let script = script.collect();
        let (kept, asked, state) = (Vec::new(), Vec::new(), State::Ended);
        let mut request = Self {
            nature,
            plan,
            state,
            script,
            kept,
            accept_empty: false,
            released: None,
            awaits_turn: false,
            asked,
            said: None,
            got: None,
        };
        if request.joins_behind(scene) {
            request.awaits_turn = true;
            request.state = State::Waiting { since: scene.now, until: request.nature.deadline };
        } else {
            request.go(step, None, scene);
        }
        request
    }

    /// When it has to be looked at again; `None` once it has ended.
    pub(crate) fn wakes(&self) -> Option<Instant> {
        let at = match &self.state {
            State::Asking { ends, .. } | State::Answering { ends, .. } => *ends,
            State::BackingOff { until, .. } | State::Waiting { until, .. } => *until,
            State::Ended => return None,
        };
        Some(self.nature.leaves.map_or(at, |leaves| leaves.min(at)))
    }

    /// Does what is due now; true when something was.
    pub(crate) fn poll(&mut self, scene: &mut Scene) -> bool {
        let revised = |seen| scene.view.revision != seen;
        let due = self.wakes().is_some_and(|at| at <= scene.now);
        if !due && !matches!(self.state, State::BackingOff { revision, .. } if revised(revision)) {
            return false;
        }
        if self.nature.leaves.is_some_and(|at| at <= scene.now) {
            self.leave(scene);
            return true;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Asking { attempt, pass, answer, since, .. } => {
                self.told(attempt, pass, &answer, since, scene);
            }
            State::BackingOff { .. } => {
                let step = self.plan.on_wake(&scene.view, scene.now);
                self.go(step, None, scene);
            }
            State::Waiting { since, .. } => {
                scene.line.take(|n| *n == self.nature.number);
                self.waited(since, scene);
                let step = match std::mem::take(&mut self.awaits_turn) {
                    true => self.start(scene),
                    false => self.plan.on_waited_in_vain(&scene.view, scene.now),
                };
                self.go(step, None, scene);
            }
            State::Answering { attempt, since, breaks, .. } => self.answered(&attempt, since, breaks, scene),
            State::Ended => {}
        }
        true
    }

    /// An endpoint that has answers left which only this request would get.
    pub(crate) fn unasked(&self) -> Option<&EndpointId> {
        self.script.iter().find(|(_, answers)| !answers.is_empty()).map(|(id, _)| id)
    }

    /// The queue lets it go.
    pub(crate) fn release(&mut self, turn: Turn, scene: &mut Scene) {
        if let State::Waiting { since, .. } = self.state {
            self.released = Some(turn);
            self.waited(since, scene);
            let step = match std::mem::take(&mut self.awaits_turn) {
                true => self.start(scene),
                false => self.plan.on_resume(false, &scene.view, scene.now),
            };
            self.go(step, None, scene);
        }
    }

    fn start(&mut self, scene: &Scene) -> Step {
        let (plan, step) = self.nature.start(scene);
        self.plan = plan;
        step
    }

    /// Does the plan's steps up to the next one that takes time.
    fn go(&mut self, mut step: Step, mut carried: Option<Pass>, scene: &mut Scene) {
        loop {
            step = match step {
                Step::Send(attempt) => {
                    if carried.is_some() {
                        self.asked.push(format!("{} again", attempt.spec.id));
                    }
                    match carried.take().or_else(|| self.admit(&attempt, scene)) {
                        Some(pass) => return self.ask(attempt, pass, scene),
                        None => self.plan.on_denied(&scene.view, scene.now),
                    }
                }
                Step::Sleep { until } => {
                    self.state = State::BackingOff { until, revision: scene.view.revision };
                    return;
                }
                Step::Suspend { until, .. } => {
                    self.tell_exhausted(scene);
                    self.released.take().into_iter().for_each(|turn| scene.line.failed(turn));
                    if !self.join(scene) {
                        self.plan.on_no_room(&scene.view, scene.now)
                    } else {
                        self.state = State::Waiting { since: scene.now, until };
                        return;
                    }
                }
                Step::Done(verdict) => {
                    self.end_turn(verdict.kind, scene);
                    return self.conclude(&verdict, scene);
                }
            };
        }
    }

    fn join(&self, scene: &mut Scene) -> bool {
        let room = scene.has_room();
        if room {
            let ticket = Ticket { route: self.plan.route().clone(), ..self.nature.ticket() };
            scene.line.join(ticket, self.nature.number);
        }
        room
    }

    /// It need not wait, but would overtake somebody.
    fn joins_behind(&self, scene: &mut Scene) -> bool {
        let ticket = self.nature.ticket();
        let strategy = scene.config.strategy.kind;
        let behind = self.nature.policy(scene).suspend
            && scene.has_room()
            && scene.line.is_ahead_of(&ticket, &scene.view, strategy, scene.now);
        if behind {
            scene.line.join(ticket, self.nature.number);
        }
        behind
    }

    /// The reason is said before the pass is taken: an endpoint whose one permit is ours would look busy.
    fn admit(&mut self, attempt: &Attempt, scene: &Scene) -> Option<Pass> {
        let (view, id) = (&scene.view, &attempt.spec.id);
        let nature = &self.nature;
        let failures = self.plan.last_words();
        let why = route::reason(view, &nature.route, &nature.affinity, id, &failures, scene.now);
        let permits = &view.endpoint(id)?.permits;
        let permit = if attempt.needs_permit { Some(permits.try_half_open()?) } else { None };
        self.asked.push(if attempt.first_here {
            format!("{id}, {}", why.to_string().replace(": ", ", "))
        } else {
            format!("{id} again")
        });
        Some(Pass { in_flight: permits.enter(), _permit: permit, orders: view.orders })
    }

    fn ask(&mut self, attempt: Attempt, pass: Pass, scene: &Scene) {
        let scripted = self.script.get_mut(&attempt.spec.id).and_then(VecDeque::pop_front);
        let answer = scripted.unwrap_or_else(|| scene.answer(&attempt.spec.id));
        let ends = scene.now + answer.after(&scene.config);
        self.state = State::Asking { attempt, pass, answer, since: scene.now, ends };
    }

    fn told(&mut self, attempt: Attempt, pass: Pass, answer: &Answer, since: Instant, scene: &mut Scene) {
        if answer.has_head() && self.moves_health() {
            self.tell_budgets(&attempt, answer, scene);
        }
        match answer.told(self.nature.class, &attempt.spec, scene.wall()) {
            Told::Real { breaks } => {
                self.commit(&attempt, &pass, since, scene);
                let (ends, in_flight) = (scene.now + answer.streams, pass.in_flight);
                self.state = State::Answering { attempt, since, ends, breaks, _in_flight: in_flight };
            }
            Told::Failed(failure, _) if failure.kind == Kind::EmptyCompletion && self.accept_empty => {
                self.commit(&attempt, &pass, since, scene);
                let (ends, in_flight) = (scene.now, pass.in_flight);
                self.state = State::Answering { attempt, since, ends, breaks: false, _in_flight: in_flight };
            }
            Told::Failed(failure, kept) => {
                self.accept_empty |= failure.kind == Kind::EmptyCompletion;
                self.kept.extend(kept.map(|status| (attempt.number, status, attempt.spec.id.clone())));
                self.tell_failed(&attempt, failure.clone(), scene);
                let step = self.plan.on_outcome(failure, &scene.view, scene.now, JITTER);
                self.tell_exhausted(scene);
                // A re-send to the same endpoint goes on under the same permit.
                let carried = step.asks(&attempt.spec.id).then_some(pass);
                self.go(step, carried, scene);
            }
        }
    }

    fn commit(&mut self, attempt: &Attempt, pass: &Pass, since: Instant, scene: &mut Scene) {
        if let Some(turn) = self.released.take() {
            scene.line.committed(turn);
        } else if self.nature.class == Class::Messages {
            scene.line.others_commit();
        }
        let endpoint = attempt.spec.id.clone();
        if let Some(session) = self.nature.session.clone().filter(|_| self.nature.class == Class::Messages) {
            scene.sessions.committed(&session, &endpoint, pass.orders, scene.now);
        }
        if self.moves_health() {
            scene.tell(Input::Committed { endpoint, started: since, ttfb: scene.now - since });
        }
    }

    fn answered(&mut self, attempt: &Attempt, since: Instant, breaks: bool, scene: &mut Scene) {
        let endpoint = attempt.spec.id.clone();
        if breaks {
            self.tell_failed(attempt, Failure::after_commit(Kind::Cut), scene);
        } else if self.moves_health() {
            let model = self.nature.route.model.clone();
            scene.tell(Input::Succeeded { endpoint: endpoint.clone(), model, started: since });
        }
        self.session_ended(&endpoint, scene);
        self.ends(format!("{}answer of {endpoint}", if breaks { "broken " } else { "" }), scene);
    }

    fn session_ended(&self, endpoint: &EndpointId, scene: &mut Scene) {
        if let Some(session) = self.nature.session.as_ref().filter(|_| self.nature.class == Class::Messages) {
            scene.sessions.ended(session, endpoint, false, scene.now);
        }
    }

    /// The client is gone: nobody is to blame, but an endpoint that was silent for long.
    fn leave(&mut self, scene: &mut Scene) {
        self.released.take().into_iter().for_each(|turn| scene.line.given_back(turn));
        scene.line.take(|n| *n == self.nature.number);
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Asking { attempt, since, .. } => {
                if let Some(failure) = Failure::of_silence(scene.now - since) {
                    self.tell_failed(&attempt, failure, scene);
                }
            }
            State::Answering { attempt, .. } => self.session_ended(&attempt.spec.id, scene),
            State::Waiting { since, .. } => self.waited(since, scene),
            State::BackingOff { .. } | State::Ended => {}
        }
        self.ends("nothing, the client left".to_owned(), scene);
    }

    fn conclude(&mut self, verdict: &Verdict, scene: &Scene) {
        let relayed = verdict.relay.and_then(|(number, rule)| {
            let kept = self.kept.iter().find(|(n, _, _)| *n == number)?;
            // What scenarios let endpoints answer has an error object for a body.
            rule.allows(|| true).then_some(kept)
        });
        let got = match relayed {
            Some((_, status, endpoint)) => format!("{status} of {endpoint}"),
            None => format!("{} from us", verdict.refusal.status),
        };
        self.said = relayed.is_none().then(|| verdict.refusal.message.clone());
        self.ends(got, scene);
    }

    fn ends(&mut self, got: String, scene: &Scene) {
        self.state = State::Ended;
        self.got = Some((got, scene.elapsed()));
    }

    fn waited(&mut self, since: Instant, scene: &Scene) {
        self.asked.push(format!("waits {}", Span(scene.now - since)));
    }

    /// A request that was let go and does not commit has failed its step in the queue, unless it got what is its client's
    /// own to know.
    fn end_turn(&mut self, kind: Option<Kind>, scene: &mut Scene) {
        let Some(turn) = self.released.take() else { return };
        match kind {
            Some(kind) if kind.is_refusal() || kind == Kind::EmptyCompletion => scene.line.committed(turn),
            _ => scene.line.failed(turn),
        }
    }

    fn moves_health(&self) -> bool {
        outcome::moves_health(self.nature.class, self.nature.one_token)
    }

    fn tell_budgets(&self, attempt: &Attempt, answer: &Answer, scene: &mut Scene) {
        use cc_forwarder::domain::ratelimit;
        let budgets = ratelimit::budgets(&answer.headers);
        if !budgets.is_empty() {
            let used_up = ratelimit::used_up_for(answer.status(), &budgets, scene.wall());
            scene.tell(Input::Budgets { endpoint: attempt.spec.id.clone(), budgets, used_up });
        }
    }

    fn tell_failed(&self, attempt: &Attempt, failure: Failure, scene: &mut Scene) {
        if self.moves_health() || failure.kind == Kind::NoCountTokens {
            scene.tell(Input::Failed {
                endpoint: attempt.spec.id.clone(),
                model: self.nature.route.model.clone(),
                started: attempt.here_since,
                failure,
            });
        }
    }

    fn tell_exhausted(&mut self, scene: &mut Scene) {
        if let Some(exhausted) = self.plan.take_exhausted()
            && self.moves_health()
        {
            scene.tell(Input::GroupExhausted { group: exhausted.group, blamed: exhausted.blamed });
        }
    }
}

impl Nature {
    fn policy(&self, scene: &Scene) -> Policy {
        let policy = scene.config.policy(self.class);
        Policy { suspend: policy.suspend && !self.one_token, ..policy }
    }

    fn start(&self, scene: &Scene) -> (Plan, Step) {
        let (policy, route) = (self.policy(scene), self.route.clone());
        Plan::start(policy, route, Replay::Free, self.deadline, &scene.view, scene.now)
    }

    fn ticket(&self) -> Ticket {
        Ticket { accepted: self.accepted, until: self.deadline, route: self.route.clone() }
    }

    fn of(file: &RequestFile, number: usize, scene: &Scene) -> Self {
        let (view, now) = (&scene.view, scene.now);
        let class = if file.count_tokens { Class::CountTokens } else { Class::Messages };
        let session: Option<Arc<str>> = file.session.as_deref().map(Arc::from);
        let rules = scene.config.session_rules();
        let affinity = |s: &Arc<str>| scene.sessions.affinity(s, rules, view.orders, now);
        let affinity = session.as_ref().map(affinity).unwrap_or_default();
        let route = RouteRequest {
            model: file.model.as_deref().map(Arc::from),
            counts_tokens: class == Class::CountTokens,
            preferred: affinity.preferred(view.orders),
            ..RouteRequest::default()
        };
        Self {
            number,
            class,
            one_token: file.one_token,
            session,
            route,
            affinity,
            accepted: now,
            deadline: now + scene.config.suspend.timeout,
            leaves: file.leaves.map(|span| now + span.0),
        }
    }
}
