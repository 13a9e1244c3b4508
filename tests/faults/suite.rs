//! Runs one fault through every arrangement of endpoints.
//!
//! | arrangement | first endpoint | second endpoint |
//! |---|---|---|
//! | `Alone` | faulty | - |
//! | `Beside` | faulty | healthy, in the same group |
//! | `Across` | faulty | healthy, in another group |
//! | `BothBeside`, `BothAcross` | faulty | faulty |
//!
//! "As it came" is measured against a twin: a simulator of the same name with the same fault, asked directly.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::events::{RequestRecord, State};
use cc_forwarder::simulator::{Asks, Fault, Outcome, Simulator};
use futures_util::future::join_all;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::time::timeout;

use crate::support::{Answer, Client, PATIENCE, World, comparable, messages_body};
use crate::table::{Expect, Last, MAX_ATTEMPTS};

/// The last resort of the cases that do not wait for a timer: never to be reached.
const FAR: Duration = Duration::from_secs(20);
/// Short enough to wait for; a healthy simulator next door answers a thousand times faster.
const NEAR: Duration = Duration::from_millis(800);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Arrangement {
    Alone,
    Beside,
    Across,
    BothBeside,
    BothAcross,
}

impl Arrangement {
    /// Where nobody else is to be asked it does not matter how he is.
    fn of_interest(expect: Expect) -> &'static [Self] {
        match expect {
            Expect::Failure { .. } => {
                &[Self::Alone, Self::Beside, Self::Across, Self::BothBeside, Self::BothAcross]
            }
            Expect::BelievedTwice => &[Self::Alone, Self::Beside, Self::Across],
            _ => &[Self::Beside, Self::Across],
        }
    }

    fn endpoints(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Alone => &[("a", "main")],
            Self::Beside | Self::BothBeside => &[("a", "main"), ("b", "main")],
            Self::Across | Self::BothAcross => &[("a", "main"), ("b", "spare")],
        }
    }

    fn both_faulty(self) -> bool {
        matches!(self, Self::BothBeside | Self::BothAcross)
    }
}

/// One request that meets one fault in one arrangement.
#[derive(Debug)]
struct Case<'a> {
    fault: &'a Fault,
    expect: Expect,
    stream: bool,
    arrangement: Arrangement,
}

/// Runs every case of a fault; a failing assertion names it.
pub(crate) async fn run(test: &str, expect: Expect) {
    let name = test.replace('_', "-");
    let fault = Fault::named(&name).unwrap_or_else(|| panic!("no fault is called {name}"));
    let streams: &[bool] = match fault.asks {
        Asks::Stream => &[true],
        Asks::Document => &[false],
        Asks::Either => &[true, false],
    };
    let cases: Vec<Case<'_>> = streams
        .iter()
        .flat_map(|&stream| Arrangement::of_interest(expect).iter().map(move |&at| (stream, at)))
        .map(|(stream, arrangement)| Case { fault: &fault, expect, stream, arrangement })
        .collect();
    join_all(cases.iter().map(|case| Box::pin(case.run()))).await;
}

impl Case<'_> {
    /// Names the case in messages.
    fn label(&self) -> String {
        let kind = if self.stream { "stream" } else { "document" };
        format!("{} ({kind}, {:?}, {:?})", self.fault.name, self.arrangement, self.expect)
    }

    async fn run(&self) {
        let mut world = World::with(&self.config(), self.arrangement.endpoints()).await.settled().await;
        world.sims[0].inject(self.fault);
        if self.arrangement.both_faulty() {
            world.sims[1].inject(self.fault);
        }
        match self.expect {
            Expect::Answer => self.passes_again_and_again(&mut world).await,
            Expect::Clients => self.passes(&mut world, State::Failed, &[1, 0]).await,
            Expect::BelievedTwice => match self.arrangement {
                Arrangement::Alone => self.passes(&mut world, State::Completed, &[2]).await,
                _ => self.is_rescued(&mut world, 1).await,
            },
            Expect::Recovers(tries) => self.recovers(&mut world, tries).await,
            Expect::Endless => self.goes_on(&mut world).await,
            Expect::Breaks => self.breaks(&mut world).await,
            Expect::Failure { beside, alone, single, several } => match self.arrangement {
                Arrangement::Alone => self.fails(&mut world, single, &[alone]).await,
                Arrangement::Beside | Arrangement::Across => self.is_rescued(&mut world, beside).await,
                _ => self.fails(&mut world, several, &[beside, alone]).await,
            },
        }
        let left = world.stop().await;
        assert!(left.is_empty(), "{}: one request, {} more records", self.label(), left.len());
    }

    fn config(&self) -> String {
        let idle = if self.fault.needs_timer { NEAR } else { FAR };
        let hold = if matches!(self.expect, Expect::Endless) { Duration::from_millis(100) } else { FAR };
        format!(
            "
server: {{ port: 0, shutdown_grace: 2s }}
retry: {{ max_attempts: {MAX_ATTEMPTS}, base_delay: 5ms, max_delay: 20ms }}
health: {{ check_interval: 1h, timeout: 2s }}
streaming: {{ response_header_timeout: {idle:?}, max_idle_time: {idle:?}, heartbeat_interval: 0s, gate_hold: {hold:?} }}
group: {{ cooldown: 600s }}
request_suspend: {{ enabled: false }}
web: {{ enabled: false }}
usage_tracking: {{ enabled: false }}
logging: {{ level: error }}
global_timeout: {idle:?}
"
        )
    }

    fn request(&self, client: &Client) -> Request<Full<Bytes>> {
        let mut request = client.post("/v1/messages?beta=true", &messages_body(self.stream));
        request.headers_mut().insert("accept-encoding", "gzip, deflate, br, zstd".parse().unwrap());
        request
    }

    /// What a client of the endpoint itself gets; `fault` or a healthy answer.
    async fn direct(&self, name: &str, fault: Option<&Fault>) -> Answer {
        let twin = Simulator::start(name).await.unwrap();
        if let Some(fault) = fault {
            twin.inject(fault);
        }
        let client = Client::new(twin.url());
        client.send(self.request(&client)).await
    }

    async fn ask(&self, world: &World) -> Answer {
        world.client.send(self.request(&world.client)).await
    }

    fn assert_same(&self, got: &Answer, wanted: &Answer) {
        let label = self.label();
        assert_eq!(got.status, wanted.status, "{label}: {}", got.text());
        assert_eq!(comparable(&got.headers), comparable(&wanted.headers), "{label}: headers");
        assert_eq!(got.broken, wanted.broken, "{label}: the end of the body");
        assert!(
            got.body == wanted.body,
            "{label}: {} bytes instead of {}",
            got.body.len(),
            wanted.body.len()
        );
    }

    /// The one record says what the simulators saw.
    async fn assert_asked(&self, world: &mut World, state: State, asked: &[usize]) {
        let label = self.label();
        let record = world.record().await;
        assert_eq!(record.state, state, "{label}: {record:?}");
        for (sim, &wanted) in world.sims.iter().zip(asked) {
            assert_eq!(attempts_at(&record, sim.name()), wanted, "{label}: attempts at {}", sim.name());
            assert_eq!(seen_by(sim), wanted, "{label}: requests seen by {}", sim.name());
        }
    }

    fn assert_id(&self, answer: &Answer, record: Option<&RequestRecord>) {
        let id = answer.headers.get("x-cc-forwarder-request-id").map(|v| v.to_str().unwrap().to_owned());
        let id = id.unwrap_or_else(|| panic!("{}: no request id", self.label()));
        let hex = id.strip_prefix("req-").unwrap_or_default();
        assert!(hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{}: {id}", self.label());
        assert!(record.is_none_or(|r| r.id.to_string() == id), "{}: {id}", self.label());
    }

    async fn passes(&self, world: &mut World, state: State, asked: &[usize]) {
        let answer = self.ask(world).await;
        self.assert_same(&answer, &self.direct("a", Some(self.fault)).await);
        self.assert_id(&answer, None);
        self.assert_asked(world, state, asked).await;
    }

    /// Twice, because some oddities show on the next use of a connection.
    async fn passes_again_and_again(&self, world: &mut World) {
        let wanted = self.direct("a", Some(self.fault)).await;
        for round in 0..2 {
            let answer = self.ask(world).await;
            self.assert_same(&answer, &wanted);
            let record = world.record().await;
            assert_eq!(record.state, State::Completed, "{}, round {round}: {record:?}", self.label());
            let healthy = record.attempts.iter().filter(|a| a.failure.is_none()).count();
            assert_eq!(healthy, 1, "{}, round {round}: {record:?}", self.label());
        }
        let others: usize = world.sims.iter().skip(1).map(|sim| sim.messages().len()).sum();
        assert_eq!(others, 0, "{}: nobody else is asked", self.label());
    }

    async fn recovers(&self, world: &mut World, tries: usize) {
        let answer = self.ask(world).await;
        self.assert_same(&answer, &self.direct("a", None).await);
        self.assert_asked(world, State::Completed, &[tries, 0]).await;
    }

    async fn is_rescued(&self, world: &mut World, tries: usize) {
        let answer = self.ask(world).await;
        self.assert_same(&answer, &self.direct("b", None).await);
        self.assert_id(&answer, None);
        self.assert_asked(world, State::Completed, &[tries, 1]).await;
    }

    async fn fails(&self, world: &mut World, last: Last, asked: &[usize]) {
        let answer = self.ask(world).await;
        match last {
            Last::Unchanged => {
                let decider = if asked.len() > 1 { "b" } else { "a" };
                self.assert_same(&answer, &self.direct(decider, Some(self.fault)).await);
                self.assert_id(&answer, None);
            }
            Last::Restated(status, kind) => self.assert_error(&answer, status, kind),
            Last::Ours(status, kind) => self.assert_ours(&answer, world, status, kind),
        }
        self.assert_asked(world, State::Failed, asked).await;
    }

    fn assert_error(&self, answer: &Answer, status: u16, kind: &str) {
        let label = self.label();
        assert_eq!(answer.status, status, "{label}: {}", answer.text());
        assert_eq!(answer.headers["content-type"], "application/json", "{label}");
        let body = answer.json();
        assert_eq!(body["type"], "error", "{label}: {body}");
        assert_eq!(body["error"]["type"], kind, "{label}: {body}");
        assert!(!answer.broken, "{label}");
        self.assert_id(answer, None);
    }

    /// In the API's shape, with our id, naming every endpoint and nothing an endpoint wrote.
    fn assert_ours(&self, answer: &Answer, world: &World, status: u16, kind: &str) {
        self.assert_error(answer, status, kind);
        let (label, body, text) = (self.label(), answer.json(), answer.text());
        assert_eq!(
            body["request_id"],
            answer.headers["x-cc-forwarder-request-id"].to_str().unwrap(),
            "{label}"
        );
        let message = body["error"]["message"].as_str().unwrap_or_default();
        let upstream_status = world.sims[0].messages().first().and_then(|r| r.status).filter(|s| *s >= 400);
        for sim in &world.sims {
            let named =
                format!("{}: {}", sim.name(), upstream_status.map_or_else(String::new, |s| s.to_string()));
            assert!(message.contains(&named), "{label}: no {named:?} in {message:?}");
        }
        for foreign in ["overloaded_error", "127.0.0.1", "http://", "Simulated", "tok-"] {
            assert!(!text.contains(foreign), "{label}: {foreign} in {text}");
        }
        assert!(!answer.headers.contains_key("retry-after"), "{label}: a wait is never invented");
    }

    async fn goes_on(&self, world: &mut World) {
        let label = self.label();
        let mut response = world.client.open(self.request(&world.client)).await;
        assert_eq!(response.status(), 200, "{label}");
        let mut seen = Vec::new();
        while seen.len() < 1500 {
            let frame = timeout(PATIENCE, response.body_mut().frame()).await.expect("a frame in time");
            let frame = frame.unwrap_or_else(|| panic!("{label}: it ended"));
            seen.extend_from_slice(&frame.unwrap_or_else(|e| panic!("{label}: {e}")).into_data().unwrap());
        }
        drop(response);
        world.sims[0]
            .wait_for(|log| log.messages().any(|r| r.outcome == Outcome::ClientLeft))
            .await
            .unwrap_or_else(|e| panic!("{label}: {e}"));
        self.assert_asked(world, State::Cancelled, &[1, 0]).await;
    }

    async fn breaks(&self, world: &mut World) {
        let answer = self.ask(world).await;
        let label = self.label();
        assert_eq!(answer.status, 200, "{label}");
        let whole = self.direct("a", None).await.body;
        let body = answer.text();
        let content = body.find("event: error").map_or(&*body, |at| &body[..at]);
        assert!(whole.starts_with(content.as_bytes()), "{label}: not a beginning of the answer: {body}");
        assert!(content.contains("content_block"), "{label}: {body}");
        assert_eq!(body.matches("event: error").count(), usize::from(!answer.broken), "{label}: {body}");
        self.assert_asked(world, State::Failed, &[1, 0]).await;
    }
}

/// Without the free one on a connection that was gone already.
fn attempts_at(record: &RequestRecord, endpoint: &str) -> usize {
    let here = record.attempts.iter().filter(|a| a.endpoint.to_string() == endpoint);
    here.filter(|a| a.failure != Some(Kind::Stale)).count()
}

/// Messages requests, and connections on which there was none: some faults strike before there is a request. The probe's
/// connection does not count.
fn seen_by(sim: &Simulator) -> usize {
    sim.log(|log| {
        let used: BTreeSet<u64> = log.requests().map(|r| r.connection).collect();
        log.messages().count() + usize::try_from(log.total_connections()).unwrap() - used.len()
    })
}
