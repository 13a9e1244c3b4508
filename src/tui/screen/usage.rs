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
//! Sums are asked for while this screen is in front, at most once a second: when something else is to be shown, when a
//! request has ended, and when the ledger has written. Until the answer is here the old sums stay, marked as old.

mod export;
mod series;
#[cfg(test)]
mod tests;
mod wanted;

use jiff::{SignedDuration, Timestamp};

pub use self::export::{Exporting, check_path, exported, start as export};
pub use self::series::Bar;
pub use self::wanted::{Choice, Level, Wanted, check_period};
use super::list::Selection;
use crate::store::query::{By, Key};
use crate::store::totals::Totals;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model};
use crate::tui::msg::Effect;
use crate::tui::source::{Ask, NoUsage, Usage, UsageQuery};
use crate::tui::update::prompt;

/// Least time between two questions.
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// A request that ended is in the ledger by then, unless the ledger says that it is late.
const SETTLING: SignedDuration = SignedDuration::from_secs(1);

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    wanted: Wanted,
    typed: Option<Choice>,
    shown: Option<Shown>,
    problem: Option<NoUsage>,
    asked: Option<Asked>,
    /// An answer is on its way.
    waiting: bool,
    news: News,
    selection: Selection<String>,
    order: Vec<String>,
    exporting: Option<Exporting>,
}

/// Sums, and what they are about.
struct Shown {
    wanted: Wanted,
    usage: Box<Usage>,
    by: By,
    bars: Vec<Bar>,
}

/// The last question.
struct Asked {
    wanted: Wanted,
    query: UsageQuery,
    at: Timestamp,
    news: News,
}

/// By this the screen sees that the ledger may say something else.
#[derive(Clone, Default, PartialEq, Debug)]
struct News {
    /// Requests that have ended.
    ended: u64,
    /// Since when it is that many.
    since: Option<Timestamp>,
    /// When the ledger last wrote.
    written: Option<Timestamp>,
    /// The date: "today" is another day tomorrow.
    date: Option<jiff::civil::Date>,
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
        self.selection.index()
    }

    /// The export that runs, or the one that ended last.
    pub fn exporting(&self) -> Option<&Exporting> {
        self.exporting.as_ref()
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

/// There is a newer snapshot.
pub fn refresh(model: &mut Model) {
    let totals = &model.snapshot.totals;
    let ended = totals.completed + totals.failed + totals.cancelled;
    let news = &mut model.usage.news;
    if news.ended != ended {
        news.ended = ended;
        news.since = Some(model.now);
    }
    news.written = model.snapshot.ledger.as_ref().and_then(|ledger| ledger.last_commit);
}

/// The question to ask now, if there is one. Called after every message while this screen is in front.
pub fn asks(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    model.usage.news.date = Some(now.to_zoned(model.facts.zone.clone()).date());
    let state = &model.usage;
    if state.waiting || !is_due(state, now) {
        return Vec::new();
    }
    let query = state.wanted.query(now, &model.facts.zone);
    let state = &mut model.usage;
    state.waiting = true;
    let (wanted, news) = (state.wanted.clone(), state.news.clone());
    state.asked = Some(Asked { wanted, query: query.clone(), at: now, news });
    vec![Effect::Ask(Ask::Usage(query))]
}

fn is_due(state: &State, now: Timestamp) -> bool {
    let Some(asked) = &state.asked else { return true };
    if asked.wanted != state.wanted {
        return true;
    }
    let settling = state.news.since.is_some_and(|since| asked.at < since + SETTLING);
    (settling || asked.news != state.news) && now.duration_since(asked.at) >= PACE
}

/// Sums are here, or the reason why not.
pub fn answered(model: &mut Model, query: &UsageQuery, answer: Result<Box<Usage>, NoUsage>) {
    let state = &mut model.usage;
    let Some(asked) = state.asked.as_ref().filter(|asked| asked.query == *query) else { return };
    state.waiting = false;
    match answer {
        Ok(usage) => {
            let bars = series::series(&usage.bars, query.bars, &query.filter, asked.at, &model.facts.zone);
            state.shown = Some(Shown { wanted: asked.wanted.clone(), usage, by: query.bars, bars });
            state.problem = None;
        }
        Err(problem) => state.problem = Some(problem),
    }
    let order: Vec<String> = rows(model).map(|(name, _)| name.to_owned()).collect();
    model.usage.order = order;
    model.usage.selection.settle(&model.usage.order);
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let page = isize::try_from((model.size.1 / 3).max(2)).unwrap_or(2);
    let state = &mut model.usage;
    match action {
        Action::Up => step(model, -1),
        Action::Down => step(model, 1),
        Action::PageUp => step(model, -page),
        Action::PageDown => step(model, page),
        Action::First => step(model, isize::MIN),
        Action::Last => step(model, isize::MAX),
        Action::NextPeriod => state.wanted.choice = turn(&state.choices(), &state.wanted.choice, 1),
        Action::PreviousPeriod => state.wanted.choice = turn(&state.choices(), &state.wanted.choice, -1),
        Action::NextGrouping => state.wanted.by = state.wanted.next_by(),
        Action::CustomPeriod => {
            let start = state.wanted.choice.text().to_owned();
            let hint = "today, 7d, 24h, last month, 2026-11, 2026-11-20";
            prompt(model, "Usage of which period", hint, &start, Intent::UsagePeriod);
        }
        Action::Open => narrow(model),
        Action::Back => {
            let level = state.wanted.path.pop()?;
            state.wanted.by = level.by;
            state.selection.select(level.name);
        }
        Action::Export => export::ask(model),
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

fn step(model: &mut Model, by: isize) {
    let state = &mut model.usage;
    state.selection.step(&state.order, by);
}

fn narrow(model: &mut Model) {
    let state = &mut model.usage;
    if let Some(name) = state.selection.key().cloned() {
        let by = state.wanted.by;
        state.wanted.path.push(Level { by, name });
        state.wanted.by = state.wanted.next_by();
        state.selection = Selection::default();
    }
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    let state = &model.usage;
    let no_ledger = state.problem == Some(NoUsage::NoLedger);
    match action {
        Action::Export | Action::Open if no_ledger => {
            Some("nothing is recorded: there is no ledger".to_owned())
        }
        Action::Export if state.exporting.as_ref().is_some_and(Exporting::runs) => {
            Some("an export is running".to_owned())
        }
        Action::Open if state.is_stale() => Some("the sums are still being read".to_owned()),
        Action::Open if !state.wanted.can_narrow() => Some("this is narrowed as far as it goes".to_owned()),
        Action::Open => match state.selection.key() {
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
