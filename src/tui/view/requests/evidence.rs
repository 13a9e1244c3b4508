//! What was said on the wire about the open request: the answers that failed it, and its own headers.
//!
//! | text | in privacy mode |
//! |---|---|
//! | values that tell who or where somebody is ([`PERSONAL`]) | masked |
//! | other values, bodies | what looks like a host, an address or a path is masked, piece by piece |
//!
//! Where nothing is kept any more it says so, and what would be.

use ratatui::text::{Line, Span};

use super::detail::heading;
use crate::events::evidence::{Evidence, Extent, Head, Header, MAX_BYTES, MAX_REQUESTS, Refusal};
use crate::tui::format::{harmless, masked_pieces, wrap};
use crate::tui::model::Model;
use crate::tui::request::{Detail, bytes};
use crate::tui::screen::requests::Shown;
use crate::tui::theme::Role;

/// Headers that tell who or where somebody is.
const PERSONAL: [&str; 9] = [
    "anthropic-organization-id",
    "cf-connecting-ip",
    "forwarded",
    "host",
    "origin",
    "referer",
    "user-agent",
    "via",
    "x-real-ip",
];

/// The answers that failed it, each with the beginning of its body and its headers; nothing when there are none.
pub(super) fn refusals(model: &Model, shown: &Shown, detail: &Detail, width: usize) -> Vec<Line<'static>> {
    let Shown::Known(Some(evidence)) = shown else { return Vec::new() };
    if evidence.refusals.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![heading(model, "Answers that failed it")];
    if evidence.forgotten > 0 {
        lines.push(muted(model, format!(" {} earlier ones are not kept any more", evidence.forgotten)));
    }
    for refusal in &evidence.refusals {
        lines.extend(wrap(&title(refusal, detail), width).into_iter().map(Line::from));
        lines.extend(body(model, &refusal.body, width));
        lines.extend(head(model, &refusal.head, "   ", width));
    }
    lines
}

/// The headers it came with, or why they cannot be seen.
pub(super) fn request(model: &Model, shown: &Shown, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![heading(model, "Headers of the request")];
    match shown {
        Shown::Known(Some(evidence)) => lines.extend(headers(model, evidence, width)),
        Shown::Known(None) => {
            let text = format!(
                "headers and error bodies are kept for the last {MAX_REQUESTS} requests of this run, {} MiB at most; \
                 this one is not among them any more",
                MAX_BYTES >> 20
            );
            lines.extend(
                wrap(&text, width.saturating_sub(1)).into_iter().map(|row| muted(model, format!(" {row}"))),
            );
        }
        Shown::Failed(why) => {
            let rows = wrap(&model.public(why), width.saturating_sub(1));
            lines.extend(rows.into_iter().map(|row| Line::from(format!(" {row}"))));
        }
        Shown::Unknown => lines.push(muted(model, " looking them up".to_owned())),
    }
    lines
}

fn headers(model: &Model, evidence: &Evidence, width: usize) -> Vec<Line<'static>> {
    let lines = head(model, &evidence.request, " ", width);
    if lines.is_empty() { vec![muted(model, " none".to_owned())] } else { lines }
}

/// `#1 main-a  529, 74 bytes`.
fn title(refusal: &Refusal, detail: &Detail) -> String {
    let asked = detail.attempts.iter().find(|attempt| attempt.number == refusal.attempt);
    let endpoint = asked.map(|attempt| format!(" {}", harmless(&attempt.endpoint))).unwrap_or_default();
    let size = bytes(refusal.bytes);
    let extent = match refusal.extent {
        Extent::Whole if refusal.bytes == 0 => "no body".to_owned(),
        Extent::Whole => size,
        Extent::Beginning => format!("{size}, the beginning"),
        Extent::Unfinished => format!("{size}, no end was seen"),
        Extent::Unreadable => format!("{size} that cannot be decoded"),
        Extent::Unread => "its body was not read".to_owned(),
    };
    let passed_on = if refusal.passed_on { ", passed on to the client" } else { "" };
    format!(" #{}{endpoint}  {}, {extent}{passed_on}", refusal.attempt, refusal.status)
}

fn body(model: &Model, text: &str, width: usize) -> Vec<Line<'static>> {
    let rows = text.lines().flat_map(|line| {
        let line = harmless(&line.replace('\t', "    "));
        let line = if model.privacy { masked_pieces(&line) } else { line };
        wrap(&line, width.saturating_sub(3))
    });
    rows.map(|row| Line::from(format!("   {row}"))).collect()
}

fn head(model: &Model, head: &Head, indent: &str, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> =
        head.headers.iter().flat_map(|header| self::header(model, header, indent, width)).collect();
    if head.left_out > 0 {
        lines.push(muted(model, format!("{indent}and {} more, too long to be kept", head.left_out)));
    }
    lines
}

/// `name: value`; further rows stand a little to the right.
fn header(model: &Model, header: &Header, indent: &str, width: usize) -> Vec<Line<'static>> {
    let name = format!("{}: ", harmless(&header.name));
    let value = harmless(&header.value);
    let value = match model.privacy {
        true if is_personal(&header.name) => model.private(&value),
        true => masked_pieces(&value),
        false => value,
    };
    let rows = wrap(&format!("{name}{value}"), width.saturating_sub(indent.len() + 2));
    let line = |(n, row): (usize, String)| match row.strip_prefix(&name).filter(|_| n == 0) {
        Some(rest) => {
            let name = Span::styled(format!("{indent}{name}"), model.theme().style(Role::Muted));
            Line::from(vec![name, Span::raw(rest.to_owned())])
        }
        None if n == 0 => Line::from(format!("{indent}{row}")),
        None => Line::from(format!("{indent}  {row}")),
    };
    rows.into_iter().enumerate().map(line).collect()
}

fn is_personal(name: &str) -> bool {
    PERSONAL.contains(&name) || name.starts_with("x-forwarded-")
}

fn muted(model: &Model, text: String) -> Line<'static> {
    Line::styled(text, model.theme().style(Role::Muted))
}

#[cfg(test)]
mod tests;
