//! Every key has the origin it really has, and no secret is in the list.

use super::*;
use crate::config::{Env, Source, load};

struct Canaries;

impl Env for Canaries {
    fn var(&self, name: &str) -> Option<String> {
        Some(format!("canary-{name}"))
    }
    fn read(&self, _: &std::path::Path, _: u64) -> std::io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
    fn is_file(&self, _: &std::path::Path) -> bool {
        true
    }
}

const TEXT: &str = "\
server:
  port: 9000
timezone:
usage_tracking:
  model_pricing:
    my-model: { input: 1, output: 2, cache_creation: 3, cache_read: 4 }
endpoints:
  - name: a
    url: https://a.example
    token: ${TOKEN}
    timeout: 90s
    group: one
    headers: { X-Tenant: canary-h }
    models: { \"opus*\": other }
    retry_statuses: [400, 409]
  - name: b
    url: https://b.example
";

fn config(text: &str) -> Config {
    load::parse(text, Source::BuiltIn, &Canaries).unwrap_or_else(|problems| panic!("{problems}")).config
}

fn find(entries: &[Entry], key: &str) -> (Option<String>, Origin, bool) {
    let entry = entries.iter().find(|entry| entry.key == key).unwrap_or_else(|| panic!("no {key}"));
    (entry.value.clone(), entry.origin.clone(), entry.restart)
}

fn value(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn line(line: usize) -> Origin {
    Origin::File { line, reference: false }
}

#[test]
fn values_have_their_origins() {
    let entries = config(TEXT).entries();
    let of = |key: &str| find(&entries, key);
    assert_eq!(of("server.port"), (value("9000"), line(2), true));
    assert_eq!(of("server.host"), (value("127.0.0.1"), Origin::Default, true));
    assert_eq!(of("timezone"), (None, Origin::Default, true));
    assert_eq!(of("retry.max_attempts").1, Origin::Default);
    assert_eq!(of("endpoints[a].token"), (value("***"), Origin::File { line: 10, reference: true }, false));
    assert_eq!(of("endpoints[a].headers.x-tenant"), (value("***"), line(13), false));
    assert_eq!(of("endpoints[a].models.opus*"), (value("other"), line(14), false));
    assert_eq!(of("endpoints[a].retry_statuses"), (value("400, 409"), line(15), false));
    assert_eq!(of("usage_tracking.model_pricing.my-model.input").1, line(6));
}

#[test]
fn what_an_endpoint_has_from_another_is_inherited() {
    let entries = config(TEXT).entries();
    for key in ["group", "timeout", "token", "headers.x-tenant"] {
        assert_eq!(find(&entries, &format!("endpoints[b].{key}")).1, Origin::Inherited, "{key}");
    }
    assert_eq!(find(&entries, "endpoints[b].api-key"), (None, Origin::Default, false));
    assert_eq!(find(&entries, "endpoints[b].http2").1, Origin::Default);
    assert_eq!(find(&entries, "endpoints[b].models").1, Origin::Default, "models are not inherited");
}

#[test]
fn a_timeout_comes_from_the_first_endpoint_or_from_nobody() {
    let endpoint =
        |name: &str, more: &str| format!("  - {{ name: {name}, url: \"https://x.example\"{more} }}\n");
    let said = |first: &str| {
        let text =
            ["endpoints:\n", &endpoint("a", first), &endpoint("b", ", timeout: 9s"), &endpoint("c", "")];
        find(&config(&text.concat()).entries(), "endpoints[c].timeout").1
    };
    assert_eq!(said(", timeout: 90s"), Origin::Inherited);
    assert_eq!(said(""), Origin::Default, "it has `global_timeout`, whatever the second one says");
}

#[test]
fn flags_and_hands_outrank_the_file() {
    let mut config = config(TEXT);
    config.origins.by_flag("logging.level", "--log-level");
    config.origins.by_hand("endpoints[a].priority".to_owned());
    config.pin("b").unwrap();
    let entries = config.entries();
    assert_eq!(find(&entries, "logging.level").1, Origin::Flag { name: "--log-level".into() });
    assert_eq!(find(&entries, "endpoints[a].priority").1, Origin::ByHand);
    assert_eq!(find(&entries, "(pinned endpoint)"), (value("b"), Origin::Flag { name: "-p".into() }, true));
    let json = serde_json::to_string(&entries).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Entry>>(&json).unwrap(), entries);
}

#[test]
fn no_secret_is_listed() {
    let text = format!("{:?}", config(TEXT).entries());
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn lines_move_with_the_file_and_what_outranks_it_stays() {
    let mut running = config(TEXT);
    running.origins.by_hand("endpoints[a].enabled".to_owned());
    running.origins.move_to(&config(&format!("# a comment\n{TEXT}")).origins);
    let entries = running.entries();
    assert_eq!(find(&entries, "server.port").1, line(3));
    assert_eq!(find(&entries, "endpoints[a].enabled").1, Origin::ByHand);
}
