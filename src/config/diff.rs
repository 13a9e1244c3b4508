//! What a new version of the configuration changes: which keys apply at once, and which wait for a restart.
//!
//! | keys | take effect |
//! |---|---|
//! | those of [`NEEDS_RESTART`] | at the next start; until then the running value stays |
//! | all others | with the next request, probe or decision |
//!
//! `server.max_buffered_bytes` waits because bodies that are held already were admitted under the old budget, and a
//! smaller one could not take them back.
//!
//! A report has key paths only, never a value. A secret that changed is compared here and nowhere shown.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Config, Logging, Server, UsageTracking};
use crate::domain::endpoint::{Credential, EndpointSpec};
use crate::domain::secret::Secret;

/// Keys and sections that are read at the start only. [`Config::under`] must keep exactly these.
pub const NEEDS_RESTART: &[&str] = &[
    "server.host",
    "server.port",
    "server.max_buffered_bytes",
    "web",
    "tui",
    "usage_tracking.enabled",
    "usage_tracking.database_path",
    "usage_tracking.buffer_size",
    "usage_tracking.batch_size",
    "usage_tracking.flush_interval",
    "usage_tracking.max_retry",
    "usage_tracking.retention_days",
    "usage_tracking.cleanup_interval",
    "timezone",
    "logging.format",
    "logging.file_enabled",
    "logging.file_path",
    "logging.max_file_size",
    "logging.max_files",
    "logging.compress_rotated",
    "logging.disable_response_limit",
    "logging.token_debug",
];

/// What a reload did.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReloadReport)]
pub struct Report {
    /// Key paths whose new value is in effect, sorted: `retry.max_attempts`, `endpoints[main-a].priority`.
    pub applied: Vec<String>,
    /// Key paths whose new value waits for the next start, sorted.
    pub needs_restart: Vec<String>,
}

impl Report {
    /// True when both versions mean the same.
    pub fn is_empty(&self) -> bool {
        self.applied.is_empty() && self.needs_restart.is_empty()
    }
}

/// `applied: retry.max_attempts; needs a restart: server.port`
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("applied", &self.applied), ("needs a restart", &self.needs_restart)];
        let parts = parts.iter().filter(|(_, keys)| !keys.is_empty());
        let parts: Vec<String> = parts.map(|(what, keys)| format!("{what}: {}", keys.join(", "))).collect();
        f.write_str(if parts.is_empty() { "nothing changed" } else { "" })?;
        f.write_str(&parts.join("; "))
    }
}

/// What is different between two versions. `-p` and the way the file was found are no part of it.
pub fn changes(old: &Config, new: &Config) -> Report {
    let mut keys = BTreeSet::new();
    let (mut before, mut after) = (old.view(), new.view());
    // Endpoints are compared by name, not by place.
    for view in [&mut before, &mut after] {
        view.as_object_mut().and_then(|v| v.remove("endpoints"));
    }
    compare(&before, &after, "", &mut keys);
    compare_secrets(old, new, &mut keys);
    compare_endpoints(old, new, &mut keys);
    let shown = |key: &String| new.redactor.scrub(&old.redactor.scrub(key)).into_owned();
    let keys: BTreeSet<String> = keys.iter().map(shown).collect();
    let (needs_restart, applied) = keys.into_iter().partition(|key| needs_restart(key));
    Report { applied, needs_restart }
}

/// True for a key that is read at the start only.
pub(super) fn needs_restart(key: &str) -> bool {
    let within = |prefix: &&str| {
        key.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    NEEDS_RESTART.iter().any(within)
}

fn compare(old: &Value, new: &Value, path: &str, keys: &mut BTreeSet<String>) {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        if old != new {
            keys.insert(path.to_owned());
        }
        return;
    };
    let within = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let value = |side: &Map<String, Value>, key: &str| side.get(key).cloned().unwrap_or_default();
    for key in old.keys().chain(new.keys()) {
        compare(&value(old, key), &value(new, key), &within(key), keys);
    }
}

/// The view shows one mask for every secret, so they are compared on their own.
fn compare_secrets(old: &Config, new: &Config, keys: &mut BTreeSet<String>) {
    let login = |config: &Config| config.outbound.as_ref().and_then(|proxy| proxy.auth.clone()).unzip();
    let ((user, password), (next_user, next_password)) = (login(old), login(new));
    let changed = [
        ("auth.token", old.auth != new.auth),
        ("web.token", old.web.token != new.web.token),
        ("proxy.username", user != next_user),
        ("proxy.password", password != next_password),
    ];
    keys.extend(changed.iter().filter(|(_, changed)| *changed).map(|(key, _)| (*key).to_owned()));
}

fn compare_endpoints(old: &Config, new: &Config, keys: &mut BTreeSet<String>) {
    let find =
        |config: &Config, spec: &EndpointSpec| config.endpoints.iter().find(|e| e.id == spec.id).cloned();
    for spec in &old.endpoints {
        match find(new, spec) {
            Some(next) => compare_endpoint(spec, &next, keys),
            None => drop(keys.insert(format!("endpoints[{}] (removed)", spec.id))),
        }
    }
    let added = new.endpoints.iter().filter(|spec| find(old, spec).is_none());
    keys.extend(added.map(|spec| format!("endpoints[{}] (new)", spec.id)));
    let stayed = |from: &Config, other: &Config| -> Vec<_> {
        from.endpoints.iter().filter(|spec| find(other, spec).is_some()).map(|spec| spec.id.clone()).collect()
    };
    if stayed(old, new) != stayed(new, old) {
        keys.insert("endpoints (order)".to_owned());
    }
}

fn compare_endpoint(old: &EndpointSpec, new: &EndpointSpec, keys: &mut BTreeSet<String>) {
    let path = format!("endpoints[{}]", new.id);
    compare(&super::view::endpoint(old), &super::view::endpoint(new), &path, keys);
    let ((token, key), (next_token, next_key)) = (own(&old.credential), own(&new.credential));
    let changed = [
        ("token", token != next_token),
        ("api-key", key != next_key),
        ("headers", old.headers != new.headers),
    ];
    let covered = |what: &str, keys: &BTreeSet<String>| {
        let prefix = format!("{path}.{what}.");
        keys.iter().any(|key| key.starts_with(&prefix))
    };
    for (what, _) in changed.iter().filter(|(_, changed)| *changed) {
        if !covered(what, keys) {
            keys.insert(format!("{path}.{what}"));
        }
    }
}

fn own(credential: &Credential) -> (Option<&Secret>, Option<&Secret>) {
    match credential {
        Credential::Own { token, api_key } => (token.as_ref(), api_key.as_ref()),
        Credential::Pass | Credential::None => (None, None),
    }
}

impl Config {
    /// This version as far as it can take effect in a program that runs with `running`: whatever needs a restart stays.
    pub fn under(self, running: &Self) -> Self {
        let kept = running.clone();
        Self {
            server: Server {
                host: kept.server.host,
                port: kept.server.port,
                max_buffered_bytes: kept.server.max_buffered_bytes,
                ..self.server
            },
            web: kept.web,
            tui: kept.tui,
            usage: UsageTracking {
                model_pricing: self.usage.model_pricing,
                default_pricing: self.usage.default_pricing,
                budgets: self.usage.budgets,
                ..kept.usage
            },
            timezone: kept.timezone,
            logging: Logging { level: self.logging.level, ..kept.logging },
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
