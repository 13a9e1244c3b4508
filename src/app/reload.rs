//! A new configuration while running: one task decides whether it can be used, and puts it everywhere in order.
//!
//! | it is | then |
//! |---|---|
//! | unreadable or invalid | refused: the running one stays, every problem is logged and kept in [`Last`] |
//! | without the endpoint of `-p` | refused likewise |
//! | leaving a listener that is open to others without a credential | refused likewise |
//! | usable | in effect from the next request on; what needs a restart keeps its running value and is named |
//! | the running one, changed by a person | in effect likewise, until the next version; [`Last`] tells of files only |
//!
//! In effect means, in this order: log lines mask the new secrets; new connections go the new way; new requests get the
//! new [`Config`]; the fleet has the new endpoints; idle connections of endpoints that are gone are closed. Running
//! requests keep the configuration they started with.
//!
//! `-p`, `--log-level`, `--log-format`, `--web` and `--web-port` outrank every version. Secrets of earlier versions stay
//! masked, for requests still use them.

mod follow;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub(super) use self::follow::follow;
use crate::config::diff::{self, Report};
use crate::config::edit::Saver;
use crate::config::{Config, Level, LogFormat, Problems};
use crate::control::Control;
use crate::control::command::Refusal;
use crate::domain::fleet::Input;
use crate::logging::LogHandle;
use crate::proxy::dialer::Dialer;
use crate::proxy::transport::Transport;

/// Why a new version is not used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct Refused {
    /// Each says what is wrong, where, and what to do.
    pub problems: Vec<String>,
}

impl Refused {
    fn new(problem: impl ToString) -> Self {
        Self { problems: problem.to_string().lines().map(str::to_owned).collect() }
    }
}

/// What those are told who ask too late.
const STOPPING: &str = "the program stops";

/// How a reload ended.
pub type Outcome = Result<Report, Refused>;

/// The last reload, for screens.
#[derive(Clone, PartialEq, Debug)]
pub struct Last {
    /// Counts reloads from 1.
    pub number: u64,
    /// When it ended.
    pub at: jiff::Timestamp,
    /// How.
    pub outcome: Outcome,
    /// Keys whose value in the file waits for a restart, by the last version that could be used.
    pub pending: Vec<String>,
}

/// The log lines that follow the configuration.
#[derive(Clone, Debug)]
pub struct LogTap {
    /// The way to them.
    pub handle: LogHandle,
    /// What outranks their settings.
    pub flags: LogFlags,
}

/// What `--log-level` and `--log-format` say.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LogFlags {
    /// Instead of `logging.level`.
    pub level: Option<Level>,
    /// Instead of `logging.format`.
    pub format: Option<LogFormat>,
}

impl LogFlags {
    /// Puts what was said in the place of what the file says.
    pub(super) fn outrank(self, config: &mut Config) {
        if let Some(level) = self.level {
            config.logging.level = level;
            config.origins.by_flag("logging.level", "--log-level");
        }
        if let Some(format) = self.format {
            config.logging.format = format;
            config.origins.by_flag("logging.format", "--log-format");
        }
    }
}

/// What `--web` and `--web-port` say.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct WebFlags {
    /// Open the admin port, whatever `web.enabled` says.
    pub on: bool,
    /// Instead of `web.port`.
    pub port: Option<u16>,
}

impl WebFlags {
    /// Puts them in the place of what the configuration says.
    pub fn outrank(self, config: &mut Config) {
        config.web.enabled |= self.on;
        config.web.port = self.port.unwrap_or(config.web.port);
    }
}

/// Everybody's way to reload; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloads {
    orders: mpsc::Sender<Order>,
    last: watch::Receiver<Option<Arc<Last>>>,
    saver: Arc<Saver>,
}

/// What to put in the place of the running version.
enum Order {
    /// A version that was found, or why it cannot be used.
    Take {
        version: Result<Version, Refused>,
        /// A person asked: what the file only refers to is read anew, and the answer is never silence.
        by_hand: bool,
        reply: oneshot::Sender<Outcome>,
    },
    /// The running one, changed like this.
    Change { how: How, reply: oneshot::Sender<Result<Report, Refusal>> },
}

/// Changes a configuration, or says why it cannot.
type How = Box<dyn FnOnce(&mut Config) -> Result<(), Refusal> + Send>;

#[derive(Debug)]
struct Version {
    config: Box<Config>,
    warnings: Option<Problems>,
}

impl Reloads {
    /// Puts a configuration in the place of the running one; returns once it is in effect.
    ///
    /// # Errors
    /// When it cannot be used; then the running one stays.
    pub async fn apply(&self, config: Config) -> Outcome {
        self.order(Ok(Version { config: Box::new(config), warnings: None }), true).await
    }

    /// What writes priorities into the file; a version it wrote is no news to the running program.
    pub fn saver(&self) -> Arc<Saver> {
        Arc::clone(&self.saver)
    }

    /// The last reload, and its successors.
    pub fn last(&self) -> watch::Receiver<Option<Arc<Last>>> {
        self.last.clone()
    }

    async fn order(&self, version: Result<Version, Refused>, by_hand: bool) -> Outcome {
        let outcome = self.send(|reply| Order::Take { version, by_hand, reply }).await;
        outcome.unwrap_or_else(|| Err(Refused::new(STOPPING)))
    }

    /// Changes the running configuration, until the next version of the file; returns once that is in effect.
    ///
    /// # Errors
    /// What `how` says; then nothing changes.
    pub async fn change(
        &self,
        how: impl FnOnce(&mut Config) -> Result<(), Refusal> + Send + 'static,
    ) -> Result<Report, Refusal> {
        let outcome = self.send(|reply| Order::Change { how: Box::new(how), reply }).await;
        outcome.unwrap_or_else(|| Err(Refusal::Conflict(STOPPING.to_owned())))
    }

    /// Nothing when the program stops.
    async fn send<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (reply, outcome) = oneshot::channel();
        // Without a receiver the order is dropped, and the reply in it.
        let _ = self.orders.send(order(reply)).await;
        outcome.await.ok()
    }
}

/// The task that owns the configuration.
pub(super) struct Reloader {
    config: watch::Sender<Arc<Config>>,
    control: Control,
    transport: Transport,
    log: Option<LogTap>,
    web: WebFlags,
    orders: mpsc::Receiver<Order>,
    last: watch::Sender<Option<Arc<Last>>>,
}

impl Reloader {
    /// A task for the running configuration, and the way to it.
    pub(super) fn new(
        config: watch::Sender<Arc<Config>>,
        control: Control,
        transport: Transport,
        log: Option<LogTap>,
        web: WebFlags,
    ) -> (Self, Reloads) {
        // Orders are rare and each is answered before the next.
        let (tx, orders) = mpsc::channel(1);
        let (last_tx, last) = watch::channel(None);
        (
            Self { config, control, transport, log, web, orders, last: last_tx },
            Reloads { orders: tx, last, saver: Arc::default() },
        )
    }

    /// Runs until `quit`.
    pub(super) async fn run(mut self, quit: CancellationToken) {
        while let Some(Some(order)) = quit.run_until_cancelled(self.orders.recv()).await {
            match order {
                Order::Take { version, by_hand, reply } => {
                    let outcome = self.take(version, by_hand).await;
                    self.remember(&outcome);
                    let _ = reply.send(outcome);
                }
                Order::Change { how, reply } => drop(reply.send(self.change(how).await)),
            }
        }
    }

    fn remember(&self, outcome: &Outcome) {
        let before = self.last.borrow().clone();
        let number = before.as_ref().map_or(0, |last| last.number) + 1;
        let pending = match outcome {
            Ok(report) => report.needs_restart.clone(),
            Err(_) => before.map(|last| last.pending.clone()).unwrap_or_default(),
        };
        let last = Last { number, at: jiff::Timestamp::now(), outcome: outcome.clone(), pending };
        self.last.send_replace(Some(Arc::new(last)));
    }

    async fn change(&self, how: How) -> Result<Report, Refusal> {
        let mut next = Config::clone(&self.config.borrow());
        how(&mut next)?;
        let report = self.apply(next, false).await.map_err(|error| Refusal::Failed(error.to_string()))?;
        if !report.is_empty() {
            tracing::info!(target: "cc_forwarder::config", "changed by a person until the next reload: {report}");
        }
        Ok(report)
    }

    async fn take(&self, version: Result<Version, Refused>, by_hand: bool) -> Outcome {
        let outcome = match version {
            Ok(Version { config, warnings }) => {
                let outcome = self.apply(*config, by_hand).await;
                let news = outcome.as_ref().is_ok_and(|report| !report.is_empty());
                warnings.filter(|_| news).iter().for_each(warn);
                outcome
            }
            Err(refused) => Err(refused),
        };
        tell(&outcome, by_hand);
        outcome
    }

    async fn apply(&self, new: Config, by_hand: bool) -> Outcome {
        let running = Arc::clone(&self.config.borrow());
        let new = self.outranked(new, &running)?;
        let report = diff::changes(&running, &new);
        let roots_anew = by_hand && new.extra_ca.is_some();
        if report.is_empty() && !roots_anew {
            self.keep_place(new);
            return Ok(report);
        }
        let redactor = running.redactor.and(&new.redactor);
        let next = Config { redactor, ..new.under(&running) };
        let open = next.exposure_problems();
        if let Some(problem) = open.first() {
            return Err(Refused::new(format!(
                "{} stays open until a restart: {problem}; or restart with this file",
                next.server.host
            )));
        }
        let new_way = roots_anew || running.outbound != next.outbound || running.extra_ca != next.extra_ca;
        self.install(Arc::new(next), new_way).await;
        Ok(report)
    }

    /// The file means what runs, but it is another version of it: its lines may stand elsewhere, and what was changed by
    /// hand may stand in it now. What is saved next goes into this version.
    fn keep_place(&self, new: Config) {
        self.config.send_if_modified(|running| {
            if running.origins != new.origins || running.stamp != new.stamp {
                let running = Arc::make_mut(running);
                (running.origins, running.stamp) = (new.origins, new.stamp);
            }
            // Nobody has to act on it.
            false
        });
    }

    /// The version as the command line lets it be.
    fn outranked(&self, mut new: Config, running: &Config) -> Result<Config, Refused> {
        if let Some(pinned) = &running.pinned {
            new.pin(&pinned.0).map_err(|error| Refused::new(format!("-p {pinned}: {error}")))?;
        }
        if let Some(log) = &self.log {
            log.flags.outrank(&mut new);
        }
        self.web.outrank(&mut new);
        Ok(new)
    }

    async fn install(&self, next: Arc<Config>, new_way: bool) {
        if let Some(log) = &self.log {
            log.handle.set_redactor(next.redactor.clone());
            log.handle.set_level(next.logging.level);
        }
        let dialer = new_way.then(|| Dialer::new(next.outbound.clone(), next.extra_ca.clone()));
        // Before the fleet: no request to a new endpoint may take the old way.
        self.transport.reconfigure(dialer, &next.endpoints);
        self.config.send_replace(Arc::clone(&next));
        let reload = Input::Reload { settings: next.fleet_settings(), specs: next.endpoints.clone() };
        // An error means that the program stops.
        let _ = self.control.tell_awaited(reload).await;
        self.transport.reconfigure(None, &next.endpoints);
    }
}

fn warn(warnings: &Problems) {
    for warning in warnings.to_string().lines() {
        tracing::warn!(target: "cc_forwarder::config", "{warning}");
    }
}

fn tell(outcome: &Outcome, by_hand: bool) {
    match outcome {
        Err(refused) => {
            for problem in &refused.problems {
                tracing::error!(target: "cc_forwarder::config", "{problem}");
            }
            tracing::error!(target: "cc_forwarder::config", "not reloaded: the running configuration stays");
        }
        Ok(report) if report.is_empty() && !by_hand => {}
        Ok(report) if report.needs_restart.is_empty() => {
            tracing::info!(target: "cc_forwarder::config", "reloaded: {report}");
        }
        Ok(report) => tracing::warn!(target: "cc_forwarder::config", "reloaded: {report}"),
    }
}

#[cfg(test)]
mod tests;
