//! A list with a selected row that is remembered by what it is, not by where it stands: rows may move under the cursor.

use crate::tui::keymap::Action;

/// Rows that are told apart by `K`, one of them selected unless there is none.
#[derive(Clone, PartialEq, Debug)]
pub struct List<K> {
    rows: Vec<K>,
    key: Option<K>,
    index: usize,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        Self { rows: Vec::new(), key: None, index: 0 }
    }
}

impl<K: PartialEq + Clone> List<K> {
    /// The rows, in order.
    pub fn rows(&self) -> &[K] {
        &self.rows
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// Its place.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Other rows: the selection stays with its row; when that is gone, with the place it had.
    pub fn set(&mut self, rows: Vec<K>) {
        self.rows = rows;
        if let Some(at) = self.key.as_ref().and_then(|key| self.place(key)) {
            self.index = at;
            return;
        }
        self.index = self.index.min(self.rows.len().saturating_sub(1));
        self.key = self.rows.get(self.index).cloned();
    }

    /// Selects this row, if there is such a one.
    pub fn select(&mut self, key: &K) {
        if let Some(at) = self.place(key) {
            self.select_at(at);
        }
    }

    /// Selects the row at this place, if there is one.
    pub fn select_at(&mut self, place: usize) {
        if let Some(key) = self.rows.get(place) {
            (self.key, self.index) = (Some(key.clone()), place);
        }
    }

    /// The next rows have this one instead of the selected one.
    pub fn follow(&mut self, key: K) {
        self.key = Some(key);
    }

    /// Moves by so many rows, not beyond the ends.
    pub fn step(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.select_at(self.index.saturating_add_signed(by).min(last));
    }

    fn place(&self, key: &K) -> Option<usize> {
        self.rows.iter().position(|row| row == key)
    }
}

/// By how many rows an action moves through a list whose pages have so many; nothing for actions that do not.
pub fn rows_moved(action: Action, page: usize) -> Option<isize> {
    let page = isize::try_from(page).unwrap_or(isize::MAX);
    Some(match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::First => isize::MIN,
        Action::Last => isize::MAX,
        _ => return None,
    })
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

    fn at(list: &List<&'static str>) -> (Option<&'static str>, usize) {
        (list.selected().copied(), list.index())
    }

    #[test]
    fn the_selection_follows_its_row() {
        let mut list = List::default();
        list.set(vec!["a", "b", "c"]);
        assert_eq!(at(&list), (Some("a"), 0));
        list.step(1);
        list.set(vec!["x", "a", "b"]);
        assert_eq!(at(&list), (Some("b"), 2));
        list.set(vec!["x", "a"]);
        assert_eq!(at(&list), (Some("a"), 1));
        list.follow("new");
        list.set(vec!["new", "x"]);
        assert_eq!(at(&list), (Some("new"), 0));
        list.set(vec![]);
        assert_eq!(at(&list), (None, 0));
        list.step(1);
        assert_eq!(at(&list), (None, 0));
    }

    #[test]
    fn only_what_is_there_is_selected() {
        let mut list = List::default();
        list.set(vec!["a", "b", "c"]);
        list.select(&"c");
        list.select(&"d");
        list.select_at(3);
        assert_eq!(at(&list), (Some("c"), 2));
        list.step(isize::MIN);
        assert_eq!(at(&list), (Some("a"), 0));
        list.step(isize::MAX);
        assert_eq!(at(&list), (Some("c"), 2));
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
