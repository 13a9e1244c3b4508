//! Health probes: which endpoints are due, and asking them.
//!
//! Every enabled endpoint of every group that is not paused is asked once per interval, standby groups too, with the
//! same credentials and headers as real requests; while requests wait, the failing ones every two seconds. An endpoint
//! that passes the client's credential on is asked only while it is failing, without a credential.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use http_body_util::BodyExt;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Control;
use crate::config::{Config, HealthCheck};
use crate::domain::endpoint::{Credential, EndpointId, EndpointSpec};
use crate::domain::fleet::{EndpointView, FleetView, Input};
use crate::domain::group::GroupState;
use crate::domain::outcome::Kind;
use crate::domain::standing::{Health, Probed};
use crate::proxy::headers;
use crate::proxy::transport::{Payload, Reuse, SendErrorKind, Transport};

/// Bytes of a probe's answer that are read so that its connection can be used again.
const DRAIN_LIMIT: usize = 256 * 1024;

/// What a probe found, with what people want to see of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// For the fleet.
    pub result: Probed,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// In words, if there was none.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// The endpoints that are due at `now`, given when each was last asked.
pub fn due(
    view: &FleetView,
    last: &HashMap<EndpointId, Instant>,
    pace: Pace,
    now: Instant,
) -> Vec<Arc<EndpointSpec>> {
    let elapsed = |e: &EndpointView| {
        let last = last.get(&e.spec.id);
        last.is_none_or(|at| now.saturating_duration_since(*at) >= pace.interval(is_failing(e)))
    };
    view.endpoints
        .iter()
        .filter(|e| wants_probe(view, e) && elapsed(e))
        .map(|e| Arc::clone(&e.spec))
        .collect()
}

fn wants_probe(view: &FleetView, endpoint: &EndpointView) -> bool {
    let paused = view.group(&endpoint.spec.group).is_none_or(|g| g.state == GroupState::Paused);
    let passes = endpoint.spec.credential == Credential::Pass;
    endpoint.spec.enabled && !paused && (!passes || is_failing(endpoint))
}

fn is_failing(endpoint: &EndpointView) -> bool {
    endpoint.standing.health == Health::Down || endpoint.standing.streak > 0
}

/// How often endpoints are asked.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// `health.check_interval`.
    pub interval: Duration,
    /// Requests wait for an endpoint.
    pub awaited: bool,
}

/// While requests wait, failing endpoints are asked this often: the wait should end with the outage.
const AWAITED_INTERVAL: Duration = Duration::from_secs(2);

impl Pace {
    fn interval(self, failing: bool) -> Duration {
        if self.awaited && failing { self.shortest() } else { self.interval }
    }

    fn shortest(self) -> Duration {
        if self.awaited { self.interval.min(AWAITED_INTERVAL) } else { self.interval }
    }
}

/// What an answer of this status means: any answer is a sign of life but 5xx, 501 aside (RFC 9110, 15.6.2: what was asked
/// for is not implemented).
pub fn judge(status: StatusCode, credential: &Credential, latency: Duration) -> Probed {
    let refused = matches!(status.as_u16(), 401 | 403);
    // 501 is about the path: whoever does not list models is not down for it.
    if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
        Probed::Down(Kind::ServerError)
    } else if refused && *credential != Credential::Pass {
        Probed::CredentialRefused { latency }
    } else {
        Probed::Up { latency, authenticated: status.is_success() && *credential != Credential::Pass }
    }
}

/// Asks one endpoint.
pub async fn ask(transport: &Transport, spec: &Arc<EndpointSpec>, check: &HealthCheck) -> Report {
    let started = tokio::time::Instant::now();
    let asked = answer(transport, spec, &check.path, check.timeout);
    let outcome = tokio::time::timeout(check.timeout, asked).await;
    let took = started.elapsed();
    match outcome {
        Ok(Ok((status, latency))) => {
            let result = judge(status, &spec.credential, latency);
            Report { result, status: Some(status.as_u16()), error: None, took }
        }
        Ok(Err((kind, error))) => {
            Report { result: Probed::Down(kind), status: None, error: Some(error), took }
        }
        Err(_) => {
            let error = format!("no answer within {:?}", check.timeout);
            Report { result: Probed::Down(Kind::HeaderTimeout), status: None, error: Some(error), took }
        }
    }
}

/// A GET as real requests are sent: its status, and the time to the response head.
pub(super) async fn answer(
    transport: &Transport,
    spec: &Arc<EndpointSpec>,
    path: &str,
    limit: Duration,
) -> Result<(StatusCode, Duration), (Kind, String)> {
    let path: http::Uri =
        path.parse().map_err(|_| (Kind::Local, format!("`{path}` is no path (health.health_path)")))?;
    let target = headers::request_target(&spec.url, &path).map_err(|e| (Kind::Local, e.to_string()))?;
    let mut request = http::Request::new(Payload::empty());
    *request.uri_mut() = target;
    *request.headers_mut() = headers::probe_headers(spec);
    let started = tokio::time::Instant::now();
    let sent = transport.send(spec, request, limit, Reuse::Allowed).await;
    let answer = sent.map_err(|e| (kind_of(e.kind), e.to_string()))?;
    let (status, latency) = (answer.head.status, started.elapsed());
    // Reading the rest lets the connection be used again; a body that is long or fails is not the probe's business.
    let _ = http_body_util::Limited::new(answer.body, DRAIN_LIMIT).collect().await;
    Ok((status, latency))
}

fn kind_of(kind: SendErrorKind) -> Kind {
    match kind {
        SendErrorKind::Dns => Kind::Dns,
        SendErrorKind::Connect | SendErrorKind::ConnectTimeout => Kind::Connect,
        SendErrorKind::Proxy => Kind::Proxy,
        SendErrorKind::Tls => Kind::Tls,
        SendErrorKind::HeaderTimeout => Kind::HeaderTimeout,
        SendErrorKind::Reset | SendErrorKind::Protocol | SendErrorKind::RequestBody => Kind::Reset,
    }
}

/// Probes until `stop`. `awaited` follows how many requests wait for an endpoint.
pub async fn run(
    control: Control,
    transport: Transport,
    config: watch::Receiver<Arc<Config>>,
    mut awaited: watch::Receiver<usize>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let mut last: HashMap<EndpointId, Instant> = HashMap::new();
    let mut asked: HashMap<EndpointId, Arc<EndpointSpec>> = HashMap::new();
    let mut running: HashSet<EndpointId> = HashSet::new();
    let (done_tx, mut done) = mpsc::unbounded_channel::<EndpointId>();
    let mut view = control.watch();
    loop {
        while let Ok(id) = done.try_recv() {
            running.remove(&id);
        }
        let check = config.borrow().health.clone();
        let now = tokio::time::Instant::now().into_std();
        let current = control.view();
        last.retain(|id, _| still_says_something(&current, asked.get(id)));
        let pace = Pace { interval: check.check_interval, awaited: *awaited.borrow_and_update() > 0 };
        for spec in due(&current, &last, pace, now) {
            if !running.insert(spec.id.clone()) {
                continue;
            }
            last.insert(spec.id.clone(), now);
            asked.insert(spec.id.clone(), Arc::clone(&spec));
            let probing = one(control.clone(), transport.clone(), spec, check.clone(), done_tx.clone());
            let stop = stop.clone();
            // A stop does not wait for an endpoint that is silent.
            tasks.spawn(async move { stop.run_until_cancelled(probing).await });
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause(&last, pace.shortest(), now)) => {}
            Ok(()) = awaited.changed() => {}
            changed = view.changed() => if changed.is_err() { return },
            Some(id) = done.recv() => { running.remove(&id); }
        }
    }
}

/// False when the endpoint that was asked is gone, or another server or credential by now: that one is due at once.
fn still_says_something(view: &FleetView, asked: Option<&Arc<EndpointSpec>>) -> bool {
    let Some(asked) = asked else { return false };
    view.endpoint(&asked.id).is_some_and(|now| {
        asked.url == now.spec.url
            && asked.credential == now.spec.credential
            && asked.headers == now.spec.headers
    })
}

/// Time until the next endpoint can be due.
fn pause(last: &HashMap<EndpointId, Instant>, interval: Duration, now: Instant) -> Duration {
    let left = |at: &Instant| interval.saturating_sub(now.saturating_duration_since(*at));
    last.values().map(left).filter(|d| !d.is_zero()).min().unwrap_or(interval)
}

async fn one(
    control: Control,
    transport: Transport,
    spec: Arc<EndpointSpec>,
    check: HealthCheck,
    done: mpsc::UnboundedSender<EndpointId>,
) {
    now(&control, &transport, &spec, &check).await;
    let _ = done.send(spec.id.clone());
}

/// Asks one endpoint and tells the fleet; returns when the fleet knows.
pub async fn now(
    control: &Control,
    transport: &Transport,
    spec: &Arc<EndpointSpec>,
    check: &HealthCheck,
) -> Report {
    let started = tokio::time::Instant::now().into_std();
    let report = ask(transport, spec, check).await;
    tracing::debug!(
        target: "cc_forwarder::probe",
        endpoint = %spec.id,
        status = report.status,
        took_ms = report.took.as_secs_f64() * 1e3,
        error = report.error.as_deref(),
        "probed"
    );
    let probed = Input::Probed { endpoint: spec.id.clone(), started, result: report.result.clone() };
    // An error means that the program stops.
    let _ = control.tell_awaited(probed).await;
    report
}
