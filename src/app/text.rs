//! Plain text for a terminal of 80 columns: cutting, wrapping and padding, counted in columns.
//!
//! Characters of wide scripts take two columns, combining ones none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns a line may take.
pub(super) const WIDTH: usize = 80;

/// How many columns the text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// At most `width` columns of the text; `…` stands for what is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    head(text, width.saturating_sub(1)).to_owned() + "…"
}

/// As [`cut`], with the middle missing: names that begin alike often differ at the end.
pub(super) fn cut_middle(text: &str, width: usize) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let backwards: String = text.chars().rev().collect();
    let tail: String = head(&backwards, room / 2).chars().rev().collect();
    format!("{}…{tail}", head(text, room - room / 2))
}

/// The first characters, as many as fit into `room` columns.
fn head(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > room
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The text and so many spaces that it takes `width` columns; spaces first where it stands at the right.
pub(super) fn pad(text: &str, width: usize, right: bool) -> String {
    let spaces = " ".repeat(width.saturating_sub(self::width(text)));
    if right { spaces + text } else { text.to_owned() + &spaces }
}

/// The words of the text in lines of at most `width` columns, the second and later ones behind `indent` spaces. A word
/// that is longer than a line is broken.
pub(super) fn wrap(text: &str, indent: usize, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let room = width.saturating_sub(indent).max(1);
    for piece in text.split(' ').flat_map(|word| pieces(word, room)) {
        match lines.last_mut() {
            Some(line) if line.trim_start().is_empty() => line.push_str(&piece),
            Some(line) if self::width(line) + 1 + self::width(&piece) <= width => {
                line.push(' ');
                line.push_str(&piece);
            }
            _ => lines.push(format!("{:indent$}{piece}", "")),
        }
    }
    lines
}

fn pieces(word: &str, room: usize) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), word);
    while width(rest) > room {
        // A character that is wider than the room has to go somewhere.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let (piece, after) = rest.split_at(head(rest, room).len().max(first));
        pieces.push(piece.to_owned());
        rest = after;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// Shrinks the widest of the columns named in `flexible` until all of them together take at most `limit`; none gets
/// narrower than `least`.
pub(super) fn fit(widths: &mut [usize], flexible: &[usize], limit: usize, least: usize) {
    while widths.iter().sum::<usize>() > limit {
        let shrinkable = flexible.iter().copied().filter(|&i| widths.get(i).is_some_and(|w| *w > least));
        let Some(widest) = shrinkable.max_by_key(|&i| widths.get(i).copied()) else { return };
        if let Some(width) = widths.get_mut(widest) {
            *width -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_says_that_it_is_one() {
        assert_eq!(cut("endpoint", 8), "endpoint");
        assert_eq!(cut("endpoint", 5), "endp…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…", "a wide character takes two columns");
        assert_eq!(cut("日本語", 0), "…");
        assert_eq!(cut_middle("claude-sonnet-4-5-20250929", 15), "claude-…0250929");
        assert_eq!(cut_middle("日本語日本語", 8), "日本…語");
        assert_eq!(cut_middle("short", 8), "short");
    }

    #[test]
    fn padding_counts_columns() {
        assert_eq!(pad("日本", 6, false), "日本  ");
        assert_eq!(pad("12", 5, true), "   12");
        assert_eq!(pad("long", 2, true), "long");
    }

    #[test]
    fn words_are_kept_whole_where_they_can_be() {
        assert_eq!(wrap("one two three", 2, 8), ["one two", "  three"]);
        assert_eq!(wrap("abcdefghij k", 1, 5), ["abcd", " efgh", " ij k"]);
        assert_eq!(wrap("", 2, 8), [""]);
        assert_eq!(wrap("日本語", 0, 4), ["日本", "語"]);
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        let mut widths = [10, 20, 4];
        fit(&mut widths, &[0, 1], 25, 6);
        assert_eq!(widths.iter().sum::<usize>(), 25);
        assert_eq!(widths[2], 4);
        fit(&mut widths, &[0, 1], 1, 6);
        assert_eq!(widths, [6, 6, 4]);
    }
}
