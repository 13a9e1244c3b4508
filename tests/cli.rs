//! The real binary: what it prints where, and its exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a helper cannot do fails the test")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use cc_forwarder::simulator::{Behaviour, Class, Simulator};
use serde_json::Value;
use tempfile::TempDir;

/// No command takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(180);
const CANARY: &str = "canary-of-this-test";

/// A folder of its own, so that no configuration of the machine is found.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn with(config: &str) -> Self {
        let place = Self::new();
        fs::write(place.path().join("my.yaml"), config).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the program with these arguments.
    fn run(&self, arguments: &str) -> Output {
        let child = Command::new(env!("CARGO_BIN_EXE_cc-forwarder"))
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env_remove("CC_FORWARDER_CONFIG")
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path())
            .env("APPDATA", self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        finish(child)
    }
}

/// Waits for the end of the program and reads what it wrote; kills it when it hangs.
fn finish(mut child: Child) -> Output {
    fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }
    let (stdout, stderr) = (reader(child.stdout.take().unwrap()), reader(child.stderr.take().unwrap()));
    #[allow(clippy::disallowed_methods, reason = "a process is waited for in real time")]
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs; it wrote {}", String::from_utf8_lossy(&stdout.join().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn out(output: &Output) -> String {
    text(&output.stdout)
}

fn err(output: &Output) -> String {
    text(&output.stderr)
}

/// Exit code, standard output, standard error.
fn parts(output: &Output) -> (i32, String, String) {
    (output.status.code().unwrap(), out(output), err(output))
}

#[test]
fn the_demo_ends_by_itself_with_every_answer_whole() {
    let (code, out, err) = parts(&Place::new().run("demo --seconds 3"));
    assert_eq!(code, 0, "{out}\n{err}");
    assert!(out.contains("Summary"), "{out}");
    assert!(out.contains("0 failures: "), "clients saw none: {out}");
    assert!(out.contains("main-a answers two requests with 529"), "{out}");
    assert!(!out.contains('\u{1b}'), "no colour without a terminal: {out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert_eq!(err, "");
}

#[test]
fn help_and_version() {
    let place = Place::new();
    let (code, out, _) = parts(&place.run("--version"));
    assert_eq!((code, out.starts_with("cc-forwarder 0.")), (0, true), "{out}");
    for (arguments, wanted) in [("--help", "demo"), ("check --help", "--no-probe"), ("demo -h", "--seconds")]
    {
        let (code, out, err) = parts(&place.run(arguments));
        assert_eq!((code, err.as_str()), (0, ""), "{arguments}");
        assert!(out.contains(wanted), "{arguments}: {out}");
    }
    let (code, out, err) = parts(&place.run("demo --seconds soon"));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("soon"), "{err}");
}

/// A simulated endpoint in front of which `check` can stand while the test's own thread waits for it.
struct Endpoint {
    _runtime: tokio::runtime::Runtime,
    simulator: Simulator,
}

impl Endpoint {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let simulator = runtime.block_on(Simulator::start("endpoint")).unwrap();
        Self { _runtime: runtime, simulator }
    }

    fn answering(behaviour: Behaviour) -> Self {
        let endpoint = Self::new();
        endpoint.simulator.set_for(Class::Models, behaviour);
        endpoint
    }

    fn yaml(&self, name: &str) -> String {
        format!(
            "  - {{ name: {name}, url: \"{}\", group: main, token: {CANARY}-{name} }}\n",
            self.simulator.url()
        )
    }
}

fn config(endpoints: &[String]) -> String {
    format!("usage_tracking: {{ enabled: false }}\nendpoints:\n{}", endpoints.concat())
}

#[test]
fn check_is_content_when_every_endpoint_is_up() {
    let (a, b) = (Endpoint::new(), Endpoint::new());
    let place = Place::with(&config(&[a.yaml("a"), b.yaml("b")]));
    let (code, out, err) = parts(&place.run("check --config my.yaml"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("All 2 endpoints are up."), "{out}");
    let sent = a.simulator.requests();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].headers.get("authorization"), Some(format!("Bearer {CANARY}-a").as_str()));
}

#[test]
fn check_says_what_is_wrong_and_no_secret() {
    let refusing = Endpoint::answering(Behaviour::status(401, "authentication_error"));
    let broken = Endpoint::answering(Behaviour::status(503, "api_error"));
    let well = Endpoint::new();
    let yaml = config(&[refusing.yaml("refusing"), broken.yaml("broken"), well.yaml("well")]);
    let place = Place::with(&yaml);
    let (code, out, err) = parts(&place.run("check --config my.yaml"));
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("credential refused") && out.contains("server error"), "{out}");
    assert!(out.contains("Of 3 endpoints 1 down, 1 refused the credential."), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");

    let json = place.run("check --config my.yaml --json");
    assert_eq!(json.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    let results: Vec<_> = found["endpoints"].as_array().unwrap().iter().map(|e| &e["result"]).collect();
    assert_eq!(results, ["credential_refused", "down", "up"]);
    let keys: Vec<_> = found["endpoints"][0].as_object().unwrap().keys().collect();
    let documented = [
        "enabled",
        "group",
        "group_priority",
        "latency_ms",
        "name",
        "note",
        "priority",
        "result",
        "status",
        "url",
    ];
    assert_eq!(keys, documented);
    for words in [out, err, text(&json.stdout), text(&json.stderr)] {
        assert!(!words.contains(CANARY), "{words}");
    }
}

#[test]
fn check_lists_every_problem_and_sends_nothing() {
    let endpoint = Endpoint::new();
    let broken = config(&[endpoint.yaml("a"), endpoint.yaml("a")]) + "retry: { max_attempts: 0 }\nextra: 1\n";
    let place = Place::with(&broken);
    let (code, out, err) = parts(&place.run("check --config my.yaml"));
    assert_eq!((code, out.as_str()), (1, ""));
    for part in ["my.yaml:", "retry.max_attempts", "extra", "endpoints[1].name"] {
        assert!(err.contains(part), "{part} in {err}");
    }
    assert!(!err.contains(CANARY), "{err}");
    let json: Value = serde_json::from_slice(&place.run("check --config my.yaml --json").stdout).unwrap();
    assert_eq!((&json["valid"], &json["ok"]), (&Value::Bool(false), &Value::Bool(false)));
    assert!(json["problems"].as_array().unwrap().len() >= 3, "{json}");
    assert!(endpoint.simulator.requests().is_empty());

    let (code, _, err) = parts(&place.run("check --config missing.yaml"));
    assert_eq!(code, 1);
    assert!(err.contains("missing.yaml"), "{err}");
}

#[test]
fn check_without_probes_sends_nothing_and_shows_warnings() {
    let endpoint = Endpoint::new();
    let yaml = config(&[endpoint.yaml("a")]) + "streaming: { read_timeout: 10s }\n";
    let place = Place::with(&yaml);
    let (code, out, err) = parts(&place.run("check --config my.yaml --no-probe"));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("not probed") && out.contains("--no-probe"), "{out}");
    assert!(err.contains("warning: ") && err.contains("streaming.read_timeout"), "{err}");
    assert!(endpoint.simulator.requests().is_empty());
}
