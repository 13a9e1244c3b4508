//! The world of a scenario: a fleet, its sessions, its queue and a clock that moves only when told to.
//!
//! It does what the fleet's owner, the session table and the queue do in the program, on the same pure parts, and notes
//! every change of the fleet with its time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use cc_forwarder::config::{Config, Source, System, load};
use cc_forwarder::control::probe;
use cc_forwarder::domain::endpoint::{EndpointId, EndpointSpec};
use cc_forwarder::domain::fleet::{Change, Fleet, FleetView, Input};
use cc_forwarder::domain::line::Line;
use cc_forwarder::domain::order::{self, Order};
use cc_forwarder::domain::session::Sessions;

use super::answer::Answer;
use super::file::{FleetFile, Span};

/// All that requests share.
pub(crate) struct Scene {
    pub(crate) config: Config,
    fleet: Fleet,
    pub(crate) view: Arc<FleetView>,
    pub(crate) sessions: Sessions,
    /// Suspended requests by their number.
    pub(crate) line: Line<usize>,
    pub(crate) now: Instant,
    /// How endpoints answer.
    pub(crate) answers: BTreeMap<EndpointId, Answer>,
    /// Every change so far, with its time.
    pub(crate) changes: Vec<String>,
    /// When each endpoint was last probed; `None` when probes run only by order.
    probed: Option<HashMap<EndpointId, Instant>>,
}

/// The instant at which all scenarios start. It is read once, and only because an `Instant` can be had in no other way.
fn origin() -> Instant {
    #[allow(clippy::disallowed_methods)]
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *ORIGIN
}

impl Scene {
    /// The world at the start: every endpoint answers and has been probed.
    pub(crate) fn new(file: &FleetFile) -> Result<Self, String> {
        let (config, now) = (config(file, file.pin.as_deref())?, origin());
        let fleet = Fleet::new(config.fleet_settings(), &config.endpoints, now);
        let mut scene = Self {
            view: Arc::new(fleet.view(now)),
            fleet,
            sessions: Sessions::default(),
            line: Line::default(),
            now,
            answers: BTreeMap::new(),
            changes: Vec::new(),
            probed: file.probing.then(HashMap::new),
            config,
        };
        scene.config.endpoints.clone().iter().for_each(|spec| scene.probe(spec));
        scene.changes.clear();
        Ok(scene)
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Span {
        Span(self.now.saturating_duration_since(origin()))
    }

    /// That long after the start.
    pub(crate) fn at(&self, span: Span) -> Instant {
        origin() + span.0
    }

    /// The date.
    pub(crate) fn wall(&self) -> jiff::Timestamp {
        let start: jiff::Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        start + self.elapsed().0
    }

    /// How this endpoint answers now.
    pub(crate) fn answer(&self, id: &EndpointId) -> Answer {
        self.answers.get(id).cloned().unwrap_or_else(Answer::ok)
    }

    /// Tells the fleet something.
    pub(crate) fn tell(&mut self, input: Input) {
        let applied = self.fleet.apply(input, self.now);
        if applied.dirty {
            self.view = Arc::new(self.fleet.view(self.now));
            let at = self.elapsed();
            self.changes.extend(applied.changes.iter().map(|c| format!("{at} {}", words(c))));
        }
    }

    /// Does what a person asks for, or says why not.
    pub(crate) fn obey(&mut self, order: Order) -> Result<(), String> {
        let input = order::accept(order, &self.view, self.now).map_err(|refused| refused.to_string())?;
        self.tell(input);
        Ok(())
    }

    /// Takes over a changed configuration; `-p` stays.
    pub(crate) fn reload(&mut self, file: &FleetFile) -> Result<(), String> {
        let pin = self.config.pinned.as_ref().map(ToString::to_string);
        self.config = config(file, pin.as_deref())?;
        let (settings, specs) = (self.config.fleet_settings(), self.config.endpoints.clone());
        self.tell(Input::Reload { settings, specs });
        Ok(())
    }

    /// Probes one endpoint, which takes no time.
    pub(crate) fn probe(&mut self, spec: &EndpointSpec) {
        let result = self.answer(&spec.id).probed(spec, self.wall());
        if let Some(probed) = &mut self.probed {
            probed.insert(spec.id.clone(), self.now);
        }
        self.tell(Input::Probed { endpoint: spec.id.clone(), started: self.now, result });
    }

    /// When something happens by itself. Probes are looked for every second, as far as they run.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        let probes = self.probed.as_ref().map(|_| {
            let second = self.elapsed().0.as_secs() + 1;
            origin() + Duration::from_secs(second)
        });
        let pace = self.line.next_change(self.now);
        self.fleet.next_change(self.now).into_iter().chain(probes).chain(pace).min()
    }

    /// True while one more may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.line.len() < usize::try_from(self.config.suspend.max_suspended).unwrap()
    }

    /// Lets happen by itself what is due now; true when something was.
    pub(crate) fn tick(&mut self) -> bool {
        let due = self.fleet.next_change(self.now).is_some_and(|at| at <= self.now);
        if due {
            self.tell(Input::Tick);
        }
        let Some(last) = &self.probed else { return due };
        let interval = self.config.health.check_interval;
        let pace = probe::Pace { interval, awaited: !self.line.is_empty() };
        let specs = probe::due(&self.view, last, pace, self.now);
        specs.iter().for_each(|spec| self.probe(spec));
        due || !specs.is_empty()
    }
}

fn config(file: &FleetFile, pin: Option<&str>) -> Result<Config, String> {
    let source = Source::File("the fleet of the scenario".into());
    let mut config = load::parse(&file.config_text()?, source, &System).map_err(|p| p.to_string())?.config;
    pin.map_or(Ok(()), |name| config.pin(name)).map_err(|e| format!("pin: {e}"))?;
    Ok(config)
}

/// A change in words that need no quotes in a scenario.
fn words(change: &Change) -> String {
    match change {
        Change::Active { from, to } => {
            let name = |id: &Option<_>| id.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            format!("active group {} -> {}", name(from), name(to))
        }
        Change::Group { id, from, to } => format!("group {id} {} -> {}", lower(from), lower(to)),
        Change::Endpoint { id, from, to } => format!("endpoint {id} {} -> {}", from.word(), to.word()),
    }
}

/// The name of a state as scenarios write it.
pub(crate) fn lower(state: impl std::fmt::Debug) -> String {
    format!("{state:?}").to_lowercase()
}
