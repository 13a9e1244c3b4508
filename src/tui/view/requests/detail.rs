//! All that is known of one request, from top to bottom; it scrolls.
//!
//! ```text
//! +- req-0a12bc00 ---------------------------------------------------------------+
//! | + completed  status 200  2026-11-23 14:01:58.000  ttft 0.5s  took 2.0s        |
//! | endpoint's id  req_011CQ...                                                   |
//! | session        0f8c3a2e-5b1d-4c77-9a10-2f6e8d4b7c35                           |
//! | Attempts                                                                      |
//! |  #1 main-a     529 overloaded   ░▒▒▒▒                              0.0s +1.0s |
//! |  #2 main-b     200 answered          ▒▒▒▒██████                    1.0s +1.0s |
//! | Tokens and cost     input  cache read  write 5m  write 1h  output        cost |
//! |  #2 main-b           1.0k         90k         -         -    2.2k     $0.1050 |
//! | Decisions                                                                     |
//! |  0 ms: chose main-a (first of its group) of main-a, main-b                    |
//! | Answers that failed it                                                        |
//! |  #1 main-a  529, 74 bytes                                                     |
//! |   {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}} |
//! |   retry-after: 2                                                              |
//! | Headers of the request                                                        |
//! |  x-api-key: ***                                                               |
//! +-------------------------------------------------------------------------------+
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{evidence, role, state, waterfall};
use crate::claude::price::CostLines;
use crate::claude::usage::Usage;
use crate::tui::format::{count, harmless, left, masked, money, right, span, wrap};
use crate::tui::model::Model;
use crate::tui::request::{Detail, Fact};
use crate::tui::screen::requests::Opened;
use crate::tui::theme::Role;
use crate::tui::view::widgets::panel;

/// What of the terminal's height is not lines: header, tabs, footer, borders.
const AROUND: u16 = 5;
/// Said where an interrupted request would have told more.
const UNKNOWN: &str = " not known: the program ended before the request did";
/// Cells of labels.
const LABEL: usize = 15;

/// Lines on screen.
pub fn height(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(AROUND)).max(1)
}

/// Draws it.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(opened) = model.requests.opened() else { return };
    let inner = panel(model, frame, area, &opened.id.to_string());
    let shown: Vec<Line<'_>> = lines(model).into_iter().skip(opened.scroll).take(height(model)).collect();
    frame.render_widget(Paragraph::new(shown), inner);
}

/// Every line of the open detail.
pub fn lines(model: &Model) -> Vec<Line<'static>> {
    let Some(opened) = model.requests.opened() else { return Vec::new() };
    let width = usize::from(model.size.0.saturating_sub(2));
    match (&opened.detail, &opened.problem) {
        (Some(detail), _) => whole(model, opened, detail, width),
        (None, Some(why)) => wrap(&harmless(why), width).into_iter().map(Line::from).collect(),
        (None, None) => vec![Line::styled("looking it up", model.theme().style(Role::Muted))],
    }
}

fn whole(model: &Model, opened: &Opened, detail: &Detail, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![top(model, detail)];
    for (label, fact) in &detail.facts {
        let text = match fact {
            Fact::Open(text) => harmless(text),
            Fact::Private(text) => model.private(text),
        };
        lines.extend(labelled(model, label, &text, width));
    }
    if let Some(error) = &detail.error {
        lines.extend(labelled(model, "error", &told(model, error), width));
    }
    lines.push(heading(model, "Attempts"));
    match detail.attempts.is_empty() {
        false => lines.extend(waterfall::lines(model, detail, width)),
        true if detail.entry.is_interrupted() => lines.push(Line::from(UNKNOWN)),
        true if detail.entry.has_ended() => lines.push(Line::from(" none: no endpoint was asked")),
        true => {
            lines.push(Line::from(format!(" {} so far; their times come at its end", detail.entry.attempts)))
        }
    }
    lines.extend(bill(model, detail));
    lines.push(heading(model, "Decisions"));
    for step in &detail.story {
        lines.extend(
            wrap(&told(model, step), width.saturating_sub(1))
                .into_iter()
                .map(|row| Line::from(format!(" {row}"))),
        );
    }
    if detail.story.is_empty() {
        lines.push(Line::from(if detail.entry.is_interrupted() { UNKNOWN } else { " none yet" }));
    }
    lines.extend(evidence::refusals(model, &opened.evidence, detail, width));
    lines.extend(evidence::request(model, &opened.evidence, width));
    lines
}

/// A text of ours that may hold what an endpoint said.
fn told(model: &Model, text: &str) -> String {
    let text = harmless(text);
    if model.privacy { masked(&text) } else { text }
}

fn top(model: &Model, detail: &Detail) -> Line<'static> {
    let entry = &detail.entry;
    let theme = model.theme();
    let at = entry.accepted.to_zoned(model.facts.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let first = entry.first_byte.map_or("-".to_owned(), span);
    let status = entry.status.map_or("-".to_owned(), |status| status.to_string());
    let took = entry.age(model.now).map_or("-".to_owned(), span);
    let rest = format!("  status {status}  {at}  ttft {first}  took {took}");
    let word = state(model, entry);
    let word = word.trim_end_matches(&format!(" {status}")).to_owned();
    Line::from(vec![Span::styled(word, theme.style(role(entry.stage))), Span::raw(rest)])
}

pub(super) fn heading(model: &Model, text: &str) -> Line<'static> {
    Line::styled(text.to_owned(), model.theme().style(Role::Accent))
}

fn labelled(model: &Model, label: &str, text: &str, width: usize) -> Vec<Line<'static>> {
    let style = model.theme().style(Role::Muted);
    let row = |(n, part): (usize, String)| {
        let label = if n == 0 { left(label, LABEL) } else { " ".repeat(LABEL) };
        Line::from(vec![Span::styled(label, style), Span::raw(part)])
    };
    wrap(text, width.saturating_sub(LABEL)).into_iter().enumerate().map(row).collect()
}

/// Cells of the name before the numbers.
const NAME: usize = 18;
/// Columns of the bill: heading and cells.
const COLUMNS: [(&str, usize); 6] =
    [("input", 7), ("cache read", 11), ("write 5m", 9), ("write 1h", 9), ("output", 8), ("cost", 10)];

/// Tokens with what they cost, an attempt in two lines, then all together.
fn bill(model: &Model, detail: &Detail) -> Vec<Line<'static>> {
    let titles: String = COLUMNS.iter().map(|(title, width)| right(title, *width)).collect();
    let title = heading(model, &format!("{}{titles}", left("Tokens and cost", NAME)));
    if detail.usage.is_empty() {
        let interrupted = detail.entry.is_interrupted();
        return vec![title, Line::from(if interrupted { UNKNOWN } else { " no tokens reported" })];
    }
    let mut lines = vec![title];
    for attempt in detail.attempts.iter().filter(|a| !a.usage.is_empty()) {
        let name = format!(" #{} {}", attempt.number, harmless(&attempt.endpoint));
        lines.extend(entry(model, &name, &attempt.usage, attempt.cost));
        let asked = attempt.model.as_ref().map(|name| format!("    as {}", harmless(name)));
        lines.extend(asked.map(|text| Line::styled(text, model.theme().style(Role::Muted))));
    }
    let total = detail.cost.filter(|_| detail.unpriced == 0);
    match (detail.attempts.is_empty(), detail.entry.cost) {
        // While it runs only the sum is known.
        (true, cost) => lines.push(tokens(" so far", &detail.usage, cost.map_or("-".to_owned(), money))),
        (false, _) if detail.attempts.iter().filter(|a| !a.usage.is_empty()).count() > 1 => {
            lines.extend(entry(model, " all", &detail.usage, total));
        }
        _ => {}
    }
    if detail.unpriced > 0 {
        lines.push(Line::from(format!(" {} attempts without a known price", detail.unpriced)));
    }
    if detail.usage.estimated {
        lines.push(Line::from(" output is an estimate: the stream has not stated it"));
    }
    lines.extend(tools(&detail.usage));
    lines
}

/// Tokens, and under each kind what it cost.
fn entry(model: &Model, name: &str, usage: &Usage, cost: Option<CostLines>) -> Vec<Line<'static>> {
    let total = cost.map_or("-".to_owned(), |cost| money(cost.total()));
    let mut lines = vec![tokens(name, usage, total)];
    if let Some(cost) = cost {
        let parts = [cost.input, cost.cache_read, cost.cache_write_5m, cost.cache_write_1h, cost.output];
        let cells = parts.iter().zip(COLUMNS).map(|(part, (_, width))| right(&money(*part), width));
        let text = format!("{}{}", " ".repeat(NAME), cells.collect::<String>());
        lines.push(Line::styled(text, model.theme().style(Role::Muted)));
    }
    lines
}

fn tokens(name: &str, usage: &Usage, cost: String) -> Line<'static> {
    let counts = [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output];
    let texts = counts.map(count).into_iter().chain([cost]);
    let cells: String = texts.zip(COLUMNS).map(|(text, (_, width))| right(&text, width)).collect();
    Line::from(format!("{}{cells}", left(name, NAME)))
}

fn tools(usage: &Usage) -> Option<Line<'static>> {
    let calls = [
        ("web searches", usage.web_search),
        ("web fetches", usage.web_fetch),
        ("code executions", usage.code_execution),
    ];
    let called: Vec<String> =
        calls.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
    (!called.is_empty()).then(|| Line::from(format!(" {}", called.join(", "))))
}
