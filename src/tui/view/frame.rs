//! What surrounds every screen: header, tabs, footer. Also what the mouse hits there.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::widgets::{group_word, spread};
use crate::domain::fleet::Condition;
use crate::domain::group::GroupState;
use crate::events::board::GroupStatus;
use crate::tui::format::{fit, spent, wrap};
use crate::tui::keymap::{self, Action, Binding};
use crate::tui::model::{Model, Screen};
use crate::tui::screen::overview::per_minute;
use crate::tui::theme::Role;
use crate::tui::today::{Today, today};

/// Where the parts are.
pub struct Parts {
    /// The line on top.
    pub header: Rect,
    /// The line of tabs.
    pub tabs: Rect,
    /// The screen.
    pub body: Rect,
    /// The line of keys.
    pub footer: Rect,
}

/// The parts of a screen of this size.
pub fn layout(area: Rect) -> Parts {
    let rows = [Constraint::Length(1), Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)];
    let [header, tabs, body, footer] = Layout::vertical(rows).areas(area);
    Parts { header, tabs, body, footer }
}

/// As it is called where there is room.
const NAME: &str = "cc-forwarder";

/// ` cc-forwarder   main* > backup   4/5 up   2 suspended   $4.81 today        14:02:11`
pub fn header(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let style = model.theme().style(Role::Header);
    let clock = model.now.to_zoned(model.facts.zone.clone()).strftime("%H:%M:%S ").to_string();
    let room = usize::from(area.width).saturating_sub(clock.width() + 1);
    // Who looks at a forwarder elsewhere is told that first.
    let elsewhere = super::link::words(model, area.width);
    let (lead, name) = if elsewhere.is_empty() { (" ", NAME) } else { (" cc-forwarder  ", "") };
    let mut left = vec![Span::styled(lead, style)];
    left.extend(elsewhere);
    let room = room.saturating_sub(left.iter().map(Span::width).sum());
    left.push(Span::styled(fit(&status(model, name, room), room), style));
    let line = spread(left, vec![Span::styled(clock, style)], area.width);
    frame.render_widget(Paragraph::new(line).style(style), area);
}

/// What there is no room for is left out whole: first the rate, then the name, then the groups beside the active one, then
/// the cost.
fn status(model: &Model, name: &str, room: usize) -> String {
    let suspended = match super::overview::suspended(model) {
        0 => String::new(),
        n => format!("{n} suspended"),
    };
    let mut parts = [
        name.to_owned(),
        groups(model, false),
        up(model),
        format!("{:.1} req/m", per_minute(model)),
        suspended,
        cost(model),
        if model.privacy { "privacy".to_owned() } else { String::new() },
    ];
    let shorter = [(3, String::new()), (0, String::new()), (1, groups(model, true)), (5, String::new())];
    let mut shorter = shorter.into_iter();
    loop {
        let text = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("   ");
        match (text.width() > room).then(|| shorter.next()).flatten() {
            Some((place, part)) => parts[place] = part,
            None => return text,
        }
    }
}

/// `3/5 up`, and how many nobody has asked anything yet.
fn up(model: &Model) -> String {
    let endpoints = &model.snapshot.endpoints;
    let count = |of: fn(&Condition) -> bool| endpoints.iter().filter(|e| of(&e.condition)).count();
    let up = count(|condition| *condition == Condition::Up);
    let used = count(|condition| *condition != Condition::Disabled);
    match count(|condition| *condition == Condition::Unknown) {
        0 => format!("{up}/{used} up"),
        unknown => format!("{up}/{used} up, {unknown} unknown"),
    }
}

/// What was spent today; where nobody keeps days, since the start.
fn cost(model: &Model) -> String {
    match today(model) {
        Today::Unknown => String::new(),
        Today::Day(sums) => format!("{} today", spent(sums.cost, sums.unpriced)),
        Today::SinceStart(sums) => format!("{} since {}", spent(sums.cost, sums.unpriced), started(model)),
    }
}

/// When the program started: the time of today; of other days the date too.
pub(super) fn started(model: &Model) -> String {
    let local = |at: jiff::Timestamp| at.to_zoned(model.facts.zone.clone());
    let since = local(model.snapshot.started);
    let today = since.date() == local(model.now).date();
    since.strftime(if today { "%H:%M" } else { "%m-%d %H:%M" }).to_string()
}

/// The groups in rank order, the active one marked; or that one alone.
fn groups(model: &Model, active_only: bool) -> String {
    let name = |g: &GroupStatus| {
        let mark = match g.state {
            GroupState::Active => "*".to_owned(),
            GroupState::Standby => String::new(),
            state => format!(" ({})", group_word(state).1),
        };
        format!("{}{mark}", g.name)
    };
    let shown = |g: &&GroupStatus| !active_only || g.state == GroupState::Active;
    model.snapshot.groups.iter().filter(shown).map(name).collect::<Vec<_>>().join(" > ")
}

/// The state in a few words, for terminals that are too small.
pub fn short_status(model: &Model, width: u16) -> String {
    status(model, "", usize::from(width))
}

/// Tabs with their digits.
pub fn tabs(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.theme();
    let style = |screen| if screen == model.screen { Role::Accent } else { Role::Muted };
    let labels = labels(model.screen, area.width);
    let spans = Screen::ALL
        .into_iter()
        .zip(labels)
        .map(|(screen, label)| Span::styled(label, theme.style(style(screen))));
    frame.render_widget(Paragraph::new(Line::from_iter(spans)), area);
}

/// What the tabs say: their names; where there is no room for all of them shorter ones; else that of the screen in
/// front alone. The digits always.
fn labels(front: Screen, width: u16) -> [String; 7] {
    let label = |screen: Screen, name: &str| format!(" {} {name} ", screen as usize + 1);
    let whole = Screen::ALL.map(|screen| label(screen, screen.title()));
    let short = Screen::ALL.map(|screen| label(screen, screen.short()));
    let digits = Screen::ALL.map(|screen| match screen == front {
        true => label(screen, screen.title()),
        false => format!(" {} ", screen as usize + 1),
    });
    let fits =
        |labels: &[String; 7]| labels.iter().map(|label| label.width()).sum::<usize>() <= usize::from(width);
    [whole, short].into_iter().find(fits).unwrap_or(digits)
}

/// The message of the moment, on the last lines of the screen so that the keys stay in view: as many as it takes to say
/// all of it. Only what is longer than the whole screen is cut.
pub fn toast(model: &Model, frame: &mut Frame<'_>, body: Rect) {
    let Some(toast) = &model.toast else { return };
    let style = model.theme().style(if toast.error { Role::Error } else { Role::Info });
    let mut rows = rows(model, &toast.text, usize::from(body.width.saturating_sub(2)));
    let room = usize::from(body.height);
    if rows.len() > room {
        rows.truncate(room);
        rows.last_mut().into_iter().for_each(|row| row.push('…'));
    }
    let height = rows.len() as u16;
    // One row covers no more than it needs; several are read better without remains of the screen behind them.
    let width = match rows.as_slice() {
        [row] => row.width() as u16 + 2,
        _ => body.width,
    };
    let place = Rect { y: body.bottom().saturating_sub(height), height, width, ..body }.intersection(body);
    frame.render_widget(Clear, place);
    frame.buffer_mut().set_style(place, model.theme().style(Role::Text));
    let lines = rows.into_iter().map(|row| Line::styled(format!(" {row} "), style));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), place);
}

/// A message in rows of at most so many cells; what it says in lines of its own begins a new one.
fn rows(model: &Model, text: &str, width: usize) -> Vec<String> {
    let rows = text.lines().flat_map(|line| wrap(&model.public(line), width));
    rows.map(|row| row.trim_end().to_owned()).collect()
}

/// The keys of this place.
pub fn footer(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.theme();
    let mut spans = Vec::new();
    for (_, _, binding) in hints(model, area.width) {
        let disabled = model.why_not(binding.action).is_some();
        let (key, label) = if disabled { (Role::Muted, Role::Muted) } else { (Role::Accent, Role::Text) };
        spans.push(Span::styled(format!(" {}", binding.chords[0].name()), theme.style(key)));
        spans.push(Span::styled(format!(" {} ", binding.label), theme.style(label)));
    }
    frame.render_widget(Paragraph::new(Line::from_iter(spans)), area);
}

/// The footer's bindings with the columns they take, as many as fit. The configuration has nothing to open: its
/// selected key is shown whole already.
fn hints(model: &Model, width: u16) -> Vec<(u16, u16, &'static Binding)> {
    let mut bindings = keymap::available(&model.contexts());
    bindings.retain(|b| b.footer > 0 && !(model.screen == Screen::Config && b.action == Action::Open));
    bindings.sort_by_key(|b| b.footer);
    let mut at = 0;
    let place = |binding: &'static Binding| {
        let wide = (binding.chords[0].name().width() + binding.label.width() + 3) as u16;
        let start = at;
        at += wide;
        (start, at, binding)
    };
    bindings.into_iter().map(place).take_while(|(_, end, _)| *end <= width).collect()
}

/// What a click at this place asks for.
pub fn hit(model: &Model, column: u16, row: u16) -> Option<Action> {
    let parts = layout(Rect::new(0, 0, model.size.0, model.size.1));
    if row == parts.tabs.y && model.overlays.is_empty() {
        return tab_at(model, parts.tabs.width, column).map(Action::Go);
    }
    if row == parts.footer.y {
        let found = hints(model, parts.footer.width)
            .into_iter()
            .find(|(start, end, _)| (*start..*end).contains(&column));
        return found.map(|(_, _, binding)| binding.action);
    }
    None
}

fn tab_at(model: &Model, width: u16, column: u16) -> Option<Screen> {
    let mut end = 0;
    let labels = labels(model.screen, width).into_iter().zip(Screen::ALL);
    labels.into_iter().find_map(|(label, screen)| {
        end += label.width() as u16;
        (column < end).then_some(screen)
    })
}
