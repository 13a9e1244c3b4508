//! `usage --check-budget`: what is spent of every limit, and an exit code for scripts.
//!
//! | limits | exit code |
//! |---|---|
//! | none, or none used up | 0 |
//! | at least one used up, whether it blocks or not | 1 |
//!
//! A forwarder that runs counts what has ended but is not on the disk yet; the file what has been committed.

use jiff::Timestamp;
use serde::Deserialize;

use super::ledger::Ledger;
use crate::app::figures::{counted, money, share};
use crate::app::paint::Span;
use crate::app::table::{Stand, Table, plain};
use crate::app::text::{WIDTH, wrap};
use crate::app::{json, run};
use crate::claude::money::PicoUsd;
use crate::cli::{EXIT_FAILED, EXIT_OK, UsageArgs};

/// The part of [`BudgetReport`](crate::domain::budget::BudgetReport) that is shown.
#[derive(Debug, Deserialize)]
struct Report {
    at: Timestamp,
    over: bool,
    budgets: Vec<Limit>,
}

/// One limit.
#[derive(Debug, Deserialize)]
struct Limit {
    scope: Scope,
    period: String,
    limit: PicoUsd,
    spent: PicoUsd,
    share: f64,
    state: String,
    block: bool,
    resets: Timestamp,
    unpriced: u64,
}

/// What it covers.
#[derive(Debug, Deserialize)]
struct Scope {
    kind: String,
    #[serde(default)]
    name: Option<String>,
}

/// Shows all limits.
///
/// # Errors
/// When the ledger cannot be reached or read, or the output not be written.
pub(super) fn check(args: &UsageArgs) -> anyhow::Result<u8> {
    let answer = Ledger::open(&args.reach)?.budget()?;
    let report: Report = json::read(&answer)?;
    match args.json {
        true => json::print(&answer)?,
        false => run::print(&render(&report))?,
    }
    Ok(if report.over { EXIT_FAILED } else { EXIT_OK })
}

const COLUMNS: [(&str, Stand); 6] = [
    ("BUDGET", Stand::Flexible),
    ("LIMIT", Stand::Right),
    ("SPENT", Stand::Right),
    ("USED", Stand::Right),
    ("STATE", Stand::Left),
    ("RESETS", Stand::Left),
];

/// A table of at most 80 columns, and what is to be said about it.
fn render(report: &Report) -> String {
    if report.budgets.is_empty() {
        return "No budgets are set (usage_tracking.budgets).\n".to_owned();
    }
    let mut table = Table::new(&COLUMNS);
    report.budgets.iter().for_each(|limit| table.add(cells(limit, report.at)));
    let mut lines = table.texts();
    lines.extend(note(report).iter().flat_map(|note| wrap(note, 2, WIDTH)));
    lines.join("\n") + "\n"
}

fn cells(limit: &Limit, at: Timestamp) -> Vec<Span> {
    let name = match &limit.scope.name {
        Some(name) => format!("{} {name}, {}", limit.scope.kind, period(&limit.period)),
        None => period(&limit.period).to_owned(),
    };
    let block = if limit.block { ", blocks" } else { "" };
    let missing = if limit.unpriced > 0 { "+" } else { "" };
    vec![
        plain(name),
        plain(money(limit.limit)),
        plain(money(limit.spent) + missing),
        plain(share(Some(limit.share))),
        plain(limit.state.clone() + if limit.state == "over" { block } else { "" }),
        plain(until(at, limit.resets)),
    ]
}

fn period(name: &str) -> &str {
    match name {
        "day" => "daily",
        "month" => "monthly",
        other => other,
    }
}

/// `in 40 min`, `in 7 h`, `in 12 days`: right in every time zone.
fn until(at: Timestamp, resets: Timestamp) -> String {
    let minutes = resets.duration_since(at).as_mins().max(0);
    match minutes {
        0..=119 => format!("in {minutes} min"),
        120..=2_879 => format!("in {} h", minutes / 60),
        _ => format!("in {} days", minutes / 1_440),
    }
}

fn note(report: &Report) -> Option<String> {
    let unpriced = report.budgets.iter().map(|limit| limit.unpriced).max().filter(|n| *n > 0)?;
    Some(format!(
        "\nNo price is known for the tokens of {}; their cost is missing here. Give one under \
         usage_tracking.model_pricing, then run `cc-forwarder usage recost`.",
        counted(unpriced, "attempt")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::text::width;
    use crate::domain::budget::{Bounds, Budget, BudgetReport, BudgetScope, Spent, Sums, statuses};
    use crate::domain::civil::Clock;
    use crate::domain::endpoint::{EndpointId, GroupId};

    const NOW: &str = "2026-11-23T15:20:00Z";

    fn report(unpriced: u64) -> Report {
        let budget =
            |scope, daily, monthly, block| Budget { scope, daily, monthly, warn_at_percent: 80, block };
        let long = EndpointId::new("an-endpoint-with-a-very-long-name-that-fits-nowhere");
        let budgets = [
            budget(BudgetScope::All, Some(5_000_000), Some(3_000_000_000), false),
            budget(BudgetScope::Endpoint(long.clone()), Some(4_000_000), None, true),
            budget(BudgetScope::Group(GroupId::new("spare")), None, Some(0), false),
        ];
        let now: Timestamp = NOW.parse().unwrap();
        let mut sums = Sums::new(Bounds::at(&Clock::new(jiff::tz::TimeZone::UTC), now));
        sums.add(now, &long, &GroupId::new("main"), Spent { cost: "4.81".parse().unwrap(), unpriced });
        let answer = serde_json::to_string(&BudgetReport::new(now, statuses(&budgets, &sums))).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    #[test]
    fn limits_read_like_this() {
        assert_eq!(
            render(&report(0)),
            "\
BUDGET                              LIMIT  SPENT   USED  STATE         RESETS
daily                               $5.00  $4.81  96.2%  warned        in 8 h
monthly                         $3,000.00  $4.81   0.2%  ok            in 7 days
endpoint an-end…nowhere, daily      $4.00  $4.81   100%  over, blocks  in 8 h
group spare, monthly                $0.00  $0.00   100%  over          in 7 days
"
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let text = render(&report(1234));
        assert!(text.contains("$4.81+") && text.contains("tokens of 1,234 attempts"), "{text}");
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        let none = Report { budgets: Vec::new(), ..report(0) };
        assert_eq!(render(&none), "No budgets are set (usage_tracking.budgets).\n");
    }

    #[test]
    fn a_reset_is_so_far_away() {
        let at: Timestamp = NOW.parse().unwrap();
        for (seconds, text) in
            [(-5, "in 0 min"), (7_199, "in 119 min"), (7_200, "in 2 h"), (172_800, "in 2 days")]
        {
            assert_eq!(until(at, at + jiff::SignedDuration::from_secs(seconds)), text);
        }
    }
}
