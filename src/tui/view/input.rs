//! A line of text that is typed into: the part of it that there is room for, and the cell the cursor stands in.
//!
//! Counted in cells, and by what a reader takes for one character: a wide one takes two cells, an accent none, and neither
//! is ever cut in two. The cursor is always in the part that is shown.

use ratatui::style::Style;
use ratatui::text::Span;
use tui_input::Input;
use unicode_width::UnicodeWidthStr;

/// What `width` cells show of the text, and the cell of the cursor among them.
pub(super) fn shown(input: &Input, width: usize) -> (String, u16) {
    // One cell is left for the cursor behind the last character.
    let start = input.visual_scroll(width.saturating_sub(1));
    let (mut column, mut text, mut used) = (0, String::new(), 0);
    for grapheme in Span::raw(input.value()).styled_graphemes(Style::default()) {
        let cells = grapheme.symbol.width();
        if column >= start {
            used += cells;
            if used > width {
                break;
            }
            text.push_str(grapheme.symbol);
        }
        column += cells;
    }
    (text, input.visual_cursor().saturating_sub(start) as u16)
}

#[cfg(test)]
mod tests {
    use tui_input::InputRequest;

    use super::*;

    fn typed(text: &str) -> Input {
        Input::new(text.to_owned())
    }

    #[test]
    fn what_fits_is_shown_whole() {
        assert_eq!(shown(&typed("abc"), 10), ("abc".to_owned(), 3));
        assert_eq!(shown(&typed("日本語"), 10), ("日本語".to_owned(), 6));
        assert_eq!(shown(&typed(""), 10), (String::new(), 0));
    }

    #[test]
    fn of_more_the_end_is_shown_up_to_the_cursor() {
        assert_eq!(shown(&typed("abcdefgh"), 5), ("efgh".to_owned(), 4));
        assert_eq!(shown(&typed("日本語文字列"), 9), ("語文字列".to_owned(), 8));
        assert_eq!(shown(&typed("日本語文字列"), 8), ("文字列".to_owned(), 6), "no half of one");
        assert_eq!(shown(&typed("a🙂b🤦🏼‍♂️c"), 5), ("b🤦🏼‍♂️c".to_owned(), 4));
    }

    #[test]
    fn the_cursor_goes_back_through_wide_characters() {
        let mut input = typed("ab日本語文字列");
        for _ in 0..6 {
            input.handle(InputRequest::GoToPrevChar);
        }
        assert_eq!(shown(&input, 9), ("ab日本語".to_owned(), 2));
        input.handle(InputRequest::GoToStart);
        assert_eq!(shown(&input, 9), ("ab日本語".to_owned(), 0));
    }
}
