//! The table of `check` for people. Pure: a report in, text of at most 80 columns out.

use std::time::Duration;

use super::report::{Finding, Report, Verdict};
use crate::app::paint::Span;
use crate::app::table::{Stand, Table, plain};
use crate::app::text::{WIDTH, wrap};
use crate::domain::words::noun;
use crate::logging::escape::escape;

const COLUMNS: [(&str, Stand); 7] = [
    ("ENDPOINT", Stand::Flexible),
    ("GROUP", Stand::Flexible),
    ("RANK", Stand::Right),
    ("HOST", Stand::Flexible),
    ("HTTP", Stand::Right),
    ("LATENCY", Stand::Right),
    ("RESULT", Stand::Left),
];

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
    let mut table = Table::new(&COLUMNS);
    findings.iter().for_each(|finding| table.add(cells(finding)));
    table.texts()
}

fn cells(finding: &Finding) -> Vec<Span> {
    let dash = || "-".to_owned();
    vec![
        plain(&*finding.name),
        plain(&*finding.group),
        plain(format!("{}.{}", finding.group_priority, finding.priority)),
        plain(host(&finding.url)),
        plain(finding.status.map_or_else(dash, |status| status.to_string())),
        plain(finding.latency.map_or_else(dash, latency)),
        plain(finding.result.words()),
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

fn note(finding: &Finding) -> Vec<String> {
    match &finding.note {
        Some(note) => wrap(&format!("{}: {}", escape(&finding.name), escape(note)), 2, WIDTH),
        None => Vec::new(),
    }
}

fn closing(report: &Report) -> String {
    let count = |result: Verdict| report.findings.iter().filter(|f| f.result == result).count();
    let enabled = report.findings.iter().filter(|f| f.enabled).count();
    let endpoints = noun(enabled as u64, "endpoint");
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
