//! Settings that load and are checked, but that this version does not act on yet. A line goes when its feature lands;
//! the file goes with the last one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Config;
use super::problem::Problem;

/// Key prefix, and what is missing.
pub const PENDING: &[(&str, &str)] = &[("tui", "terminal interface")];

/// One warning about the settings in here that the file turns on; `present` are the schema paths with a value.
pub(super) fn warning(config: &Config, present: &BTreeSet<String>) -> Option<Problem> {
    let (view, plain) = (config.redacted(), Config::built_in().redacted());
    let asked_for = |path: &str| {
        let (value, default) = (values(&view, path), values(&plain, path));
        let present = present.range(path.to_owned()..).next().is_some_and(|p| is_within(p, path));
        present && value.iter().any(|v| turned_on(v, default.first().copied()))
    };
    let list: Vec<String> = PENDING
        .iter()
        .filter(|(path, _)| asked_for(path))
        .map(|(path, what)| format!("`{path}` ({what})"))
        .collect();
    (!list.is_empty())
        .then(|| Problem::new("", format!("accepted, but not acted on by this version: {}", list.join(", "))))
}

fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A section counts when it is enabled, anything else when it differs from the default.
fn turned_on(value: &Value, default: Option<&Value>) -> bool {
    match value.get("enabled") {
        Some(enabled) => enabled == &Value::Bool(true),
        None => Some(value) != default,
    }
}

/// The values at a schema path: one, or one for each element of a list.
fn values<'v>(view: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut level = vec![view];
    for step in path.split('.') {
        let (key, each) = step.strip_suffix("[]").map_or((step, false), |key| (key, true));
        let next = level.into_iter().filter_map(|value| value.get(key));
        level = match each {
            true => next.filter_map(Value::as_array).flatten().collect(),
            false => next.collect(),
        };
    }
    level
}
