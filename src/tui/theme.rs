//! Colours by role, from files, for every kind of terminal.
//!
//! A theme gives styles to [`Role`]s. Views name roles, never colours; and a colour never carries meaning alone: every
//! state has a word and a glyph of its own.
//!
//! | terminal | colours |
//! |---|---|
//! | truecolor (`COLORTERM`) | as written |
//! | 256 (`TERM=*-256color`) | the nearest of the 6x6x6 cube and the greys |
//! | 16 | the nearest of the sixteen |
//! | `NO_COLOR`, `TERM=dumb` | none: bold, dim, underline and reverse carry on |

mod depth;
mod file;

use std::sync::LazyLock;

use ratatui::style::Style;

pub use self::depth::Depth;
pub use self::file::{ThemeError, parse};

/// What a style is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// What matters less.
    Muted,
    /// What to look at first: the tab one is on, headings.
    Accent,
    /// Lines around things.
    Border,
    /// Lines around what has the focus.
    BorderFocus,
    /// The selected row.
    Selection,
    /// The line on top.
    Header,
    /// It works.
    Ok,
    /// It works, with trouble.
    Warn,
    /// It does not work.
    Error,
    /// For information.
    Info,
    /// Requests that wait.
    Suspended,
    /// First series of a chart.
    ChartA,
    /// Second series of a chart.
    ChartB,
}

impl Role {
    /// All of them, with the names theme files use.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::Text, "text"),
        (Self::Muted, "muted"),
        (Self::Accent, "accent"),
        (Self::Border, "border"),
        (Self::BorderFocus, "border_focus"),
        (Self::Selection, "selection"),
        (Self::Header, "header"),
        (Self::Ok, "ok"),
        (Self::Warn, "warn"),
        (Self::Error, "error"),
        (Self::Info, "info"),
        (Self::Suspended, "suspended"),
        (Self::ChartA, "chart_a"),
        (Self::ChartB, "chart_b"),
    ];
}

/// A style for each role, as the terminal can show it.
#[derive(Clone, PartialEq, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The same theme on a terminal with fewer colours.
    #[must_use]
    pub fn on(&self, depth: Depth) -> Self {
        Self { name: self.name.clone(), styles: self.styles.map(|style| depth.style(style)) }
    }
}

/// The themes that come with the program: file name without ending, and text.
const SHIPPED: [(&str, &str); 7] = [
    ("dark", include_str!("../../themes/dark.yaml")),
    ("light", include_str!("../../themes/light.yaml")),
    ("high-contrast", include_str!("../../themes/high-contrast.yaml")),
    ("color-blind", include_str!("../../themes/color-blind.yaml")),
    ("mono", include_str!("../../themes/mono.yaml")),
    ("nord", include_str!("../../themes/nord.yaml")),
    ("gruvbox", include_str!("../../themes/gruvbox.yaml")),
];

/// The themes that come with the program, in the order in which the key walks them.
#[allow(clippy::expect_used, reason = "the themes are compiled in, and a test reads them")]
pub fn shipped() -> &'static [Theme] {
    static THEMES: LazyLock<Vec<Theme>> = LazyLock::new(|| {
        let read =
            |(name, text): (&str, &str)| parse(name, text, &[]).expect("a theme of the program is sound");
        SHIPPED.into_iter().map(read).collect()
    });
    &THEMES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_listed_in_order_and_every_shipped_theme_reads() {
        assert!(Role::ALL.iter().enumerate().all(|(i, (role, _))| *role as usize == i));
        assert_eq!(shipped().len(), 7);
    }

    #[test]
    fn the_selected_row_can_be_told_on_every_terminal() {
        for theme in shipped() {
            for depth in [Depth::True, Depth::Palette256, Depth::Ansi16, Depth::None] {
                let theme = theme.on(depth);
                assert_ne!(theme.style(Role::Selection), theme.style(Role::Text), "{} {depth:?}", theme.name);
            }
        }
    }
}
