//! Plays the mix through the real program and notes what clients saw and endpoints told.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use cc_forwarder::events::State;
use cc_forwarder::simulator::{Received, Simulator};
use http::Request;
use http_body_util::{BodyExt, Full};
use tempfile::TempDir;

use crate::case::{self, Case};
use crate::expected::{self, FACTORS, Prices, Told};
use crate::support::program::{Program, program};
use crate::support::{self, Client};

/// Requests under way at once.
const CLIENTS: usize = 12;
/// The admin port's token.
pub(crate) const ADMIN: &str = "canary-admin";

/// Endpoints, a folder with the configuration and the store, and what clients saw.
pub(crate) struct Stage {
    pub dir: TempDir,
    sims: Vec<Arc<Simulator>>,
    pub seen: HashMap<usize, State>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let attempts = Arc::new(Mutex::new(HashMap::<usize, usize>::new()));
        let mut sims = Vec::new();
        for (name, _) in FACTORS {
            let (sim, attempts) = (Simulator::start(name).await.unwrap(), Arc::clone(&attempts));
            sim.rule(move |request| {
                let number = number_of(request)?;
                let mut attempts = attempts.lock().unwrap();
                let attempt = attempts.entry(number).or_default();
                *attempt += 1;
                Some(case::case(number).step(*attempt - 1))
            });
            sims.push(Arc::new(sim));
        }
        Self { dir: tempfile::tempdir().unwrap(), sims, seen: HashMap::new() }
    }

    /// Writes the configuration with these prices.
    pub(crate) fn configure(&self, prices: &Prices) {
        let mut yaml = format!(
            "server: {{ port: 0, shutdown_grace: 20s }}\nweb: {{ port: 0, token: {ADMIN} }}\ntimezone: Asia/Kathmandu\n\
             strategy: {{ type: balanced }}\nhealth: {{ check_interval: 1h }}\nretry: {{ max_attempts: 3, base_delay: 5ms, max_delay: 20ms }}\n\
             streaming: {{ heartbeat_interval: 0s }}\ngroup: {{ cooldown: 1s }}\n\
             usage_tracking: {{ database_path: usage.redb, model_pricing: {} }}\nendpoints:\n",
            expected::pricing_yaml(prices)
        );
        for (sim, (name, factor)) in self.sims.iter().zip(FACTORS) {
            let (group, rank) = if name == "e" { ("backup", 2) } else { ("main", 1) };
            let models = if name == "c" { "models: { probe-one: mapped-one }, " } else { "" };
            let (whole, part) = (factor / 1_000_000, factor % 1_000_000);
            yaml.push_str(&format!(
                "  - {{ name: {name}, url: \"{}\", token: tok-{name}, group: {group}, group-priority: {rank}, {models}\
                 price_multiplier: {whole}.{part:06} }}\n",
                sim.url()
            ));
        }
        std::fs::write(self.dir.path().join("config.yaml"), yaml).unwrap();
    }

    pub(crate) fn start(&self) -> Program {
        let mut command = program(self.dir.path());
        command.args(["--no-tui", "--config", "config.yaml", "--log-level", "info"]);
        Program::start(command)
    }

    /// What a command of the program prints.
    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        let mut command: Command = program(self.dir.path());
        let output = command.args(arguments).args(["--config", "config.yaml"]).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Asks these, some at a time.
    pub(crate) async fn play(&mut self, program: &Program, numbers: std::ops::Range<usize>) {
        let (client, mut left) = (program.client(), numbers);
        let mut playing = tokio::task::JoinSet::new();
        loop {
            while playing.len() < CLIENTS
                && let Some(number) = left.next()
            {
                let (client, sims) = (client.clone(), self.sims.clone());
                playing.spawn(async move { (number, ask(&client, &sims, number).await) });
            }
            let Some(played) = playing.join_next().await else { break };
            let (number, state) = played.unwrap();
            assert!(self.seen.insert(number, state).is_none());
        }
    }

    /// Begins these streams, has the program told to stop while they run, and reads them to their end.
    #[cfg(unix)]
    pub(crate) async fn stop_under(&mut self, mut program: Program, numbers: std::ops::Range<usize>) {
        let client = program.client();
        let mut open = Vec::new();
        for number in numbers {
            let mut response = client.open(request(&client, number)).await;
            assert!(response.body_mut().frame().await.unwrap().is_ok());
            open.push((number, response));
        }
        program.signal("TERM");
        program.logged("stopping");
        for (number, response) in open {
            let answer = support::read(response).await;
            self.seen.insert(number, observed(&case::case(number), &answer));
        }
        assert_eq!(program.code().await, Some(0));
    }

    /// What the endpoints told about each request, by attempt; attempts that got no response head told nothing.
    pub(crate) fn told(&self) -> HashMap<usize, Vec<Told>> {
        let mut received: HashMap<usize, Vec<(&str, Received)>> = HashMap::new();
        for sim in &self.sims {
            for request in sim.requests() {
                if let Some(number) = number_of(&request) {
                    received.entry(number).or_default().push((sim.name(), request));
                }
            }
        }
        let told = received.into_iter().map(|(number, mut attempts)| {
            attempts.sort_by_key(|(_, request)| request.at);
            let told = attempts.iter().enumerate().filter(|(_, (_, request))| request.status.is_some()).map(
                |(attempt, (name, request))| {
                    Told::of(name, request, &case::case(number).step(attempt).content)
                },
            );
            (number, told.collect())
        });
        told.collect()
    }
}

fn number_of(request: &Received) -> Option<usize> {
    case::number(request.headers.get("user-agent")?)
}

fn request(client: &Client, number: usize) -> Request<Full<bytes::Bytes>> {
    let case = case::case(number);
    let mut request = match case.path {
        "/v1/models" => Request::get(client.url(case.path)).body(Full::default()).unwrap(),
        path => client.post(path, &case.body(number)),
    };
    let headers = request.headers_mut();
    headers.insert("user-agent", case::user_agent(number).parse().unwrap());
    headers.insert("x-claude-code-session-id", case::session(number).parse().unwrap());
    headers.insert("accept-encoding", "gzip, br, deflate, zstd".parse().unwrap());
    request
}

/// Asks, and says how it ended as far as the client can tell.
async fn ask(client: &Client, sims: &[Arc<Simulator>], number: usize) -> State {
    let case = case::case(number);
    match case.client {
        case::Client::Stays => observed(&case, &client.send(request(client, number)).await),
        case::Client::Leaves(0) => leave_early(client, sims, number).await,
        case::Client::Leaves(events) => leave_behind(client, number, events).await,
    }
}

fn observed(case: &Case, answer: &support::Answer) -> State {
    let coded = answer.headers.contains_key("content-encoding");
    let ended = !case.stream || coded || answer.text().contains("\"message_stop\"");
    if answer.status.is_success() && !answer.broken && ended { State::Completed } else { State::Failed }
}

/// Leaves once so many events are there.
async fn leave_behind(client: &Client, number: usize, events: usize) -> State {
    let mut response = client.open(request(client, number)).await;
    let mut text = String::new();
    while text.matches("data: ").count() < events {
        let frame = tokio::time::timeout(support::PATIENCE, response.body_mut().frame()).await;
        let data = frame.expect("an event in time").expect("more").unwrap().into_data().unwrap();
        text.push_str(&String::from_utf8_lossy(&data));
    }
    State::Cancelled
}

/// Leaves before there is an answer, but not before an endpoint has sent all that it will send.
async fn leave_early(client: &Client, sims: &[Arc<Simulator>], number: usize) -> State {
    let tells = case::case(number).kind != "leaves before the head";
    let mut waiting = Box::pin(client.try_open(request(client, number)));
    let told = |sim: &Simulator| {
        sim.log(|log| {
            log.messages().any(|r| {
                number_of(r) == Some(number) && if tells { r.told.input > 0 } else { r.status.is_some() }
            })
        })
    };
    let all_is_told = async {
        while !sims.iter().any(|sim| told(sim)) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        // What the endpoint wrote has come before these, which have come and gone; so many that a worker which the
        // system had put aside has had its turn, too.
        for _ in 0..50 {
            client.get("/health").await;
        }
    };
    tokio::select! {
        _ = &mut waiting => panic!("request {number} was answered"),
        told = tokio::time::timeout(support::PATIENCE, all_is_told) => told.expect("something told in time"),
    }
    State::Cancelled
}
