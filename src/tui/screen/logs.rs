//! The program's own log: the newest lines, filtered by level, words and request.
//!
//! | key | does |
//! |---|---|
//! | moving up | stops following; `f` or `G` follow again |
//! | `Enter` | shows the selected line whole, `Esc` goes back |
//! | `Esc` | takes away the request, then the words, then nothing more |

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use super::list::{rows_moved, scroll};
use super::requests;
use crate::config::Level;
use crate::events::RequestId;
use crate::logging::ring::{Line, MAX_LINES};
use crate::tui::filter::Words;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model, Screen};
use crate::tui::msg::Effect;
use crate::tui::update;
use crate::tui::view::logs as view;

/// What of the terminal's height is not lines: header, tabs, footer, borders.
const AROUND: u16 = 5;

/// Levels in the order in which the key walks them, with their names.
pub const LEVELS: [(Level, &str); 5] = [
    (Level::Trace, "trace"),
    (Level::Debug, "debug"),
    (Level::Info, "info"),
    (Level::Warn, "warn"),
    (Level::Error, "error"),
];

/// What this screen remembers.
pub struct State {
    /// Somebody brings lines.
    pub available: bool,
    /// All that are kept, the oldest first.
    lines: VecDeque<Arc<Line>>,
    /// Those that fit.
    shown: VecDeque<Arc<Line>>,
    /// The newest line is in view and selected.
    follow: bool,
    /// Number of the selected line, when not following.
    selected: u64,
    index: usize,
    first: usize,
    level: usize,
    text: String,
    words: Words,
    request: Option<String>,
    /// Lines that were gone before they could be fetched.
    missed: u64,
    /// The selected line is shown whole, from this row on.
    whole: Option<usize>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            available: false,
            lines: VecDeque::new(),
            shown: VecDeque::new(),
            follow: true,
            selected: 0,
            index: 0,
            first: 0,
            level: 0,
            text: String::new(),
            words: Words::default(),
            request: None,
            missed: 0,
            whole: None,
        }
    }
}

impl State {
    /// The line at this place among those that fit.
    pub fn line(&self, place: usize) -> Option<&Line> {
        self.shown.get(place).map(AsRef::as_ref)
    }

    /// How many fit.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// True when none does.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// How many there are, whether they fit or not.
    pub fn kept(&self) -> usize {
        self.lines.len()
    }

    /// The selected line's place, and that of the first on screen.
    pub fn places(&self) -> (usize, usize) {
        (self.index, self.first)
    }

    /// True while the newest line is kept in view.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// Less severe lines are left out.
    pub fn level(&self) -> &'static str {
        LEVELS[self.level].1
    }

    /// The words of the filter, as typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lines of this request only.
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// Lines that came by too fast.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The selected line is shown whole, from this row on.
    pub fn whole(&self) -> Option<(usize, &Line)> {
        Some((self.whole?, self.line(self.index)?))
    }

    fn fits(&self, line: &Line) -> bool {
        severity(line.level) >= self.level
            && (self.request.is_none() || self.request == line.request)
            && (self.words.is_empty() || self.words.fit(&searched(line)))
    }

    fn choose(&mut self) {
        self.shown = self.lines.iter().filter(|line| self.fits(line)).cloned().collect();
    }

    fn take_in(&mut self, lines: Vec<Arc<Line>>) {
        for line in lines {
            let expected = self.lines.back().map_or(line.seq, |last| last.seq + 1);
            self.missed += line.seq.saturating_sub(expected);
            if self.fits(&line) {
                self.shown.push_back(Arc::clone(&line));
            }
            self.lines.push_back(line);
        }
        let surplus = self.lines.len().saturating_sub(MAX_LINES);
        self.lines.drain(..surplus);
        let oldest = self.lines.front().map_or(0, |line| line.seq);
        while self.shown.front().is_some_and(|line| line.seq < oldest) {
            self.shown.pop_front();
        }
    }

    fn settle(&mut self, height: usize) {
        let last = self.shown.len().saturating_sub(1);
        self.index = match self.follow {
            true => last,
            false => self.shown.partition_point(|line| line.seq < self.selected).min(last),
        };
        self.first = scroll(self.first, self.index, height, self.shown.len());
    }

    fn step(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        let place = self.index.saturating_add_signed(by).min(last);
        self.follow = self.follow && by > 0;
        self.selected = self.shown.get(place).map_or(0, |line| line.seq);
    }
}

fn severity(level: Level) -> usize {
    LEVELS.iter().position(|(l, _)| *l == level).unwrap_or(0)
}

/// The level's name.
pub fn level_name(level: Level) -> &'static str {
    LEVELS[severity(level)].1
}

/// What words are looked for in: a line as it is drawn, in lower case.
fn searched(line: &Line) -> String {
    let id = line.request.as_deref().unwrap_or_default();
    format!("{} {} {id}", level_name(line.level), view::text(line)).to_lowercase()
}

/// Lines on screen.
pub fn height(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(AROUND)).max(1)
}

fn settle(model: &mut Model) {
    let height = height(model);
    model.logs.settle(height);
}

/// The terminal has another size.
pub fn resized(model: &mut Model) {
    settle(model);
    scroll_whole(model, 0);
}

/// Newer lines are here. Nothing is drawn for them while another screen is in front.
pub fn take_in(model: &mut Model, lines: Vec<Arc<Line>>) {
    model.logs.take_in(lines);
    settle(model);
    model.dirty |= model.screen == Screen::Logs;
}

/// Shows the lines of a request, from whatever screen.
pub fn show_request(model: &mut Model, id: RequestId) -> Vec<Effect> {
    model.screen = Screen::Logs;
    narrow(model, |state| {
        state.request = Some(id.to_string());
        (state.words, state.text, state.level) = (Words::default(), String::new(), 0);
    });
    Vec::new()
}

/// Selects the line at this place; the list stands still.
pub fn show(model: &mut Model, place: usize) {
    let state = &mut model.logs;
    state.follow = false;
    state.selected = state.line(place).map_or(0, |line| line.seq);
    settle(model);
}

/// Other lines fit.
fn narrow(model: &mut Model, change: impl FnOnce(&mut State)) {
    let state = &mut model.logs;
    change(state);
    state.whole = None;
    state.choose();
    settle(model);
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if model.logs.whole.is_some() {
        return on_whole(model, action);
    }
    match action {
        Action::Last => model.logs.follow = true,
        Action::Follow => follow(model),
        Action::Open => open(model),
        Action::Level => {
            narrow(model, |state| state.level = (state.level + 1) % LEVELS.len());
            model.say(format!("lines of level {} and above", model.logs.level()), false);
        }
        Action::Filter => {
            let start = model.logs.text.clone();
            let hint = "words that a line must have, \"two words\", !not; empty: all";
            update::prompt(model, "Filter log lines", hint, &start, Intent::FilterLogs);
        }
        Action::Jump => return Some(requests::show(model, request_of_line(model)?)),
        Action::Back => return back(model),
        _ => {
            let by = rows_moved(action, height(model))?;
            model.logs.step(by);
        }
    }
    settle(model);
    Some(Vec::new())
}

/// Shows the selected line whole; it is not to go away under the reader.
fn open(model: &mut Model) {
    let state = &mut model.logs;
    state.step(0);
    state.whole = Some(0);
}

fn follow(model: &mut Model) {
    let state = &mut model.logs;
    state.follow = !state.follow;
    state.selected = state.line(state.index).map_or(0, |line| line.seq);
}

/// The line that is shown whole stands still.
fn on_whole(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let by = match action {
        Action::Back => {
            model.logs.whole = None;
            return Some(Vec::new());
        }
        Action::Jump => return Some(requests::show(model, request_of_line(model)?)),
        _ => rows_moved(action, height(model))?,
    };
    scroll_whole(model, by);
    Some(Vec::new())
}

/// By so many rows of the line that is shown whole, and not beyond its last one.
fn scroll_whole(model: &mut Model, by: isize) {
    let last = view::whole(model).len().saturating_sub(height(model));
    let state = &mut model.logs;
    state.whole = state.whole.map(|row| row.saturating_add_signed(by).min(last));
}

fn back(model: &mut Model) -> Option<Vec<Effect>> {
    if model.logs.request.is_some() {
        narrow(model, |state| state.request = None);
    } else if !model.logs.text.is_empty() {
        set_filter(model, "");
    } else {
        return None;
    }
    Some(Vec::new())
}

fn request_of_line(model: &Model) -> Option<RequestId> {
    model.logs.line(model.logs.index)?.request.as_ref()?.parse().ok()
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    let no_line = model.logs.is_empty();
    match action {
        Action::Jump | Action::Open if no_line => Some("no line is selected".to_owned()),
        Action::Jump if request_of_line(model).is_none() => {
            Some("this line belongs to no request".to_owned())
        }
        _ => None,
    }
}

/// What is wrong with a filter.
///
/// # Errors
/// When it cannot be read; the text says why.
pub fn check_filter(text: &str) -> Result<(), String> {
    Words::parse(text).map(drop)
}

/// A filter was entered. One that cannot be read changes nothing: it was checked before.
pub fn set_filter(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Ok(words) = Words::parse(text) {
        narrow(model, |state| (state.words, state.text) = (words, text.trim().to_owned()));
    }
    Vec::new()
}
