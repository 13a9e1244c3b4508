//! The README's curl lines do what they say: each is run, in order, by a shell against the real program.
//!
//! Only the addresses and the id of the request differ from what people read. The endpoints of the README's first
//! configuration stand behind it as simulators, up at first; from the first line about suspended requests to the first
//! about usage they are down, so that two requests wait.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic and spawn"
)]

mod support;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cc_forwarder::simulator::Simulator;
use serde_json::Value;
use support::program::{Program, program};
use support::{Answer, Client, PATIENCE};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

const README: &str = include_str!("../README.md");
/// In the place of the id of a request.
const SOME_REQUEST: &str = "req-6417692c";
/// curl's own exit code for an answer that has no end in time.
const TIMED_OUT: i32 = 28;

/// Lines of shell blocks that begin so.
fn lines() -> Vec<&'static str> {
    let shell = README.split("\n```").filter_map(|block| block.strip_prefix("sh\n"));
    shell.flat_map(str::lines).filter(|line| line.starts_with("curl ")).collect()
}

/// The README's endpoints, and the program before them.
struct Scene {
    sims: Vec<Simulator>,
    program: Program,
    admin: Client,
    folder: tempfile::TempDir,
    waiting: Vec<JoinHandle<Answer>>,
    /// A request that waits, once one does.
    id: String,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut sims = Vec::new();
        let mut yaml = "server: { port: 0 }\nweb: { port: 0 }\nhealth: { check_interval: 100ms }\n\
                        retry: { max_attempts: 1 }\nusage_tracking: { flush_interval: 10ms }\nendpoints:\n"
            .to_owned();
        for (name, group, rank, priority) in
            [("main", "main", 1, 1), ("relay-1", "spare", 2, 1), ("relay-2", "spare", 2, 2)]
        {
            let sim = Simulator::start(name).await.unwrap();
            yaml += &format!(
                "  - name: {name}\n    url: \"{}\"\n    group: {group}\n    group-priority: {rank}\n    \
                 priority: {priority}\n    token: tok-{name}\n",
                sim.url()
            );
            sims.push(sim);
        }
        std::fs::write(folder.path().join("my.yaml"), yaml).unwrap();
        let mut command = program(folder.path());
        command.args(["--no-tui", "--config", "my.yaml"]);
        let program = tokio::task::spawn_blocking(|| Program::start(command)).await.unwrap();
        let admin = Client::new(format!("http://{}", program.admin.unwrap()));
        Self { sims, program, admin, folder, waiting: Vec::new(), id: String::new() }
    }

    async fn until(&self, path: &str, mut seen: impl FnMut(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.admin.get(path).await.json();
            if seen(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{path} in time: {answer}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Everything is down; two requests wait.
    async fn trouble(&mut self) {
        for sim in &self.sims {
            sim.down().await.unwrap();
        }
        for _ in 0..2 {
            let client = self.program.client();
            self.waiting.push(tokio::spawn(async move { client.messages(false).await }));
        }
        let both = |answer: &Value| answer["queue"].as_array().is_some_and(|queue| queue.len() == 2);
        let queue = self.until("/api/v1/suspended", both).await;
        self.id = queue["queue"][0]["id"].as_str().unwrap().to_owned();
    }

    /// Everything is up again, and the requests got their answers, which are in the store.
    async fn calm(&mut self) {
        for sim in &self.sims {
            sim.up().await.unwrap();
        }
        for waiting in self.waiting.drain(..) {
            assert_eq!(timeout(PATIENCE, waiting).await.expect("an answer in time").unwrap().status, 200);
        }
        self.until("/api/v1/usage/requests", |answer| answer["total"] == 2).await;
    }

    /// Runs a line; what it prints.
    async fn curl(&self, line: &str) -> String {
        let endless = line.contains(" -N ");
        let patience = if endless { 2 } else { 20 };
        let line = line
            .replacen("curl ", &format!("curl -sS --fail-with-body --max-time {patience} "), 1)
            .replace("http://127.0.0.1:8010", &format!("http://{}", self.program.admin.unwrap()))
            .replace(SOME_REQUEST, &self.id);
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        for proxy in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
            shell.env_remove(proxy);
        }
        let output = timeout(PATIENCE, shell.output()).await.expect("an end in time").unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let wanted = if endless { TIMED_OUT } else { 0 };
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(wanted), "{line}: {said} {told}");
        said
    }
}

/// What is known of an answer before it comes.
fn check(line: &str, said: &str, folder: &Path) {
    if line.contains(" -N ") {
        assert!(said.contains("event: snapshot\n") && said.contains("\ndata: {"), "{line}: {said}");
    } else if line.contains("/metrics") {
        assert!(said.contains("# TYPE "), "{line}: {said}");
    } else if line.contains(" -o usage.csv ") {
        let written = std::fs::read_to_string(folder.join("usage.csv")).unwrap();
        assert!(written.starts_with("request_id,"), "{line}: {written}");
    } else {
        let answer: Value = serde_json::from_str(said).unwrap_or_else(|why| panic!("{line}: {why}: {said}"));
        assert!(answer.is_object() && answer.get("error").is_none(), "{line}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_curl_line_works() {
    let there = Command::new("curl").arg("--version").output().await;
    assert!(
        there.is_ok_and(|curl| curl.status.success()),
        "this test runs the README's curl lines: install curl"
    );
    let lines = lines();
    assert!(lines.len() >= 20, "{lines:?}");
    let mut scene = Scene::new().await;
    for line in lines {
        if line.contains("/suspended") && scene.id.is_empty() {
            scene.trouble().await;
        }
        if line.contains("/usage/") && !scene.waiting.is_empty() {
            scene.calm().await;
        }
        let said = scene.curl(line).await;
        check(line, &said, scene.folder.path());
    }
    let saved = std::fs::read_to_string(scene.folder.path().join("my.yaml")).unwrap();
    let relay = &saved[saved.find("relay-1").unwrap()..saved.find("relay-2").unwrap()];
    assert!(relay.contains("priority: 2\n"), "{saved}");
    let csv = std::fs::read_to_string(scene.folder.path().join("usage.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "both requests: {csv}");
}
