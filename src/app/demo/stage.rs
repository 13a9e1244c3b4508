//! The simulated endpoints and their moods; performs the schedule.
//!
//! ```text
//! schedule --Act--> Mood (what the next request meets) <--asked by-- Simulator
//! ```
//!
//! Beside the four endpoints there is one that never fails and that the forwarder does not know: clients compare their
//! answers with its.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep_until};

use super::scenario::{Act, Cue, Fault, ROLES, ROUND, Role, SCHEDULE, healthy};
use crate::claude::request::peek;
use crate::config::{Config, Source, System, load};
use crate::simulator::{Behaviour, Class, Received, Simulator};

/// Timers suited to watching; limits that no slow machine reaches. No ping of ours: answers are compared byte by byte.
const SETTINGS: &str = "
server: { port: 0, shutdown_grace: 10s }
web: { enabled: false }
tui: { update_interval: 1s }
usage_tracking: { enabled: false }
retry: { max_attempts: 2, base_delay: 250ms, max_delay: 1s }
health: { check_interval: 2s, timeout: 10s }
group: { cooldown: 4s }
streaming: { heartbeat_interval: 0s, max_idle_time: 60s, response_header_timeout: 60s, gate_hold: 60s }
endpoints:
";

/// What the next request at an endpoint meets.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Mood {
    next: VecDeque<Fault>,
    always: Option<Fault>,
    /// On its way down: nothing new is begun.
    leaving: bool,
}

/// What a request meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meets {
    Health,
    Fault(Fault),
    Closed,
}

impl Mood {
    fn change(&mut self, act: Act) {
        match act {
            Act::Next(faults) => self.next.extend(faults),
            Act::Always(fault) => self.always = Some(fault),
            Act::Heal | Act::Up => *self = Self::default(),
            Act::Down => *self = Self { leaving: true, ..Self::default() },
        }
    }

    fn meets(&mut self, message: bool, stream: bool) -> Meets {
        if self.leaving {
            return Meets::Closed;
        }
        if !message {
            return Meets::Health;
        }
        let position = self.next.iter().position(|fault| fault.suits(stream));
        let next = position.and_then(|at| self.next.remove(at));
        next.or(self.always.filter(|fault| fault.suits(stream))).map_or(Meets::Health, Meets::Fault)
    }
}

impl Meets {
    /// Only messages take their time; everything else is answered at once.
    fn behaviour(self, message: bool) -> Option<Behaviour> {
        match self {
            Self::Closed => Some(Behaviour::close_before_headers()),
            Self::Fault(fault) => Some(fault.behaviour()),
            Self::Health => message.then(healthy),
        }
    }
}

struct Actor {
    role: &'static Role,
    simulator: Simulator,
    mood: Arc<Mutex<Mood>>,
}

/// Everything simulated.
pub(super) struct Stage {
    actors: Vec<Actor>,
    /// Never fails; not known to the forwarder.
    pub(super) untroubled: Simulator,
}

impl Stage {
    /// Starts the simulators on free loopback ports.
    ///
    /// # Errors
    /// When a port cannot be had.
    pub(super) async fn set() -> anyhow::Result<Self> {
        let mut actors = Vec::new();
        for role in &ROLES {
            actors.push(Actor::enters(role).await?);
        }
        Ok(Self { actors, untroubled: simulator("untroubled").await? })
    }

    /// The forwarder's configuration for these endpoints.
    ///
    /// # Errors
    /// None, unless the settings above have become wrong.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let mut yaml = SETTINGS.to_owned();
        for (rank, actor) in (1..).zip(&self.actors) {
            let (Role { name, group, timeout }, url) = (actor.role, actor.simulator.url());
            let group_rank = if *group == ROLES[0].group { 1 } else { 2 };
            writeln!(
                yaml,
                "  - {{ name: {name}, url: \"{url}\", group: {group}, group-priority: {group_rank}, \
                 priority: {rank}, timeout: {timeout}, token: token-of-{name} }}"
            )?;
        }
        Ok(load::parse(&yaml, Source::BuiltIn, &System)?.config)
    }

    /// Group, name and port of each endpoint.
    pub(super) fn bill(&self) -> Vec<(&'static str, &'static str, u16)> {
        let line = |a: &Actor| (a.role.group, a.role.name, a.simulator.address().port());
        self.actors.iter().map(line).collect()
    }

    /// Performs the schedule round by round, announcing every act. A round that was begun within `time` is played to
    /// its end, because everything that breaks in it is healed in it; then nothing more happens.
    pub(super) async fn perform(
        &self,
        start: Instant,
        time: Duration,
        announce: impl Fn(&Cue),
    ) -> Infallible {
        let mut round = start;
        while round < start + time {
            for cue in &SCHEDULE {
                sleep_until(round + Duration::from_millis(cue.at)).await;
                announce(cue);
                if let Some(actor) = self.actors.iter().find(|actor| actor.role.name == cue.who) {
                    actor.act(cue.act).await;
                }
            }
            round += ROUND;
            sleep_until(round).await;
        }
        std::future::pending().await
    }

    /// Ends all simulators.
    pub(super) async fn clear(&self) {
        for actor in &self.actors {
            actor.simulator.shutdown().await;
        }
        self.untroubled.shutdown().await;
    }
}

async fn simulator(name: &str) -> anyhow::Result<Simulator> {
    Simulator::start(name).await.context("cannot open a loopback port for a simulated endpoint")
}

impl Actor {
    async fn enters(role: &'static Role) -> anyhow::Result<Self> {
        let simulator = simulator(role.name).await?;
        let mood = Arc::new(Mutex::new(Mood::default()));
        let asked = Arc::clone(&mood);
        simulator.rule(move |request| meets(&mut lock(&asked), request));
        Ok(Self { role, simulator, mood })
    }

    async fn act(&self, act: Act) {
        lock(&self.mood).change(act);
        // An endpoint that cannot leave or return stays as it is: the show goes on without that scene.
        match act {
            Act::Down => {
                if self.simulator.wait_for(|log| log.in_flight() == 0).await.is_ok() {
                    let _ = self.simulator.down().await;
                }
            }
            Act::Up => {
                let _ = self.simulator.up().await;
            }
            Act::Next(_) | Act::Always(_) | Act::Heal => {}
        }
    }
}

fn lock(mood: &Mutex<Mood>) -> MutexGuard<'_, Mood> {
    mood.lock().unwrap_or_else(PoisonError::into_inner)
}

fn meets(mood: &mut Mood, request: &Received) -> Option<Behaviour> {
    let message = request.class == Class::Messages;
    let stream = message && peek(&request.body).stream;
    mood.meets(message, stream).behaviour(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_wait_for_a_request_that_suits() {
        let mut mood = Mood::default();
        mood.change(Act::Next(&[Fault::CutEarly, Fault::Overloaded]));
        assert_eq!(mood.meets(false, false), Meets::Health);
        assert_eq!(mood.meets(true, false), Meets::Fault(Fault::Overloaded));
        assert_eq!(mood.meets(true, false), Meets::Health);
        assert_eq!(mood.meets(true, true), Meets::Fault(Fault::CutEarly));
        assert_eq!(mood.meets(true, true), Meets::Health);
    }

    #[test]
    fn lasting_trouble_lasts_until_healed_and_who_leaves_begins_nothing() {
        let mut mood = Mood::default();
        mood.change(Act::Always(Fault::ServerError));
        for _ in 0..3 {
            assert_eq!(mood.meets(true, true), Meets::Fault(Fault::ServerError));
        }
        mood.change(Act::Heal);
        assert_eq!(mood.meets(true, true), Meets::Health);
        mood.change(Act::Down);
        assert_eq!(mood.meets(false, false), Meets::Closed);
        mood.change(Act::Up);
        assert_eq!(mood, Mood::default());
    }

    #[tokio::test]
    async fn the_forwarders_configuration_is_valid_and_ranked() {
        let stage = Stage::set().await.unwrap();
        let config = stage.config().unwrap();
        let names: Vec<String> = config.endpoints.iter().map(|e| e.id.to_string()).collect();
        assert_eq!(names, ROLES.map(|role| role.name));
        assert!(config.endpoints.is_sorted_by_key(|e| (e.group_priority, e.priority)));
        stage.clear().await;
    }
}
