//! What the end-to-end tests share: a forwarder in front of simulated endpoints, and a plain client.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a helper cannot do fails the test")]

pub mod command;
pub mod disk;
pub mod file;
pub mod program;
pub mod raw;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cc_forwarder::app::{self, Running, Taps};
use cc_forwarder::config::{Config, Env, Source, load};
use cc_forwarder::domain::fleet::FleetView;
use cc_forwarder::domain::standing::Health;
use cc_forwarder::events::RequestRecord;
use cc_forwarder::events::board::Snapshot;
use cc_forwarder::simulator::Simulator;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Pooled, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Nothing in a test takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Quick retries, no probes of its own accord, short timers.
pub const QUICK: &str = "
server: { port: 0, shutdown_grace: 2s }
retry: { max_attempts: 2, base_delay: 5ms, max_delay: 20ms }
health: { check_interval: 1h, timeout: 2s }
streaming: { response_header_timeout: 700ms, max_idle_time: 700ms, heartbeat_interval: 0s, gate_hold: 5s }
group: { cooldown: 600s }
request_suspend: { enabled: false }
web: { enabled: false }
usage_tracking: { enabled: false }
logging: { level: warn }
global_timeout: 700ms
";

/// A forwarder with its endpoints.
pub struct World {
    pub sims: Vec<Simulator>,
    pub forwarder: Running,
    pub records: mpsc::UnboundedReceiver<Arc<RequestRecord>>,
    pub client: Client,
}

/// No variables, no files.
pub struct NoEnv;

impl Env for NoEnv {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &std::path::Path, _: u64) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, _: &std::path::Path) -> bool {
        false
    }
}

/// A configuration from text.
pub fn config(yaml: &str) -> Config {
    load::parse(yaml, Source::BuiltIn, &NoEnv).unwrap_or_else(|problems| panic!("{problems}\n{yaml}")).config
}

/// The YAML of an endpoint with a token of its own.
pub fn endpoint(name: &str, group: &str, group_priority: u32, url: &str) -> String {
    format!(
        "  - {{ name: {name}, url: \"{url}\", group: {group}, group-priority: {group_priority}, token: tok-{name} }}\n"
    )
}

impl World {
    /// Endpoints by name and group; the first group named has the best priority. `base` is YAML in front of them.
    pub async fn with(base: &str, endpoints: &[(&str, &str)]) -> Self {
        let mut sims = Vec::new();
        let mut yaml = format!("{base}\nendpoints:\n");
        let mut groups: Vec<&str> = Vec::new();
        for (name, group) in endpoints {
            if !groups.contains(group) {
                groups.push(group);
            }
            let sim = Simulator::start(*name).await.unwrap();
            let rank = u32::try_from(groups.iter().position(|g| g == group).unwrap()).unwrap() + 1;
            yaml.push_str(&endpoint(name, group, rank, &sim.url()));
            sims.push(sim);
        }
        Self::over(&yaml, sims).await
    }

    /// Two endpoints of one group, with quick timers.
    pub async fn pair() -> Self {
        Self::with(QUICK, &[("a", "main"), ("b", "main")]).await
    }

    /// The same from text.
    pub async fn over(yaml: &str, sims: Vec<Simulator>) -> Self {
        Self::run(config(yaml), sims).await
    }

    /// A forwarder with this configuration over these simulators.
    pub async fn run(config: Config, sims: Vec<Simulator>) -> Self {
        let (tx, records) = mpsc::unbounded_channel();
        Self::tapped(config, sims, Taps { records: Some(tx), ..Taps::default() }, records).await
    }

    /// As [`World::run`], with taps of which that for records leads to `records`.
    pub async fn tapped(
        config: Config,
        sims: Vec<Simulator>,
        taps: Taps,
        records: mpsc::UnboundedReceiver<Arc<RequestRecord>>,
    ) -> Self {
        let forwarder = app::start(Arc::new(config), taps).await.expect("the forwarder starts");
        let client = Client::new(format!("http://{}", forwarder.address()));
        Self { sims, forwarder, records, client }
    }

    /// Waits until every endpoint has been probed, and then cuts the connections that the probes left behind: what the
    /// first request meets must not depend on who was faster.
    pub async fn settled(self) -> Self {
        self.fleet(|view| view.endpoints.iter().all(|e| e.standing.health != Health::Unknown)).await;
        for sim in &self.sims {
            sim.down().await.unwrap();
            sim.up().await.unwrap();
        }
        self
    }

    /// A connection of its own.
    pub async fn raw(&self) -> raw::Raw {
        raw::Raw::connect(self.forwarder.address()).await
    }

    /// Waits until the fleet looks like this.
    pub async fn fleet(&self, condition: impl FnMut(&Arc<FleetView>) -> bool) -> Arc<FleetView> {
        let mut view = self.forwarder.control().watch();
        let seen = timeout(PATIENCE, view.wait_for(condition)).await.expect("the fleet in time");
        Arc::clone(&seen.expect("control runs"))
    }

    /// Waits until the snapshot looks like this.
    pub async fn snapshot(&self, condition: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
        let mut snapshot = self.forwarder.snapshot();
        let seen = timeout(PATIENCE, snapshot.wait_for(condition)).await.expect("the snapshot in time");
        Arc::clone(&seen.expect("the hub runs"))
    }

    /// Waits until the store has everything that was handed to it.
    pub async fn saved(&self) {
        let store = self.forwarder.store().expect("it keeps records");
        let saved = async {
            while store.load().unsaved > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, saved).await.expect("records on the disk in time");
    }

    /// No record is waiting: what was asked left none.
    pub fn has_no_record(&mut self) -> bool {
        self.records.is_empty()
    }

    /// The next terminal record.
    pub async fn record(&mut self) -> Arc<RequestRecord> {
        timeout(PATIENCE, self.records.recv()).await.expect("a record in time").expect("the hub runs")
    }

    /// Stops everything; what records are left are returned.
    pub async fn stop(mut self) -> Vec<Arc<RequestRecord>> {
        drop(self.client);
        timeout(PATIENCE, self.forwarder.stop(std::future::pending())).await.expect("a stop in time");
        let mut left = Vec::new();
        while let Some(record) = self.records.recv().await {
            left.push(record);
        }
        left
    }
}

/// A plain HTTP client.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: Pooled<HttpConnector, Full<Bytes>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body broke off.
    pub broken: bool,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

impl Client {
    pub fn new(base: String) -> Self {
        Self { base, http: Pooled::builder(TokioExecutor::new()).build_http() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a request and returns its head.
    pub async fn open(&self, request: Request<Full<Bytes>>) -> Response<hyper::body::Incoming> {
        timeout(PATIENCE, self.http.request(request)).await.expect("a head in time").expect("a response")
    }

    /// [`Self::open`] of a forwarder that may be gone.
    pub async fn try_open(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<hyper::body::Incoming>, hyper_util::client::legacy::Error> {
        self.http.request(request).await
    }

    /// Sends a request and reads the answer to its end.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        read(self.open(request).await).await
    }

    /// `POST /v1/messages`.
    pub async fn messages(&self, stream: bool) -> Answer {
        self.send(self.post("/v1/messages", &messages_body(stream))).await
    }

    /// A POST of JSON with a client's usual headers.
    pub fn post(&self, path: &str, body: &str) -> Request<Full<Bytes>> {
        Request::post(self.url(path))
            .header("content-type", "application/json")
            .header("anthropic-version", "2023-06-01")
            .header("x-api-key", "client-key")
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(self.url(path)).body(Full::default()).unwrap()).await
    }
}

/// Reads an answer to its end.
pub async fn read(response: Response<hyper::body::Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut broken = false;
    while let Some(frame) = timeout(PATIENCE, body.frame()).await.expect("a frame in time") {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => {
                broken = true;
                break;
            }
        }
    }
    Answer { status: head.status, headers: head.headers, body: bytes.into(), broken }
}

/// Headers without those that differ from connection to connection, sorted.
pub fn comparable(headers: &HeaderMap) -> Vec<(String, String)> {
    let own = ["date", "connection", "keep-alive", "transfer-encoding", "x-cc-forwarder-request-id"];
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut all: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    all.sort();
    all
}

/// A small request.
pub fn messages_body(stream: bool) -> String {
    serde_json::json!({
        "model": "claude-sonnet-5-5",
        "max_tokens": 1000,
        "messages": [{ "role": "user", "content": "Say something." }],
        "stream": stream,
    })
    .to_string()
}
