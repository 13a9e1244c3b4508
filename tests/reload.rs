//! A configuration that changes while requests run.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a helper cannot do fails the test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::domain::fleet::{FleetView, Input};
use cc_forwarder::domain::group::{GroupState, Pause};
use cc_forwarder::domain::standing::Health;
use cc_forwarder::simulator::{Behaviour, Pace, Simulator};
use http::HeaderValue;
use http_body_util::BodyExt;
use support::file::{ConfigFile, shown};
use support::{Client, QUICK, World};
use tokio::task::JoinSet;

const EDITS: u32 = 200;

async fn sims(names: &[&str]) -> Vec<Simulator> {
    let mut sims = Vec::new();
    for name in names {
        sims.push(Simulator::start(*name).await.unwrap());
    }
    sims
}

/// Endpoints `a`, `b` in `main` with these priorities, `k` in `keyed`, `s` in `spare`; `k` has its own token.
fn yaml(sims: &[Simulator], a: u32, b: u32, attempts: u32) -> String {
    let [first, second, keyed, spare] = sims else { panic!("four endpoints") };
    // A machine that is busy with other tests must not look like an endpoint that is silent.
    let base = QUICK.replace("700ms", "20s").replace("max_attempts: 2", &format!("max_attempts: {attempts}"));
    format!(
        "{base}
endpoints:
  - {{ name: a, url: \"{}\", group: main, group-priority: 1, priority: {a}, token: tok-a }}
  - {{ name: b, url: \"{}\", group: main, group-priority: 1, priority: {b} }}
  - {{ name: k, url: \"{}\", group: keyed, group-priority: 2, token: tok-k }}
  - {{ name: s, url: \"{}\", group: spare, group-priority: 3, token: tok-s }}
",
        first.url(),
        second.url(),
        keyed.url(),
        spare.url()
    )
}

/// Which simulator answers a request of this client now.
async fn answers(client: &Client, sims: &[Simulator], mark: &str) -> String {
    let mut request = client.post("/v1/messages", &support::messages_body(false));
    request.headers_mut().insert("x-mark", HeaderValue::from_str(mark).unwrap());
    let answer = client.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let marked = |sim: &&Simulator| {
        sim.log(|log| log.messages().rev().any(|received| received.headers.get("x-mark") == Some(mark)))
    };
    sims.iter().find(marked).expect("somebody answered").name().to_owned()
}

fn spare_is_paused(view: &FleetView) -> bool {
    view.group(&GroupId::new("spare")).unwrap().state == GroupState::Paused
}

fn key_is_set_aside(view: &FleetView) -> bool {
    view.endpoint(&EndpointId::new("k")).unwrap().standing.set_aside.is_some()
}

impl World {
    async fn tell(&self, input: Input) {
        self.forwarder.control().tell_awaited(input).await.unwrap();
    }

    /// Makes `k` refuse its credential once, and pauses `keyed` and `spare`.
    async fn with_a_past(mut self) -> Self {
        let group = |name: &str| GroupId::new(name);
        self.sims[2].set(Behaviour::status(401, "authentication_error"));
        self.tell(Input::Pause(group("main"), Pause::ForEver)).await;
        self.tell(Input::Pause(group("spare"), Pause::ForEver)).await;
        assert_eq!(self.client.messages(false).await.status, 401);
        self.record().await;
        self.fleet(|view| key_is_set_aside(view)).await;
        self.tell(Input::Pause(group("keyed"), Pause::ForEver)).await;
        self.tell(Input::Resume(group("main"))).await;
        self
    }
}

/// Clients that ask without a break until told to stop, and how many answers they got.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU32>,
    clients: JoinSet<()>,
}

impl Load {
    fn start(client: &Client) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let mut clients = JoinSet::new();
        for n in 0..4 {
            let (client, stop, answered) = (client.clone(), Arc::clone(&stop), Arc::clone(&answered));
            clients.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = client.messages(n % 2 == 0).await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    assert!(!answer.broken);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { stop, answered, clients }
    }

    async fn end(self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        self.answered.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_edits_under_load() {
    let sims = sims(&["a", "b", "k", "s"]).await;
    let file = ConfigFile::new(&yaml(&sims, 1, 2, 2));
    let world = World::following(&file, None, sims).await.settled().await.with_a_past().await;
    let load = Load::start(&world.client);
    for n in 0..EDITS {
        let (a, b) = if n % 2 == 0 { (2, 1) } else { (1, 2) };
        let valid = n % 5 != 4;
        let attempts = if valid { 2 + n % 7 } else { 0 };
        let text = format!("# {n}\n{}", yaml(&world.sims, a, b, attempts));
        let last = world
            .edit(|| match n % 3 {
                0 => file.rename_over(&text),
                1 => file.swap_link(&text),
                _ => file.write_in_place(&text),
            })
            .await;
        match &last.outcome {
            Ok(report) => {
                assert!(valid, "edit {n} was taken: {report}");
                assert!(report.needs_restart.is_empty(), "{report}");
                assert_eq!(world.forwarder.config().retry.max_attempts, attempts, "edit {n}: {report}");
                let expected = if a < b { "a" } else { "b" };
                assert_eq!(
                    answers(&world.client, &world.sims, &format!("edit-{n}")).await,
                    expected,
                    "edit {n}"
                );
            }
            Err(refused) => {
                assert!(!valid, "edit {n}: {refused}");
                let said = refused.to_string();
                assert!(said.contains("retry.max_attempts") && said.contains(&shown(&file.path())), "{said}");
                assert_ne!(world.forwarder.config().retry.max_attempts, 0);
            }
        }
        let view = world.forwarder.control().view();
        assert!(spare_is_paused(&view) && key_is_set_aside(&view), "edit {n}");
        assert!(view.endpoints.iter().all(|e| e.standing.health == Health::Up), "edit {n}: health survives");
    }
    assert!(load.end().await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_is_tried_at_once_and_a_new_url_is_another_server() {
    let sims = sims(&["a", "b", "k", "s"]).await;
    let first = yaml(&sims, 1, 2, 2);
    let file = ConfigFile::new(&first);
    let world = World::following(&file, None, sims).await.settled().await.with_a_past().await;
    let last = world.edit(|| file.rename_over(&first.replace("tok-k", "tok-next"))).await;
    assert_eq!(last.outcome.as_ref().unwrap().to_string(), "applied: endpoints[k].token");
    let view = world.forwarder.control().view();
    assert!(!key_is_set_aside(&view) && spare_is_paused(&view));

    let moved = first.replace("tok-k", "tok-next").replace(&world.sims[0].url(), &world.sims[3].url());
    let last = world.edit(|| file.write_in_place(&moved)).await;
    assert_eq!(last.outcome.as_ref().unwrap().to_string(), "applied: endpoints[a].url");
    assert_eq!(answers(&world.client, &world.sims, "moved").await, "s");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pin_of_the_command_line_survives_and_its_endpoint_cannot_be_taken_away() {
    let sims = sims(&["a", "b", "k", "s"]).await;
    let first = yaml(&sims, 1, 2, 2);
    let file = ConfigFile::new(&first);
    let world = World::following(&file, Some("s"), sims).await.settled().await;
    world.edit(|| file.rename_over(&first.replace("max_attempts: 2", "max_attempts: 3"))).await;
    assert_eq!(world.forwarder.config().pinned, Some(EndpointId::new("s")));
    assert_eq!(answers(&world.client, &world.sims, "pinned").await, "s");

    let last = world.edit(|| file.swap_link(&first.replace("name: s", "name: t"))).await;
    let refused = last.outcome.as_ref().unwrap_err().to_string();
    assert!(refused.contains("-p s") && refused.contains("a, b, k, t"), "{refused}");
    assert_eq!(world.forwarder.config().retry.max_attempts, 3, "the running one stays");
    assert_eq!(answers(&world.client, &world.sims, "still").await, "s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_stream_ends_whole_at_an_endpoint_that_is_gone() {
    let sims = sims(&["a", "b"]).await;
    let endpoint = |sim: &Simulator| support::endpoint(sim.name(), "main", 1, &sim.url());
    let (both, second) = (
        format!("{QUICK}\nendpoints:\n{}{}", endpoint(&sims[0]), endpoint(&sims[1])),
        format!("{QUICK}\nendpoints:\n{}", endpoint(&sims[1])),
    );
    let mut world = World::run(support::config(&both), sims).await.settled().await;
    world.sims[0].set(Behaviour::healthy().deltas(60, 20).pace(Pace::every(Duration::from_millis(10))));
    let request = world.client.post("/v1/messages", &support::messages_body(true));
    let mut response = world.client.open(request).await;
    assert!(response.body_mut().frame().await.unwrap().is_ok());

    let report = world.forwarder.reload(support::config(&second)).await.unwrap();
    assert_eq!(report.to_string(), "applied: endpoints[a] (removed)");
    assert_eq!(answers(&world.client, &world.sims, "after").await, "b");
    let answer = support::read(response).await;
    assert!(!answer.broken && answer.text().contains("message_stop"), "{}", answer.text());
    for _ in 0..2 {
        assert!(world.record().await.error.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_way_out_applies_at_once_and_what_is_gone_keeps_no_connection() {
    let mut world = World::pair().await.settled().await;
    let urls: Vec<String> = world.sims.iter().map(Simulator::url).collect();
    let first = support::endpoint("a", "main", 1, &urls[0]);
    let both = format!("{first}{}", support::endpoint("b", "main", 1, &urls[1]));
    assert_eq!(world.client.messages(false).await.status, 200);
    world.record().await;

    // Nobody listens on a port that was just given back.
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxied = format!(
        "{QUICK}\nproxy: {{ enabled: true, type: http, host: 127.0.0.1, port: {unused} }}\nendpoints:\n{both}"
    );
    world.forwarder.reload(support::config(&proxied)).await.unwrap();
    assert_eq!(world.client.messages(false).await.status, 502, "no connection of the old way is used");
    world.record().await;

    let report = world.forwarder.reload(support::config(&format!("{QUICK}\nendpoints:\n{both}"))).await;
    assert!(report.unwrap().applied.contains(&"proxy.enabled".to_owned()));
    world.tell(Input::Clear(EndpointId::new("a"))).await;
    assert_eq!(answers(&world.client, &world.sims, "direct").await, "a");
    world.record().await;
    assert_eq!(world.forwarder.idle_upstream_connections(), 1);
    let second = support::endpoint("b", "main", 1, &urls[1]);
    world.forwarder.reload(support::config(&format!("{QUICK}\nendpoints:\n{second}"))).await.unwrap();
    assert_eq!(world.forwarder.idle_upstream_connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_is_named_and_stays() {
    let world = World::pair().await;
    let before = world.forwarder.config();
    let urls: Vec<String> = world.sims.iter().map(Simulator::url).collect();
    let endpoints: String =
        ["a", "b"].iter().zip(&urls).map(|(n, url)| support::endpoint(n, "main", 1, url)).collect();
    let base =
        QUICK.replace("port: 0, shutdown_grace: 2s", "port: 1, max_buffered_bytes: 1MB, shutdown_grace: 3s");
    let next = support::config(&format!("{base}\nendpoints:\n{endpoints}"));
    let report = world.forwarder.reload(next).await.unwrap();
    assert_eq!(
        report.to_string(),
        "applied: server.shutdown_grace; needs a restart: server.max_buffered_bytes, server.port"
    );
    let after = world.forwarder.config();
    assert_eq!(after.server.shutdown_grace, Duration::from_secs(3));
    assert_eq!((after.server.port, after.server.max_buffered_bytes), (0, before.server.max_buffered_bytes));
}
