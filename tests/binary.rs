//! The program itself: its command line, its configuration, its signals, over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "helpers of tests: clippy only excuses the tests themselves"
)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output};
#[cfg(unix)]
use std::time::{Duration, Instant};

use cc_forwarder::simulator::Simulator;
use support::program::{Program, program};
use tempfile::TempDir;

fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

fn configured(yaml: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.yaml"), yaml).unwrap();
    dir
}

fn run(dir: &TempDir) -> Command {
    let mut command = program(dir.path());
    command.args(["--no-tui", "--config", "config.yaml"]);
    command
}

fn over(sim: &Simulator, more: &str) -> TempDir {
    let url = sim.url();
    configured(&format!(
        "server: {{ port: 0, shutdown_grace: 20s }}\nweb: {{ enabled: false }}\nusage_tracking: {{ enabled: false }}\n{more}\n\
         endpoints:\n  - {{ name: a, url: \"{url}\", token: tok-a }}\n"
    ))
}

#[test]
fn version_and_usage() {
    let dir = tempfile::tempdir().unwrap();
    for flag in ["--version", "-version", "-V"] {
        let (code, out, err) = ended(program(dir.path()).arg(flag));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{flag}");
        assert!(out.starts_with(&format!("cc-forwarder {}", env!("CARGO_PKG_VERSION"))), "{out}");
    }
    for args in [&["--no-such-flag"][..], &["no-such-command"], &["-p"], &["--log-level", "loud"]] {
        let (code, out, err) = ended(program(dir.path()).args(args));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains("Usage") || err.contains("--help"), "{args:?}: {err}");
    }
}

#[test]
fn every_problem_of_a_configuration_is_listed() {
    let dir = configured(
        "server: { port: 70000, shutdown_graze: 1s }\nauth: { enabled: true }\n\
         endpoints:\n  - { name: a, url: \"ftp://x\" }\n  - { name: a, url: \"http://localhost\" }\n",
    );
    let (code, out, err) = ended(&mut run(&dir));
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    for expected in
        ["server.port", "shutdown_grace", "auth.token", "endpoints[0].url", "names must be unique"]
    {
        assert!(err.contains(expected), "{expected}: {err}");
    }
    let (code, _, err) = ended(program(dir.path()).args(["--config", "missing.yaml"]));
    assert_eq!(code, Some(1));
    assert!(err.contains("missing.yaml"), "{err}");
}

#[test]
fn an_unknown_endpoint_on_the_command_line_lists_the_names() {
    let dir = configured(
        "server: { port: 0 }\nendpoints:\n  - { name: one, url: \"http://127.0.0.1:9\" }\n  - { name: two, url: \"http://127.0.0.1:9\" }\n",
    );
    let (code, _, err) = ended(run(&dir).args(["-p", "three"]));
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("three") && err.contains("one, two"), "{err}");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let dir = configured(&format!(
        "server: {{ port: {port} }}\nweb: {{ enabled: false }}\nusage_tracking: {{ enabled: false }}\nendpoints:\n  - {{ name: a, url: \"http://127.0.0.1:9\" }}\n"
    ));
    let (code, _, err) = ended(&mut run(&dir));
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("server.port") && err.contains(&port.to_string()), "{err}");
}

/// The default port may be taken on the machine that tests; both outcomes show that the built-in default was used.
#[test]
fn without_a_configuration_the_built_in_default_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = program(dir.path()).arg("--no-tui").spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let said = lines.find(|line| line.contains(":8088")).unwrap_or_default();
    let _ = child.kill();
    let _ = child.wait();
    assert!(said.contains("127.0.0.1:8088"), "{said}");
}

#[tokio::test]
async fn it_serves_and_prefers_what_it_is_told_to() {
    let (first, second) =
        (Simulator::start("first").await.unwrap(), Simulator::start("second").await.unwrap());
    let dir = configured(&format!(
        "server: {{ port: 0 }}\nweb: {{ enabled: false }}\nusage_tracking: {{ enabled: false }}\nendpoints:\n  - {{ name: first, url: \"{}\" }}\n  - {{ name: second, url: \"{}\", group: other, group-priority: 9 }}\n",
        first.url(),
        second.url()
    ));
    let mut command = run(&dir);
    command.args(["-p", "second"]);
    let program = Program::start(command);
    for stream in [false, true] {
        let answer = program.client().messages(stream).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!((first.messages().len(), second.messages().len()), (0, 2));
    assert_eq!(program.client().get("/health").await.status, 200);
}

#[cfg(unix)]
mod signals {
    use cc_forwarder::simulator::{Behaviour, Drip, Pace};
    use http_body_util::BodyExt;

    use super::*;

    async fn stream(program: &Program) -> http::Response<hyper::body::Incoming> {
        let client = program.client();
        let mut response = client.open(client.post("/v1/messages", &support::messages_body(true))).await;
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        response
    }

    #[tokio::test]
    async fn a_stream_is_drained() {
        for signal in ["TERM", "INT"] {
            let sim = Simulator::start("a").await.unwrap();
            sim.set(Behaviour::healthy().deltas(60, 20).pace(Pace::every(Duration::from_millis(10))));
            let mut program = Program::start(run(&over(&sim, "")));
            let response = stream(&program).await;
            program.signal(signal);
            program.logged("stopping");
            let answer = support::read(response).await;
            assert!(!answer.broken && answer.text().contains("message_stop"), "{}", answer.text());
            assert_eq!(program.code().await, Some(0));
            let farewell = program.logged("stopped:");
            assert!(farewell.contains("1 request, 1 completed"), "{farewell}");
            let mut out = String::new();
            program.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
            assert_eq!(out, "", "nothing belongs on standard output");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_waits_is_answered_and_the_log_tells_its_story() {
        let sim = Simulator::start("a").await.unwrap();
        sim.down().await.unwrap();
        let dir = over(&sim, "retry: { max_attempts: 1 }");
        let mut command = run(&dir);
        command.args(["--log-level", "debug"]);
        let mut program = Program::start(command);
        let client = program.client();
        let waiting = tokio::spawn(async move { client.messages(true).await });
        program.logged("suspended: waits for an endpoint to recover");
        program.signal("TERM");
        let answer = waiting.await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.broken), (503, false), "{}", answer.text());
        assert_eq!(answer.json()["error"]["message"], "The forwarder is stopping.");
        program.logged("for an endpoint to recover");
        program.logged("failed: the forwarder stopped while the request waited");
        assert_eq!(program.code().await, Some(0));
    }

    #[tokio::test]
    async fn a_hangup_reads_the_configuration_anew_and_keeps_serving() {
        let sim = Simulator::start("a").await.unwrap();
        let dir = over(&sim, "tls: { extra_ca: ca.pem }\nauth: { enabled: true, token: \"${file:token}\" }");
        std::fs::write(dir.path().join("ca.pem"), "-----BEGIN CERTIFICATE-----").unwrap();
        std::fs::write(dir.path().join("token"), "first-canary").unwrap();
        let mut program = Program::start(run(&dir));
        std::fs::write(dir.path().join("token"), "second-canary").unwrap();
        program.signal("HUP");
        let line = program.logged("reloaded: ");
        assert!(line.contains("applied: auth.token") && !line.contains("canary"), "{line}");
        let mut request = program.client().post("/v1/messages", &support::messages_body(false));
        request.headers_mut().insert("x-api-key", "second-canary".parse().unwrap());
        assert_eq!(program.client().send(request).await.status, 200);

        let file = dir.path().join("config.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(dir.path().join("next"), text.replace("token: tok-a", "tokn: first-canary")).unwrap();
        std::fs::rename(dir.path().join("next"), &file).unwrap();
        let line = program.logged("endpoints[0].tokn");
        assert!(line.contains("ERROR") && line.contains("token") && !line.contains("canary"), "{line}");
        program.logged("the running configuration stays");
        program.signal("TERM");
        assert_eq!(program.code().await, Some(0));
    }

    #[tokio::test]
    async fn a_second_signal_ends_at_once() {
        let sim = Simulator::start("a").await.unwrap();
        sim.set(Behaviour::drips(4, Drip::Delta, Duration::from_millis(10)));
        let mut program = Program::start(run(&over(&sim, "")));
        let response = stream(&program).await;
        let begun = Instant::now();
        program.signal("TERM");
        program.logged("stopping");
        program.signal("TERM");
        assert_eq!(program.code().await, Some(0));
        assert!(begun.elapsed() < Duration::from_secs(15), "not the grace period of 20 s");
        assert!(support::read(response).await.broken, "a cut is not a clean end");
        assert!(program.logged("stopped:").contains("1 cancelled"));
    }

    /// As behind `2>&1 | head -1`.
    #[tokio::test]
    async fn who_reads_the_log_may_leave() {
        let sim = Simulator::start("a").await.unwrap();
        let dir = over(&sim, "");
        let mut child = run(&dir).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("ANTHROPIC_BASE_URL=") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it listens");
        }
        drop(log);
        let address = line.split_once("ANTHROPIC_BASE_URL=http://").unwrap().1.trim().parse().unwrap();
        let mut program = Program::unheard(child, address);
        for _ in 0..3 {
            assert_eq!(program.client().messages(false).await.status, 200);
        }
        program.signal("TERM");
        assert_eq!(program.code().await, Some(0));
    }

    #[tokio::test]
    async fn idle_connections_and_silent_probes_do_not_delay_the_end() {
        let sim = Simulator::start("a").await.unwrap();
        sim.rule(|_| Some(Behaviour::never_answers()));
        let mut program = Program::start(run(&over(&sim, "health: { timeout: 60s }")));
        sim.wait_for(|log| log.in_flight() > 0).await.unwrap();
        let client = program.client();
        assert_eq!(client.get("/health").await.status, 200);
        let silent = std::net::TcpStream::connect(program.address).unwrap();
        let begun = Instant::now();
        program.signal("TERM");
        assert_eq!(program.code().await, Some(0));
        assert!(begun.elapsed() < Duration::from_secs(15), "not the grace period of 20 s");
        drop((silent, client));
    }
}
