//! Questions and orders to a forwarder elsewhere, and answers that can be read.
//!
//! Whoever answers may be another version of this program. An answer that cannot be read is told with both versions,
//! because the words of the reader alone ("missing field") help nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::admin::status::Status;
use crate::app::client::{AskError, Call, Client, Events};
use crate::logging::escape::escape;

/// How long an answer may take. A probe of an endpoint has its own, shorter limit.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the program tells what it is.
const STATUS: &str = "/api/v1/status";
/// Where it tells what happens.
const STREAM: &str = "/api/v1/stream";

/// See the module. Clones share their connections.
#[derive(Clone)]
pub(super) struct Wire {
    client: Client,
    /// Of the other side, as it said last.
    version: Arc<Mutex<Option<String>>>,
}

/// Why there is no answer. The text is for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// It did not come, or it is a refusal.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// It did not come in time.
    #[error("{base} has not answered within {} s", PATIENCE.as_secs())]
    Late {
        /// Who.
        base: String,
    },
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl WireError {
    /// The code of a refusal, as the admin API has it.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Ask(AskError::Refused { code, .. }) => Some(code),
            _ => None,
        }
    }
}

impl Wire {
    /// Over this client.
    pub(super) fn new(client: Client) -> Self {
        Self { client, version: Arc::default() }
    }

    /// Where the other side is.
    pub(super) fn base(&self) -> &str {
        self.client.base()
    }

    /// What the other side is.
    ///
    /// # Errors
    /// See [`WireError`].
    pub(super) async fn status(&self) -> Result<Status, WireError> {
        let text = self.in_time(self.client.get(STATUS, "")).await?;
        if let Ok(Named { version }) = serde_json::from_str(&text) {
            *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
        }
        self.read(&text)
    }

    /// An answer.
    ///
    /// # Errors
    /// See [`WireError`].
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &str) -> Result<T, WireError> {
        let text = self.in_time(self.client.get(path, query)).await?;
        self.read(&text)
    }

    /// The answer to an order.
    ///
    /// # Errors
    /// See [`WireError`].
    pub(super) async fn post<T: DeserializeOwned>(&self, call: &Call) -> Result<T, WireError> {
        let text = self.in_time(self.client.post(&call.path, call.query, call.body.as_deref())).await?;
        self.read(&text)
    }

    /// A stream of these events, behind the one with this id.
    ///
    /// # Errors
    /// See [`AskError`].
    pub(super) async fn events(&self, wanted: &str, after: Option<&str>) -> Result<Events, AskError> {
        self.client.events(STREAM, &format!("events={wanted}"), after).await
    }

    /// The client itself, for what is no JSON document.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What to say of something that cannot be read.
    pub(super) fn unreadable(&self, error: &serde_json::Error) -> String {
        let base = self.base();
        match self.versions() {
            Some(versions) => format!("what {base} says cannot be read ({error}): {versions}"),
            None => format!("{base} is no admin port of this program: what it says cannot be read ({error})"),
        }
    }

    /// A route that is not there is one of a newer version.
    pub(super) fn without_route(&self, error: AskError) -> WireError {
        match (&error, self.versions()) {
            (AskError::Refused { status: 404, message, .. }, Some(versions)) => {
                WireError::Unreadable(format!("{message}: {versions}"))
            }
            _ => error.into(),
        }
    }

    fn versions(&self) -> Option<String> {
        let theirs = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let (theirs, ours) = (escape(&theirs), env!("CARGO_PKG_VERSION"));
        Some(format!("it is version {theirs}, this is version {ours}; use the same version on both sides"))
    }

    fn read<T: DeserializeOwned>(&self, text: &str) -> Result<T, WireError> {
        serde_json::from_str(text).map_err(|error| WireError::Unreadable(self.unreadable(&error)))
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, AskError>>) -> Result<T, WireError> {
        let late = |_| WireError::Late { base: self.base().to_owned() };
        Ok(tokio::time::timeout(PATIENCE, asked).await.map_err(late)??)
    }
}

/// The one thing that every version says of itself.
#[derive(serde::Deserialize)]
struct Named {
    version: String,
}
