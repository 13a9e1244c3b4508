//! Two texts, and what is said about their difference.

use super::*;
use crate::config::load::parse;
use crate::config::{Env, Source};

struct Canaries;

impl Env for Canaries {
    fn var(&self, name: &str) -> Option<String> {
        Some(format!("canary-{name}"))
    }
    fn read(&self, _: &std::path::Path, _: u64) -> std::io::Result<Vec<u8>> {
        Ok(b"-----BEGIN CERTIFICATE-----".to_vec())
    }
    fn is_file(&self, _: &std::path::Path) -> bool {
        true
    }
}

const ENDPOINTS: &str = "
endpoints:
  - { name: a, url: https://a.example, token: canary-a, headers: { x-one: canary-h } }
  - { name: b, url: https://b.example, token: canary-b, group: two }
  - { name: c, url: https://c.example, credential: pass, group: two }
";

fn config(text: &str) -> Config {
    parse(text, Source::BuiltIn, &Canaries).unwrap_or_else(|problems| panic!("{problems}\n{text}")).config
}

fn between(old: &str, new: &str) -> String {
    let report = changes(&config(old), &config(new)).to_string();
    assert!(!report.contains("canary"), "{report}");
    report
}

#[test]
fn the_same_meaning_in_other_words_is_no_change() {
    let old = format!("retry: {{ max_attempts: 3 }}{ENDPOINTS}");
    assert_eq!(between(&old, &format!("# a comment{ENDPOINTS}")), "nothing changed");
}

#[test]
fn keys_are_told_apart_by_when_they_take_effect() {
    let new = format!(
        "server: {{ port: 9, max_buffered_bytes: 2GB, max_body_bytes: 1MB, allowed_hosts: [x.example] }}\n\
         logging: {{ level: debug, format: json }}\nweb: {{ port: 1 }}\nretry: {{ max_attempts: 5 }}\n\
         tls: {{ extra_ca: /ca.pem }}{ENDPOINTS}"
    );
    assert_eq!(
        between(ENDPOINTS, &new),
        "applied: logging.level, retry.max_attempts, server.allowed_hosts, server.max_body_bytes, tls.extra_ca; \
         needs a restart: logging.format, server.max_buffered_bytes, server.port, web.port"
    );
}

#[test]
fn secrets_are_seen_to_change_and_never_shown() {
    let base = "auth: { enabled: true, token: canary-1 }\nweb: { token: canary-w }\nproxy: { enabled: true, type: \
                http, host: \"${HOST}\", port: 1, username: canary-u, password: canary-p }\n";
    let old = format!("{base}{ENDPOINTS}");
    let new = old.replace("canary-1", "canary-2").replace("canary-w", "canary-x").replace("-p }", "-q }");
    let new = new.replace("${HOST}", "${OTHER}").replace("token: canary-a", "api-key: canary-c");
    let new = new.replace("canary-h", "canary-i").replace("canary-b", "canary-y");
    assert_eq!(
        between(&old, &new),
        "applied: auth.token, endpoints[a].api-key, endpoints[a].headers, endpoints[a].token, endpoints[b].token, \
         proxy.host, proxy.password; needs a restart: web.token"
    );
    assert_eq!(between(&old, &old.replace("canary-u", "canary-v")), "applied: proxy.username");
}

#[test]
fn endpoints_are_compared_by_name() {
    let moved = "
endpoints:
  - { name: c, url: https://c.example, credential: pass, group: two }
  - { name: a, url: https://a.example/v2, token: canary-a, group: Default, headers: { x-two: canary-h }, priority: 7 }
  - { name: \"${NEW}\", url: https://d.example, token: canary-d, group: three }
";
    assert_eq!(
        between(ENDPOINTS, moved),
        "applied: endpoints (order), endpoints[***] (new), endpoints[a].headers.x-one, endpoints[a].headers.x-two, \
         endpoints[a].priority, endpoints[a].url, endpoints[b] (removed)"
    );
}

/// A file in which every section differs from the defaults.
const EVERYTHING: &str = "
server: { host: \"::1\", port: 9, max_body_bytes: 1MB, max_buffered_bytes: 2GB, shutdown_grace: 1s, allowed_hosts: [h.x],
  allowed_origins: [\"https://o.x\"], allow_unauthenticated: true }
web: { enabled: false, host: \"::1\", port: 10, token: canary-w, allowed_hosts: [h.x], allowed_origins: [\"https://o.x\"],
  allow_unauthenticated: true }
tui: { enabled: false, update_interval: 9s, save_priority_edits: true, theme: t }
usage_tracking: { enabled: false, database_path: x.redb, buffer_size: 9, batch_size: 7, flush_interval: 9s, max_retry: 9,
  retention_days: 9, cleanup_interval: 9h, budgets: [{ daily: 1 }], default_pricing: { input: 1, output: 1 } }
timezone: UTC
logging: { level: debug, format: json, file_enabled: true, file_path: x.log, max_file_size: 1MB, max_files: 3,
  compress_rotated: true, disable_response_limit: true, token_debug: { enabled: true, save_path: d, max_files: 1 } }
retry: { max_attempts: 9, max_total_attempts: 99, base_delay: 3s, max_delay: 9s, multiplier: 3.0 }
health: { check_interval: 9s, timeout: 9s, health_path: /x }
";

#[test]
fn what_needs_a_restart_is_exactly_what_stays() {
    let (running, new) = (config(ENDPOINTS), config(&format!("{EVERYTHING}{ENDPOINTS}")));
    let report = changes(&running, &new);
    for prefix in NEEDS_RESTART {
        assert!(
            report.needs_restart.iter().any(|key| key.starts_with(prefix)),
            "{prefix} is not covered here"
        );
    }
    let effective = new.clone().under(&running);
    let done = Report { applied: report.applied, needs_restart: Vec::new() };
    assert_eq!(changes(&running, &effective), done);
    let waiting = Report { applied: Vec::new(), needs_restart: report.needs_restart };
    assert_eq!(changes(&effective, &new), waiting, "and it is said again at the next reload");
}
