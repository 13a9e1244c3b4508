//! Which behaviour the next request meets.
//!
//! In this order; the first that has an answer decides:
//! 1. the rule, a function of the request;
//! 2. the behaviour set for the request's class;
//! 3. for messages only: the steps of the script, each used once (or round and round for a cycle);
//! 4. for messages only: the default. Everything else is healthy.
//!
//! A step that acts before a request can be read ([`Mark::Accept`], uploads, early answers) is taken by the connection or
//! request head that meets it first; choosing and taking are one step under one lock.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::behaviour::{Behaviour, How, Mark};
use super::log::{Class, Received};

/// A function from a request to a behaviour; `None` leaves the choice to the script.
pub type Rule = Arc<dyn Fn(&Received) -> Option<Behaviour> + Send + Sync>;

#[derive(Default)]
struct Choices {
    rule: Option<Rule>,
    by_class: HashMap<Class, Behaviour>,
    steps: VecDeque<Behaviour>,
    cycles: bool,
    default: Behaviour,
}

/// The choices behind their lock.
#[derive(Default)]
pub(super) struct Script(Mutex<Choices>);

impl fmt::Debug for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Script").field("steps", &self.lock().steps.len()).finish_non_exhaustive()
    }
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Choices> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_default(&self, behaviour: Behaviour) {
        let mut choices = self.lock();
        choices.default = behaviour;
        choices.steps.clear();
    }

    pub(super) fn set_steps(&self, steps: Vec<Behaviour>, cycles: bool) {
        let mut choices = self.lock();
        choices.steps = steps.into();
        choices.cycles = cycles;
    }

    pub(super) fn set_for(&self, class: Class, behaviour: Behaviour) {
        self.lock().by_class.insert(class, behaviour);
    }

    pub(super) fn set_rule(&self, rule: Option<Rule>) {
        self.lock().rule = rule;
    }

    /// Steps of the script that no request has met yet.
    pub(super) fn steps_left(&self) -> usize {
        self.lock().steps.len()
    }

    /// The behaviour of a complete request.
    pub(super) fn take(&self, request: &Received) -> Behaviour {
        let rule = self.lock().rule.clone();
        // The rule is the test's own code: it runs outside the lock.
        if let Some(behaviour) = rule.and_then(|rule| rule(request)) {
            return behaviour;
        }
        let mut choices = self.lock();
        match choices.by_class.get(&request.class) {
            Some(behaviour) => behaviour.clone(),
            None if request.class == Class::Messages => choices.next_step(),
            None => Behaviour::healthy(),
        }
    }

    /// How to treat a connection that was just accepted, if its turn is to be turned away.
    pub(super) fn take_for_accept(&self) -> Option<How> {
        self.lock().take_if(|next| next.stop_at(Mark::Accept).is_some())?.stop.map(|stop| stop.how)
    }

    /// The behaviour of a request whose head has arrived, if it does not wait for the body.
    pub(super) fn take_for_head(&self, class: Class) -> Option<Behaviour> {
        let mut choices = self.lock();
        match choices.by_class.get(&class) {
            Some(behaviour) => behaviour.acts_on_head().then(|| behaviour.clone()),
            None if class == Class::Messages => choices.take_if(Behaviour::acts_on_head),
            None => None,
        }
    }
}

impl Choices {
    fn take_if(&mut self, wanted: impl Fn(&Behaviour) -> bool) -> Option<Behaviour> {
        let next = self.steps.front().unwrap_or(&self.default);
        wanted(next).then(|| self.next_step())
    }

    fn next_step(&mut self) -> Behaviour {
        let Some(step) = self.steps.pop_front() else { return self.default.clone() };
        if self.cycles {
            self.steps.push_back(step.clone());
        }
        step
    }
}
