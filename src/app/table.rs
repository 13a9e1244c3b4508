//! Tables of at most 80 columns for people, with colour where the terminal wants it.
//!
//! Columns are as wide as their widest cell. When a row would be too long, those that may give way do, down to
//! [`LEAST`], and their texts are cut in the middle; then the gaps do. Every cell is escaped here: no text from outside
//! reaches the terminal as it came.

use super::paint::{Line, Span, Tone, rendered, span};
use super::text::{WIDTH, cut_middle, fit, pad, width};
use crate::logging::escape::escape;

/// Between two columns, and where that leaves too little room.
const GAPS: [usize; 2] = [2, 1];
/// The narrowest a column that gives way gets.
const LEAST: usize = 6;

/// How a column stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stand {
    /// At the left.
    Left,
    /// At the left; it gives way.
    Flexible,
    /// At the right: numbers.
    Right,
}

/// A table under construction.
#[derive(Debug)]
pub(super) struct Table {
    stands: Vec<Stand>,
    rows: Vec<Vec<Span>>,
    /// Widths that do not follow the rows.
    ruled: Option<Vec<usize>>,
}

/// A cell without colour.
pub(super) fn plain(text: impl Into<String>) -> Span {
    span(Tone::Plain, text)
}

impl Table {
    /// A table with these columns.
    pub(super) fn new(columns: &[(&str, Stand)]) -> Self {
        let heads = columns.iter().map(|(head, _)| span(Tone::Quiet, *head)).collect();
        Self { stands: columns.iter().map(|(_, stand)| *stand).collect(), rows: vec![heads], ruled: None }
    }

    /// A table whose rows are printed before the next one is known: its columns have these widths.
    pub(super) fn ruled(columns: &[(&str, Stand)], widths: &[usize]) -> Self {
        Self { ruled: Some(widths.to_vec()), ..Self::new(columns) }
    }

    /// The line of heads.
    pub(super) fn heads(&self) -> Line {
        self.rows.first().map(|heads| self.line(heads, &self.layout())).unwrap_or_default()
    }

    /// The line of a row that is not kept.
    pub(super) fn row(&self, cells: Vec<Span>) -> Line {
        self.line(&escaped(cells), &self.layout())
    }

    /// Adds a row with a cell for every column.
    pub(super) fn add(&mut self, cells: Vec<Span>) {
        self.rows.push(escaped(cells));
    }

    /// Its lines, heads first.
    pub(super) fn lines(&self) -> Vec<Line> {
        let layout = self.layout();
        self.rows.iter().map(|row| self.line(row, &layout)).collect()
    }

    /// The same as text, for tables without colour.
    pub(super) fn texts(&self) -> Vec<String> {
        rendered(&self.lines(), false).lines().map(str::to_owned).collect()
    }

    fn layout(&self) -> Layout {
        if let Some(ruled) = &self.ruled {
            return Layout { widths: ruled.clone(), gap: GAPS[1] };
        }
        let mut widths = vec![0; self.stands.len()];
        for row in &self.rows {
            widths.iter_mut().zip(row).for_each(|(widest, cell)| *widest = width(&cell.text).max(*widest));
        }
        let flexible: Vec<usize> =
            (0..widths.len()).filter(|&i| self.stands.get(i) == Some(&Stand::Flexible)).collect();
        let laid_out = GAPS.map(|gap| {
            let (mut widths, room) = (widths.clone(), WIDTH - gap * (widths.len().max(1) - 1));
            fit(&mut widths, &flexible, room, LEAST);
            (widths.iter().sum::<usize>() <= room, Layout { widths, gap })
        });
        let [(fits, wide), (_, narrow)] = laid_out;
        if fits { wide } else { narrow }
    }

    fn line(&self, row: &[Span], layout: &Layout) -> Line {
        let mut line = Vec::with_capacity(row.len() * 2);
        for ((cell, stand), width) in row.iter().zip(&self.stands).zip(&layout.widths) {
            if !line.is_empty() {
                line.push(plain(" ".repeat(layout.gap)));
            }
            let text = match stand {
                Stand::Flexible => cut_middle(&cell.text, *width),
                Stand::Left | Stand::Right => cell.text.clone(),
            };
            line.push(span(cell.tone, pad(&text, *width, *stand == Stand::Right)));
        }
        // The spaces behind the last cell would only break lines on narrow terminals.
        if let Some(last) = line.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        line
    }
}

/// How wide everything is.
struct Layout {
    widths: Vec<usize>,
    gap: usize,
}

fn escaped(cells: Vec<Span>) -> Vec<Span> {
    cells.into_iter().map(|cell| span(cell.tone, escape(&cell.text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[&str; 3]]) -> String {
        let columns = [("NAME", Stand::Flexible), ("STATE", Stand::Left), ("N", Stand::Right)];
        let mut table = Table::new(&columns);
        rows.iter().for_each(|row| table.add(row.iter().map(|cell| plain(*cell)).collect()));
        rendered(&table.lines(), false)
    }

    #[test]
    fn columns_stand_below_each_other() {
        let text = table(&[["a", "up", "7"], ["日本", "resting", "1,234"]]);
        assert_eq!(text, "NAME  STATE        N\na     up           7\n日本  resting  1,234\n");
    }

    #[test]
    fn gaps_give_way_last() {
        let text = table(&[["name-of-many-letters", &"s".repeat(60), "12345678901"]]);
        assert_eq!(text.lines().last().unwrap(), format!("nam…ers {} 12345678901", "s".repeat(60)));
    }

    #[test]
    fn a_ruled_table_does_not_wait_for_its_rows() {
        let columns = [("NAME", Stand::Flexible), ("N", Stand::Right)];
        let table = Table::ruled(&columns, &[6, 3]);
        let lines = [table.heads(), table.row(vec![plain("a-long-name"), plain("7")])];
        assert_eq!(rendered(&lines, false), "NAME     N\na-l…me   7\n");
    }

    #[test]
    fn long_names_give_way_and_odd_ones_are_escaped() {
        let long = "n".repeat(40) + &"m".repeat(60);
        let text = table(&[[&long, "up", "7"], ["a\u{1b}[2J\n", "up", "8"]]);
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        assert!(text.contains("nnn…mmm") && text.contains(r"a\u{1b}[2J\n"), "{text}");
        assert_eq!(text.lines().count(), 3);
    }
}
