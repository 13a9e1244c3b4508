//! The effective configuration for display: the keys of the file, every default filled in, secrets as `***`.
//!
//! Values that came from a reference are masked too, wherever they stand. What is unset is `null`.

use std::fmt;

use serde_json::{Value, json};

use super::value::{show_duration, show_millionths};
use super::{
    Budget, BudgetScope, Config, Level, LogFormat, Logging, OutboundKind, OutboundProxy, Prices, Strategy,
    UsageTracking,
};
use crate::domain::endpoint::{Credential, EndpointSpec};
use crate::domain::secret::{MASK, Redactor, Secret};

impl Config {
    /// The effective configuration without its secrets, shaped like the file.
    pub fn redacted(&self) -> Value {
        let mut view = self.view();
        scrub(&mut view, &self.redactor);
        view
    }

    /// As [`Config::redacted`], but with the values of references, to compare and never to show.
    pub(super) fn view(&self) -> Value {
        json!({
            "server": self.server_view(),
            "web": self.web_view(),
            "tui": {
                "enabled": self.tui.enabled,
                "update_interval": show_duration(self.tui.update_interval),
                "save_priority_edits": self.tui.save_priority_edits,
                "theme": self.tui.theme,
            },
            "auth": { "enabled": self.auth.is_some(), "token": mask(self.auth.as_ref()) },
            "strategy": strategy(&self.strategy),
            "retry": self.retry_view(),
            "health": {
                "check_interval": show_duration(self.health.check_interval),
                "timeout": show_duration(self.health.timeout),
                "health_path": self.health.path,
            },
            "streaming": self.streaming_view(),
            "group": {
                "cooldown": show_duration(self.group.cooldown),
                "auto_switch_between_groups": self.group.auto_switch,
                "fail_back": self.group.fail_back,
                "session_idle": self.group.session_idle.map(show_duration),
            },
            "request_suspend": {
                "enabled": self.suspend.enabled,
                "timeout": show_duration(self.suspend.timeout),
                "max_suspended_requests": self.suspend.max_suspended,
                "keepalive": if self.suspend.keepalive { "ping" } else { "none" },
            },
            "token_counting": {
                "enabled": self.token_counting.enabled,
                "estimation_ratio": self.token_counting.estimation_ratio,
            },
            "usage_tracking": usage(&self.usage),
            "proxy": proxy(self.outbound.as_ref()),
            "tls": { "extra_ca": self.extra_ca },
            "logging": logging(&self.logging),
            "timezone": self.timezone,
            "endpoints": self.endpoints.iter().map(|e| endpoint(e)).collect::<Vec<_>>(),
        })
    }

    fn server_view(&self) -> Value {
        let s = &self.server;
        json!({
            "host": s.host,
            "port": s.port,
            "max_body_bytes": s.max_body_bytes,
            "max_buffered_bytes": s.max_buffered_bytes,
            "shutdown_grace": show_duration(s.shutdown_grace),
            "allowed_hosts": s.allowed_hosts,
            "allowed_origins": s.allowed_origins,
            "allow_unauthenticated": s.allow_unauthenticated,
        })
    }

    fn web_view(&self) -> Value {
        let w = &self.web;
        json!({
            "enabled": w.enabled,
            "host": w.host,
            "port": w.port,
            "token": mask(w.token.as_ref()),
            "allowed_hosts": w.allowed_hosts,
            "allowed_origins": w.allowed_origins,
            "allow_unauthenticated": w.allow_unauthenticated,
        })
    }

    fn retry_view(&self) -> Value {
        json!({
            "max_attempts": self.retry.max_attempts,
            "max_total_attempts": self.retry.max_total_attempts,
            "base_delay": show_duration(self.retry.base_delay),
            "max_delay": show_duration(self.retry.max_delay),
            "multiplier": self.retry.multiplier,
        })
    }

    fn streaming_view(&self) -> Value {
        json!({
            "heartbeat_interval": show_duration(self.streaming.heartbeat_interval),
            "max_idle_time": show_duration(self.streaming.max_idle_time),
            "response_header_timeout": show_duration(self.streaming.response_header_timeout),
            "gate_hold": show_duration(self.streaming.gate_hold),
        })
    }
}

/// The redacted view: no derived form could know which plain strings came from a reference.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = format!("Config({}, pinned: {:?}, {})", self.source, self.pinned, self.redacted());
        f.write_str(&self.redactor.scrub(&view))
    }
}

fn mask(secret: Option<&Secret>) -> Option<&'static str> {
    secret.map(|_| MASK)
}

fn scrub(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(clean) = redactor.scrub(text) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, redactor)),
        Value::Object(entries) => entries.values_mut().for_each(|item| scrub(item, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn strategy(s: &Strategy) -> Value {
    json!({
        "type": s.kind,
        "fast_test_enabled": s.fast_test_enabled,
        "fast_test_cache_ttl": show_duration(s.fast_test_cache_ttl),
        "fast_test_timeout": show_duration(s.fast_test_timeout),
        "fast_test_path": s.fast_test_path,
    })
}

fn usage(u: &UsageTracking) -> Value {
    let priced = |(model, p): &(String, Prices)| json!({ "model": model, "prices": prices(p) });
    json!({
        "enabled": u.enabled,
        "database_path": u.database_path,
        "buffer_size": u.buffer_size,
        "batch_size": u.batch_size,
        "flush_interval": show_duration(u.flush_interval),
        "max_retry": u.max_retry,
        "retention_days": u.retention_days,
        "cleanup_interval": show_duration(u.cleanup_interval),
        "model_pricing": u.model_pricing.iter().map(priced).collect::<Vec<_>>(),
        "default_pricing": u.default_pricing.as_ref().map(prices),
        "budgets": u.budgets.iter().map(budget).collect::<Vec<_>>(),
    })
}

fn prices(p: &Prices) -> Value {
    json!({
        "input": show_millionths(p.input),
        "output": show_millionths(p.output),
        "cache_creation": show_millionths(p.cache_creation),
        "cache_creation_1h": p.cache_creation_1h.map(show_millionths),
        "cache_read": show_millionths(p.cache_read),
    })
}

fn budget(b: &Budget) -> Value {
    let (endpoint, group) = match &b.scope {
        BudgetScope::All => (None, None),
        BudgetScope::Endpoint(name) => (Some(name), None),
        BudgetScope::Group(name) => (None, Some(name)),
    };
    json!({
        "endpoint": endpoint,
        "group": group,
        "daily": b.daily.map(show_millionths),
        "monthly": b.monthly.map(show_millionths),
        "warn_at_percent": b.warn_at_percent,
        "block": b.block,
    })
}

fn proxy(proxy: Option<&OutboundProxy>) -> Value {
    let Some(p) = proxy else { return json!({ "enabled": false }) };
    let kind = match p.kind {
        OutboundKind::Http => "http",
        OutboundKind::Https => "https",
        OutboundKind::Socks5 => "socks5",
    };
    let masked = p.auth.as_ref().map(|_| MASK);
    json!({
        "enabled": true,
        "type": kind,
        "host": p.host,
        "port": p.port,
        "username": masked,
        "password": masked,
    })
}

fn logging(l: &Logging) -> Value {
    let level = match l.level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    let format = match l.format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    let (file, debug) = (l.file.as_ref(), l.token_debug.as_ref());
    json!({
        "level": level,
        "format": format,
        "file_enabled": file.is_some(),
        "file_path": file.map(|f| &f.path),
        "max_file_size": file.map(|f| f.max_size),
        "max_files": file.map(|f| f.max_files),
        "compress_rotated": file.map(|f| f.compress),
        "disable_response_limit": l.disable_response_limit,
        "token_debug": {
            "enabled": debug.is_some(),
            "save_path": debug.map(|d| &d.path),
            "max_files": debug.map(|d| d.max_files),
            "auto_cleanup_days": debug.map(|d| d.cleanup_days),
        },
    })
}

/// One endpoint, its secrets masked but not the values of references.
pub(super) fn endpoint(e: &EndpointSpec) -> Value {
    let (token, api_key) = match &e.credential {
        Credential::Own { token, api_key } => (mask(token.as_ref()), mask(api_key.as_ref())),
        Credential::Pass | Credential::None => (None, None),
    };
    let headers = e.headers.iter().map(|(name, _)| (name.to_string(), Value::from(MASK)));
    let model = |(pattern, target): &(String, String)| json!({ "pattern": pattern, "target": target });
    json!({
        "name": e.id,
        "url": e.url.to_string(),
        "group": e.group,
        "group-priority": e.group_priority,
        "priority": e.priority,
        "timeout": show_duration(e.timeout),
        "credential": (e.credential == Credential::Pass).then_some("pass"),
        "token": token,
        "api-key": api_key,
        "headers": headers.collect::<serde_json::Map<_, _>>(),
        "supports_count_tokens": e.supports_count_tokens,
        "models": e.models.iter().map(model).collect::<Vec<_>>(),
        "price_multiplier": show_millionths(e.price_multiplier_ppm),
        "retry_statuses": e.retry_statuses,
        "http2": e.http2,
        "enabled": e.enabled,
    })
}
