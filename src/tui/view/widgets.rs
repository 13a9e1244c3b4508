//! Small pieces that several screens draw with.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders};

use crate::domain::fleet::Condition;
use crate::domain::group::GroupState;
use crate::tui::format;
use crate::tui::model::Model;
use crate::tui::theme::Role;

/// A box with a title; returns the room inside.
pub fn panel(model: &Model, frame: &mut Frame<'_>, area: Rect, title: &str) -> Rect {
    let theme = model.theme();
    let set = if model.facts.unicode { border::PLAIN } else { ASCII };
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(set)
        .border_style(theme.style(Role::Border))
        .title(Span::styled(format!(" {title} "), theme.style(Role::Accent)));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

const ASCII: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// The glyph of an endpoint's condition; the word always stands beside it somewhere.
pub fn glyph(model: &Model, condition: &Condition) -> &'static str {
    let (unicode, ascii) = match role_of(condition) {
        Role::Ok => ("●", "*"),
        Role::Warn => ("◐", "~"),
        Role::Error => ("○", "o"),
        _ => ("‖", "="),
    };
    if model.facts.unicode { unicode } else { ascii }
}

/// The role a condition is coloured with.
pub fn role_of(condition: &Condition) -> Role {
    match condition {
        Condition::Up => Role::Ok,
        Condition::Unknown | Condition::Resting | Condition::HalfOpen | Condition::RateLimited => Role::Warn,
        Condition::Disabled => Role::Muted,
        Condition::Down | Condition::Open | Condition::Credential | Condition::OverBudget => Role::Error,
    }
}

/// A condition in a word or two.
pub fn word(condition: &Condition) -> &'static str {
    match condition {
        Condition::Unknown => "unknown",
        Condition::Up => "up",
        Condition::Down => "down",
        Condition::Resting => "resting",
        Condition::Open => "open",
        Condition::HalfOpen => "half-open",
        Condition::RateLimited => "limited",
        Condition::Credential => "key refused",
        Condition::OverBudget => "over budget",
        Condition::Disabled => "disabled",
    }
}

/// The role and the word of a group's state.
pub fn group_word(state: GroupState) -> (Role, &'static str) {
    match state {
        GroupState::Active => (Role::Ok, "active"),
        GroupState::Standby => (Role::Text, "standby"),
        GroupState::Cooling => (Role::Warn, "cooling"),
        GroupState::Paused => (Role::Muted, "paused"),
    }
}

/// Values as one row of bars, the newest on the right; a gap where nothing was measured.
pub fn sparkline(model: &Model, values: &[Option<u64>], width: usize) -> String {
    const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 9] = [" ", ".", ".", ":", ":", "|", "|", "#", "#"];
    let glyphs = if model.facts.unicode { BLOCKS } else { ASCII };
    let values = &values[values.len().saturating_sub(width)..];
    let max = values.iter().flatten().copied().max().unwrap_or(0);
    let bar = |value: &Option<u64>| match value {
        None => glyphs[0],
        Some(v) => glyphs[1 + (v * 7 / max.max(1)) as usize],
    };
    let bars: String = values.iter().map(bar).collect();
    format::right(&bars, width)
}

/// A bar that is filled to a share, `[#####-----]` without unicode.
pub fn bar(model: &Model, share: f64, width: usize) -> String {
    let full = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    let (on, off) = if model.facts.unicode { ("█", "░") } else { ("#", "-") };
    on.repeat(full) + &off.repeat(width - full)
}

/// One line of `left` and `right` text with the room between them.
pub fn spread<'a>(left: Vec<Span<'a>>, right: Vec<Span<'a>>, width: u16) -> Line<'a> {
    let used: usize = left.iter().chain(&right).map(Span::width).sum();
    let gap = " ".repeat(usize::from(width).saturating_sub(used));
    Line::from_iter(left.into_iter().chain([Span::raw(gap)]).chain(right))
}

/// The style of a row: marked when it is the selected one.
pub fn row_style(model: &Model, selected: bool) -> Style {
    model.theme().style(if selected { Role::Selection } else { Role::Text })
}
