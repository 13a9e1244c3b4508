//! The configuration in effect, and how its last reload ended.
//!
//! | key | does |
//! |---|---|
//! | `/` | filters: every word has to be in the key, the value or the origin; `!word` must not; Esc drops the filter |
//! | `r` | loads the file again, after a yes |
//! | `e` | opens the file in an editor |
//!
//! Problems of a refused reload are rows above the keys, so that all of them can be reached. Asked for again every second
//! while this screen is in front: a reload may come by itself.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

use super::list::{List, rows_moved};
use crate::config::listing::Entry;
use crate::config::origin::Origin;
use crate::control::command::Command;
use crate::tui::keymap::Action;
use crate::tui::model::{Intent, Model};
use crate::tui::msg::Effect;
use crate::tui::source::{Ask, ConfigView, ReloadView};
use crate::tui::update::{confirm, prompt};

/// A line of the list.
#[derive(Clone, PartialEq, Debug)]
pub enum Row {
    /// A problem of the reload that was refused last, by its place.
    Problem(usize),
    /// A key, by its place.
    Key(usize),
}

/// What a row is remembered by.
#[derive(Clone, PartialEq, Debug)]
enum Id {
    Problem(usize),
    Key(String),
}

/// What this screen remembers.
#[derive(Default)]
pub struct State {
    view: Option<ConfigView>,
    filter: String,
    rows: Vec<Row>,
    list: List<Id>,
    asked: Option<Timestamp>,
}

impl State {
    /// Every key, once it is known.
    pub fn entries(&self) -> Option<&[Entry]> {
        self.view.as_ref().map(|view| &*view.entries)
    }

    /// How the last reload ended.
    pub fn reload(&self) -> Option<&Arc<ReloadView>> {
        self.view.as_ref()?.reload.as_ref()
    }

    /// The problems of the last reload, when it was refused.
    pub fn problems(&self) -> &[String] {
        match self.reload().map(|reload| &reload.outcome) {
            Some(Err(problems)) => problems,
            _ => &[],
        }
    }

    /// True when the file says something else for this key, which waits for a restart.
    pub fn is_pending(&self, key: &str) -> bool {
        self.reload().is_some_and(|reload| reload.pending.iter().any(|pending| pending == key))
    }

    /// The lines of the list.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The selected one.
    pub fn index(&self) -> usize {
        self.list.index()
    }

    /// The filter in effect; empty for none.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    fn arrange(&mut self) {
        let problems = (0..self.problems().len()).map(Row::Problem);
        let entries = self.entries().unwrap_or_default();
        let keys = (0..entries.len()).filter(|at| passes(&self.filter, &entries[*at])).map(Row::Key);
        let rows: Vec<Row> = problems.chain(keys).collect();
        let id = |row: &Row| match row {
            Row::Problem(at) => Id::Problem(*at),
            Row::Key(at) => Id::Key(entries[*at].key.clone()),
        };
        self.list.set(rows.iter().map(id).collect());
        self.rows = rows;
    }
}

fn passes(filter: &str, entry: &Entry) -> bool {
    let value = entry.value.as_deref().unwrap_or_default();
    let text = format!("{} {value} {}", entry.key, origin(&entry.origin)).to_lowercase();
    filter.to_lowercase().split_whitespace().all(|word| match word.strip_prefix('!') {
        Some("") => true,
        Some(unwanted) => !text.contains(unwanted),
        None => text.contains(word),
    })
}

/// An origin in a few words.
pub fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::File { line, reference: false } => format!("line {line}"),
        Origin::File { line, reference: true } => format!("line {line}, ${{...}}"),
        Origin::Inherited => "inherited".to_owned(),
        Origin::Flag { name } => name.to_string(),
        Origin::ByHand => "by hand".to_owned(),
    }
}

/// The question to ask now, if there is one. Called after every message while this screen is in front.
pub fn asks(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    if model.config.asked == Some(now) {
        return Vec::new();
    }
    model.config.asked = Some(now);
    vec![Effect::Ask(Ask::Config)]
}

/// The configuration is here.
pub fn answered(model: &mut Model, view: ConfigView) {
    if model.config.view.as_ref() == Some(&view) {
        return;
    }
    let news = |state: &State| state.reload().map(|reload| reload.number);
    let before = news(&model.config);
    model.config.view = Some(view);
    model.config.arrange();
    if news(&model.config) != before && !model.config.problems().is_empty() {
        // What has gone wrong just now comes into view.
        model.config.list.select(&Id::Problem(0));
    }
    model.dirty = true;
}

/// A key of this screen was pressed; nothing when the action is not one of this screen's.
pub fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if let Some(by) = rows_moved(action, usize::from(model.size.1.saturating_sub(8).max(2))) {
        model.config.list.step(by);
        return Some(Vec::new());
    }
    match action {
        Action::Filter => {
            let start = model.config.filter.clone();
            prompt(
                model,
                "Filter the configuration",
                "words; !word leaves out",
                &start,
                Intent::FilterConfig,
            );
        }
        Action::Back if !model.config.filter.is_empty() => return Some(set_filter(model, "")),
        Action::Reload => {
            return confirm(
                model,
                Command::Reload,
                &["What is valid applies to new requests; what is not changes nothing."],
            );
        }
        Action::Editor => return model.facts.config_file.clone().map(|file| vec![Effect::Edit(file)]),
        _ => return None,
    }
    Some(Vec::new())
}

/// Selects the line at this place.
pub fn show(model: &mut Model, at: usize) {
    model.config.list.select_at(at);
}

/// Why an action cannot be taken now.
pub fn why_not(model: &Model, action: Action) -> Option<String> {
    match action {
        Action::Reload | Action::Editor if model.facts.config_file.is_none() => {
            Some("there is no configuration file; the built-in configuration runs".to_owned())
        }
        Action::Editor if model.link.is_some() => Some("edit the file where the forwarder runs".to_owned()),
        // The whole value stands on screen when its row is selected.
        Action::Open => Some("the selected key is shown whole below the list".to_owned()),
        _ => None,
    }
}

/// A filter was entered.
pub fn set_filter(model: &mut Model, text: &str) -> Vec<Effect> {
    model.config.filter = text.to_owned();
    model.config.arrange();
    Vec::new()
}
