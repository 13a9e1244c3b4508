//! Carries out every [`Command`]: the one place behind keys, scripts and the admin port.
//!
//! | command | goes to |
//! |---|---|
//! | an order about a group, or an endpoint's rest | the task that owns the fleet |
//! | resume, cancel | the queue of suspended requests |
//! | priorities, enable, disable | the task that owns the configuration, as a changed version of the running one |
//! | probe | the endpoint itself; the fleet hears the result like that of any other probe |
//! | reload | the file, then the task that owns the configuration |
//!
//! A changed priority takes the way of a reload, so the fleet, new requests and the configuration on screen never
//! disagree. It lasts until the next version of the file, which says everything anew.
//!
//! Answers are sentences for people. Empty means: done, nothing to add.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::reload::{Last, Reloads};
use crate::admin::config::{ReloadOutcome, ReloadView};
use crate::admin::orders::Orders;
use crate::config::edit::Saver;
use crate::config::{Config, Source};
use crate::control::command::{Checked, Command, Refusal};
use crate::control::{Control, probe};
use crate::domain::endpoint::{EndpointId, EndpointSpec};
use crate::domain::standing::Probed;
use crate::events::RequestId;
use crate::proxy::suspended::Queue;
use crate::proxy::transport::Transport;

/// Everybody's way to change a running forwarder; cheap to clone.
#[derive(Clone)]
pub struct Deck {
    pub(super) control: Control,
    pub(super) queue: Queue,
    pub(super) reloads: Reloads,
    pub(super) transport: Transport,
    pub(super) config: watch::Receiver<Arc<Config>>,
}

/// What became of a command.
pub type Outcome = Result<String, Refusal>;

impl Deck {
    /// Carries out a command; returns when its effect can be seen.
    ///
    /// # Errors
    /// When it cannot be carried out, with what to do instead.
    pub async fn carry_out(&self, command: Command) -> Outcome {
        match command {
            Command::Order(order) => done(self.control.order(order).await.map_err(Refusal::from)),
            Command::ResumeRequest(id) => waiting(id, self.queue.resume(id)),
            Command::CancelRequest(id) => waiting(id, self.queue.cancel(id)),
            Command::ResumeAll => self.resume_all(),
            Command::SetPriorities(edits) => self.set_priorities(edits).await,
            Command::SetEnabled(endpoint, enabled) => self.set_enabled(endpoint, enabled).await,
            Command::Probe(endpoint) => self.probe(&endpoint).await.and_then(told),
            Command::Reload => self.reload().await,
        }
    }

    fn resume_all(&self) -> Outcome {
        match self.queue.resume_all() {
            0 => Err(Refusal::Conflict("no request is suspended".to_owned())),
            1 => Ok("1 request goes on".to_owned()),
            n => Ok(format!("{n} requests go on")),
        }
    }

    async fn set_priorities(&self, edits: Vec<(EndpointId, u32)>) -> Outcome {
        let edits: BTreeMap<EndpointId, u32> = edits.into_iter().collect();
        self.change(move |config| {
            for (endpoint, priority) in &edits {
                spec_mut(config, endpoint)?.priority = *priority;
                config.origins.by_hand(format!("endpoints[{endpoint}].priority"));
            }
            Ok(())
        })
        .await
    }

    async fn set_enabled(&self, endpoint: EndpointId, enabled: bool) -> Outcome {
        self.change(move |config| {
            if !enabled && config.pinned.as_ref() == Some(&endpoint) {
                return Err(Refusal::Conflict(format!("{endpoint} is pinned by -p for this run")));
            }
            spec_mut(config, &endpoint)?.enabled = enabled;
            config.origins.by_hand(format!("endpoints[{endpoint}].enabled"));
            Ok(())
        })
        .await
    }

    async fn change(&self, how: impl FnOnce(&mut Config) -> Result<(), Refusal> + Send + 'static) -> Outcome {
        done(self.reloads.change(how).await)
    }

    /// Probes an endpoint now; the fleet knows the result when this returns.
    ///
    /// # Errors
    /// When there is no such endpoint. One that is down is no error.
    pub async fn probe(&self, endpoint: &EndpointId) -> Result<Checked, Refusal> {
        let config = Arc::clone(&self.config.borrow());
        let spec = config.endpoints.iter().find(|spec| spec.id == *endpoint);
        let spec = Arc::clone(spec.ok_or_else(|| unknown(&config, endpoint))?);
        let report = probe::now(&self.control, &self.transport, &spec, &config.health).await;
        Ok(checked(endpoint, &report))
    }

    async fn reload(&self) -> Outcome {
        let source = self.config.borrow().source.clone();
        if source == Source::BuiltIn {
            let text = "there is no configuration file; the built-in configuration runs";
            return Err(Refusal::Conflict(text.to_owned()));
        }
        match self.reloads.again(source).await {
            Ok(report) => Ok(format!("reloaded: {report}")),
            Err(refused) => Err(Refusal::Failed(format!("the running configuration stays: {refused}"))),
        }
    }
}

fn checked(endpoint: &EndpointId, report: &probe::Report) -> Checked {
    let took = report.took.as_millis();
    let message = match (&report.result, report.status) {
        (Probed::Up { .. }, Some(status)) => format!("{endpoint} is up: {status} in {took} ms"),
        (Probed::CredentialRefused { .. }, Some(status)) => {
            format!("{endpoint} answers, but refuses its credential: {status} in {took} ms")
        }
        (_, Some(status)) => format!("{endpoint} is down: {status} in {took} ms"),
        (_, None) => format!("{endpoint} is down: {}", report.error.as_deref().unwrap_or("no answer")),
    };
    Checked {
        endpoint: endpoint.clone(),
        up: !matches!(report.result, Probed::Down(_)),
        credential_problem: matches!(report.result, Probed::CredentialRefused { .. }),
        status: report.status,
        ms: report.took.as_secs_f64() * 1e3,
        message,
    }
}

/// For people a probe that found something wrong is one that failed.
fn told(checked: Checked) -> Outcome {
    let fine = checked.up && !checked.credential_problem;
    if fine { Ok(checked.message) } else { Err(Refusal::Failed(checked.message)) }
}

fn done<T>(result: Result<T, Refusal>) -> Outcome {
    result.map(|_| String::new())
}

fn waiting(id: RequestId, found: bool) -> Outcome {
    found.then(String::new).ok_or_else(|| Refusal::NotFound(format!("{id} does not wait any more")))
}

fn spec_mut<'c>(config: &'c mut Config, endpoint: &EndpointId) -> Result<&'c mut EndpointSpec, Refusal> {
    let unknown = unknown(config, endpoint);
    config.endpoints.iter_mut().find(|spec| spec.id == *endpoint).map(Arc::make_mut).ok_or(unknown)
}

fn unknown(config: &Config, endpoint: &EndpointId) -> Refusal {
    let known: Vec<String> = config.endpoints.iter().map(|spec| spec.id.to_string()).collect();
    Refusal::NotFound(format!("there is no endpoint \"{endpoint}\"; there is: {}", known.join(", ")))
}

impl Orders for Deck {
    fn carry_out(&self, command: Command) -> BoxFuture<'_, Outcome> {
        Box::pin(Self::carry_out(self, command))
    }

    fn check(&self, endpoint: EndpointId) -> BoxFuture<'_, Result<Checked, Refusal>> {
        Box::pin(async move { self.probe(&endpoint).await })
    }

    fn last_reload(&self) -> Option<ReloadView> {
        self.reloads.last().borrow().as_deref().map(ReloadView::from)
    }

    fn saver(&self) -> Arc<Saver> {
        self.reloads.saver()
    }
}

impl From<&Last> for ReloadView {
    fn from(last: &Last) -> Self {
        let outcome = match &last.outcome {
            Ok(report) => ReloadOutcome::Applied(report.clone()),
            Err(refused) => ReloadOutcome::Refused { problems: refused.problems.clone() },
        };
        Self { number: last.number, at: last.at, outcome, pending: last.pending.clone() }
    }
}

#[cfg(test)]
mod tests;
