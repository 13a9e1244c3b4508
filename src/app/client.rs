//! Asks a running forwarder over its admin port: one client for every command that does.
//!
//! | call | the answer |
//! |---|---|
//! | [`Client::get`], [`Client::post`] | whole, as text (at most `MAX_ANSWER`) |
//! | [`Client::download`] | piece by piece, of any length |
//! | [`Client::events`] | a stream of events without end: [`Events`] |
//!
//! [`blocking::Client`] is the same for commands that ask a few questions and end. Errors say who did not answer and
//! what to do; a message of the other side is escaped before anybody sees it. The token goes to no other address than
//! the one it was given for: nothing is redirected.

pub mod blocking;
mod events;
mod order;
mod sse;

use std::io;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub use self::events::Events;
use self::events::IDLE;
pub use self::order::{Call, segment};
pub use self::sse::Event;
use crate::admin::error::ErrorBody;
use crate::config::Web;
use crate::domain::secret::Secret;
use crate::logging::escape::escape;

/// Time for a connection to be there.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Largest answer that is read whole; exports are not.
const MAX_ANSWER: usize = 256 * 1024 * 1024;
/// What the command line calls a token; the port's own hint speaks to programs.
const TOKEN_HINT: &str = "give its web.token with --token, or in CC_FORWARDER_ADMIN_TOKEN";
/// With the id of the last event somebody saw.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A forwarder's admin port. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<Secret>,
    http: Pooled<HttpConnector, Full<Bytes>>,
}

/// Why a forwarder did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there.
    #[error("nobody answers at {base}: {why}")]
    Unreachable {
        /// Where.
        base: String,
        /// Why.
        why: String,
    },
    /// It refused.
    #[error("{message}{}", hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// As the admin API has it; empty when it is none.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It broke off.
    #[error("the answer of {base} broke off: {why}")]
    Broken {
        /// Where.
        base: String,
        /// Why.
        why: String,
    },
}

impl Client {
    /// For a URL such as `http://127.0.0.1:8010`.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn new(url: &str, token: Option<Secret>) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().with_context(|| format!("{} is no URL", shown(url)))?;
        let is_named = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let plain = uri.scheme_str() == Some("http") && uri.host().is_some() && uri.path() == "/";
        if !plain || is_named || uri.query().is_some() {
            bail!("{}: expected http://HOST:PORT, the admin port of a forwarder", shown(url));
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        let http = Pooled::builder(TokioExecutor::new()).build(connector);
        Ok(Self { base, token, http })
    }

    /// For the admin port of a configuration, from this machine; nothing when its port is left to the system.
    ///
    /// # Errors
    /// When the address makes no URL.
    pub fn of(web: &Web, token: Option<Secret>) -> anyhow::Result<Option<Self>> {
        let host = match web.host.trim_matches(['[', ']']) {
            "0.0.0.0" => "127.0.0.1".to_owned(),
            "::" => "[::1]".to_owned(),
            v6 if v6.contains(':') => format!("[{v6}]"),
            name => name.to_owned(),
        };
        let url = format!("http://{host}:{}", web.port);
        (web.port != 0).then(|| Self::new(&url, token.or_else(|| web.token.clone()))).transpose()
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET`; the whole answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn get(&self, path: &str, query: &str) -> Result<String, AskError> {
        self.text(self.send(self.request(Method::GET, path, query, None)?).await?).await
    }

    /// `POST` of a JSON document, or of nothing; the whole answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn post(&self, path: &str, query: &str, body: Option<&str>) -> Result<String, AskError> {
        self.text(self.send(self.request(Method::POST, path, query, body)?).await?).await
    }

    /// `GET`; every piece of the answer, as it comes, to `sink`.
    ///
    /// # Errors
    /// See [`AskError`]; and whatever `sink` fails with.
    pub async fn download(
        &self,
        path: &str,
        query: &str,
        mut sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut body = self.send(self.request(Method::GET, path, query, None)?).await?.into_body();
        while let Some(frame) = body.frame().await {
            let data = frame.map_err(|error| self.broken(root(&error)))?.into_data().unwrap_or_default();
            // The caller knows a reader that has gone by the error itself.
            sink(&data)?;
        }
        Ok(())
    }

    /// Opens a stream of events, behind the event `after` if that is still known there.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn events(&self, path: &str, query: &str, after: Option<&str>) -> Result<Events, AskError> {
        let mut request = self.request(Method::GET, path, query, None)?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(id) = after.and_then(|id| HeaderValue::from_str(id).ok()) {
            request.headers_mut().insert(LAST_EVENT_ID, id);
        }
        let opened = tokio::time::timeout(IDLE, self.send(request)).await;
        let response = opened.map_err(|_| self.unreachable("no answer in time"))??;
        Ok(Events::new(self.base.clone(), after.map(str::to_owned), response.into_body()))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &str,
        body: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, AskError> {
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder().method(method).uri(format!("{}{path}{mark}{query}", self.base));
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| self.unreachable("the token fits no header"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default().to_owned()));
        request.body(body).map_err(|error| self.unreachable(error))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, AskError> {
        let response = self.http.request(request).await.map_err(|error| self.unreachable(root(&error)))?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refused(response).await?),
        }
    }

    async fn refused(&self, response: Response<Incoming>) -> Result<AskError, AskError> {
        let status = response.status();
        let text = self.text(response).await?;
        Ok(match serde_json::from_str::<ErrorBody>(&text) {
            Ok(ErrorBody { error }) => AskError::Refused {
                status: status.as_u16(),
                code: error.code,
                message: escape(&error.message).into_owned(),
                hint: match status {
                    StatusCode::UNAUTHORIZED => Some(TOKEN_HINT.to_owned()),
                    _ => error.hint.map(|hint| escape(&hint).into_owned()),
                },
            },
            Err(_) => AskError::Refused {
                status: status.as_u16(),
                code: String::new(),
                message: format!("{} answers {status}: it is no admin port of this program", self.base),
                hint: Some(
                    "the admin port is web.port, 8010 by default; server.port is the proxy's".to_owned(),
                ),
            },
        })
    }

    async fn text(&self, response: Response<Incoming>) -> Result<String, AskError> {
        let limited = http_body_util::Limited::new(response.into_body(), MAX_ANSWER);
        let body = limited.collect().await.map_err(|error| self.broken(root(&*error)))?;
        String::from_utf8(body.to_bytes().into()).map_err(|error| self.broken(error))
    }

    fn unreachable(&self, why: impl ToString) -> AskError {
        AskError::Unreachable { base: self.base.clone(), why: why.to_string() }
    }

    fn broken(&self, why: impl ToString) -> AskError {
        AskError::Broken { base: self.base.clone(), why: why.to_string() }
    }
}

/// The innermost reason: the outer ones only say that a request failed.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.downcast_ref::<io::Error>().map_or_else(|| at.to_string(), |io| io.to_string())
}

/// A URL as people may see it: user info and query can be secrets.
fn shown(url: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?***"));
    match url.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, rest)) => format!("{scheme}://***@{rest}{query}"),
            None => format!("{url}{query}"),
        },
        None => {
            url.rsplit_once('@').map_or(format!("{url}{query}"), |(_, rest)| format!("***@{rest}{query}"))
        }
    }
}

#[cfg(test)]
mod tests;
