//! Asks a running forwarder over its admin port.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

use crate::admin::error::ErrorBody;
use crate::config::Web;
use crate::domain::secret::Secret;
use crate::logging::escape::escape;

/// Time for a connection to be there.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Largest answer that is read whole; exports are not.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// A forwarder's admin port.
pub(super) struct Client {
    base: String,
    token: Option<Secret>,
    http: Pooled<HttpConnector, Full<Bytes>>,
    runtime: Runtime,
}

/// Why a forwarder did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
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
        /// As the admin API has it.
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
    pub(super) fn new(url: &str, token: Option<Secret>) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().with_context(|| format!("--url {url}"))?;
        let plain = uri.scheme_str() == Some("http") && uri.host().is_some() && uri.path() == "/";
        if !plain || uri.query().is_some() {
            bail!("--url {url}: expected http://HOST:PORT, the admin port of a forwarder");
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        let http = Pooled::builder(TokioExecutor::new()).build(connector);
        Ok(Self { base, token, http, runtime: crate::app::run::runtime()? })
    }

    /// For the admin port of a configuration, from this machine; nothing when its port is left to the system.
    ///
    /// # Errors
    /// When the address makes no URL.
    pub(super) fn of(web: &Web, token: Option<Secret>) -> anyhow::Result<Option<Self>> {
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
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// `GET`; the whole answer.
    pub(super) fn get(&self, path: &str, query: &str) -> Result<String, AskError> {
        self.ask(Method::GET, path, query, None)
    }

    /// `POST`; the whole answer.
    pub(super) fn post(&self, path: &str, query: &str, body: Option<&str>) -> Result<String, AskError> {
        self.ask(Method::POST, path, query, body)
    }

    /// `GET` into `out`; `progress` is told how many bytes were written.
    pub(super) fn stream(
        &self,
        path: &str,
        query: &str,
        out: &mut dyn Write,
        mut progress: impl FnMut(u64),
    ) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let mut body = self.send(Method::GET, path, query, None).await?.into_body();
            let mut written = 0;
            while let Some(frame) = body.frame().await {
                let data = frame.map_err(|error| self.broken(&error))?.into_data().unwrap_or_default();
                // The caller knows a reader that has gone by the error itself.
                out.write_all(&data)?;
                written += data.len() as u64;
                progress(written);
            }
            Ok(())
        })
    }

    fn ask(&self, method: Method, path: &str, query: &str, body: Option<&str>) -> Result<String, AskError> {
        self.runtime.block_on(async { self.text(self.send(method, path, query, body).await?).await })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &str,
        body: Option<&str>,
    ) -> Result<Response<Incoming>, AskError> {
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
        let request = request.body(body).map_err(|error| self.unreachable(error))?;
        let response = self.http.request(request).await.map_err(|error| self.unreachable(root(&error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = self.text(response).await?;
        let refused = serde_json::from_str::<ErrorBody>(&text).map(|body| body.error);
        Err(match refused {
            Ok(error) => AskError::Refused {
                code: error.code,
                message: escape(&error.message).into_owned(),
                hint: error.hint.map(|hint| escape(&hint).into_owned()),
            },
            Err(_) => AskError::Refused {
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
        let body = limited.collect().await.map_err(|error| self.broken(error))?;
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
