//! Whole configuration files: what they become, what is said about broken ones, and that no display shows a secret.
//!
//! `fixtures/config/invalid/NAME.yaml` has everything the loader says about it in `NAME.txt`; with the variable
//! `UPDATE_FIXTURES` set the test writes those files anew, to be read before they are committed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a helper cannot do fails the test")]

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cc_forwarder::config::load::{load, parse};
use cc_forwarder::config::{
    BudgetScope, ConfigError, Env, FailBack, Loaded, OutboundKind, Prices, Problems, Source, StrategyKind,
    System,
};
use cc_forwarder::domain::endpoint::{Credential, EndpointId, EndpointSpec, GroupId};
use cc_forwarder::domain::secret::Secret;

/// The variables and files that the fixtures refer to.
struct Fixture {
    vars: HashMap<&'static str, &'static str>,
    files: HashMap<PathBuf, &'static [u8]>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            vars: HashMap::from([
                ("TOKEN", "canary-token"),
                ("HOST", "canary-host.example"),
                ("FOLDER", "canary-folder"),
                ("THEME", "canary-theme"),
                ("NAME", "canary-name"),
                ("MODEL", "canary-model"),
                ("WORD", "canary-word"),
                ("ZONE", "canary-zone"),
            ]),
            files: HashMap::from([
                (PathBuf::from("/run/secrets/key"), &b"canary-key\n"[..]),
                (PathBuf::from("data/old.db"), &b"SQLite format 3\0 and more"[..]),
            ]),
        }
    }
}

impl Env for Fixture {
    fn var(&self, name: &str) -> Option<String> {
        self.vars.get(name).map(|v| (*v).to_owned())
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes.iter().copied().take(usize::try_from(limit).unwrap()).collect())
    }
    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }
}

fn fixtures(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(kind)
}

fn read(text: &str) -> Result<Loaded, Problems> {
    parse(text, Source::File("config.yaml".into()), &Fixture::new())
}

fn valid(name: &str) -> Loaded {
    let text = fs::read_to_string(fixtures("valid").join(name)).unwrap();
    read(&text).unwrap_or_else(|problems| panic!("{name}:\n{problems}"))
}

fn own(token: Option<&str>, api_key: Option<&str>) -> Credential {
    Credential::Own { token: token.map(Secret::new), api_key: api_key.map(Secret::new) }
}

#[test]
fn every_invalid_file_is_explained_in_full() {
    let mut checked = 0;
    for entry in fs::read_dir(fixtures("invalid")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let problems = read(&fs::read_to_string(&path).unwrap()).expect_err(&path.display().to_string());
            let said = problems.to_string();
            if std::env::var_os("UPDATE_FIXTURES").is_some() {
                fs::write(path.with_extension("txt"), format!("{said}\n")).unwrap();
            }
            let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
            // A checkout may have converted line ends.
            assert_eq!(said, expected.replace("\r\n", "\n").trim_end(), "{}", path.display());
            assert!(!said.contains("canary"), "a secret in:\n{said}");
            checked += 1;
        }
    }
    assert!(checked >= 15, "only {checked} fixtures were found");
}

#[test]
fn a_file_of_the_predecessor_keeps_its_meaning() {
    let Loaded { config, warnings } = valid("predecessor.yaml");
    assert_eq!(config.timezone.as_deref(), Some("UTC"));
    assert_eq!((config.server.port, config.web.port), (8087, 8010));
    assert!(config.auth.is_none() && config.outbound.is_none() && !config.tui.enabled);
    assert_eq!(config.usage.retention_days, 0, "zero keeps for ever");
    assert_eq!(config.usage.database_path, Path::new("data/usage.db"));
    let sonnet = Prices {
        input: 3_000_000,
        output: 15_000_000,
        cache_creation: 3_750_000,
        cache_creation_1h: None,
        cache_read: 300_000,
    };
    assert_eq!(config.usage.model_pricing, [("claude-sonnet-4-20250514".to_owned(), sonnet)]);
    assert_eq!(config.usage.default_pricing, Some(sonnet));
    let [a, b, spare] = &*config.endpoints else { panic!("{config:?}") };
    assert_eq!((&*b.group.0, b.group_priority, b.priority), ("main", 1, 2));
    assert_eq!((&a.credential, &b.credential), (&own(Some("sk-a"), None), &own(Some("sk-a"), None)));
    assert_eq!((a.supports_count_tokens, b.supports_count_tokens), (Some(true), None));
    assert_eq!(spare.credential, own(None, Some("k-c")), "nothing crosses groups");
    assert_eq!((spare.headers.len(), a.headers.len()), (1, 0));
    assert_eq!(spare.timeout, Duration::from_secs(300));
    let effectless: Vec<_> =
        warnings.list.iter().filter(|w| w.message.starts_with("has no effect")).collect();
    let places: Vec<_> = effectless.iter().map(|w| (w.line, &*w.path)).collect();
    assert_eq!(places, [(Some(15), "streaming.read_timeout"), (Some(33), "usage_tracking.database.type")]);
}

#[test]
fn new_keys_arrive() {
    let config = valid("new_keys.yaml").config;
    assert_eq!((&*config.server.host, config.server.port), ("0.0.0.0", 0));
    assert_eq!((config.server.max_body_bytes, config.server.max_buffered_bytes), (1 << 20, 64 << 20));
    assert_eq!(config.server.shutdown_grace, Duration::ZERO);
    assert_eq!(config.server.allowed_hosts, ["box.example"]);
    assert_eq!(config.server.allowed_origins, ["https://tool.example:8443"]);
    assert_eq!(config.auth, Some(Secret::new("inbound-canary")));
    assert_eq!(config.web.token, Some(Secret::new("admin-canary")));
    assert_eq!(config.tui.theme.as_deref(), Some("light"));
    assert_eq!(config.strategy.kind, StrategyKind::Balanced);
    assert_eq!(config.strategy.fast_test_path, "/up", "by default the health path");
    assert_eq!(config.retry.max_total_attempts, 4);
    assert_eq!(config.streaming.gate_hold, Duration::from_secs(2));
    assert!(config.streaming.heartbeat_interval.is_zero() && config.streaming.max_idle_time.is_zero());
    assert!(config.suspend.keepalive);
    assert_eq!(config.group.fail_back, FailBack::Manual);
    assert_eq!(config.group.session_idle, Some(Duration::from_secs(3600)));
    let proxy = config.outbound.unwrap();
    assert_eq!((proxy.kind, &*proxy.host, proxy.port), (OutboundKind::Socks5, "::1", 1081));
    assert_eq!(proxy.auth, Some((Secret::new("user@home"), Secret::new("proxy:canary"))));
    assert_eq!(
        config.redactor.scrub("a proxy:canary b proxy%3Acanary@[::1]"),
        "a *** b proxy%3Acanary@[::1]"
    );
}

#[test]
fn the_outbound_proxy_is_a_url_or_a_host() {
    const ENDPOINT: &str = "endpoints: [{ name: a, url: 'https://a.example' }]";
    use OutboundKind::{Http, Https, Socks5};
    for (keys, kind, host, port, user) in [
        ("type: http, host: p.example, port: 3128", Http, "p.example", 3128, None),
        ("type: socks5, host: 10.0.0.1", Socks5, "10.0.0.1", 1080, None),
        ("type: https, host: p.example, username: u, password: p", Https, "p.example", 443, Some("u:p")),
        ("type: http, host: p.example, username: u", Http, "p.example", 80, Some("u:")),
        ("url: 'https://p.example', host: ignored.example", Https, "p.example", 443, None),
        ("url: 'http://u:p@p.example:8080/'", Http, "p.example", 8080, Some("u:p")),
        ("url: 'http://u:p@p.example', username: v, password: w", Http, "p.example", 80, Some("v:w")),
        ("type: https, url: 'http://p.example'", Http, "p.example", 80, None),
    ] {
        let loaded = read(&format!("proxy: {{ enabled: true, {keys} }}\n{ENDPOINT}")).unwrap();
        let proxy = loaded.config.outbound.unwrap();
        let shown = proxy.auth.as_ref().map(|(u, p)| format!("{}:{}", u.expose(), p.expose()));
        assert_eq!((proxy.kind, &*proxy.host, proxy.port), (kind, host, port), "{keys}");
        assert_eq!(shown.as_deref(), user, "{keys}");
        assert_eq!(loaded.warnings.is_empty(), !keys.contains("type: https, url: 'http:"), "{keys}");
    }
    let disabled = read(&format!("proxy: {{ type: '', url: 'nonsense', port: 0 }}\n{ENDPOINT}")).unwrap();
    assert_eq!(disabled.config.outbound, None, "a disabled proxy is not judged");
}

#[test]
fn listeners_beyond_this_machine_need_a_credential_or_consent() {
    const ENDPOINT: &str = "endpoints: [{ name: a, url: 'https://a.example' }]";
    let paths = |sections: &str| match read(&format!("{sections}\n{ENDPOINT}")) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.list.into_iter().map(|p| p.path).collect(),
    };
    for host in ["0.0.0.0", "'::'", "192.168.1.2", "myhost.local"] {
        let open = format!("server: {{ host: {host} }}\nweb: {{ host: {host} }}");
        assert_eq!(paths(&open), ["server.host", "web.host"], "{host}");
        let guarded = format!(
            "auth: {{ enabled: true, token: t }}\nserver: {{ host: {host} }}\nweb: {{ host: {host}, token: t }}"
        );
        assert_eq!(paths(&guarded), Vec::<String>::new(), "{host}");
        let accepted = format!(
            "server: {{ host: {host}, allow_unauthenticated: true }}\nweb: {{ host: {host}, allow_unauthenticated: true }}"
        );
        assert_eq!(paths(&accepted), Vec::<String>::new(), "{host}");
        let closed = format!("web: {{ host: {host}, enabled: false }}");
        assert_eq!(paths(&closed), Vec::<String>::new(), "{host}");
    }
    for host in ["localhost", "127.0.0.1", "127.8.9.1", "'::1'", "'[::1]'"] {
        let local = format!("server: {{ host: {host} }}\nweb: {{ host: {host} }}");
        assert_eq!(paths(&local), Vec::<String>::new(), "{host}");
    }
}

#[test]
fn budgets_and_prices_are_exact() {
    let usage = valid("new_keys.yaml").config.usage;
    let (model, prices) = &usage.model_pricing[0];
    assert_eq!((&**model, prices.input, prices.output), ("relay-*", 1, 2_000_000));
    assert_eq!((prices.cache_creation, prices.cache_creation_1h, prices.cache_read), (1, None, 0));
    assert_eq!(usage.default_pricing, None);
    let shown: Vec<_> =
        usage.budgets.iter().map(|b| (&b.scope, b.daily, b.monthly, b.warn_at_percent)).collect();
    assert_eq!(
        shown,
        [
            (&BudgetScope::All, Some(20_000_000), None, 80),
            (&BudgetScope::Group(GroupId::new("Default")), None, Some(12_345_678), 50),
            (&BudgetScope::Endpoint(EndpointId::new("relay")), None, Some(1_000_000), 80),
        ]
    );
    assert!(usage.budgets[0].block && !usage.budgets[1].block);
}

#[test]
fn endpoint_keys_arrive_through_merges_too() {
    let config = valid("new_keys.yaml").config;
    let [relay, off] = &*config.endpoints else { panic!("{config:?}") };
    assert_eq!(relay.url.to_string(), "http://[::1]:9000/base");
    assert_eq!((&*relay.url.host, relay.url.port), ("::1", 9000));
    let models = [("claude-haiku-*".to_owned(), "small".to_owned()), ("*".to_owned(), "1.10".to_owned())];
    assert_eq!(relay.models, models, "in file order, spelled as written");
    assert_eq!((relay.price_multiplier_ppm, &*relay.retry_statuses), (850_000, &[400, 418][..]));
    assert!(relay.http2 && relay.enabled);
    assert_eq!((off.id.to_string(), off.http2, off.enabled), ("off".to_owned(), true, false));
    assert_eq!(off.models, [], "an empty key overrides a merged one");
    let expected =
        EndpointSpec { id: off.id.clone(), enabled: false, models: Vec::new(), ..(**relay).clone() };
    assert_eq!(**off, expected);
}

#[test]
fn no_display_shows_a_secret() {
    let Loaded { config, warnings } = valid("secrets.yaml");
    let [a, b] = &*config.endpoints else { panic!() };
    assert_eq!(a.credential, own(Some("canary-token"), Some("canary-key")), "the values themselves arrive");
    assert_eq!(b.credential, a.credential);
    assert_eq!((&*a.url.host, &*a.url.base_path), ("canary-host.example", "/canary-folder"));
    assert_eq!(a.url.to_string(), "***", "an address from a reference is one too");
    let mut pinned = config.clone();
    pinned.pin("canary-name").unwrap();
    let displays = [
        config.redacted().to_string(),
        format!("{config:?}"),
        format!("{pinned:#?}"),
        warnings.to_string(),
        format!("{:?}", a.headers),
        format!("{:?} {:?} {:?}", a.credential, config.auth, config.outbound),
    ];
    for display in displays {
        assert!(!display.contains("canary"), "{display}");
    }
    let leaked = "canary-auth canary-web canary-user canary-password canary-db-user canary-db-password canary-header \
                  canary-token canary-key canary-host.example canary-folder canary-theme canary-name canary-model \
                  Basic canary-token";
    assert!(!config.redactor.scrub(leaked).contains("canary"));
}

#[test]
fn the_redacted_view_has_the_keys_of_the_file() {
    let view = valid("secrets.yaml").config.redacted();
    assert_eq!(view["server"]["port"], 8088);
    assert_eq!(view["request_suspend"]["timeout"], "4m40s");
    assert_eq!(view["auth"], serde_json::json!({ "enabled": true, "token": "***" }));
    assert_eq!(view["proxy"]["password"], "***");
    assert_eq!(view["endpoints"][0]["url"], "***");
    assert_eq!(view["endpoints"][0]["token"], "***");
    assert_eq!(view["endpoints"][0]["headers"]["authorization"], "***");
}

#[test]
fn the_shipped_files_load_as_they_are() {
    for (name, groups) in [("example.yaml", 2), ("minimal.yaml", 2)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
        let loaded = load(Source::File(path), &System).unwrap_or_else(|e| panic!("{e}"));
        let mut names: Vec<_> = loaded.config.endpoints.iter().map(|e| e.group.clone()).collect();
        names.dedup();
        assert_eq!(names.len(), groups, "{name}");
        let own: Vec<_> = loaded.warnings.list.iter().filter(|w| w.line.is_some()).collect();
        assert!(own.is_empty(), "{name}: {own:?}");
    }
}

#[test]
fn a_real_file_is_read_with_its_references() {
    let dir = tempfile::tempdir().unwrap();
    let (secret, config) = (dir.path().join("token"), dir.path().join("config.yaml"));
    fs::write(&secret, "sk-from-file\n").unwrap();
    let text = format!(
        "endpoints:\n  - name: a\n    url: https://a.example\n    token: '${{file:{}}}'\n",
        secret.display()
    );
    fs::write(&config, text).unwrap();
    let loaded = load(Source::File(config.clone()), &System).unwrap();
    assert_eq!(loaded.config.endpoints[0].credential, own(Some("sk-from-file"), None));
    fs::write(&config, "retry: { max_attempts: 0 }\n").unwrap();
    let Err(ConfigError::Invalid(problems)) = load(Source::File(config.clone()), &System) else { panic!() };
    let first = problems.to_string().lines().next().unwrap().to_owned();
    assert_eq!(first, format!("{}:1: retry.max_attempts: must be at least 1 (got 0)", config.display()));
}
