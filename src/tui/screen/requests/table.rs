//! The rows of the request log: everything that ended, what of it the filter lets through, and what runs, in one order.
//!
//! Made for a hundred thousand rows: a snapshot costs what is new in it, a row or a place is looked up in logarithmic
//! time, and only a new filter or another order looks at everything once.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::order::Order;
use crate::events::RequestId;
use crate::tui::filter::Filter;
use crate::tui::request::Entry;

/// Ended requests kept; the oldest go first.
pub const MAX_ENDED: usize = 200_000;

/// See the module.
#[derive(Default, Debug)]
pub struct Table {
    /// All that ended, by id.
    ended: HashMap<RequestId, Arc<Entry>>,
    /// The same, in order.
    all: Vec<Arc<Entry>>,
    /// Those that fit, in order.
    shown: Vec<Arc<Entry>>,
    /// All that runs.
    running: Vec<Arc<Entry>>,
    /// Those running that fit, in order, each with its place among all rows.
    live: Vec<(usize, Arc<Entry>)>,
    filter: Filter,
    order: Order,
}

impl Table {
    /// Rows to show.
    pub fn len(&self) -> usize {
        self.shown.len() + self.live.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Requests known, whether they fit or not: those that ended.
    pub fn known(&self) -> usize {
        self.ended.len()
    }

    /// The row at this place.
    pub fn row(&self, place: usize) -> Option<&Arc<Entry>> {
        let before = self.live.partition_point(|(at, _)| *at < place);
        match self.live.get(before) {
            Some((at, entry)) if *at == place => Some(entry),
            _ => self.shown.get(place - before),
        }
    }

    /// The place of a request.
    pub fn place(&self, id: RequestId) -> Option<usize> {
        if let Some((at, _)) = self.live.iter().find(|(_, entry)| entry.id == id) {
            return Some(*at);
        }
        let entry = self.ended.get(&id).filter(|entry| self.filter.fits(&***entry))?;
        let among = self.shown.partition_point(|other| self.order.compare(other, entry) == Ordering::Less);
        let before = (0..=self.live.len()).rev().find(|n| *n == 0 || self.live[n - 1].0 < among + n);
        Some(among + before.unwrap_or(0))
    }

    /// True when this request is known to have ended.
    pub fn has_ended(&self, id: RequestId) -> bool {
        self.ended.contains_key(&id)
    }

    /// The filter in force.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The order in force.
    pub fn order(&self) -> Order {
        self.order
    }

    /// From now on, these rows only.
    pub fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.choose();
    }

    /// From now on, in this order.
    pub fn set_order(&mut self, order: Order) {
        self.order = order;
        order.sort(&mut self.all);
        self.choose();
    }

    /// Takes in requests that ended, in any order. Those that are known stay as they are.
    pub fn end(&mut self, entries: impl IntoIterator<Item = Arc<Entry>>) {
        let mut fresh = Vec::new();
        for entry in entries {
            if let std::collections::hash_map::Entry::Vacant(slot) = self.ended.entry(entry.id) {
                fresh.push(Arc::clone(slot.insert(entry)));
            }
        }
        put(&mut self.all, fresh.clone(), self.order);
        fresh.retain(|entry| self.filter.fits(&**entry));
        put(&mut self.shown, fresh, self.order);
        self.settle();
        self.forget_surplus();
    }

    /// Takes in what runs, instead of what did.
    pub fn run(&mut self, entries: impl Iterator<Item = Entry>) {
        self.running = entries.filter(|entry| !self.ended.contains_key(&entry.id)).map(Arc::new).collect();
        self.choose_live();
    }

    /// Looks at everything once.
    fn choose(&mut self) {
        let filter = &self.filter;
        self.shown = self.all.iter().filter(|entry| filter.fits(&***entry)).cloned().collect();
        self.choose_live();
    }

    fn choose_live(&mut self) {
        let fitting = self.running.iter().filter(|entry| self.filter.fits(&***entry));
        self.live = fitting.map(|entry| (0, Arc::clone(entry))).collect();
        self.settle();
    }

    /// Gives what runs its places.
    fn settle(&mut self) {
        let (shown, order) = (&self.shown, self.order);
        self.live.sort_by(|(_, a), (_, b)| order.compare(a, b));
        for (n, (place, entry)) in self.live.iter_mut().enumerate() {
            *place = n + shown.partition_point(|other| order.compare(other, entry) == Ordering::Less);
        }
    }

    fn forget_surplus(&mut self) {
        if self.ended.len() <= MAX_ENDED {
            return;
        }
        // A tenth at once: this looks at everything.
        let keep = MAX_ENDED - MAX_ENDED / 10;
        let mut times: Vec<_> = self.all.iter().map(|entry| (entry.accepted, entry.id)).collect();
        let surplus = times.len() - keep;
        let (_, first_kept, _) = times.select_nth_unstable(surplus);
        let first_kept = *first_kept;
        self.all.retain(|entry| (entry.accepted, entry.id) >= first_kept);
        self.ended.retain(|_, entry| (entry.accepted, entry.id) >= first_kept);
        self.choose();
    }
}

/// So many rows are put in one by one; more are merged.
const FEW: usize = 16;

/// Puts rows where they belong.
fn put(rows: &mut Vec<Arc<Entry>>, fresh: Vec<Arc<Entry>>, order: Order) {
    if fresh.len() > FEW {
        rows.extend(fresh);
        // A run that is sorted already costs one pass.
        return rows.sort_by(|a, b| order.compare(a, b));
    }
    for entry in fresh {
        let place = rows.partition_point(|other| order.compare(other, &entry) == Ordering::Less);
        rows.insert(place, entry);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::events::State;
    use crate::events::board::Phase;
    use crate::tui::request::{Numbers, Stage, Words};
    use crate::tui::screen::requests::order::Column;

    fn entry(number: u32, second: i64, tokens: u64, stage: Stage) -> Entry {
        let accepted = jiff::Timestamp::from_second(second).unwrap();
        let numbers = Numbers { tokens: Some((tokens, 1)), ..Numbers::default() };
        let model = if tokens.is_multiple_of(2) { "even" } else { "odd" };
        let words = Words { model: Some(model), ..Words::default() };
        Entry::new(RequestId::from_number(number), accepted, stage, numbers, &words)
    }

    fn ids(table: &Table) -> Vec<u32> {
        (0..table.len()).map(|place| table.row(place).unwrap().id.number()).collect()
    }

    proptest! {
        #[test]
        fn rows_stand_as_if_all_had_been_filtered_and_sorted(
            seconds in prop::collection::vec((0_i64..50, 0_u64..9), 1..60),
            running in prop::collection::vec((0_i64..50, 0_u64..9), 0..6),
            steps in 0_usize..12,
            reverse in any::<bool>(),
            filtered in any::<bool>(),
        ) {
            let ended = |(n, (second, tokens)): (u32, &(i64, u64))| {
                entry(n, *second, *tokens, Stage::Ended(State::Completed))
            };
            let live = |(n, (second, tokens)): (u32, &(i64, u64))| {
                entry(1_000 + n, *second, *tokens, Stage::Live(Phase::Streaming))
            };
            let ended: Vec<Entry> = (0..).zip(&seconds).map(ended).collect();
            let live: Vec<Entry> = (0..).zip(&running).map(live).collect();
            let mut order = Order::default();
            (0..steps).for_each(|_| order = order.next());
            if reverse { order = order.turned() }
            let filter = if filtered { Filter::parse("model:even").unwrap() } else { Filter::default() };

            let mut table = Table::default();
            let half = ended.len() / 2;
            table.end(ended[..half].iter().cloned().map(Arc::new));
            table.run(live.iter().cloned());
            table.set_order(order);
            table.set_filter(filter.clone());
            table.end(ended[half..].iter().cloned().map(Arc::new));
            table.run(live.iter().cloned());

            let mut all: Vec<&Entry> = ended.iter().chain(&live).filter(|e| filter.fits(*e)).collect();
            all.sort_by(|a, b| order.compare(a, b));
            let wanted: Vec<u32> = all.iter().map(|e| e.id.number()).collect();
            prop_assert_eq!(ids(&table), wanted);
            for place in 0..table.len() {
                let id = table.row(place).unwrap().id;
                prop_assert_eq!(table.place(id), Some(place));
            }
            prop_assert_eq!(table.place(RequestId::from_number(9_999)), None);
        }
    }

    #[test]
    fn the_oldest_are_forgotten_in_the_end() {
        let mut table = Table::default();
        let all = (0..MAX_ENDED as u32 + 1).map(|n| entry(n, i64::from(n), 1, Stage::Ended(State::Failed)));
        table.end(all.map(Arc::new));
        assert_eq!(table.known(), MAX_ENDED - MAX_ENDED / 10);
        assert_eq!(table.row(0).unwrap().id.number(), MAX_ENDED as u32);
        assert_eq!(table.order().column, Column::Time);
    }
}
