//! What to do next for one request: send, sleep, or stop.
//!
//! A plan is started with what the request needs, told every outcome, and answers with the next [`Step`]. It keeps one
//! budget for everything: tries per endpoint, tries in all, and a deadline after which nothing new is begun. It always
//! ends: every step either uses up budget, leaves an endpoint for good, or is the verdict.
//!
//! ```text
//! start -> round -> Done(verdict)
//!           |  ^
//!           v  | on_resume: a new round, one try per endpoint
//!         Suspend
//!
//! round:  (Send | Sleep -> Send)*
//! ```

mod cure;
mod pace;
mod step;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use cure::{WaitsFor, waits_in_vain};
pub use pace::{Policy, back_off};
pub use step::{Attempt, Decision, Exhausted, Replay, Step};
use verdict::Word;
pub use verdict::{Refusal, RelayRule, Verdict};

use super::endpoint::{EndpointId, EndpointSpec};
use super::fleet::FleetView;
use super::group::GroupState;
use super::outcome::{Blame, Failure, Kind, Next, SHORT_WAIT, Same};
use super::route::{self, Candidate, RouteRequest, Skip, SkipReason};
use super::standing::{Availability, Why};

struct Tried {
    spec: Arc<EndpointSpec>,
    since: Instant,
    attempts: u32,
    /// The one try outside the budget after a stale connection was had.
    free_used: bool,
    last: Option<(u32, Failure)>,
}

/// Denied permits after which a request stops to try: a permit that keeps slipping away must not keep a plan busy.
const MAX_DENIED: u32 = 16;

/// What the view says about asking the current endpoint again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outlook {
    /// Nothing against it.
    Fair,
    /// It is at rest by our own decision: anything else is better.
    Poor,
    /// It must not be asked: gone, switched off, paused, or it said so itself.
    Barred,
}

/// The plan of one request.
pub struct Plan {
    policy: Policy,
    route: RouteRequest,
    replay: Replay,
    deadline: Instant,
    /// Attempts handed out, which is the number of the last one.
    sent: u32,
    /// Attempts that count against the budget.
    spent: u32,
    /// Half-open permits that others were faster to take.
    denied: u32,
    /// An empty completion was taken for a failure, which happens once per request.
    empty_seen: bool,
    /// Tried in this round.
    tried: Vec<Tried>,
    /// The last words of the rounds before this one, one per endpoint, in the order they were said.
    past: Vec<(EndpointId, u32, Failure)>,
    /// Times this request was resumed.
    resumed: u32,
    /// A person resumed it: rests of our own making are no reason to wait again before each was overrun once.
    ordered: bool,
    current: usize,
    /// End of the current back-off.
    resume: Option<Instant>,
    exhausted: Option<Exhausted>,
    decision: Decision,
}

impl Plan {
    /// A plan for one request and its first step.
    pub fn start(
        policy: Policy,
        route: RouteRequest,
        replay: Replay,
        deadline: Instant,
        view: &FleetView,
        now: Instant,
    ) -> (Self, Step) {
        let mut plan = Self {
            policy,
            route,
            replay,
            deadline,
            sent: 0,
            spent: 0,
            denied: 0,
            empty_seen: false,
            tried: Vec::new(),
            past: Vec::new(),
            resumed: 0,
            ordered: false,
            current: 0,
            resume: None,
            exhausted: None,
            decision: Decision::default(),
        };
        let step = plan.next_endpoint(view, now);
        (plan, step)
    }

    /// The last attempt failed. `jitter` is uniform in `0.0..1.0`.
    pub fn on_outcome(&mut self, failure: Failure, view: &FleetView, now: Instant, jitter: f64) -> Step {
        let number = self.sent;
        let Some(tried) = self.tried.get_mut(self.current) else { return self.done(view, now) };
        tried.last = Some((number, failure.clone()));
        let free = failure.same == Same::Free && self.replay != Replay::Unsent && !tried.free_used;
        if free && (self.spent <= 1 || now < self.deadline) {
            tried.free_used = true;
            return self.send(view, false);
        }
        let honest = failure.kind == Kind::EmptyCompletion && std::mem::replace(&mut self.empty_seen, true);
        if honest || !self.may_continue(&failure) {
            return self.done(view, now);
        }
        if !self.budget_left(now) {
            return self.give_up(view, now);
        }
        if failure.next == Next::OwnCredential {
            self.route.own_credential_only = true;
        }
        match self.back_off(&failure, view, now, jitter) {
            Some(Duration::ZERO) => self.send(view, true),
            Some(delay) => self.sleep(now + delay),
            None => self.leave(view, now),
        }
    }

    /// The sleep is over, or the fleet changed while sleeping.
    pub fn on_wake(&mut self, view: &FleetView, now: Instant) -> Step {
        let Some(until) = self.resume.take() else { return self.next_endpoint(view, now) };
        if !self.budget_left(now) {
            return self.give_up(view, now);
        }
        let better = || self.best_untried(view, now).is_some_and(|c| c.tier.is_usable());
        match self.outlook(view, now) {
            Outlook::Barred => return self.leave(view, now),
            Outlook::Poor if better() => return self.leave(view, now),
            _ => {}
        }
        if now < until {
            self.resume = Some(until);
            return Step::Sleep { until };
        }
        self.send(view, true)
    }

    /// The half-open permit of the attempt just handed out was taken by somebody else.
    pub fn on_denied(&mut self, view: &FleetView, now: Instant) -> Step {
        self.sent = self.sent.saturating_sub(1);
        self.spent = self.spent.saturating_sub(1);
        if self.tried.get(self.current).is_some_and(|t| t.last.is_none()) {
            self.tried.pop();
        }
        self.denied += 1;
        if self.denied > MAX_DENIED {
            return self.done(view, now);
        }
        self.next_endpoint(view, now)
    }

    /// It waited, and is asked to try again: a new round begins. When a person asks it, what rests by our own decision is
    /// tried too.
    pub fn on_resume(&mut self, by_person: bool, view: &FleetView, now: Instant) -> Step {
        for Tried { spec, last, .. } in self.tried.drain(..) {
            let Some((number, failure)) = last else { continue };
            self.past.retain(|(id, _, _)| *id != spec.id);
            self.past.push((spec.id.clone(), number, failure));
        }
        self.resumed += 1;
        self.ordered = by_person;
        (self.spent, self.denied, self.current) = (0, 0, 0);
        self.next_endpoint(view, now)
    }

    /// The queue is full: what rests by our own decision is tried after all, then it ends.
    pub fn on_no_room(&mut self, view: &FleetView, now: Instant) -> Step {
        self.policy.suspend = false;
        self.next_endpoint(view, now)
    }

    /// It waited until its deadline.
    pub fn on_waited_in_vain(&mut self, view: &FleetView, now: Instant) -> Step {
        self.policy.suspend = false;
        self.resumed += 1;
        self.done(view, now)
    }

    /// The group that this request has just used up, once.
    pub fn take_exhausted(&mut self) -> Option<Exhausted> {
        self.exhausted.take()
    }

    /// What the last routing decision had to choose from.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// What may be asked, as far as this request has come: what waits for a turn must wait for these.
    pub fn route(&self) -> &RouteRequest {
        &self.route
    }

    /// Attempts handed out so far.
    pub fn attempts(&self) -> u32 {
        self.sent
    }

    /// The last failure of each endpoint asked, in the order they were asked.
    pub fn last_words(&self) -> Vec<(&EndpointId, &Failure)> {
        self.earlier_words().chain(self.words()).map(|(id, _, failure)| (id, failure)).collect()
    }

    /// The last words of this round.
    fn words(&self) -> impl Iterator<Item = Word<'_>> {
        self.tried.iter().filter_map(|t| t.last.as_ref().map(|(n, f)| (&t.spec.id, *n, f)))
    }

    /// The last words of endpoints that only rounds before this one asked.
    fn earlier_words(&self) -> impl Iterator<Item = Word<'_>> {
        let past = self.past.iter().map(|(id, n, f)| (id, *n, f));
        past.filter(|(id, _, _)| self.words().all(|(of, _, _)| of != *id))
    }

    fn may_continue(&self, failure: &Failure) -> bool {
        let wanted = match failure.next {
            Next::No => false,
            Next::AfterTransient => self.transient_before().is_some(),
            Next::OwnCredential | Next::Yes => true,
        };
        wanted && self.may_replay(failure.kind, failure.status)
    }

    fn budget_left(&self, now: Instant) -> bool {
        self.sent == 0 || (self.spent < self.policy.max_total_attempts && now < self.deadline)
    }

    fn may_replay(&self, kind: Kind, status: Option<u16>) -> bool {
        let unsent = matches!(kind, Kind::Dns | Kind::Connect | Kind::Proxy | Kind::Tls);
        match self.replay {
            Replay::Free => true,
            Replay::Unsent => unsent,
            Replay::Unprocessed => {
                unsent || kind == Kind::Stale || matches!(status, Some(401..=403 | 429 | 503 | 529))
            }
        }
    }

    /// The wait before the same endpoint is asked again; `None` when it is not.
    fn back_off(&self, failure: &Failure, view: &FleetView, now: Instant, jitter: f64) -> Option<Duration> {
        let tried = self.tried.get(self.current)?;
        let other = self.best_untried(view, now).is_some();
        match self.outlook(view, now) {
            Outlook::Barred => return None,
            Outlook::Poor if other => return None,
            _ => {}
        }
        let limit = match failure.same {
            Same::Never | Same::Free => 0,
            Same::Once => self.policy.max_attempts.min(2),
            Same::UpToLimit => self.policy.max_attempts,
            Same::IfAlone if other => 0,
            Same::IfAlone => self.policy.max_attempts,
        };
        let limit = if self.resumed > 0 { limit.min(1) } else { limit };
        if tried.attempts >= limit {
            return None;
        }
        let delay = self.policy.delay(failure, tried.attempts, jitter);
        (now + delay < self.deadline).then_some(delay)
    }

    fn sleep(&mut self, until: Instant) -> Step {
        self.resume = Some(until);
        Step::Sleep { until }
    }

    /// Whether asking the current endpoint again still makes sense. A stated rest short enough to be sat out does not
    /// count: it is the one this request sits out.
    fn outlook(&self, view: &FleetView, now: Instant) -> Outlook {
        let Some(tried) = self.tried.get(self.current) else { return Outlook::Barred };
        let Some(endpoint) = view.endpoint(&tried.spec.id) else { return Outlook::Barred };
        if view.group(&endpoint.spec.group).is_none_or(|g| g.state == GroupState::Paused) {
            return Outlook::Barred;
        }
        match endpoint.availability(self.route.model.as_deref(), now) {
            Availability::Disabled => Outlook::Barred,
            Availability::Stated(until) if until.saturating_duration_since(now) > SHORT_WAIT => {
                Outlook::Barred
            }
            Availability::Resting(Why::BreakerOpen | Why::Credential | Why::ProbeFailed, _) => Outlook::Poor,
            _ => Outlook::Fair,
        }
    }

    /// Asks the current endpoint again, as it is configured by now. Where one idle connection was found closed, the rest of
    /// the pool may be: each further attempt there gets a connection of its own, or it would be spent on learning that.
    fn send(&mut self, view: &FleetView, counted: bool) -> Step {
        let Some(tried) = self.tried.get_mut(self.current) else {
            return Step::Done(verdict::nothing_tried(&[]));
        };
        if let Some(endpoint) = view.endpoint(&tried.spec.id) {
            tried.spec = Arc::clone(&endpoint.spec);
        }
        let first_here = tried.attempts == 1 && !counted;
        tried.attempts += u32::from(counted);
        self.spent += u32::from(counted);
        self.sent += 1;
        Step::Send(Attempt {
            number: self.sent,
            spec: Arc::clone(&tried.spec),
            fresh: tried.free_used || self.replay == Replay::Unsent,
            needs_permit: false,
            first_here,
            here_since: tried.since,
        })
    }

    /// Gives the current endpoint up and asks the next one.
    fn leave(&mut self, view: &FleetView, now: Instant) -> Step {
        self.note_exhausted(view, now);
        self.next_endpoint(view, now)
    }

    fn next_endpoint(&mut self, view: &FleetView, now: Instant) -> Step {
        self.resume = None;
        if !self.budget_left(now) {
            return self.give_up(view, now);
        }
        let Some(candidate) = self.decide(view, now) else { return self.give_up(view, now) };
        if candidate.tier.is_usable() || self.ordered || self.cure(view, now).is_none() {
            return self.send_first(candidate, now);
        }
        self.give_up(view, now)
    }

    /// Nothing more can be asked in this round.
    fn give_up(&mut self, view: &FleetView, now: Instant) -> Step {
        let Some(waits_for) = self.cure(view, now) else { return self.done(view, now) };
        self.note_skipped(view, now);
        self.note_final_exhaustion(view, now);
        Step::Suspend { until: self.deadline, waits_for }
    }

    /// What waiting can help with, if it can. A client whose credential was refused has to know at once.
    fn cure(&self, view: &FleetView, now: Instant) -> Option<WaitsFor> {
        let current = self.tried.get(self.current).and_then(|t| t.last.as_ref());
        if current.is_some_and(|(_, failure)| failure.kind == Kind::ClientCredential) {
            return None;
        }
        let last = |id: &EndpointId| {
            let tried = self.tried.iter().find(|t| t.spec.id == *id);
            tried.and_then(|t| t.last.as_ref()).map(|(_, failure)| failure)
        };
        let may_wait = self.policy.suspend && now < self.deadline;
        may_wait.then(|| cure::possible(view, &self.route, last, self.deadline, now)).flatten()
    }

    fn send_first(&mut self, candidate: Candidate, now: Instant) -> Step {
        self.current = self.tried.len();
        let spec = Arc::clone(&candidate.spec);
        self.tried.push(Tried { spec, since: now, attempts: 1, free_used: false, last: None });
        self.spent += 1;
        self.sent += 1;
        Step::Send(Attempt {
            number: self.sent,
            spec: candidate.spec,
            fresh: self.replay == Replay::Unsent,
            needs_permit: candidate.needs_permit,
            first_here: true,
            here_since: now,
        })
    }

    fn best_untried(&self, view: &FleetView, now: Instant) -> Option<Candidate> {
        let order = route::order(view, self.policy.strategy, &self.route, now);
        order.candidates.into_iter().find(|c| !self.has_tried(&c.spec.id))
    }

    /// As [`Plan::best_untried`], remembering what there was to choose from.
    fn decide(&mut self, view: &FleetView, now: Instant) -> Option<Candidate> {
        let order = route::order(view, self.policy.strategy, &self.route, now);
        let untried = order.candidates.into_iter().filter(|c| !self.has_tried(&c.spec.id));
        let untried: Vec<Candidate> = untried.collect();
        self.decision.order = untried.iter().map(|c| c.spec.id.clone()).collect();
        self.decision.skipped = order.skipped;
        untried.into_iter().next()
    }

    fn has_tried(&self, id: &EndpointId) -> bool {
        self.tried.iter().any(|t| t.spec.id == *id)
    }

    /// Remembers that the current endpoint's group has nothing usable left for this request. An answer (one that is the
    /// client's own fault, or empty) is no failure of the group.
    fn note_exhausted(&mut self, view: &FleetView, now: Instant) {
        let Some(group) = self.tried.get(self.current).map(|t| t.spec.group.clone()) else { return };
        let order = route::order(view, self.policy.strategy, &self.route, now);
        let left = order
            .candidates
            .iter()
            .any(|c| c.spec.group == group && c.tier.is_usable() && !self.has_tried(&c.spec.id));
        if left {
            return;
        }
        let mine = || self.tried.iter().filter(|t| t.spec.group == group).filter_map(|t| t.last.as_ref());
        if mine().any(|(_, f)| f.is_answer()) {
            return;
        }
        let blamed = mine().all(|(_, f)| f.blame == Blame::Endpoint);
        self.exhausted = Some(Exhausted { group, blamed });
    }

    fn transient_before(&self) -> Option<&(u32, Failure)> {
        self.failures().filter(|(_, f)| f.is_transient()).last()
    }

    fn failures(&self) -> impl Iterator<Item = &(u32, Failure)> {
        self.tried.iter().filter_map(|t| t.last.as_ref())
    }

    fn done(&mut self, view: &FleetView, now: Instant) -> Step {
        self.note_skipped(view, now);
        self.note_final_exhaustion(view, now);
        let mut failures: Vec<_> = self.words().collect();
        if failures.is_empty()
            && let Some(verdict) = verdict::overspent(&self.decision.skipped, view)
        {
            return Step::Done(verdict);
        }
        let mut earlier: Vec<_> = self.earlier_words().collect();
        if failures.is_empty() {
            std::mem::swap(&mut failures, &mut earlier);
        }
        if failures.is_empty() {
            return Step::Done(verdict::nothing_tried(&self.decision.skipped));
        }
        Step::Done(verdict::of(&failures, &earlier, self.resumed > 0))
    }

    /// Remembers of every endpoint that was not tried in this round why not.
    fn note_skipped(&mut self, view: &FleetView, now: Instant) {
        let order = route::order(view, self.policy.strategy, &self.route, now);
        let resting = order.candidates.iter().filter(|c| !self.has_tried(&c.spec.id));
        let resting = resting.map(|c| Skip { endpoint: c.spec.id.clone(), reason: SkipReason::Resting });
        let resting: Vec<Skip> = resting.collect();
        self.decision.skipped = order.skipped;
        self.decision.skipped.extend(resting);
    }

    /// A request that ends on a transient failure has used up its last group too.
    fn note_final_exhaustion(&mut self, view: &FleetView, now: Instant) {
        if self.exhausted.is_some() {
            return;
        }
        let transient =
            self.tried.get(self.current).and_then(|t| t.last.as_ref()).is_some_and(|(_, f)| f.is_transient());
        if transient {
            self.note_exhausted(view, now);
        }
    }
}

#[cfg(test)]
mod tests;
