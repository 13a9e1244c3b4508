//! Lines with colour, for terminals that want it.

use std::io::IsTerminal;

use crate::logging::wants_colour;

/// How a piece of a line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Plain,
    Strong,
    Quiet,
    Good,
    Trouble,
    Bad,
    Story,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\u{1b}[1m",
            Self::Quiet => "\u{1b}[2m",
            Self::Good => "\u{1b}[32m",
            Self::Trouble => "\u{1b}[33m",
            Self::Bad => "\u{1b}[1;31m",
            Self::Story => "\u{1b}[36m",
        }
    }
}

/// A piece of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) tone: Tone,
    pub(super) text: String,
}

/// One line of the account.
pub(super) type Line = Vec<Span>;

/// A piece.
pub(super) fn span(tone: Tone, text: impl Into<String>) -> Span {
    Span { tone, text: text.into() }
}

/// Whether standard output gets colours.
pub(super) fn colour() -> bool {
    std::io::stdout().is_terminal() && wants_colour(|name| std::env::var_os(name))
}

/// The lines as they are written.
pub(super) fn rendered(lines: &[Line], colour: bool) -> String {
    let mut out = String::new();
    for line in lines {
        for Span { tone, text } in line {
            match colour && *tone != Tone::Plain {
                true => out.extend([tone.code(), text, "\u{1b}[0m"]),
                false => out.push_str(text),
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_there_is_only_text() {
        let lines = [vec![span(Tone::Bad, "no"), span(Tone::Plain, " "), span(Tone::Good, "yes ")]];
        assert_eq!(rendered(&lines, false), "no yes\n");
        assert_eq!(rendered(&lines, true), "\u{1b}[1;31mno\u{1b}[0m \u{1b}[32myes \u{1b}[0m\n");
    }
}
