//! Canaries: a value of its own in every secret place, then trouble of every kind, then a search everywhere.

use std::path::Path;

use cc_forwarder::config::{Config, Env, Level, Source, load};
use cc_forwarder::logging::Capture;
use cc_forwarder::simulator::{Behaviour, Class, Reply, Simulator};

use crate::support::raw::{Raw, post};
use crate::support::{QUICK, World, messages_body};

/// Every secret contains this.
const CANARY: &str = "canary";

/// Variables and files with secrets in them.
struct Secrets;

impl Env for Secrets {
    fn var(&self, name: &str) -> Option<String> {
        Some(format!("canary-env-{}", name.to_ascii_lowercase()))
    }

    fn read(&self, _: &Path, _: u64) -> std::io::Result<Vec<u8>> {
        Ok(b"canary-file".to_vec())
    }

    fn is_file(&self, _: &Path) -> bool {
        false
    }
}

fn parsed(yaml: &str) -> Config {
    load::parse(yaml, Source::BuiltIn, &Secrets).unwrap_or_else(|p| panic!("{p}")).config
}

/// What the forwarder showed to anybody.
#[derive(Default)]
struct Shown(Vec<(&'static str, String)>);

impl Shown {
    fn add(&mut self, place: &'static str, text: impl Into<String>) {
        self.0.push((place, text.into()));
    }

    fn assert_no_canary(&self) {
        for (place, text) in &self.0 {
            if let Some(at) = text.find(CANARY) {
                let around: String = text[at.saturating_sub(100)..].chars().take(200).collect();
                panic!("in {place}: …{around}…");
            }
        }
        assert!(self.0.iter().map(|(_, text)| text.len()).sum::<usize>() > 5_000, "something was searched");
    }
}

const CLIENT: &str = "Authorization: Bearer canary-bearer\r\nX-Api-Key: canary-key\r\n\
                      X-Cc-Forwarder-Token: canary-door\r\nCookie: canary-cookie\r\n";

async fn ask(world: &mut World, shown: &mut Shown, headers: &str) {
    for (path, stream) in [("/v1/messages?token=canary-query", true), ("/v1/messages", false)] {
        let mut raw = Raw::connect(world.forwarder.address()).await;
        let seen = raw.ask(post(path, &messages_body(stream), headers)).await;
        if seen.status != 401 || seen.text().contains("auth.token") {
            shown.add("an answer of ours", format!("{}{}", seen.head, seen.text()));
        }
        if seen.header("x-cc-forwarder-request-id").is_some() {
            let record = world.record().await;
            shown.add("a record", format!("{} {record:?}", serde_json::to_string(&record).unwrap()));
        }
    }
}

async fn look(world: &World, shown: &mut Shown) {
    let headers = "Host: localhost\r\nX-Cc-Forwarder-Token: canary-door\r\n";
    let request = format!("GET /health/detailed HTTP/1.1\r\n{headers}\r\n");
    let seen = world.raw().await.ask(request).await;
    shown.add("/health/detailed", seen.text());
    shown.add("Debug of the fleet", format!("{:?}", world.forwarder.control().view()));
    let snapshot = world.snapshot(|s| s.live.is_empty() && !s.recent.is_empty()).await;
    shown.add("a snapshot", format!("{} {snapshot:?}", serde_json::to_string(&snapshot).unwrap()));
}

#[tokio::test]
async fn no_secret_is_shown_in_trouble() {
    let sims = [
        Simulator::start("a").await.unwrap(),
        Simulator::start("b").await.unwrap(),
        Simulator::start("c").await.unwrap(),
    ];
    let quick = QUICK.replace("web: { enabled: false }", "web: { enabled: false, token: canary-web }");
    let yaml = format!(
        "{quick}auth: {{ enabled: true, token: canary-door }}\n\
         endpoints:\n\
         \x20 - {{ name: a, url: \"{}\", token: canary-token, headers: {{ x-secret: canary-header, x-env: \"${{HEADER}}\" }} }}\n\
         \x20 - {{ name: b, url: \"{}/${{SECRET_PATH}}\", api-key: \"${{KEY}}\", token: \"${{file:/secret}}\" }}\n\
         \x20 - {{ name: c, url: \"{}\", credential: pass }}\n",
        sims[0].url(),
        sims[1].url(),
        sims[2].url()
    );
    let config = parsed(&yaml);
    let mut shown = Shown::default();
    shown.add("Debug of the configuration", format!("{config:?} {config:#?}"));
    let capture = Capture::start(Level::Trace, config.redactor.clone());
    let mut world = World::run(config, sims.into()).await;
    ask(&mut world, &mut shown, "X-Api-Key: canary-wrong\r\n").await;
    for behaviour in [
        Behaviour::healthy(),
        Behaviour::status(401, "authentication_error"),
        Behaviour::overloaded(),
        Behaviour::status(500, "api_error"),
        Behaviour::html(502),
        Behaviour::reset_before_headers(),
        Behaviour::garbage(),
        Behaviour::never_answers(),
        Behaviour::rate_limited(),
    ] {
        world.sims.iter().for_each(|sim| sim.set(behaviour.clone()));
        // Behind its base path the simulator knows nothing, and its 404 would quote that path.
        let known = !matches!(behaviour.reply, Reply::Auto) || behaviour.stop.is_some();
        let there = if known { behaviour } else { Behaviour::fixed(200, "application/json", "{}") };
        world.sims[1].set_for(Class::Other, there);
        ask(&mut world, &mut shown, CLIENT).await;
    }
    for sim in &world.sims {
        sim.down().await.unwrap();
    }
    ask(&mut world, &mut shown, CLIENT).await;
    look(&world, &mut shown).await;
    let all: Vec<_> = world.sims.iter().flat_map(Simulator::messages).collect();
    assert!(format!("{all:?}").contains("canary-token"), "the canaries did travel");
    shown.add("the log", capture.text());
    world.stop().await;
    shown.add("the log", capture.text());
    shown.assert_no_canary();
}

#[tokio::test]
async fn no_secret_of_an_outbound_proxy_is_shown() {
    let refused = Simulator::start("proxy").await.unwrap();
    for (proxy, down) in [("host", false), ("url", false), ("host", true)] {
        let address = refused.address();
        let section = match proxy {
            "url" => format!("url: \"http://canary-user:canary%2Dpassword@{address}\""),
            _ => format!(
                "type: socks5, host: 127.0.0.1, port: {}, username: canary-user, password: canary-password",
                address.port()
            ),
        };
        // Who speaks SOCKS to it waits in vain; who says CONNECT gets an answer.
        refused.set(if proxy == "host" { Behaviour::reset_on_accept() } else { Behaviour::healthy() });
        if down {
            refused.down().await.unwrap();
        }
        let config = parsed(&format!(
            "{QUICK}auth: {{ enabled: true, token: canary-door }}\nproxy: {{ enabled: true, {section} }}\n\
             endpoints:\n  - {{ name: a, url: \"https://endpoint.invalid\", token: canary-token }}\n"
        ));
        let mut shown = Shown::default();
        shown.add("Debug of the configuration", format!("{config:?} {config:#?}"));
        let capture = Capture::start(Level::Trace, config.redactor.clone());
        let mut world = World::run(config, Vec::new()).await;
        ask(&mut world, &mut shown, CLIENT).await;
        look(&world, &mut shown).await;
        world.stop().await;
        shown.add("the log", capture.text());
        shown.assert_no_canary();
    }
}
