//! The detail of the selected endpoint.
//!
//! ```text
//! + main-b ------------------------------------------------------------+
//! | where      https://relay.example/api                               |
//! | state      limited 41s, 2 failures in a row                        |
//! | TTFT       ▁▂▁▃▁▁▂█  min 0.8s  max 7.0s  last 1.2s                 |
//! | all        120 attempts, 3 failed, 2.1M in, 188k out, $4.81        |
//! | limit      input-tokens  12k of 400k left, full in 41s             |
//! | errors     14:01:58 req-7f3a01c2 rate limited (429)                |
//! +--------------------------------------------------------------------+
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{UNKNOWN, resets_in, rest, state, streak};
use crate::domain::ratelimit::Bucket;
use crate::domain::words::noun;
use crate::events::board::{EndpointStats, EndpointStatus, Fault};
use crate::tui::format::{count, fit, harmless, left, millis, money, percent};
use crate::tui::model::Model;
use crate::tui::screen::endpoints;
use crate::tui::theme::Role;
use crate::tui::view::widgets::{panel, sparkline};

/// Cells of the words on the left.
const LABEL: usize = 9;
/// Bars of the chart, at most.
const BARS: usize = 40;

/// Draws it.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(endpoint) = endpoints::endpoint(model) else { return };
    let inner = panel(model, frame, area, &harmless(&endpoint.name.0));
    let width = usize::from(inner.width);
    let line = |(label, text): (&str, String)| {
        let theme = model.theme();
        let text = fit(&text, width.saturating_sub(LABEL + 1));
        Line::from_iter([
            Span::styled(format!(" {}", left(label, LABEL)), theme.style(Role::Muted)),
            Span::styled(text, theme.style(Role::Text)),
        ])
    };
    let lines: Vec<Line<'_>> = facts(model, endpoint, width).into_iter().map(line).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn facts(model: &Model, endpoint: &EndpointStatus, width: usize) -> Vec<(&'static str, String)> {
    let nothing = EndpointStats::default();
    let stats = endpoint.stats.as_ref().unwrap_or(&nothing);
    let mut facts = vec![
        ("where", model.private(&endpoint.url)),
        ("state", format!("{}{}{}", state(model, endpoint), streak(endpoint), credential(endpoint))),
        ("TTFT", chart(model, stats, width.saturating_sub(LABEL + 40).clamp(8, BARS))),
        ("success", success(stats)),
        ("all", totals(stats)),
    ];
    facts.extend(labelled("limits", endpoint.budgets.iter().map(|b| budget(model, b)), "none stated"));
    facts.extend(labelled("errors", stats.errors.iter().map(|e| fault(model, e)), "none"));
    facts
}

/// Several lines under one label.
fn labelled(
    label: &'static str,
    lines: impl Iterator<Item = String>,
    none: &str,
) -> Vec<(&'static str, String)> {
    let mut lines: Vec<_> = lines.map(|line| ("", line)).collect();
    if lines.is_empty() {
        lines.push((label, none.to_owned()));
    }
    lines[0].0 = label;
    lines
}

fn credential(endpoint: &EndpointStatus) -> &'static str {
    if endpoint.credential_problem { ", its probe was refused: check the credential" } else { "" }
}

fn chart(model: &Model, stats: &EndpointStats, width: usize) -> String {
    let values: Vec<Option<u64>> = stats.first_byte_ms.iter().map(|ms| Some(u64::from(*ms))).collect();
    let (Some(min), Some(max), Some(last)) =
        (stats.first_byte_ms.iter().min(), stats.first_byte_ms.iter().max(), stats.first_byte_ms.last())
    else {
        return UNKNOWN.to_owned();
    };
    let ms = |value: &u32| millis(Some(f64::from(*value)));
    let bars = sparkline(model, &values, width.min(values.len()));
    format!("{bars}  min {}  max {}  last {}", ms(min), ms(max), ms(last))
}

fn success(stats: &EndpointStats) -> String {
    stats.success.map_or(UNKNOWN.to_owned(), |share| format!("{} of the last attempts", percent(share)))
}

fn totals(stats: &EndpointStats) -> String {
    format!(
        "{} {}, {} failed, {} in, {} out, {}",
        count(stats.attempts),
        noun(stats.attempts, "attempt"),
        count(stats.failed),
        count(stats.usage.prompt_tokens()),
        count(stats.usage.output),
        money(stats.cost.total())
    )
}

/// `input-tokens  12k of 400k left, full in 41s`
fn budget(model: &Model, budget: &Bucket) -> String {
    let left = match (budget.remaining, budget.limit) {
        (Some(remaining), Some(limit)) => format!("{} of {} left", count(remaining), count(limit)),
        (Some(remaining), None) => format!("{} left", count(remaining)),
        _ => rest(budget).map_or(UNKNOWN.to_owned(), |share| format!("{} left", percent(share))),
    };
    let status = budget.status.as_deref().map(|status| format!(", {}", harmless(status))).unwrap_or_default();
    let reset = resets_in(model, budget).map(|left| format!(", full in {left}")).unwrap_or_default();
    format!("{}  {left}{status}{reset}", harmless(&budget.name))
}

fn fault(model: &Model, fault: &Fault) -> String {
    let at = fault.at.to_zoned(model.facts.zone.clone()).strftime("%H:%M:%S").to_string();
    let status = fault.status.map(|status| format!(" ({status})")).unwrap_or_default();
    format!("{at} {} {}{status}", fault.request, fault.kind.words())
}
