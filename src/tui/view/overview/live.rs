//! Requests that run, the newest first, two lines each: what and where it is; where it has been and what it used.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::events::RequestId;
use crate::events::board::{Live, Phase};
use crate::tui::format::{between, count, fit, harmless, model as short, money, span};
use crate::tui::model::Model;
use crate::tui::screen::list::scroll;
use crate::tui::screen::overview::Row;
use crate::tui::theme::Role;
use crate::tui::view::story;
use crate::tui::view::widgets::{panel, row_style, spread};

/// Lines per request.
const LINES: usize = 2;

/// Draws it.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let live = &model.snapshot.live;
    let title = if live.is_empty() { "Live".to_owned() } else { format!("Live {}", live.len()) };
    let inner = panel(model, frame, area, &title);
    if live.is_empty() {
        let text = Line::styled("no request is running", model.theme().style(Role::Muted));
        return frame.render_widget(Paragraph::new(text), inner);
    }
    let shown = shown(model, inner);
    let lines: Vec<Line<'_>> =
        shown.flat_map(|l| request(model, l, is_selected(model, l), inner.width)).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn is_selected(model: &Model, live: &Live) -> bool {
    model.overview.selected() == Some(&Row::Live(live.accepted.id))
}

/// As many as there is room for, the selected one among them.
fn shown(model: &Model, inner: Rect) -> impl Iterator<Item = &Live> {
    let live = &model.snapshot.live;
    let place = live.iter().rev().position(|l| is_selected(model, l)).unwrap_or(0);
    let height = (usize::from(inner.height) / LINES).max(1);
    live.iter().rev().skip(scroll(0, place, height, live.len())).take(height)
}

/// The request at this line.
pub(super) fn at(model: &Model, inner: Rect, line: usize) -> Option<RequestId> {
    shown(model, inner).nth(line / LINES).map(|live| live.accepted.id)
}

fn request(model: &Model, live: &Live, selected: bool, width: u16) -> [Line<'static>; LINES] {
    let (role, state) = state(model, live);
    let state = Span::styled(state, model.theme().style(role));
    let asked = live.described.model.as_deref().map_or("-".to_owned(), |name| harmless(short(name)));
    let head = format!("{} {asked}", live.accepted.id);
    let head = fit(&head, usize::from(width).saturating_sub(state.width() + 1));
    let used = Span::styled(used(model, live), model.theme().style(Role::Muted));
    let story = format!("  {}", harmless(&story::of_live(live)));
    let story = fit(&story, usize::from(width).saturating_sub(used.width() + 1));
    let lines = [
        spread(vec![Span::raw(head)], vec![state], width),
        spread(vec![Span::raw(story)], vec![used], width),
    ];
    if selected { lines.map(|line| line.patch_style(row_style(model, true))) } else { lines }
}

/// Where it is, and for how long; a request that waits also says how long it may.
fn state(model: &Model, live: &Live) -> (Role, String) {
    let age = span(between(live.accepted.at, model.now));
    let (role, word) = match live.phase {
        Phase::Pending => (Role::Muted, "pending".to_owned()),
        Phase::Forwarding => (Role::Info, format!("attempt {}", live.attempts)),
        Phase::Retrying => (Role::Warn, "retrying".to_owned()),
        Phase::Suspended => (Role::Suspended, "suspended".to_owned()),
        Phase::Streaming => (Role::Ok, "streaming".to_owned()),
    };
    let limit = live.wait.as_ref().map(|w| format!(" of {}", span(between(live.accepted.at, w.deadline))));
    (role, format!("{word} {age}{}", limit.unwrap_or_default()))
}

/// `84k/3.1k  62 tok/s  $0.41`
fn used(model: &Model, live: &Live) -> String {
    if live.usage.is_empty() {
        return String::new();
    }
    let tokens = format!("{}/{}", count(live.usage.prompt_tokens()), count(live.usage.output));
    let cost = live.cost.map_or("$-".to_owned(), money);
    let parts: Vec<String> = [Some(tokens), rate(model, live), Some(cost)].into_iter().flatten().collect();
    parts.join("  ")
}

/// Output tokens per second since the first one; nothing in the first second, which says nothing.
fn rate(model: &Model, live: &Live) -> Option<String> {
    let streaming = between(live.streaming_since?, model.now).as_secs_f64();
    (streaming >= 1.0).then(|| format!("{:.0} tok/s", live.usage.output as f64 / streaming))
}
