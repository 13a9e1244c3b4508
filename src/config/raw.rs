//! The YAML tree to a [`Config`]: every key, its type and its default, one function a section.
//!
//! Reading never stops at a problem; the caller throws the result away when there are any. Everything that concerns
//! more than one key of a section is in [`checks`].

mod checks;
mod endpoints;
mod inherit;
mod outbound;
mod url;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use super::section::Section;
use super::value::{
    Parsed, choice, count, duration, factor, filled, flag, port, positive_duration, request_path, size, whole,
};
use super::{
    Config, FailBack, GroupPolicy, HealthCheck, Level, LogFile, LogFormat, Logging, Retry, Server, Source,
    Strategy, StrategyKind, Streaming, Suspend, TokenCounting, TokenDebug, Tui, Web,
};
use crate::domain::secret::{Redactor, Secret};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The whole file, without its redactor: the secrets are known when the reading is finished.
pub(super) fn root(s: &Section<'_>, source: Source) -> Config {
    let health = s.section("health", health);
    let endpoints = endpoints::endpoints(s);
    let config = Config {
        source,
        stamp: None,
        server: s.section("server", server),
        web: s.section("web", web),
        tui: s.section("tui", tui),
        auth: s.section("auth", auth),
        strategy: s.section("strategy", |s| strategy(s, &health.path)),
        health,
        retry: s.section("retry", retry),
        streaming: s.section("streaming", streaming),
        group: s.section("group", group),
        suspend: s.section("request_suspend", suspend),
        token_counting: s.section("token_counting", token_counting),
        usage: s.section("usage_tracking", |s| usage::usage_tracking(s, &endpoints)),
        outbound: s.section("proxy", outbound::proxy),
        extra_ca: s.section("tls", extra_ca),
        logging: s.section("logging", logging),
        timezone: s.optional("timezone", timezone).flatten(),
        endpoints,
        pinned: None,
        redactor: Redactor::default(),
    };
    checks::across_sections(&config, s.context());
    config
}

fn path(text: &str) -> Parsed<PathBuf> {
    filled(text).map(PathBuf::from)
}

fn server(s: &Section<'_>) -> Server {
    Server {
        host: s.text("host", "127.0.0.1"),
        port: s.value("port", 8088, port),
        max_body_bytes: s.value("max_body_bytes", 32 << 20, size),
        max_buffered_bytes: s.value("max_buffered_bytes", 1 << 30, size),
        shutdown_grace: s.value("shutdown_grace", secs(30), duration),
        allowed_hosts: s.list("allowed_hosts", host_name),
        allowed_origins: s.list("allowed_origins", origin),
        allow_unauthenticated: s.value("allow_unauthenticated", false, flag),
    }
}

fn web(s: &Section<'_>) -> Web {
    Web {
        enabled: s.value("enabled", true, flag),
        host: s.text("host", "127.0.0.1"),
        port: s.value("port", 8010, port),
        token: s.header_secret("token"),
        allowed_hosts: s.list("allowed_hosts", host_name),
        allowed_origins: s.list("allowed_origins", origin),
        allow_unauthenticated: s.value("allow_unauthenticated", false, flag),
    }
}

/// A host name as it appears in `Host`, in lower case and without a port.
fn host_name(text: &str) -> Parsed<String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if text.is_empty() || !text.chars().all(valid) {
        return Err("must be a host name alone, without scheme, port or path".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

/// A value of `Origin`: scheme, host and perhaps a port.
fn origin(text: &str) -> Parsed<String> {
    let valid = text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && !rest.is_empty() && !rest.contains(['/', '*', ' ', '?', '#', '@'])
    });
    if valid {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be an origin such as `https://tool.example`, without a path".to_owned())
    }
}

fn tui(s: &Section<'_>) -> Tui {
    Tui {
        enabled: s.value("enabled", true, flag),
        update_interval: s.value("update_interval", secs(2), positive_duration),
        save_priority_edits: s.value("save_priority_edits", false, flag),
        theme: s.optional("theme", filled),
    }
}

fn auth(s: &Section<'_>) -> Option<Secret> {
    let enabled = s.value("enabled", false, flag);
    let token = s.header_secret("token");
    if enabled && token.is_none() {
        s.problem(
            "token",
            "must not be empty while `auth.enabled` is true: an empty token would let everybody in",
        );
    }
    token.filter(|_| enabled)
}

fn strategy(s: &Section<'_>, health_path: &str) -> Strategy {
    const KINDS: &[(&str, StrategyKind)] = &[
        ("priority", StrategyKind::Priority),
        ("fastest", StrategyKind::Fastest),
        ("balanced", StrategyKind::Balanced),
    ];
    Strategy {
        kind: s.value("type", StrategyKind::Priority, choice(KINDS)),
        fast_test_enabled: s.value("fast_test_enabled", false, flag),
        fast_test_cache_ttl: s.value("fast_test_cache_ttl", secs(3), duration),
        fast_test_timeout: s.value("fast_test_timeout", secs(1), positive_duration),
        fast_test_path: s.value("fast_test_path", health_path.to_owned(), request_path),
    }
}

fn retry(s: &Section<'_>) -> Retry {
    Retry {
        max_attempts: s.value("max_attempts", 3, count(1)),
        max_total_attempts: s.value("max_total_attempts", 10, count(1)),
        base_delay: s.value("base_delay", secs(1), duration),
        max_delay: s.value("max_delay", secs(30), duration),
        multiplier: s.value("multiplier", 2.0, factor(1.0)),
    }
}

fn health(s: &Section<'_>) -> HealthCheck {
    HealthCheck {
        check_interval: s.value("check_interval", secs(30), positive_duration),
        timeout: s.value("timeout", secs(5), positive_duration),
        path: s.value("health_path", "/v1/models".to_owned(), request_path),
    }
}

fn streaming(s: &Section<'_>) -> Streaming {
    s.without_effect(
        "read_timeout",
        "`streaming.max_idle_time` bounds the silence of a stream; remove this key",
    );
    Streaming {
        heartbeat_interval: s.value("heartbeat_interval", secs(15), duration),
        max_idle_time: s.value("max_idle_time", secs(240), duration),
        response_header_timeout: s.value("response_header_timeout", secs(60), positive_duration),
        gate_hold: s.value("gate_hold", secs(10), duration),
    }
}

fn group(s: &Section<'_>) -> GroupPolicy {
    const FAIL_BACK: &[(&str, FailBack)] =
        &[("session", FailBack::Session), ("immediate", FailBack::Immediate), ("manual", FailBack::Manual)];
    GroupPolicy {
        cooldown: s.value("cooldown", secs(600), duration),
        auto_switch: s.value("auto_switch_between_groups", true, flag),
        fail_back: s.value("fail_back", FailBack::Session, choice(FAIL_BACK)),
        session_idle: s.optional("session_idle", duration),
    }
}

fn suspend(s: &Section<'_>) -> Suspend {
    const KEEPALIVE: &[(&str, bool)] = &[("none", false), ("ping", true)];
    let suspend = Suspend {
        enabled: s.value("enabled", true, flag),
        timeout: s.value("timeout", secs(280), duration),
        max_suspended: s.value("max_suspended_requests", 100, count(0)),
        keepalive: s.value("keepalive", false, choice(KEEPALIVE)),
    };
    if suspend.enabled && suspend.timeout.is_zero() {
        s.problem("timeout", "must be above zero while `request_suspend.enabled` is true");
    }
    if suspend.enabled && !(1..=10_000).contains(&suspend.max_suspended) {
        s.problem(
            "max_suspended_requests",
            "must be between 1 and 10000 while `request_suspend.enabled` is true",
        );
    }
    suspend
}

fn token_counting(s: &Section<'_>) -> TokenCounting {
    TokenCounting {
        enabled: s.value("enabled", false, flag),
        // One token never stands for less than a tenth of a character.
        estimation_ratio: s.value("estimation_ratio", 4.0, factor(0.1)),
    }
}

fn logging(s: &Section<'_>) -> Logging {
    const LEVELS: &[(&str, Level)] = &[
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Error),
    ];
    const FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
    Logging {
        level: s.value("level", Level::Info, choice(LEVELS)),
        format: s.value("format", LogFormat::Text, choice(FORMATS)),
        file: log_file(s),
        disable_response_limit: s.value("disable_response_limit", false, flag),
        token_debug: s.section("token_debug", token_debug),
    }
}

fn log_file(s: &Section<'_>) -> Option<LogFile> {
    let enabled = s.value("file_enabled", false, flag);
    let file = LogFile {
        path: s.value("file_path", "logs/app.log".into(), path),
        max_size: s.value("max_file_size", 100 << 20, size),
        max_files: s.value("max_files", 10, count(0)),
        compress: s.value("compress_rotated", false, flag),
    };
    enabled.then_some(file)
}

fn token_debug(s: &Section<'_>) -> Option<TokenDebug> {
    let enabled = s.value("enabled", false, flag);
    let debug = TokenDebug {
        path: s.value("save_path", "logs".into(), path),
        max_files: s.value("max_files", 50, count(0)),
        cleanup_days: s.value("auto_cleanup_days", 7, whole(0..=36_500)),
    };
    enabled.then_some(debug)
}

/// A PEM file; one that cannot work is a problem now rather than a failed connection later.
fn extra_ca(s: &Section<'_>) -> Option<PathBuf> {
    const LONGEST_BUNDLE: u64 = 16 << 20;
    let file = s.optional("extra_ca", path)?;
    match s.context().env.read(&file, LONGEST_BUNDLE) {
        Ok(pem) if memchr::memmem::find(&pem, b"-----BEGIN CERTIFICATE-----").is_some() => {}
        Ok(_) => s.problem("extra_ca", "names a file without a PEM certificate"),
        Err(error) => s.problem("extra_ca", format!("names a file that cannot be read: {error}")),
    }
    Some(file)
}

/// An IANA name that this machine knows, or `None` for the system's own zone.
fn timezone(text: &str) -> Parsed<Option<String>> {
    if text.is_empty() || text.eq_ignore_ascii_case("local") {
        return Ok(None);
    }
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(_) => Err("must be a time zone such as `Europe/Berlin`, `UTC` or `Local`".to_owned()),
    }
}
