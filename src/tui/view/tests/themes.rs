//! How each theme looks, and that it can be read.

use insta::assert_debug_snapshot;
use ratatui::style::{Color, Modifier, Style};

use super::*;
use crate::tui::theme::{Depth, Role, Theme, shipped};

/// Least contrast of text, <https://www.w3.org/TR/WCAG22/#contrast-minimum>.
const READABLE: f64 = 4.5;
/// Least contrast between a background and the one around it, so that a row or a line stands out.
const SEEN: f64 = 1.35;

/// The roles that text is written in.
const WRITTEN: [Role; 12] = [
    Role::Text,
    Role::Muted,
    Role::Accent,
    Role::Selection,
    Role::Header,
    Role::Ok,
    Role::Warn,
    Role::Error,
    Role::Info,
    Role::Suspended,
    Role::ChartA,
    Role::ChartB,
];

/// One style snapshot per theme: every cell's colours, of the screen with the most roles on it.
#[test]
fn each_theme_has_its_picture() {
    for (at, theme) in shipped().iter().enumerate() {
        let mut model = opened(Screen::Endpoints);
        model.theme = at;
        let backend = drawn(&mut model, 80, 24);
        assert_debug_snapshot!(format!("theme_{}", theme.name), backend.buffer());
    }
}

/// What terminals show for a colour; nothing for their own.
fn rgb(color: Option<Color>) -> Option<[u8; 3]> {
    Some(match color? {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Black => [0, 0, 0],
        Color::White => [255, 255, 255],
        Color::Red => [205, 0, 0],
        Color::LightYellow => [255, 255, 0],
        Color::LightGreen => [0, 255, 0],
        Color::LightCyan => [0, 255, 255],
        Color::LightMagenta => [255, 0, 255],
        Color::Reset => return None,
        other => panic!("{other:?} is used by no theme"),
    })
}

fn luminance(rgb: [u8; 3]) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    let [r, g, b] = rgb.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Text and background of the screen as a whole; a theme that keeps the terminal's is made for a dark one.
fn ground(theme: &Theme) -> ([u8; 3], [u8; 3]) {
    let text = theme.style(Role::Text);
    (rgb(text.fg).unwrap_or([200, 200, 200]), rgb(text.bg).unwrap_or([30, 30, 30]))
}

#[test]
fn everything_written_can_be_read() {
    for theme in shipped().iter().filter(|theme| theme.name != "mono") {
        let (text, ground) = ground(theme);
        for role in WRITTEN {
            let style = theme.style(role);
            let found = contrast(rgb(style.fg).unwrap_or(text), rgb(style.bg).unwrap_or(ground));
            assert!(found >= READABLE, "{}: {role:?} has {found:.2}", theme.name);
        }
    }
}

#[test]
fn the_selected_row_stands_out_from_what_is_around_it() {
    for theme in shipped().iter().filter(|theme| theme.name != "mono") {
        let (_, ground) = ground(theme);
        let found = contrast(rgb(theme.style(Role::Selection).bg).unwrap_or(ground), ground);
        assert!(found >= SEEN, "{}: {found:.2}", theme.name);
    }
}

/// True when a cell of this style looks other than text.
fn marked(style: Style, text: Style) -> bool {
    let background = |style: Style| style.bg.filter(|bg| *bg != Color::Reset).unwrap_or(Color::Black);
    style.add_modifier.contains(Modifier::REVERSED) || background(style) != background(text)
}

#[test]
fn selection_and_header_stand_out_at_every_depth() {
    for theme in shipped() {
        for depth in [Depth::True, Depth::Palette256, Depth::Ansi16, Depth::None] {
            let shown = theme.on(depth);
            let text = shown.style(Role::Text);
            assert!(!text.add_modifier.contains(Modifier::REVERSED), "{} {depth:?}", theme.name);
            for role in [Role::Selection, Role::Header] {
                assert!(marked(shown.style(role), text), "{} {depth:?} {role:?}", theme.name);
            }
        }
    }
}

#[test]
fn nothing_written_vanishes_with_fewer_colours() {
    for theme in shipped() {
        for depth in [Depth::Palette256, Depth::Ansi16] {
            let shown = theme.on(depth);
            let ground = shown.style(Role::Text).bg;
            for role in WRITTEN {
                let style = shown.style(role);
                let same = style.fg.is_some_and(|fg| fg != Color::Reset && Some(fg) == style.bg.or(ground));
                assert!(!same, "{} {depth:?} {role:?}: {style:?}", theme.name);
            }
        }
    }
}

#[test]
fn without_colours_no_cell_has_one() {
    for (name, mut model) in screens() {
        model.facts.depth = Depth::None;
        model.themes = shipped().iter().map(|theme| theme.on(Depth::None)).collect();
        for at in 0..model.themes.len() {
            model.theme = at;
            let backend = drawn(&mut model, 80, 24);
            let coloured =
                backend.buffer().content().iter().find(|c| c.fg != Color::Reset || c.bg != Color::Reset);
            assert!(coloured.is_none(), "{name}, {}: {coloured:?}", model.theme().name);
        }
    }
}

#[test]
fn the_key_walks_all_themes_and_comes_back() {
    let mut model = opened(Screen::Overview);
    let names: Vec<String> = (0..8)
        .map(|_| {
            perform(&mut model, Action::NextTheme);
            model.theme().name.clone()
        })
        .collect();
    assert_eq!(names[..7], ["light", "high-contrast", "color-blind", "mono", "nord", "gruvbox", "dark"]);
    assert_eq!(names[7], names[0]);
}
