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

use tokio::sync::watch;

use super::reload::Reloads;
use crate::config::{Config, Source};
use crate::control::command::Command;
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

/// What became of a command, for people.
pub type Outcome = Result<String, String>;

impl Deck {
    /// Carries out a command; returns when its effect can be seen.
    ///
    /// # Errors
    /// When it cannot be carried out, with what to do instead.
    pub async fn carry_out(&self, command: Command) -> Outcome {
        match command {
            Command::Order(order) => done(self.control.order(order).await),
            Command::ResumeRequest(id) => waiting(id, self.queue.resume(id)),
            Command::CancelRequest(id) => waiting(id, self.queue.cancel(id)),
            Command::ResumeAll => self.resume_all(),
            Command::SetPriorities(edits) => self.set_priorities(edits).await,
            Command::SetEnabled(endpoint, enabled) => self.set_enabled(endpoint, enabled).await,
            Command::Probe(endpoint) => self.probe(&endpoint).await,
            Command::Reload => self.reload().await,
        }
    }

    fn resume_all(&self) -> Outcome {
        match self.queue.resume_all() {
            0 => Err("no request is suspended".to_owned()),
            1 => Ok("1 request goes on".to_owned()),
            n => Ok(format!("{n} requests go on")),
        }
    }

    async fn set_priorities(&self, edits: Vec<(EndpointId, u32)>) -> Outcome {
        let edits: BTreeMap<EndpointId, u32> = edits.into_iter().collect();
        self.change(move |config| {
            for (endpoint, priority) in &edits {
                spec_mut(config, endpoint)?.priority = *priority;
            }
            Ok(())
        })
        .await
    }

    async fn set_enabled(&self, endpoint: EndpointId, enabled: bool) -> Outcome {
        self.change(move |config| {
            if !enabled && config.pinned.as_ref() == Some(&endpoint) {
                return Err(format!("{endpoint} is pinned by -p for this run"));
            }
            spec_mut(config, &endpoint)?.enabled = enabled;
            Ok(())
        })
        .await
    }

    async fn change(&self, how: impl FnOnce(&mut Config) -> Result<(), String> + Send + 'static) -> Outcome {
        done(self.reloads.change(how).await)
    }

    async fn probe(&self, endpoint: &EndpointId) -> Outcome {
        let config = Arc::clone(&self.config.borrow());
        let spec = config.endpoints.iter().find(|spec| spec.id == *endpoint);
        let spec = Arc::clone(spec.ok_or_else(|| unknown(&config, endpoint))?);
        let report = probe::now(&self.control, &self.transport, &spec, &config.health).await;
        told(endpoint, &report)
    }

    async fn reload(&self) -> Outcome {
        let source = self.config.borrow().source.clone();
        if source == Source::BuiltIn {
            return Err("there is no configuration file; the built-in configuration runs".to_owned());
        }
        match self.reloads.again(source).await {
            Ok(report) => Ok(format!("reloaded: {report}")),
            Err(refused) => Err(format!("the running configuration stays: {refused}")),
        }
    }
}

fn told(endpoint: &EndpointId, report: &probe::Report) -> Outcome {
    let took = report.took.as_millis();
    match (&report.result, report.status) {
        (Probed::Up { .. }, Some(status)) => Ok(format!("{endpoint} is up: {status} in {took} ms")),
        (Probed::CredentialRefused { .. }, Some(status)) => {
            Err(format!("{endpoint} answers, but refuses its credential: {status} in {took} ms"))
        }
        (_, Some(status)) => Err(format!("{endpoint} is down: {status} in {took} ms")),
        (_, None) => Err(format!("{endpoint} is down: {}", report.error.as_deref().unwrap_or("no answer"))),
    }
}

fn done<T, E: ToString>(result: Result<T, E>) -> Outcome {
    result.map(|_| String::new()).map_err(|error| error.to_string())
}

fn waiting(id: RequestId, found: bool) -> Outcome {
    found.then(String::new).ok_or_else(|| format!("{id} does not wait any more"))
}

fn spec_mut<'c>(config: &'c mut Config, endpoint: &EndpointId) -> Result<&'c mut EndpointSpec, String> {
    let unknown = unknown(config, endpoint);
    config.endpoints.iter_mut().find(|spec| spec.id == *endpoint).map(Arc::make_mut).ok_or(unknown)
}

fn unknown(config: &Config, endpoint: &EndpointId) -> String {
    let known: Vec<String> = config.endpoints.iter().map(|spec| spec.id.to_string()).collect();
    format!("there is no endpoint \"{endpoint}\"; there is: {}", known.join(", "))
}

#[cfg(test)]
mod tests;
