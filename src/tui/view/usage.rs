//! Draws tokens and money over a period.
//!
//! ```text
//! +- Usage: today > endpoint main-a --------------------------------------------+
//! | 412 requests   3 failed   in 2.1M   out 188k   cache read 1.9M written 120k  |
//! | $4.81   cache hits 91%, saved $12.40, misses cost $0.40   2 unpriced         |
//! | all, today: $4.81 of $10.00  48% ok  ████████░░░░░░░░                        |
//! +- Cost per hour: max $1.20 --------------------------------------------------+
//! |                  ▂▂▂███                                                     |
//! | ▁▁▁   ▃▃▃▆▆▆▇▇▇█████████▂▂▂                                                 |
//! | 09:00                                                              14:00    |
//! +- By model ------------------------------------------------------------------+
//! | model            requests       in      out  hits     saved      cost       |
//! | opus-5-5              301     1.8M     140k   93%    $11.00     $4.20       |
//! | sonnet-5-5            111     310k      48k   71%     $1.40     $0.61       |
//! +-----------------------------------------------------------------------------+
//! ```
//!
//! While something else is being read, the old sums stay and the title says so. Without a ledger a card says how to switch
//! it on.

mod chart;
mod table;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use unicode_width::UnicodeWidthStr;

use super::widgets::{bar, panel};
use crate::domain::budget::{BudgetScope, BudgetState, BudgetStatus, Period};
use crate::domain::words::counted;
use crate::store::query::By;
use crate::store::totals::Totals;
use crate::tui::format::{fit, harmless, money, percent, share, spent, sum};
use crate::tui::model::Model;
use crate::tui::screen::usage::Choice;
use crate::tui::source::NoUsage;
use crate::tui::theme::Role;

/// Budgets shown; of more, the last line says how many.
const BUDGETS: usize = 3;
/// Cells of a budget's bar.
const BAR: usize = 10;

/// Draws it.
pub fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let problem = model.usage.problem();
    if problem == Some(&NoUsage::NoLedger) {
        return card(model, frame, area);
    }
    let Some(usage) = model.usage.usage() else {
        let inner = panel(model, frame, area, &title(model));
        return frame.render_widget(Paragraph::new(waiting(model)).wrap(Wrap { trim: false }), inner);
    };
    let lines = summary(model, &usage.table.totals, area.width.saturating_sub(2));
    let [top, middle, bottom] = parts(area, lines.len());
    let inner = panel(model, frame, top, &title(model));
    frame.render_widget(Paragraph::new(lines), inner);
    chart::draw(model, frame, middle);
    table::draw(model, frame, bottom);
}

/// The room of the sums, which take so many lines, of the chart, and of the table.
fn parts(area: Rect, lines: usize) -> [Rect; 3] {
    let chart = (area.height / 3).clamp(5, 12);
    let rows = [Constraint::Length(lines as u16 + 2), Constraint::Length(chart), Constraint::Fill(1)];
    Layout::vertical(rows).areas(area)
}

/// The row of the table at this place of the screen's room.
pub fn hit(model: &Model, area: Rect, column: u16, row: u16) -> Option<usize> {
    let totals = &model.usage.usage()?.table.totals;
    let [.., table] = parts(area, summary(model, totals, area.width.saturating_sub(2)).len());
    table::hit(model, table, column, row)
}

/// `Usage: today > endpoint main-a (reading)`
fn title(model: &Model) -> String {
    let wanted = model.usage.wanted();
    let period = match &wanted.choice {
        Choice::Week => "7 days".to_owned(),
        Choice::Month => "30 days".to_owned(),
        choice => harmless(choice.text()),
    };
    let levels =
        wanted.path.iter().map(|level| format!(" > {} {}", word(level.by), name_of(level.by, &level.name)));
    let state = match model.usage.problem() {
        Some(_) => " (cannot be read)",
        None if model.usage.is_stale() => " (reading)",
        None => "",
    };
    format!("Usage: {period}{}{state}", levels.collect::<String>())
}

/// What is told apart, in a word.
pub(super) fn word(by: By) -> &'static str {
    match by {
        By::Nothing => "all",
        By::Model => "model",
        By::Endpoint => "endpoint",
        By::Group => "group",
        By::Session => "session",
        By::Hour => "hour",
        By::Day => "day",
        By::Month => "month",
    }
}

/// A name as people know it; a dash for none.
fn name_of(by: By, name: &str) -> String {
    match (by, name) {
        (_, "") => "-".to_owned(),
        (By::Model, name) => harmless(crate::tui::format::model(name)),
        (_, name) => harmless(name),
    }
}

fn waiting<'m>(model: &Model) -> Vec<Line<'m>> {
    match model.usage.problem() {
        Some(NoUsage::Failed(why)) => {
            vec![
                Line::styled(" The ledger cannot be read:", model.theme().style(Role::Error)),
                Line::from(format!(" {}", model.public(why))),
            ]
        }
        _ => vec![Line::styled(" Reading the ledger...", model.theme().style(Role::Muted))],
    }
}

fn card(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let inner = panel(model, frame, area, "Usage");
    let muted = model.theme().style(Role::Muted);
    let lines = vec![
        Line::default(),
        Line::from(" Nothing is recorded: this run has no ledger."),
        Line::default(),
        Line::from(" To keep what every request used and cost, write into the configuration:"),
        Line::default(),
        Line::styled("     usage_tracking:", model.theme().style(Role::Accent)),
        Line::styled("       enabled: true", model.theme().style(Role::Accent)),
        Line::default(),
        Line::from(" and start the forwarder again."),
        Line::styled(" When it says so already, the log (6) tells why the file could not be opened.", muted),
    ];
    frame.render_widget(Paragraph::new(lines), inner);
}

fn summary<'m>(model: &Model, totals: &Totals, width: u16) -> Vec<Line<'m>> {
    let mut lines: Vec<Line<'_>> = tokens(totals, usize::from(width)).into_iter().map(Line::from).collect();
    lines.extend(cost(model, totals, usize::from(width)));
    let budgets = &model.snapshot.budgets;
    lines.extend(budgets.iter().take(BUDGETS).map(|status| budget(model, status)));
    if budgets.len() > BUDGETS {
        let more = format!(" and {} more of {} limits", budgets.len() - BUDGETS, budgets.len());
        lines.push(Line::styled(more, model.theme().style(Role::Muted)));
    }
    lines.extend(model.exporting.as_ref().map(|exporting| super::export::line(model, exporting)));
    lines
}

/// Requests and their tokens: in one line where there is room, else in two.
fn tokens(totals: &Totals, width: usize) -> Vec<String> {
    let t = &totals.tokens;
    let not_completed = [(totals.failed, "failed"), (totals.interrupted, "interrupted")];
    let apart = not_completed.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("   {n} {word}"));
    let requests = format!(" {}{}", counted(totals.requests, "request"), apart.collect::<String>());
    let used = format!(
        "in {}   out {}   cache read {} written {}",
        sum(t.prompt()),
        sum(t.output),
        sum(t.cache_read),
        sum(t.cache_write())
    );
    let line = format!("{requests}   {used}");
    if line.width() <= width {
        vec![line]
    } else {
        vec![fit(&requests, width), fit(&format!(" {used}"), width)]
    }
}

/// Attempts without a price are missing in every sum of dollars: said beside it, and loudly. What caches did is said in a
/// line of its own where there is no room.
fn cost<'m>(model: &Model, totals: &Totals, width: usize) -> Vec<Line<'m>> {
    let theme = model.theme();
    let hits = share(totals.cache_hit_rate());
    let cache = format!(
        "cache hits {hits}, saved {}, misses cost {}",
        money(totals.cache_saved),
        money(totals.cache_missed)
    );
    let cost = Span::styled(format!(" {}", cost_of(totals)), theme.style(Role::Accent));
    let unpriced = match totals.unpriced {
        0 => Span::default(),
        n => Span::styled(format!("   {n} unpriced"), theme.style(Role::Warn)),
    };
    match cost.width() + 3 + cache.width() + unpriced.width() <= width {
        true => vec![Line::from(vec![cost, Span::raw(format!("   {cache}")), unpriced])],
        false => vec![Line::from(vec![cost, unpriced]), Line::from(format!(" {cache}"))],
    }
}

fn cost_of(totals: &Totals) -> String {
    spent(totals.cost.total(), totals.unpriced)
}

fn budget<'m>(model: &Model, status: &BudgetStatus) -> Line<'m> {
    let scope = match &status.scope {
        BudgetScope::All => "all".to_owned(),
        BudgetScope::Endpoint(name) => format!("endpoint {}", harmless(&name.0)),
        BudgetScope::Group(name) => format!("group {}", harmless(&name.0)),
    };
    let period = match status.period {
        Period::Day => "today",
        Period::Month => "this month",
    };
    let (role, state) = match status.state {
        BudgetState::Ok => (Role::Ok, "ok"),
        BudgetState::Warned => (Role::Warn, "nearly used up"),
        BudgetState::Over if status.blocks() => (Role::Error, "used up, refusing"),
        BudgetState::Over => (Role::Error, "used up"),
    };
    let bar = bar(model, status.share, BAR);
    let text = format!(
        " {bar} {scope}, {period}: {} of {}  {}  {state}",
        money(status.spent),
        money(status.limit),
        percent(status.share)
    );
    Line::styled(text, model.theme().style(role))
}

#[cfg(test)]
mod tests;
