//! All at a glance.
//!
//! ```text
//!  ! all of main is resting, 3 suspended: press a to activate backup
//! +- Live 2 ------------------------------------------+- Endpoints -------------------------+
//! | req-7f3a01c2 opus-5-5            streaming 1m12s  | main  active, pinned                |
//! |   main-a               84k/3.1k  62 tok/s  $0.41  |  ● main-a   up        1.2s  99%     |
//! | req-91b0cc10 sonnet-5-5           retrying 4.0s   |  ◐ main-b   limited 12s  1.9s  91%  |
//! |   main-a 529 -> main-b                   -        | backup  standby                     |
//! +- Requests per minute (60 m) ----------------------+- Tokens and cost today -------------+
//! |  ▁▂▅█▂▁                                           |  in 2.1M  out 188k                  |
//! |  max 31  now 12  failed 2                         |  cache 91%  $4.81                   |
//! +- Recent ------------------------------------------+-------------------------------------+
//! | 14:01:58 req-0a12bc34 opus-5-5  200  1.4s/38s  91k/2.2k  $0.29  main-a 529 -> main-b    |
//! +-----------------------------------------------------------------------------------------+
//! ```
//!
//! Until the first request there is a card instead of the lower half: what to set in Claude Code.

mod live;
mod recent;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::widgets::{glyph, group_word, panel, role_of, row_style, sparkline, spread, word};
use crate::domain::fleet::Condition;
use crate::domain::words::counted;
use crate::events::board::{EndpointStatus, GroupStatus, Phase};
use crate::events::minutes;
use crate::tui::format::{fit, harmless, left, millis, percent, seconds, spent, sum};
use crate::tui::model::Model;
use crate::tui::screen::endpoints::members;
use crate::tui::screen::list::scroll;
use crate::tui::screen::overview::Row;
use crate::tui::theme::Role;
use crate::tui::today::{Sums, Today, today};

/// Cells of an endpoint's name that come before everything beside it.
const LONG_NAME: usize = 12;
/// Lines of advice shown.
const ADVICE: usize = 2;

/// How many requests wait in the queue.
pub fn suspended(model: &Model) -> usize {
    model.snapshot.live.iter().filter(|l| l.phase == Phase::Suspended).count()
}

/// Where the parts are.
struct Parts {
    advice: Rect,
    live: Rect,
    endpoints: Rect,
    /// Nothing before the first request.
    charts: Rect,
    /// What ended last, or the card of the first run.
    bottom: Rect,
}

fn parts(model: &Model, area: Rect) -> Parts {
    let advice = Constraint::Length(model.overview.advice().len().min(ADVICE) as u16);
    let wanted = (entries(model).len() as u16 + 2).max(14);
    let upper = Constraint::Length(wanted.min(area.height * 45 / 100));
    let rows = match is_fresh(model) {
        true => [advice, Constraint::Fill(1), Constraint::Length(0), Constraint::Length(8)],
        false => [advice, upper, Constraint::Length(4), Constraint::Fill(1)],
    };
    let [advice, upper, charts, bottom] = Layout::vertical(rows).areas(area);
    let [live, endpoints] = columns(upper);
    Parts { advice, live, endpoints, charts, bottom }
}

/// Nobody has asked anything yet.
fn is_fresh(model: &Model) -> bool {
    model.snapshot.totals.accepted == 0
}

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let parts = parts(model, area);
    draw_advice(model, frame, parts.advice);
    live::draw(model, frame, parts.live);
    draw_endpoints(model, frame, parts.endpoints);
    if is_fresh(model) {
        return draw_card(model, frame, parts.bottom);
    }
    draw_charts(model, frame, parts.charts);
    recent::draw(model, frame, parts.bottom);
}

/// The row at this place of the screen.
pub fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<Row> {
    let parts = parts(model, area);
    let line = |area: Rect| {
        let inner = Block::bordered().inner(area);
        inner.contains((column, row).into()).then(|| (usize::from(row - inner.y), inner))
    };
    if let Some((line, inner)) = line(parts.live) {
        return live::at(model, inner, line).map(Row::Live);
    }
    if let Some((line, inner)) = line(parts.endpoints) {
        let entries = entries(model);
        return match entries.get(first_entry(model, &entries, inner) + line)? {
            Entry::Endpoint(endpoint) => Some(Row::Endpoint(endpoint.name.clone())),
            Entry::Group(_) => None,
        };
    }
    let (line, inner) = line(parts.bottom).filter(|_| !is_fresh(model))?;
    recent::at(model, inner, line).map(Row::Recent)
}

fn columns(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Percentage(58), Constraint::Fill(1)]).areas(area)
}

fn draw_advice(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let line = |advice: &crate::tui::screen::overview::Advice| {
        let role = if advice.urgent { Role::Error } else { Role::Warn };
        let mark = if advice.urgent { "!" } else { "i" };
        let text = format!(" {mark} {}", harmless(&advice.text));
        Line::styled(fit(&text, usize::from(area.width)), model.theme().style(role))
    };
    let lines: Vec<Line<'_>> = model.overview.advice().iter().take(ADVICE).map(line).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// A line of the list of endpoints.
enum Entry<'m> {
    Group(&'m GroupStatus),
    Endpoint(&'m EndpointStatus),
}

fn entries(model: &Model) -> Vec<Entry<'_>> {
    let snapshot = &model.snapshot;
    let of_group = |group| {
        let members = members(snapshot, group).into_iter().map(|at| Entry::Endpoint(&snapshot.endpoints[at]));
        std::iter::once(Entry::Group(group)).chain(members)
    };
    snapshot.groups.iter().flat_map(of_group).collect()
}

fn is_selected(model: &Model, entry: &Entry<'_>) -> bool {
    match (entry, model.overview.selected()) {
        (Entry::Endpoint(endpoint), Some(Row::Endpoint(name))) => endpoint.name == *name,
        _ => false,
    }
}

/// The first line to show.
fn first_entry(model: &Model, entries: &[Entry<'_>], inner: Rect) -> usize {
    let selected = entries.iter().position(|entry| is_selected(model, entry)).unwrap_or(0);
    scroll(0, selected, usize::from(inner.height), entries.len())
}

fn draw_endpoints(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let inner = panel(model, frame, area, "Endpoints");
    let entries = entries(model);
    let first = first_entry(model, &entries, inner);
    let line = |entry: &Entry<'_>| match entry {
        Entry::Group(group) => group_line(model, group, inner.width),
        Entry::Endpoint(endpoint) => endpoint_line(model, endpoint, is_selected(model, entry), inner.width),
    };
    let lines: Vec<Line<'_>> = entries.iter().skip(first).take(usize::from(inner.height)).map(line).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// `main  active, activated by a person`
fn group_line(model: &Model, group: &GroupStatus, width: u16) -> Line<'static> {
    let (role, state) = group_word(group.state);
    let pinned = model.snapshot.pinned.as_ref();
    let pinned = model.snapshot.endpoints.iter().any(|e| e.group == group.name && Some(&e.name) == pinned);
    let mut words = vec![state.to_owned()];
    words.extend(group.activated.then(|| "held".to_owned()));
    words.extend(pinned.then(|| "pinned".to_owned()));
    words.extend(model.remaining(group.ends_in).map(|s| seconds(Some(s.ceil()))));
    let words = words.join(", ");
    let room = usize::from(width).saturating_sub(words.len() + 1);
    let name = left(&harmless(&group.name.to_string()), room.min(18));
    Line::from(vec![
        Span::styled(name, model.theme().style(Role::Accent)),
        Span::raw(" "),
        Span::styled(words, model.theme().style(role)),
    ])
}

/// ` ● main-a   up   1.2s   99%`: recent time to first byte, and share of successes; what it waits for stands behind its
/// state.
fn endpoint_line(model: &Model, endpoint: &EndpointStatus, selected: bool, width: u16) -> Line<'static> {
    let style = model.theme().style(role_of(&endpoint.condition));
    let changes = endpoint.changes_in.filter(|_| endpoint.condition != Condition::Up);
    let left_for = model.remaining(changes).map(|s| format!(" {}", seconds(Some(s.ceil()))));
    let state = format!("{}{}", word(&endpoint.condition), left_for.unwrap_or_default());
    let name = harmless(&endpoint.name.to_string());
    let room = usize::from(width).saturating_sub(state.width() + 4);
    let more = measured(endpoint, room.saturating_sub(name.width().min(LONG_NAME)));
    let name = fit(&name, room.saturating_sub(more.len()));
    let glyph = Span::styled(format!(" {} ", glyph(model, &endpoint.condition)), style);
    let line = spread(vec![glyph, Span::raw(name)], vec![Span::styled(state, style), Span::raw(more)], width);
    if selected { line.patch_style(row_style(model, true)) } else { line }
}

/// Time to first byte and share of successes, as far as there is room: the success goes first.
fn measured(endpoint: &EndpointStatus, room: usize) -> String {
    let latency = endpoint.latency_ms.map_or("-".to_owned(), |ms| millis(Some(ms)));
    let success = endpoint.stats.as_ref().and_then(|stats| stats.success);
    let success = success.map_or("-".to_owned(), percent);
    let latency = format!(" {latency:>6}");
    let both = format!("{latency} {success:>5}");
    [both, latency].into_iter().find(|text| text.len() <= room).unwrap_or_default()
}

fn draw_charts(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let [left, right] = columns(area);
    draw_rate(model, frame, left);
    draw_totals(model, frame, right);
}

/// Requests per minute as bars, the running minute on the right.
fn draw_rate(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2)).min(minutes::KEPT);
    let inner = panel(model, frame, area, &format!("Requests per minute ({width} m)"));
    let newest = minutes::number(model.now);
    let at = |n| model.snapshot.minutes.iter().find(|minute| minute.number == n);
    let started = minutes::number(model.snapshot.started);
    let value = |n| match at(n) {
        Some(minute) => Some(u64::from(minute.accepted)),
        None => (n > started).then_some(0),
    };
    let values: Vec<Option<u64>> = (newest + 1 - width as i64..=newest).map(value).collect();
    let most = values.iter().flatten().max().copied().unwrap_or(0);
    let now = values.last().copied().flatten().unwrap_or(0);
    let failed: u32 = model.snapshot.minutes.iter().map(|minute| minute.failed).sum();
    let theme = model.theme();
    let mut text = vec![Span::raw(format!("max {most}  now {now}"))];
    if failed > 0 {
        text.push(Span::styled(format!("  failed {failed} in the hour"), theme.style(Role::Warn)));
    }
    let bars = Line::styled(sparkline(model, &values, usize::from(inner.width)), theme.style(Role::ChartA));
    frame.render_widget(Paragraph::new(vec![bars, Line::from(text)]), inner);
}

/// Tokens and cost of today; where nobody keeps days, since the start.
fn draw_totals(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let (when, sums) = match today(model) {
        Today::Unknown => ("today".to_owned(), None),
        Today::Day(sums) => ("today".to_owned(), Some(sums)),
        Today::SinceStart(sums) => (format!("since {}", super::frame::started(model)), Some(sums)),
    };
    let inner = panel(model, frame, area, &format!("Tokens and cost {when}"));
    let lines = match sums {
        None => vec![Line::styled("reading the ledger", model.theme().style(Role::Muted))],
        Some(sums) => totals(&sums).map(Line::raw).to_vec(),
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

/// `in 2.1M  out 188k`, `cache 91%  $4.81`
fn totals(sums: &Sums) -> [String; 2] {
    let cached = match sums.prompt {
        0 => "-".to_owned(),
        prompt => percent(sums.cached as f64 / prompt as f64),
    };
    let unpriced = match sums.unpriced {
        0 => String::new(),
        n => format!(" + {n} unpriced"),
    };
    [
        format!("in {}  out {}", sum(sums.prompt), sum(sums.output)),
        format!("cache {cached}  {}{unpriced}", spent(sums.cost, sums.unpriced)),
    ]
}

/// What to set in Claude Code.
fn draw_card(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let inner = panel(model, frame, area, "Nothing has come in yet since the start");
    let theme = model.theme();
    let set = |name: &str, value: &str| {
        let name = Span::styled(format!("  export {name}="), theme.style(Role::Accent));
        Line::from(vec![name, Span::styled(value.to_owned(), theme.style(Role::Accent))])
    };
    let mut lines = vec![
        Line::raw("In the terminal of Claude Code, before `claude`:"),
        set("ANTHROPIC_BASE_URL", &model.public(&model.facts.base_url)),
    ];
    if model.facts.auth {
        lines.push(set("ANTHROPIC_AUTH_TOKEN", "<the auth.token of the configuration>"));
    }
    let usable = model.snapshot.endpoints.iter().filter(|e| e.condition != Condition::Disabled).count();
    lines.push(Line::default());
    let source = model.private(&model.facts.config_source);
    let note = format!("{} from {source}", counted(usable as u64, "endpoint"));
    lines.push(Line::styled(fit(&note, usize::from(inner.width)), theme.style(Role::Muted)));
    frame.render_widget(Paragraph::new(lines), inner);
}
