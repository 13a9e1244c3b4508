//! A simulated client: asks, reads to the end, checks, pauses, asks again. It never repeats a request by itself, so
//! every trouble it is spared was dealt with by the forwarder.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::prompts::{Persona, Prompt};
use super::verify::{Answer, verify};

/// Longer than anything takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the clients together have seen.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Seen {
    /// Requests sent.
    pub(super) asked: usize,
    /// Answers that were whole and right.
    pub(super) whole: usize,
    /// What was wrong with the others.
    pub(super) wrong: Vec<String>,
}

impl Seen {
    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.asked += other.asked;
        self.whole += other.whole;
        self.wrong.extend(other.wrong);
        self
    }

    fn note(&mut self, result: Result<(), String>) {
        self.asked += 1;
        match result {
            Ok(()) => self.whole += 1,
            Err(wrong) => self.wrong.push(wrong),
        }
    }
}

/// A client and the two it talks to.
pub(super) struct Client {
    pub(super) persona: &'static Persona,
    /// Base URL of the forwarder.
    pub(super) forwarder: String,
    /// Base URL of the endpoint that never fails.
    pub(super) untroubled: String,
}

type Http = Pooled<HttpConnector, Full<Bytes>>;

impl Client {
    /// Works until `end`; a request that was begun is brought to its end.
    pub(super) async fn work(self, end: CancellationToken) -> Seen {
        let http = Pooled::builder(TokioExecutor::new()).build_http();
        let mut seen = Seen::default();
        for turn in 0.. {
            if end.is_cancelled() {
                break;
            }
            seen.note(self.ask(&http, &self.persona.prompt(turn)).await);
            tokio::select! {
                () = end.cancelled() => break,
                () = sleep(Duration::from_millis(self.persona.pause)) => {}
            }
        }
        seen
    }

    async fn ask(&self, http: &Http, prompt: &Prompt) -> Result<(), String> {
        let answer = self.send(http, &self.forwarder, prompt);
        let expected = self.send(http, &self.untroubled, prompt);
        let (answer, expected) = tokio::join!(answer, expected);
        verify(prompt.wants, &answer?, &expected.map_err(|e| format!("nothing to compare with: {e}"))?)
    }

    async fn send(&self, http: &Http, base: &str, prompt: &Prompt) -> Result<Answer, String> {
        let request = Request::post(format!("{base}{}", prompt.path))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("anthropic-version", "2023-06-01")
            .header("user-agent", self.persona.user_agent)
            .header("x-claude-code-session-id", self.persona.session)
            .header("x-api-key", "a-clients-own-key")
            .body(Full::new(Bytes::from(prompt.body.clone())))
            .map_err(|error| error.to_string())?;
        let exchange = async {
            let response = http.request(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = response.into_body().collect().await;
            let body = body.map_err(|_| "an answer that broke off".to_owned())?;
            Ok(Answer { status, body: body.to_bytes().to_vec() })
        };
        let late = |_| Err(format!("no whole answer within {PATIENCE:?}"));
        timeout(PATIENCE, exchange).await.unwrap_or_else(late)
    }
}
