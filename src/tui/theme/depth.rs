//! How many colours a terminal shows, and the nearest of them.

use ratatui::style::{Color, Modifier, Style};

/// What a terminal can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// Any colour.
    True,
    /// A palette of 256.
    Palette256,
    /// The sixteen.
    Ansi16,
    /// None.
    None,
}

/// The sixteen as most terminals show them: <https://en.wikipedia.org/wiki/ANSI_escape_code#Colors> (xterm).
const SIXTEEN: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

impl Depth {
    /// What the environment says, given `NO_COLOR`, `COLORTERM` and `TERM`.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let term = var("TERM").unwrap_or_default();
        if var("NO_COLOR").is_some_and(|v| !v.is_empty()) || term == "dumb" {
            return Self::None;
        }
        match var("COLORTERM").as_deref() {
            Some("truecolor" | "24bit") => Self::True,
            _ if term.contains("direct") => Self::True,
            _ if term.contains("256") => Self::Palette256,
            // The Windows console says nothing and shows everything.
            _ if term.is_empty() && cfg!(windows) => Self::True,
            _ => Self::Ansi16,
        }
    }

    /// The nearest style this terminal can show.
    pub fn style(self, style: Style) -> Style {
        if self == Self::None {
            // A background was how the style stood out; reverse does it without colour.
            let marked = style.bg.is_some_and(|c| c != Color::Reset);
            let modifiers = style.add_modifier | if marked { Modifier::REVERSED } else { Modifier::empty() };
            return Style::new().add_modifier(modifiers);
        }
        let nearest = |color: Option<Color>| color.map(|c| self.color(c));
        Style { fg: nearest(style.fg), bg: nearest(style.bg), underline_color: None, ..style }
    }

    fn color(self, color: Color) -> Color {
        match (self, color) {
            (Self::Palette256, Color::Rgb(r, g, b)) => Color::Indexed(cube([r, g, b])),
            (Self::Ansi16, Color::Rgb(r, g, b)) => sixteenth([r, g, b]),
            (Self::Ansi16, Color::Indexed(i)) => sixteenth(indexed(i)),
            _ => color,
        }
    }
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

fn sixteenth(rgb: [u8; 3]) -> Color {
    let nearest = SIXTEEN.iter().min_by_key(|(_, known)| distance(rgb, *known));
    nearest.map_or(Color::Reset, |(color, _)| *color)
}

/// The nearest of the colour cube (16..=231) and the greys (232..=255).
fn cube(rgb: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|i| distance(rgb, indexed(*i))).unwrap_or(16)
}

fn indexed(index: u8) -> [u8; 3] {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..=15 => SIXTEEN[usize::from(index)].1,
        16..=231 => {
            let i = usize::from(index) - 16;
            [STEPS[i / 36], STEPS[i / 6 % 6], STEPS[i % 6]]
        }
        232..=255 => [8 + 10 * (index - 232); 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let with = |pairs: &'static [(&str, &str)]| {
            Depth::detect(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(with(&[("TERM", "xterm-256color")]), Depth::Palette256);
        assert_eq!(with(&[("TERM", "xterm")]), Depth::Ansi16);
        assert_eq!(with(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(with(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), Depth::Palette256);
    }

    #[test]
    fn the_nearest_colour_is_taken() {
        let style = Style::new().fg(Color::Rgb(255, 1, 0));
        assert_eq!(Depth::Palette256.style(style).fg, Some(Color::Indexed(196)));
        assert_eq!(Depth::Ansi16.style(style).fg, Some(Color::LightRed));
        assert_eq!(Depth::None.style(style.bg(Color::Blue)), Style::new().add_modifier(Modifier::REVERSED));
    }
}
