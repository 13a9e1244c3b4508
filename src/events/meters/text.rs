//! [`Measures`] as the text that scrapers read, the same on both ports.
//!
//! | prefix | what |
//! |---|---|
//! | `endpoint_forwarder_` | the five gauges of the predecessor, for dashboards that have them |
//! | `cc_forwarder_` | all the rest; counts of attempts are those of requests that have ended |
//! | `process_` | the start of the process, under the name that every exporter gives it |
//!
//! What was never measured is left out, it is not zero. Amounts of money have all their decimals.

mod format;

use serde::Serialize;
use serde_json::Value;

use self::format::Type::{Counter, Gauge, Histogram};
use self::format::{Labels, Page};
use super::{Measures, Meters};
use crate::domain::budget::{BudgetScope, BudgetStatus};
use crate::domain::fleet::Condition;
use crate::domain::group::GroupState;
use crate::events::board::{EndpointStatus, GroupStatus, LedgerStatus, Snapshot};

/// The `content-type` of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text.
pub fn write(measures: &Measures) -> String {
    let Measures { snapshot, meters, .. } = measures;
    let mut page = Page::default();
    predecessor(&mut page, &snapshot.endpoints);
    requests(&mut page, meters);
    ways(&mut page, snapshot, meters);
    attempts(&mut page, snapshot, meters);
    money(&mut page, snapshot, meters);
    budgets(&mut page, &snapshot.budgets);
    now(&mut page, snapshot);
    groups(&mut page, &snapshot.groups);
    snapshot.ledger.iter().for_each(|ledger| store(&mut page, ledger));
    program(&mut page, measures);
    page.into_text()
}

/// It could serve a message now.
fn is_healthy(endpoint: &EndpointStatus) -> bool {
    matches!(endpoint.condition, Condition::Unknown | Condition::Up | Condition::HalfOpen)
}

fn predecessor(page: &mut Page, endpoints: &[EndpointStatus]) {
    let enabled = endpoints.iter().filter(|e| e.condition != Condition::Disabled).count();
    page.gauge("endpoint_forwarder_endpoints_total", "Enabled endpoints.", enabled);
    let healthy = endpoints.iter().filter(|e| is_healthy(e)).count();
    page.gauge("endpoint_forwarder_endpoints_healthy", "Endpoints that could serve a message.", healthy);

    let mut family =
        page.family("endpoint_forwarder_endpoint_healthy", Gauge, "1 while it could serve a message.");
    for endpoint in endpoints {
        let priority = endpoint.priority.to_string();
        let labels = [named(endpoint)[0], named(endpoint)[1], ("priority", &priority)];
        family.sample(&labels, u8::from(is_healthy(endpoint)));
    }
    let name = "endpoint_forwarder_endpoint_response_time_ms";
    let mut family = page.family(name, Gauge, "Recent time to the first byte, milliseconds.");
    for endpoint in endpoints {
        endpoint.latency_ms.iter().for_each(|ms| family.sample(&named(endpoint), ms));
    }
    let name = "endpoint_forwarder_endpoint_consecutive_fails";
    let mut family = page.family(name, Gauge, "Failures in a row.");
    endpoints.iter().for_each(|e| family.sample(&named(e), e.failures_in_a_row));
}

fn named(endpoint: &EndpointStatus) -> [(&'static str, &str); 2] {
    [("name", &endpoint.name.0), ("url", &endpoint.url)]
}

fn requests(page: &mut Page, meters: &Meters) {
    let mut family = page.family("cc_forwarder_requests_total", Counter, "Requests that ended, and how.");
    for (class, requests) in &meters.classes {
        let ends = [
            ("completed", requests.completed),
            ("failed", requests.failed),
            ("cancelled", requests.cancelled),
        ];
        ends.iter().for_each(|(state, n)| family.sample(&[("class", class), ("state", state)], n));
    }
    let help = "From acceptance to the first byte of a successful answer.";
    let mut family = page.family("cc_forwarder_time_to_first_byte_seconds", Histogram, help);
    meters.classes.iter().for_each(|(class, r)| family.histogram(&[("class", class)], &r.first_byte));
    let help = "From acceptance to the end, also of failed and cancelled requests.";
    let mut family = page.family("cc_forwarder_request_duration_seconds", Histogram, help);
    meters.classes.iter().for_each(|(class, r)| family.histogram(&[("class", class)], &r.duration));
}

/// What became of attempts that failed.
fn ways(page: &mut Page, snapshot: &Snapshot, meters: &Meters) {
    let totals = &snapshot.totals;
    page.counter(
        "cc_forwarder_retries_total",
        "Attempts at the endpoint that had just failed.",
        meters.retries,
    );
    page.counter("cc_forwarder_failovers_total", "Times a request went on elsewhere.", totals.failovers);
    let help = "Requests completed after at least one failed attempt.";
    page.counter("cc_forwarder_rescued_total", help, totals.rescued);
}

fn attempts(page: &mut Page, snapshot: &Snapshot, meters: &Meters) {
    let mut family = page.family("cc_forwarder_attempts_total", Counter, "Attempts of requests that ended.");
    for (endpoint, attempts) in &meters.endpoints {
        family.sample(&[("endpoint", &endpoint.0)], attempts.count);
    }
    let fresh = snapshot.endpoints.iter().filter(|e| !meters.endpoints.contains_key(&e.name));
    fresh.for_each(|e| family.sample(&[("endpoint", &e.name.0)], 0));

    let help = "Attempts that failed, and how.";
    let mut family = page.family("cc_forwarder_attempt_failures_total", Counter, help);
    for (endpoint, attempts) in &meters.endpoints {
        let mut failures: Vec<_> = attempts.failures.iter().map(|(kind, n)| (word(kind), n)).collect();
        failures.sort();
        failures.iter().for_each(|(kind, n)| family.sample(&[("endpoint", &endpoint.0), ("kind", kind)], n));
    }
}

fn money(page: &mut Page, snapshot: &Snapshot, meters: &Meters) {
    let all =
        || meters.endpoints.iter().flat_map(|(e, a)| a.models.iter().map(move |(m, spent)| (e, m, spent)));
    let mut family = page.family("cc_forwarder_tokens_total", Counter, "Tokens that endpoints reported.");
    for (endpoint, model, spent) in all() {
        for (kind, tokens) in spent.tokens() {
            family.sample(&[("kind", kind), ("model", model), ("endpoint", &endpoint.0)], tokens);
        }
    }
    let help = "What they cost, as far as prices are known, USD.";
    let mut family = page.family("cc_forwarder_cost_usd_total", Counter, help);
    for (endpoint, model, spent) in all() {
        family.sample(&[("model", model), ("endpoint", &endpoint.0)], spent.cost.exact());
    }
    let help = "Attempts that used tokens no price is known for.";
    page.counter("cc_forwarder_unpriced_total", help, snapshot.totals.unpriced);
}

fn budgets(page: &mut Page, budgets: &[BudgetStatus]) {
    if budgets.is_empty() {
        return;
    }
    let limits: Vec<_> = (1_usize..).map(|place| place.to_string()).zip(budgets).collect();
    // Two limits may be for the same and the same time: their places tell them apart.
    let help =
        "Spent of each limit in its period, USD; limits are counted in the order of the configuration.";
    let mut family = page.family("cc_forwarder_budget_spent_usd", Gauge, help);
    limits.iter().for_each(|(place, b)| family.sample(&limit(place, b, &word(&b.period)), b.spent.exact()));
    let mut family = page.family("cc_forwarder_budget_limit_usd", Gauge, "The limits, USD.");
    limits.iter().for_each(|(place, b)| family.sample(&limit(place, b, &word(&b.period)), b.limit.exact()));
}

fn limit<'l>(place: &'l str, budget: &'l BudgetStatus, period: &'l str) -> [(&'static str, &'l str); 4] {
    let (scope, name) = match &budget.scope {
        BudgetScope::All => ("all", ""),
        BudgetScope::Endpoint(id) => ("endpoint", &*id.0),
        BudgetScope::Group(id) => ("group", &*id.0),
    };
    [("limit", place), ("scope", scope), ("name", name), ("period", period)]
}

fn now(page: &mut Page, snapshot: &Snapshot) {
    let help = "Requests that wait for an endpoint.";
    page.gauge("cc_forwarder_suspended", help, snapshot.queue.len());
    let mut family = page.family("cc_forwarder_in_flight", Gauge, "Requests under way at each endpoint.");
    snapshot.endpoints.iter().for_each(|e| family.sample(&[("endpoint", &e.name.0)], e.in_flight));
}

fn groups(page: &mut Page, groups: &[GroupStatus]) {
    let states = [GroupState::Active, GroupState::Standby, GroupState::Cooling, GroupState::Paused];
    let mut family = page.family("cc_forwarder_group_state", Gauge, "1 for the state that a group is in.");
    for group in groups {
        for state in states {
            let labels: Labels<'_> = &[("group", &group.name.0), ("state", &word(&state))];
            family.sample(labels, u8::from(group.state == state));
        }
    }
}

fn store(page: &mut Page, ledger: &LedgerStatus) {
    let help = "Records of ended requests that are not on the disk yet.";
    page.gauge("cc_forwarder_store_unsaved", help, ledger.unsaved);
    let help = "Age of the oldest of them, seconds.";
    page.gauge("cc_forwarder_store_oldest_age_seconds", help, ledger.oldest_age.unwrap_or(0.0));
    let help = "1 while records cannot be written.";
    page.gauge("cc_forwarder_store_failing", help, u8::from(ledger.failing.is_some()));
}

fn program(page: &mut Page, measures: &Measures) {
    let help = "Events that readers of the stream were too slow for.";
    page.counter("cc_forwarder_stream_events_dropped_total", help, measures.events_missed);
    if let Some(lines) = measures.lines_dropped {
        page.counter("cc_forwarder_log_lines_dropped_total", "Log lines that were not written.", lines);
    }
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.family("cc_forwarder_build_info", Gauge, "1; the version of the program.").sample(&version, 1);
    let started = measures.snapshot.started.as_millisecond() as f64 / 1e3;
    page.gauge("process_start_time_seconds", "Start of the program, seconds since 1970.", started);
}

/// The serialised name.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
