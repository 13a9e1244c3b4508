//! Tokens and money over a period, from the ledger.
//!
//! | key | does |
//! |---|---|
//! | right, left | the next period, the one before: today, 7 days, 30 days, all, and the typed one once there is one |
//! | `c` | types a period, see [`crate::store::period`] |
//! | `b` | tells apart by model, endpoint, group, session; what is narrowed to already is passed over |
//! | Enter | narrows to the selected row; Esc goes back one level |
//! | `x` | exports the requests of what is shown |
//!
//! Sums are asked for while this screen is in front, at most once a second, see [`Inquiry`]. Until the answer is here the
//! old sums stay, marked as old.

mod series;
#[cfg(test)]
mod tests;
mod wanted;

use jiff::SignedDuration;

pub use self::series::Bar;
pub use self::wanted::{Choice, Level, Wanted, check_period};
use super::list::{List, rows_moved};
use crate::store::query::{By, Key};
use crate::store::totals::Totals;
use crate::tui::export;
use crate::tui::inquiry::Inquiry;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model};
use crate::tui::msg::Effect;
use crate::tui::source::{NoUsage, Selection, Usage, UsageQuery};
use crate::tui::update::prompt;

/// Least time between two questions.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// What this screen remembers.
pub struct State {
    wanted: Wanted,
    typed: Option<Choice>,
    shown: Option<Shown>,
    problem: Option<NoUsage>,
    inquiry: Inquiry<Wanted>,
    list: List<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            wanted: Wanted::default(),
            typed: None,
            shown: None,
            problem: None,
            inquiry: Inquiry::new(PACE),
            list: List::default(),
        }
    }
}

/// Sums, and what they are about.
struct Shown {
    wanted: Wanted,
    usage: Box<Usage>,
    by: By,
    bars: Vec<Bar>,
}

impl State {
    /// What is to be shown.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The sums on screen.
    pub fn usage(&self) -> Option<&Usage> {
        self.shown.as_ref().map(|shown| &*shown.usage)
    }

    /// True while what is on screen is about something else than what is to be shown.
    pub fn is_stale(&self) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.wanted != self.wanted)
    }

    /// Why there is nothing to show.
    pub fn problem(&self) -> Option<&NoUsage> {
        self.problem.as_ref()
    }

    /// The chart: hours or days, and their bars.
    pub fn bars(&self) -> Option<(By, &[Bar])> {
        self.shown.as_ref().map(|shown| (shown.by, shown.bars.as_slice()))
    }

    /// What the table on screen tells apart.
    pub fn shown_by(&self) -> By {
        self.shown.as_ref().map_or(self.wanted.by, |shown| shown.wanted.by)
    }

    /// The selected row.
    pub fn index(&self) -> usize {
        self.list.index()
    }
}

/// The rows of the table.
pub fn rows(model: &Model) -> impl Iterator<Item = (&str, &Totals)> {
    let groups = model.usage.usage().map_or(&[][..], |usage| &usage.table.groups);
    groups.iter().filter_map(|(key, totals)| match key {
        Key::Name(name) => Some((name.as_str(), totals)),
        Key::Start(_) => None,
    })
}

/// The question to ask now, if there is one. Called after every message while this screen is in front.
pub fn asks(model: &mut Model) -> Vec<Effect> {
    let (now, zone, state) = (model.now, &model.facts.zone, &mut model.usage);
    state.inquiry.ask(&state.wanted, &model.news, now, || state.wanted.query(now, zone))
}

/// Sums are here, or the reason why not; perhaps those of somebody else.
pub fn answered(model: &mut Model, query: &UsageQuery, answer: Result<Box<Usage>, NoUsage>) {
    let state = &mut model.usage;
    let Some((wanted, at)) = state.inquiry.answered(query) else { return };
    match answer {
        Ok(usage) => {
            let bars = series::series(&usage.bars, query.bars, &query.filter, at, &model.facts.zone);
            state.shown = Some(Shown { wanted, usage, by: query.bars, bars });
            state.problem = None;
        }
        Err(problem) => state.problem = Some(problem),
    }
    let names = rows(model).map(|(name, _)| name.to_owned()).collect();
    model.usage.list.set(names);
    model.dirty = true;
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if let Some(by) = rows_moved(action, usize::from((model.size.1 / 3).max(2))) {
        model.usage.list.step(by);
        return Some(Vec::new());
    }
    let state = &mut model.usage;
    match action {
        Action::NextPeriod => state.wanted.choice = turn(&state.choices(), &state.wanted.choice, 1),
        Action::PreviousPeriod => state.wanted.choice = turn(&state.choices(), &state.wanted.choice, -1),
        Action::NextGrouping => state.wanted.by = state.wanted.next_by(),
        Action::CustomPeriod => {
            let start = state.wanted.choice.text().to_owned();
            let hint = "today, 7d, 24h, last month, 2026-11, 2026-11-20";
            prompt(model, "Usage of which period", hint, &start, Intent::UsagePeriod);
        }
        Action::Open => narrow(model),
        Action::Back if export::cancel(model) => {}
        Action::Back => widen(model)?,
        Action::Export => export::ask(model, selection(model)),
        _ => return None,
    }
    Some(Vec::new())
}

impl State {
    fn choices(&self) -> Vec<Choice> {
        Choice::FIXED.into_iter().chain(self.typed.clone()).collect()
    }
}

fn turn(choices: &[Choice], from: &Choice, by: isize) -> Choice {
    let at = choices.iter().position(|choice| choice == from).unwrap_or(0) as isize;
    choices[(at + by).rem_euclid(choices.len() as isize) as usize].clone()
}

/// Selects the row at this place.
pub fn show(model: &mut Model, at: usize) {
    model.usage.list.select_at(at);
}

/// The requests of what is shown.
fn selection(model: &Model) -> Selection {
    Selection { filter: model.usage.wanted.filter(model.now, &model.facts.zone), ..Selection::default() }
}

fn narrow(model: &mut Model) {
    let state = &mut model.usage;
    if let Some(name) = state.list.selected().cloned() {
        let by = state.wanted.by;
        state.wanted.path.push(Level { by, name });
        state.wanted.by = state.wanted.next_by();
        state.list = List::default();
    }
}

/// Back from what was narrowed to last, to its row; nothing when there is no such level.
fn widen(model: &mut Model) -> Option<()> {
    let state = &mut model.usage;
    let level = state.wanted.path.pop()?;
    state.wanted.by = level.by;
    state.list.follow(level.name);
    Some(())
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    let state = &model.usage;
    let no_ledger = state.problem == Some(NoUsage::NoLedger);
    match action {
        Action::Open if no_ledger => Some(export::NO_LEDGER.to_owned()),
        Action::Export => export::why_not(model),
        Action::Open if state.is_stale() => Some("the sums are still being read".to_owned()),
        Action::Open if !state.wanted.can_narrow() => Some("this is narrowed as far as it goes".to_owned()),
        Action::Open => match state.list.selected() {
            None => Some("there is nothing to narrow to".to_owned()),
            Some(name) if name.is_empty() => Some("requests without a name cannot be narrowed to".to_owned()),
            Some(_) => None,
        },
        Action::NextGrouping if !state.wanted.can_narrow() => {
            Some("there is only one grouping left".to_owned())
        }
        _ => None,
    }
}

/// A period was entered; [`check_period`] has seen it.
pub fn set_period(model: &mut Model, text: &str) -> Vec<Effect> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let fixed = Choice::FIXED.into_iter().find(|choice| choice.text() == text);
    let choice = fixed.unwrap_or_else(|| {
        let typed = Choice::Typed(text);
        model.usage.typed = Some(typed.clone());
        typed
    });
    model.usage.wanted.choice = choice;
    Vec::new()
}
