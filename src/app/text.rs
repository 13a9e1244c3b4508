//! Plain text for a terminal of 80 columns: cutting, wrapping and padding, counted in characters.
//!
//! Wide scripts take more room than is counted here; their lines may be longer, never wrong.

/// Columns a line may take.
pub(super) const WIDTH: usize = 80;

/// How many columns the text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// At most `width` columns of the text; `…` stands for what is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
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
    let characters: Vec<char> = word.chars().collect();
    match characters.is_empty() {
        true => vec![String::new()],
        false => characters.chunks(room).map(|piece| piece.iter().collect()).collect(),
    }
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
        assert_eq!(cut("日本語", 2), "日…");
    }

    #[test]
    fn words_are_kept_whole_where_they_can_be() {
        assert_eq!(wrap("one two three", 2, 8), ["one two", "  three"]);
        assert_eq!(wrap("abcdefghij k", 1, 5), ["abcd", " efgh", " ij k"]);
        assert_eq!(wrap("", 2, 8), [""]);
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
