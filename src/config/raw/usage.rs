//! `usage_tracking.*`: the store, prices and budgets.
//!
//! The predecessor's `database` map still loads: its `path` is the store's file, what belongs to MySQL has no effect,
//! and what cannot work (MySQL itself, a SQLite file where the store should be) is a problem that says what to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{path, secs};
use crate::config::section::{Field, Section};
use crate::config::value::{choice, count, duration, filled, flag, millionths, positive_duration, whole};
use crate::config::{Budget, BudgetScope, Prices, UsageTracking};
use crate::domain::endpoint::{EndpointId, EndpointSpec, GroupId};

/// First bytes of every SQLite file: <https://www.sqlite.org/fileformat.html>, section 1.3.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

pub(super) fn usage_tracking(s: &Section<'_>, endpoints: &[Arc<EndpointSpec>]) -> UsageTracking {
    let enabled = s.value("enabled", true, flag);
    let usage = UsageTracking {
        enabled,
        database_path: database_path(s, enabled),
        buffer_size: s.value("buffer_size", 1000, count(1)),
        batch_size: s.value("batch_size", 256, count(1)),
        flush_interval: s.value("flush_interval", secs(1) / 4, positive_duration),
        max_retry: s.value("max_retry", 3, count(1)),
        // A hundred years; zero keeps for ever.
        retention_days: s.value("retention_days", 90, whole(0..=36_500)),
        cleanup_interval: s.value("cleanup_interval", secs(24 * 3600), duration),
        model_pricing: model_pricing(s),
        default_pricing: s.field("default_pricing").and_then(|f| f.required_section(prices)),
        budgets: budgets(s, endpoints),
    };
    check(s, &usage);
    usage
}

/// Days of the longest month: a monthly limit needs them all after a restart.
const LONGEST_MONTH: u32 = 31;

fn check(s: &Section<'_>, usage: &UsageTracking) {
    if !usage.enabled {
        if !usage.budgets.is_empty() {
            s.warning(
                "budgets",
                "forget what was spent at every restart while `usage_tracking.enabled` is false",
            );
        }
        return;
    }
    let kept = usage.retention_days;
    if (1..LONGEST_MONTH).contains(&kept) && usage.budgets.iter().any(|b| b.monthly.is_some()) {
        s.warning(
            "retention_days",
            "is shorter than a month: a restart forgets part of what monthly budgets count",
        );
    }
    if usage.batch_size > usage.buffer_size {
        s.problem("batch_size", "must not be larger than `usage_tracking.buffer_size`");
    }
    if usage.retention_days > 0 && usage.cleanup_interval.is_zero() {
        s.problem("cleanup_interval", "must be above zero while `usage_tracking.retention_days` is");
    }
}

fn database_path(s: &Section<'_>, enabled: bool) -> PathBuf {
    let plain = s.optional("database_path", path);
    let nested = s.section("database", |d| database(d, enabled));
    let key = if nested.is_some() { "database.path" } else { "database_path" };
    let path = nested.or(plain).unwrap_or_else(|| "data/usage.redb".into());
    if enabled && is_sqlite(s, &path) {
        s.problem(
            key,
            "is a SQLite database of the predecessor, which this program does not read: choose another file, such as \
             `data/usage.redb` (the old one stays as it is)",
        );
    }
    path
}

fn is_sqlite(s: &Section<'_>, path: &Path) -> bool {
    let start = s.context().env.read(path, SQLITE_MAGIC.len() as u64);
    start.is_ok_and(|bytes| bytes == SQLITE_MAGIC)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Redb,
    Sqlite,
    MySql,
}

const MYSQL_KEYS: [&str; 11] = [
    "host",
    "port",
    "database",
    "username",
    "password",
    "max_open_conns",
    "max_idle_conns",
    "conn_max_lifetime",
    "conn_max_idle_time",
    "charset",
    "timezone",
];

/// `usage_tracking.database`: the file it names, if any.
fn database(s: &Section<'_>, enabled: bool) -> Option<PathBuf> {
    const KINDS: &[(&str, Kind)] = &[("redb", Kind::Redb), ("sqlite", Kind::Sqlite), ("mysql", Kind::MySql)];
    let stated = s.optional("type", |t| if t.is_empty() { Ok(None) } else { choice(KINDS)(t).map(Some) });
    let file = s.optional("path", path);
    // What is left of an access to MySQL stays secret, used or not.
    let [host, name, _, _] = ["host", "database", "username", "password"].map(|key| s.secret(key));
    let inferred = if host.or(name).is_some() { Kind::MySql } else { Kind::Redb };
    let kind = stated.flatten().unwrap_or(inferred);
    for key in MYSQL_KEYS {
        match s.field(key) {
            Some(field) if kind != Kind::MySql => field.warning("has no effect: the store is one local file"),
            _ => {}
        }
    }
    if kind == Kind::Sqlite {
        s.warning("type", "has no effect: the store is a redb file; remove this key");
    }
    if kind == Kind::MySql && enabled {
        s.problem(
            "type",
            "MySQL is not supported, the store is one local file: remove `database` and set \
             `usage_tracking.database_path: data/usage.redb`",
        );
    }
    file.filter(|_| kind != Kind::MySql)
}

fn model_pricing(s: &Section<'_>) -> Vec<(String, Prices)> {
    let entries = s.field("model_pricing").map(|f| f.entries()).unwrap_or_default();
    let priced =
        |(model, field): (&str, Field<'_>)| Some((model.to_owned(), field.required_section(prices)?));
    entries.into_iter().filter_map(priced).collect()
}

/// USD per million tokens. Cache prices that are not given follow the usual ratios to the input price.
fn prices(s: &Section<'_>) -> Option<Prices> {
    let required = |key: &'static str| match s.field(key) {
        Some(field) => field.value(millionths),
        None => {
            s.problem(key, "is missing: give the price in USD per million tokens");
            None
        }
    };
    let (input, output) = (required("input"), required("output"));
    let (write, write_1h, read) = (
        s.optional("cache_creation", millionths),
        s.optional("cache_creation_1h", millionths),
        s.optional("cache_read", millionths),
    );
    let input = input?;
    Some(Prices {
        input,
        output: output?,
        cache_creation: write.unwrap_or(input + input / 4),
        cache_creation_1h: write_1h,
        cache_read: read.unwrap_or(input / 10),
    })
}

fn budgets(s: &Section<'_>, endpoints: &[Arc<EndpointSpec>]) -> Vec<Budget> {
    let items = s.field("budgets").map(|f| f.items()).unwrap_or_default();
    items.into_iter().filter_map(|item| item.required_section(|s| budget(s, endpoints))).collect()
}

fn budget(s: &Section<'_>, endpoints: &[Arc<EndpointSpec>]) -> Option<Budget> {
    let budget = Budget {
        scope: budget_scope(s, endpoints),
        daily: s.optional("daily", millionths),
        monthly: s.optional("monthly", millionths),
        warn_at_percent: s.value("warn_at_percent", 80, whole(1..=100)),
        block: s.value("block", false, flag),
    };
    if budget.daily.is_none() && budget.monthly.is_none() {
        s.problem("daily", "is missing: give `daily` or `monthly` in USD");
    }
    Some(budget)
}

fn budget_scope(s: &Section<'_>, endpoints: &[Arc<EndpointSpec>]) -> BudgetScope {
    let known_as = |key, known: &dyn Fn(&EndpointSpec, &str) -> bool| {
        let name = s.optional(key, filled)?;
        if !endpoints.iter().any(|e| known(e, &name)) {
            s.problem(key, format!("names no {key} of this file"));
        }
        Some(name)
    };
    let endpoint = known_as("endpoint", &|e, name| *e.id.0 == *name);
    let group = known_as("group", &|e, name| *e.group.0 == *name);
    if endpoint.is_some() && group.is_some() {
        s.problem("group", "stands beside `endpoint`: a budget covers one endpoint, one group or everything");
    }
    let endpoint = endpoint.map(|name| BudgetScope::Endpoint(EndpointId::new(name)));
    endpoint.or(group.map(|name| BudgetScope::Group(GroupId::new(name)))).unwrap_or(BudgetScope::All)
}
