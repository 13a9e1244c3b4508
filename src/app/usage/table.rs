//! Sums for people. Pure: an answer in, text of at most 80 columns out.
//!
//! ```text
//! From 2026-11-23 00:00 to 2026-11-24 00:00 (Europe/Berlin)
//!
//! Requests  1,234   completed 1,201, failed 20, cancelled 13   7 rescued
//! Tokens    12.3M in, 456k out   91.2% of the prompts read from the cache
//! Cost      $12.34   the cache saved $98.70, what it missed cost $1.23
//!
//! MODEL              REQS  INPUT  OUTPUT  WRITTEN   READ    HIT    COST
//! claude-opus-4-8     123  12.3k    456k     1.2M  11.1M  91.2%  $11.20
//! claude-sonnet-5-5 1,111   …
//! ```

use super::shown::{Group, Period, Shown, Sums};
use crate::app::figures::{count, counted, duration, exact, money, share};
use crate::app::paint::Span;
use crate::app::table::{Stand, Table, plain};
use crate::app::text::{WIDTH, wrap};
use crate::cli::By;
use crate::logging::escape::escape;

/// The whole answer.
pub(super) fn render(answer: &Shown, by: By) -> String {
    let totals = &answer.totals;
    let mut lines = wrap(&escape(&period(&answer.period)), 2, WIDTH);
    lines.push(String::new());
    if totals.requests == 0 && totals.attempts == 0 {
        lines.push("No requests.".to_owned());
        return lines.join("\n") + "\n";
    }
    lines.extend(facts(totals));
    if !answer.groups.is_empty() {
        lines.push(String::new());
        lines.extend(table(&answer.groups, by));
    }
    let notes = notes(totals);
    if !notes.is_empty() {
        lines.push(String::new());
        lines.extend(notes.iter().flat_map(|note| wrap(note, 2, WIDTH)));
    }
    lines.join("\n") + "\n"
}

/// `From 2026-11-23 00:00 to 2026-11-24 00:00 (Europe/Berlin)`
fn period(period: &Period) -> String {
    let text = match (period.since.as_deref(), period.until.as_deref()) {
        (None, None) => "Everything".to_owned(),
        (Some(since), None) => format!("Since {}", moment(since)),
        (None, Some(until)) => format!("Before {}", moment(until)),
        (Some(since), Some(until)) => format!("From {} to {}", moment(since), moment(until)),
    };
    format!("{text} ({})", period.timezone)
}

/// `2026-11-23T00:00:00+01:00` as `2026-11-23 00:00`: the zone stands at the end of the line.
fn moment(at: &str) -> String {
    let minutes: String = at.chars().take(16).collect();
    minutes.replace('T', " ")
}

fn facts(totals: &Sums) -> Vec<String> {
    let ends = [
        ("completed", totals.completed),
        ("failed", totals.failed),
        ("cancelled", totals.cancelled),
        ("interrupted", totals.interrupted),
    ];
    let ends = ends.iter().filter(|(_, n)| *n > 0).map(|(end, n)| format!("{end} {}", exact(*n)));
    let mut requests = format!("{}   {}", exact(totals.requests), ends.collect::<Vec<_>>().join(", "));
    if totals.rescued > 0 {
        requests += &format!("; {} after a failover or retry", exact(totals.rescued));
    }
    let prompt = totals.input_tokens + totals.cache_creation_tokens + totals.cache_read_tokens;
    let mut tokens = format!("{} in, {} out", count(prompt), count(totals.output_tokens));
    if totals.cache_hit_rate.is_some() {
        tokens += &format!("   {} of the prompts read from the cache", share(totals.cache_hit_rate));
    }
    let mut cost = money(totals.total_cost_usd);
    if !(totals.cache_saved_usd.is_zero() && totals.cache_missed_usd.is_zero()) {
        let (saved, missed) = (money(totals.cache_saved_usd), money(totals.cache_missed_usd));
        cost += &format!("   the cache saved {saved}, what it missed cost {missed}");
    }
    let mut facts = vec![("Requests", requests), ("Tokens", tokens), ("Cost", cost)];
    if let (Some(first), Some(whole)) = (totals.avg_first_byte_ms, totals.avg_duration_ms) {
        facts.push(("Time", format!("{} to the first byte, {} in all", duration(first), duration(whole))));
    }
    facts.iter().flat_map(|(name, text)| wrap(&format!("{name:<8}  {text}"), 10, WIDTH)).collect()
}

fn table(groups: &[Group], by: By) -> Vec<String> {
    let first = by.name().to_uppercase();
    let heads = [first.as_str(), "REQS", "INPUT", "OUTPUT", "WRITTEN", "READ", "HIT", "COST"];
    let stand = |i: usize| if i == 0 { Stand::Flexible } else { Stand::Right };
    let columns: Vec<(&str, Stand)> = heads.iter().enumerate().map(|(i, head)| (*head, stand(i))).collect();
    let mut table = Table::new(&columns);
    groups.iter().for_each(|group| table.add(cells(group, by)));
    table.texts()
}

fn cells(group: &Group, by: By) -> Vec<Span> {
    let sums = &group.totals;
    let cost = match sums.unpriced_attempts {
        0 => money(sums.total_cost_usd),
        _ if sums.total_cost_usd.is_zero() => "unpriced".to_owned(),
        _ => money(sums.total_cost_usd) + "+",
    };
    vec![
        plain(name(&group.key, by)),
        plain(exact(sums.requests)),
        plain(count(sums.input_tokens)),
        plain(count(sums.output_tokens)),
        plain(count(sums.cache_creation_tokens)),
        plain(count(sums.cache_read_tokens)),
        plain(share(sums.cache_hit_rate)),
        plain(cost),
    ]
}

fn name(key: &str, by: By) -> String {
    match by {
        _ if key.is_empty() => "(none)".to_owned(),
        By::Hour => moment(key),
        _ => key.to_owned(),
    }
}

fn notes(totals: &Sums) -> Vec<String> {
    let mut notes = Vec::new();
    if totals.unpriced_attempts > 0 {
        notes.push(format!(
            "No price is known for {} tokens of {}; their cost is not in the sums. Give one under \
             usage_tracking.model_pricing, then run `cc-forwarder usage recost`.",
            count(totals.unpriced_tokens),
            counted(totals.unpriced_attempts, "attempt")
        ));
    }
    if totals.estimated_attempts > 0 {
        notes.push(format!(
            "The output of {} is an estimate: the stream ended before the endpoint said how much it was.",
            counted(totals.estimated_attempts, "attempt")
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
