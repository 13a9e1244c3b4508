//! The forwarder that a command asks: where it is, and what to do when it does not answer.
//!
//! | given | then |
//! |---|---|
//! | `--url` | that one; the token of the configuration is not shown to it, for it may be anybody's |
//! | nothing, or `--config` | the admin port of the configuration that is found, with its token |
//!
//! Of the configuration only what is needed has to be right: in another shell, variables with credentials may be unset.

use std::io::{self, Write};

use anyhow::{anyhow, bail};

use super::client::{AskError, Call, Client, blocking};
use super::{json, run};
use crate::cli::Reach;
use crate::config::{Config, System, load};
use crate::domain::secret::Secret;

/// A forwarder that runs, or should.
pub(super) struct Forwarder(blocking::Client);

impl Forwarder {
    /// The one that is meant.
    ///
    /// # Errors
    /// When the configuration or the URL cannot be used, or the forwarder of it can have no admin port.
    pub(super) fn find(reach: &Reach) -> anyhow::Result<Self> {
        Ok(Self(blocking::Client::over(client(reach)?)?))
    }

    /// `GET` of what stands below the API's address; the answer as it came.
    ///
    /// # Errors
    /// When there is no answer, with what to do.
    pub(super) fn get(&self, path: &str, query: &str) -> anyhow::Result<String> {
        self.0.get(&Call::to(path).path, query).map_err(advise)
    }

    /// `GET`, read as a `T`.
    ///
    /// # Errors
    /// When there is no answer, or one of another version.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        json::read(&self.get(path, "")?)
    }

    /// Whether something can serve (`/health`).
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) fn is_healthy(&self) -> anyhow::Result<bool> {
        match self.0.get("/health", "") {
            Ok(_) => Ok(true),
            Err(AskError::Refused { status: 503, .. }) => Ok(false),
            Err(error) => Err(advise(error)),
        }
    }

    /// Gives an order; the answer as it came.
    ///
    /// # Errors
    /// When it is refused, or there is no answer.
    pub(super) fn order(&self, call: &Call) -> anyhow::Result<String> {
        self.0.post(&call.path, call.query, call.body.as_deref()).map_err(advise)
    }
}

/// A client of the forwarder that is meant.
///
/// # Errors
/// As [`Forwarder::find`].
pub(super) fn client(reach: &Reach) -> anyhow::Result<Client> {
    if let Some(url) = reach.url.as_deref() {
        return Client::new(url, token(reach));
    }
    let config = load::load_ledger(run::locate(reach.config.as_deref())?, &System)?;
    of(&config, token(reach))
}

/// A client of the forwarder with this configuration, whose token it has unless another is given.
///
/// # Errors
/// When it can have no admin port.
pub(super) fn of(config: &Config, token: Option<Secret>) -> anyhow::Result<Client> {
    if !config.web.enabled {
        bail!(
            "web.enabled is false in {}: a forwarder with it has no admin port to be asked at. Set it to true and \
             restart, or give --url if it was started with --web",
            config.source
        );
    }
    let unknown = || {
        anyhow!(
            "the system chooses the admin port (web.port: 0 in {}): the forwarder's log says where it is, give that as \
             --url",
            config.source
        )
    };
    Client::of(&config.web, token)?.ok_or_else(unknown)
}

/// What was given with `--token`, or in the environment.
pub(super) fn token(reach: &Reach) -> Option<Secret> {
    // An empty variable is as good as none.
    reach.token.as_deref().filter(|token| !token.is_empty()).map(Secret::new)
}

/// Nobody answers, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}. Is the forwarder running (`cc-forwarder` starts it)? If its admin port (web.host, web.port) is elsewhere, \
     give --url"
)]
pub(super) struct Silent(AskError);

/// An error with what to do.
pub(super) fn advise(error: AskError) -> anyhow::Error {
    match error {
        AskError::Unreachable { .. } => Silent(error).into(),
        error => error.into(),
    }
}

/// To stderr: it is about the data, not part of it.
///
/// # Errors
/// When stderr cannot be written.
pub(super) fn say(line: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{}", crate::logging::escape::escape(line))
}
