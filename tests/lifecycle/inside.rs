//! What no client can bring about from outside: a panic in a request, and two minutes of silence.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cc_forwarder::control::fasttest::FastTests;
use cc_forwarder::control::{self, Control};
use cc_forwarder::domain::fleet::{Fleet, Settings};
use cc_forwarder::domain::plan::Attempt;
use cc_forwarder::events::board::Board;
use cc_forwarder::events::record::Ids;
use cc_forwarder::events::{self, Event, EventStream, RequestRecord, State, pictures};
use cc_forwarder::proxy::lifecycle::{Lifecycle, Reporting};
use cc_forwarder::proxy::transport::Transport;
use cc_forwarder::proxy::{Shared, dialer::Dialer, inbound, ingress, intake::Budget};
use http::{HeaderMap, Method, Request};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::{QUICK, config, endpoint};

/// The parts of a forwarder, without its port.
fn parts() -> (Shared, EventStream) {
    let config =
        Arc::new(config(&format!("{QUICK}endpoints:\n{}", endpoint("a", "main", 1, "http://127.0.0.1:9"))));
    let settings = Settings {
        auto_switch: true,
        cooldown: Duration::from_secs(600),
        check_interval: Duration::from_secs(60),
        by_latency: false,
        pinned: None,
    };
    let (events, stream) = events::channel();
    let fleet = Fleet::new(settings, &config.endpoints, Instant::now().into_std());
    let (control, task) = control::new(fleet, events.clone());
    let now = jiff::Timestamp::now();
    let empty = Board::new(now).snapshot(&control.view(), Instant::now().into_std(), now);
    tokio::spawn(control::run(task, CancellationToken::new()));
    let reporting = Reporting {
        events,
        control: control.clone(),
        stopping: CancellationToken::new(),
        mismatches: Arc::default(),
        samples: Default::default(),
        witness: Default::default(),
    };
    let transport = Transport::new(Dialer::new(None, None));
    let shared = Shared {
        config: watch::channel(config).1,
        control,
        fast_tests: FastTests::new(transport.clone()),
        sessions: Default::default(),
        transport,
        reporting: Arc::new(reporting),
        ids: Arc::new(Ids::starting_at(1)),
        budget: Budget::new(1 << 20),
        queue: Default::default(),
        ledger_full: Default::default(),
        pictures: pictures::channel(empty).0,
    };
    (shared, stream)
}

async fn settled(stream: &mut EventStream) -> Arc<RequestRecord> {
    loop {
        if let Event::Settled(record) = stream.next().await.expect("a record") {
            return record;
        }
    }
}

/// A client's body that panics in the hands of whoever reads it.
struct Trap;

impl Body for Trap {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        panic!("the trap")
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_a_record() {
    let (shared, mut stream) = parts();
    let request = Request::post("/v1/messages").header("host", "localhost").body(Trap).unwrap();
    let response = ingress::handle(Arc::new(shared), ([127, 0, 0, 1], 1).into(), request).await;
    assert_eq!(response.status(), 500);
    let id = response.headers()["x-cc-forwarder-request-id"].to_str().unwrap().to_owned();
    let Ok(body) = response.into_body().collect().await else { panic!("a body") };
    let body: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!(
        (body["error"]["type"].as_str(), body["request_id"].as_str()),
        (Some("api_error"), Some(&*id))
    );
    assert!(!body.to_string().contains("the trap"));
    let record = settled(&mut stream).await;
    assert_eq!((record.state, record.status), (State::Failed, Some(500)), "{record:?}");
    assert_eq!(record.id.to_string(), id);
    assert!(stream.try_next().is_none(), "one record");
}

/// A request on its way to the only endpoint.
fn on_its_way(shared: &Shared, path: &str) -> Box<Lifecycle> {
    let class = cc_forwarder::claude::request::Class::of(&Method::POST, path);
    let opening = inbound::opening(
        shared.ids.next_id(),
        class,
        &Method::POST,
        &path.parse().unwrap(),
        &HeaderMap::new(),
        ([127, 0, 0, 1], 1).into(),
    );
    let mut lifecycle = Lifecycle::open(opening, shared.reporting.clone());
    let attempt = Attempt {
        number: 1,
        spec: Arc::clone(&shared.control.view().endpoints[0].spec),
        fresh: false,
        needs_permit: false,
        first_here: true,
        here_since: Instant::now().into_std(),
    };
    lifecycle.attempt_started(&attempt, None, tokio::time::Instant::now());
    lifecycle
}

/// Waits until the control task has taken everything that was told before.
async fn taken(control: &Control) -> u32 {
    let nothing = cc_forwarder::domain::fleet::Input::Tick;
    control.tell_awaited(nothing).await.unwrap();
    control.view().endpoints[0].standing.streak
}

#[tokio::test(start_paused = true)]
async fn only_a_long_silence_is_held_against_the_endpoint_and_softly() {
    let (shared, mut stream) = parts();
    for (path, silence, expected) in
        [("/v1/messages", 119, 0), ("/v1/messages/count_tokens", 500, 0), ("/v1/messages", 121, 1)]
    {
        let mut lifecycle = on_its_way(&shared, path);
        tokio::time::advance(Duration::from_secs(100)).await;
        lifecycle.heard(Instant::now());
        tokio::time::advance(Duration::from_secs(silence)).await;
        drop(lifecycle);
        assert_eq!(taken(&shared.control).await, expected, "{path} after {silence} s");
        let record = settled(&mut stream).await;
        assert_eq!((record.state, record.failure), (State::Cancelled, None));
    }
    assert_eq!(shared.control.view().endpoints[0].standing.blamed, 0, "softly");
}
