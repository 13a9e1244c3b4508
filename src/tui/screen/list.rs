//! A list with a selected row that is remembered by what it is, not by where it stands: rows may move under the cursor.

/// A selection among rows that are told apart by `K`.
#[derive(Clone, PartialEq, Debug)]
pub struct Selection<K> {
    key: Option<K>,
    index: usize,
}

impl<K> Default for Selection<K> {
    fn default() -> Self {
        Self { key: None, index: 0 }
    }
}

impl<K: PartialEq + Clone> Selection<K> {
    /// The selected row's key.
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// The selected row's place among the rows of the last [`Selection::settle`].
    pub fn index(&self) -> usize {
        self.index
    }

    /// Selects this row.
    pub fn select(&mut self, key: K) {
        self.key = Some(key);
    }

    /// Rows changed: stays with its row; when that is gone, with the place it had.
    pub fn settle(&mut self, rows: &[K]) {
        if let Some(at) = self.key.as_ref().and_then(|key| rows.iter().position(|row| row == key)) {
            self.index = at;
            return;
        }
        self.index = self.index.min(rows.len().saturating_sub(1));
        self.key = rows.get(self.index).cloned();
    }

    /// Moves by so many rows, not beyond the ends.
    pub fn step(&mut self, rows: &[K], by: isize) {
        self.settle(rows);
        let last = rows.len().saturating_sub(1);
        self.index = self.index.saturating_add_signed(by).min(last);
        self.key = rows.get(self.index).cloned();
    }
}

/// The first row to draw so that `selected` is among `height` rows, moving as little as possible from `before`.
pub fn scroll(before: usize, selected: usize, height: usize, rows: usize) -> usize {
    let last = rows.saturating_sub(height);
    let earliest = (selected + 1).saturating_sub(height);
    before.clamp(earliest, selected.max(earliest)).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_follows_its_row() {
        let mut selection = Selection::default();
        selection.step(&["a", "b", "c"], 1);
        assert_eq!(selection.key(), Some(&"b"));
        selection.settle(&["x", "a", "b"]);
        assert_eq!((selection.key(), selection.index()), (Some(&"b"), 2));
        selection.settle(&["x", "a"]);
        assert_eq!((selection.key(), selection.index()), (Some(&"a"), 1));
        selection.settle(&[]);
        assert_eq!((selection.key(), selection.index()), (None, 0));
    }

    #[test]
    fn scrolling_keeps_the_selected_row_in_view() {
        assert_eq!(scroll(0, 4, 5, 100), 0);
        assert_eq!(scroll(0, 5, 5, 100), 1);
        assert_eq!(scroll(50, 10, 5, 100), 10);
        assert_eq!(scroll(99, 99, 5, 100), 95);
        assert_eq!(scroll(3, 0, 5, 2), 0);
        assert_eq!(scroll(0, 3, 0, 9), 4);
    }
}
