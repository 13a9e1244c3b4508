//! The table of `check` for people. Pure: a report in, text of at most 80 columns out.

use std::time::Duration;

use super::report::{Finding, Report, Verdict};
use crate::app::text::{WIDTH, cut, fit, pad, width, wrap};
use crate::logging::escape::escape;

const HEADS: [&str; 7] = ["ENDPOINT", "GROUP", "RANK", "HOST", "HTTP", "LATENCY", "RESULT"];
/// Columns that give way when a row is too long: names and hosts.
const FLEXIBLE: [usize; 3] = [0, 1, 3];
/// Columns whose cells stand at the right.
const RIGHT: [usize; 3] = [2, 4, 5];
const GAP: &str = "  ";
const LEAST: usize = 8;

/// The table, what people should know about single rows, and a closing line. Nothing for an invalid configuration,
/// about which everything was said.
pub(super) fn render(report: &Report) -> String {
    if !report.valid {
        return String::new();
    }
    let mut lines = wrap(&format!("Configuration: {}", escape(&report.config)), 2, WIDTH);
    lines.push(String::new());
    lines.extend(rows(&report.findings));
    lines.push(String::new());
    lines.extend(report.findings.iter().flat_map(note));
    lines.extend(wrap(&closing(report), 2, WIDTH));
    lines.join("\n") + "\n"
}

fn rows(findings: &[Finding]) -> Vec<String> {
    let mut table = vec![HEADS.map(str::to_owned)];
    table.extend(findings.iter().map(cells));
    let mut widths = [0; HEADS.len()];
    for row in &table {
        widths.iter_mut().zip(row).for_each(|(widest, cell)| *widest = width(cell).max(*widest));
    }
    fit(&mut widths, &FLEXIBLE, WIDTH - GAP.len() * (HEADS.len() - 1), LEAST);
    table.iter().map(|row| line(row, &widths)).collect()
}

fn cells(finding: &Finding) -> [String; HEADS.len()] {
    let dash = || "-".to_owned();
    [
        escape(&finding.name).into_owned(),
        escape(&finding.group).into_owned(),
        format!("{}.{}", finding.group_priority, finding.priority),
        escape(host(&finding.url)).into_owned(),
        finding.status.map_or_else(dash, |status| status.to_string()),
        finding.latency.map_or_else(dash, latency),
        finding.result.words().to_owned(),
    ]
}

/// Host and port; a path would only take room.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

fn latency(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1e3;
    if ms < 10_000.0 { format!("{ms:.0} ms") } else { format!("{:.0} s", ms / 1e3) }
}

fn line(row: &[String; HEADS.len()], widths: &[usize; HEADS.len()]) -> String {
    let cell =
        |(i, (text, width)): (usize, (&String, &usize))| pad(&cut(text, *width), *width, RIGHT.contains(&i));
    let cells: Vec<String> = row.iter().zip(widths).enumerate().map(cell).collect();
    cells.join(GAP).trim_end().to_owned()
}

fn note(finding: &Finding) -> Vec<String> {
    match &finding.note {
        Some(note) => wrap(&format!("{}: {}", escape(&finding.name), escape(note)), 2, WIDTH),
        None => Vec::new(),
    }
}

fn closing(report: &Report) -> String {
    let count = |result: Verdict| report.findings.iter().filter(|f| f.result == result).count();
    let enabled = report.findings.iter().filter(|f| f.enabled).count();
    let endpoints = if enabled == 1 { "endpoint" } else { "endpoints" };
    if !report.probed {
        return format!("The configuration is valid: {enabled} {endpoints}. Nothing was sent (--no-probe).");
    }
    match (count(Verdict::CredentialRefused), count(Verdict::Down)) {
        (0, 0) if enabled == 1 => "The endpoint is up.".to_owned(),
        (0, 0) => format!("All {enabled} endpoints are up."),
        (0, down) => format!("{down} of {enabled} {endpoints} down."),
        (refused, 0) => format!("{refused} of {enabled} {endpoints} refused the credential."),
        (refused, down) => {
            format!("Of {enabled} {endpoints} {down} down, {refused} refused the credential.")
        }
    }
}
