//! The model on screen. Drawing changes nothing and decides nothing.
//!
//! ```text
//!  header: name, groups, endpoints up, rate, suspended, spent today, time
//!  tabs
//!  the screen in front
//!  (a message, on the screen's last line)
//!  footer: keys of this place
//! ```

pub mod config;
pub mod endpoints;
mod export;
pub mod frame;
mod input;
mod link;
pub mod logs;
pub mod overlay;
pub mod overview;
pub mod requests;
pub mod story;
pub mod suspended;
#[cfg(test)]
mod tests;
pub mod usage;
pub mod widgets;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::model::{Model, SMALLEST, Screen};
use super::theme::Role;

/// Draws everything.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, model.theme().style(Role::Text));
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small(model, frame, area);
    }
    let parts = frame::layout(area);
    frame::header(model, frame, parts.header);
    frame::tabs(model, frame, parts.tabs);
    screen(model, frame, parts.body);
    link::stale(model, frame, parts.body);
    frame::toast(model, frame, parts.body);
    frame::footer(model, frame, parts.footer);
    overlay::draw(model, frame, area);
    if !model.facts.unicode {
        to_ascii(frame.buffer_mut());
    }
}

/// For terminals that show ASCII only: what has a likeness gets it, everything else a question mark.
fn to_ascii(buffer: &mut Buffer) {
    for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        let like = match cell.symbol() {
            "…" => "~",
            "•" | "●" => "*",
            "·" => ".",
            "↑" => "^",
            "↓" => "v",
            "←" => "<",
            "→" => ">",
            _ => "?",
        };
        cell.set_symbol(like);
    }
}

fn screen(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    match model.screen {
        Screen::Overview => overview::draw(model, frame, area),
        Screen::Endpoints => endpoints::draw(model, frame, area),
        Screen::Requests => requests::draw(model, frame, area),
        Screen::Suspended => suspended::draw(model, frame, area),
        Screen::Usage => usage::draw(model, frame, area),
        Screen::Logs => logs::draw(model, frame, area),
        Screen::Config => config::draw(model, frame, area),
    }
}

/// What a terminal that is too small shows: that all goes on, how much room is wanted, and the one key that still means
/// something; the question that key leads to in its place.
fn too_small(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = SMALLEST;
    let theme = model.theme();
    let last = match model.asks_to_quit() {
        true => Line::styled(
            format!("Quit? y n  {} running", model.snapshot.live.len()),
            theme.style(Role::Error),
        ),
        false => Line::styled("q quits", theme.style(Role::Accent)),
    };
    let text = [
        Line::styled("cc-forwarder", theme.style(Role::Accent)),
        Line::from(frame::short_status(model, area.width)),
        Line::styled(
            format!("{}x{} is too small: {width}x{height} wanted", area.width, area.height),
            theme.style(Role::Muted),
        ),
        last,
    ];
    // What can be done is said even where there is a single line.
    let text = &text[text.len().saturating_sub(usize::from(area.height))..];
    let top = area.height.saturating_sub(text.len() as u16) / 2;
    let inner = Rect { y: area.y + top, height: area.height - top, ..area };
    frame.render_widget(Paragraph::new(text.to_vec()).alignment(Alignment::Center), inner);
}
