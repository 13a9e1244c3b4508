use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

struct Fake {
    key: &'static str,
    id: u32,
    born: Instant,
    alive: Arc<AtomicBool>,
    dropped: Arc<AtomicUsize>,
}

impl Reusable for Fake {
    type Key = &'static str;

    fn key(&self) -> &&'static str {
        &self.key
    }

    fn is_reusable(&mut self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    fn born(&self) -> Instant {
        self.born
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

struct Maker {
    born: Instant,
    alive: Arc<AtomicBool>,
    dropped: Arc<AtomicUsize>,
}

impl Maker {
    fn new() -> Self {
        let alive = Arc::new(AtomicBool::new(true));
        Self { born: Instant::now(), alive, dropped: Arc::default() }
    }

    fn make(&self, key: &'static str, id: u32) -> Fake {
        Fake { key, id, born: self.born, alive: Arc::clone(&self.alive), dropped: Arc::clone(&self.dropped) }
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn id(taken: Option<Fake>) -> Option<u32> {
    taken.map(|fake| fake.id)
}

#[test]
fn the_last_one_parked_comes_back_first_and_only_once() {
    let (pool, maker) = (Pool::default(), Maker::new());
    let now = maker.born;
    pool.park(maker.make("a", 1), now);
    pool.park(maker.make("a", 2), now);
    pool.park(maker.make("b", 3), now);
    assert_eq!(pool.len(), 3);
    assert_eq!(id(pool.checkout(|key| *key == "a", now)), Some(2));
    assert_eq!(id(pool.checkout(|key| *key == "a", now)), Some(1));
    assert_eq!(id(pool.checkout(|key| *key == "a", now)), None);
    assert_eq!(id(pool.checkout(|key| *key == "c", now)), None);
    assert_eq!(pool.len(), 1);
}

#[test]
fn dead_ones_are_dropped_at_checkout() {
    let (pool, dead, live) = (Pool::default(), Maker::new(), Maker::new());
    let now = dead.born;
    pool.park(live.make("a", 1), now);
    pool.park(dead.make("a", 2), now);
    dead.alive.store(false, Ordering::Relaxed);
    assert_eq!(id(pool.checkout(|key| *key == "a", now)), Some(1));
    assert_eq!((dead.dropped(), pool.len()), (1, 0));
}

#[test]
fn idle_age_and_total_age_retire() {
    let (pool, maker) = (Pool::default(), Maker::new());
    let start = maker.born;
    let almost = start + MAX_IDLE_AGE - Duration::from_millis(1);
    pool.park(maker.make("a", 1), start);
    assert_eq!(id(pool.checkout(|key| *key == "a", almost)), Some(1));
    pool.park(maker.make("a", 2), start);
    assert_eq!(id(pool.checkout(|key| *key == "a", start + MAX_IDLE_AGE)), None);

    let old = start + MAX_TOTAL_AGE - Duration::from_secs(1);
    pool.park(maker.make("a", 3), old);
    assert_eq!(id(pool.checkout(|key| *key == "a", start + MAX_TOTAL_AGE)), None);
    pool.park(maker.make("a", 4), start + MAX_TOTAL_AGE);
    assert_eq!(pool.len(), 0);
    assert_eq!(maker.dropped(), 4);
}

#[test]
fn a_sweep_drops_the_old_and_the_dead() {
    let (pool, maker, dead) = (Pool::default(), Maker::new(), Maker::new());
    let start = maker.born;
    pool.park(maker.make("a", 1), start);
    pool.park(dead.make("a", 2), start);
    pool.park(maker.make("b", 3), start + Duration::from_secs(20));
    dead.alive.store(false, Ordering::Relaxed);
    pool.sweep(start + Duration::from_secs(1));
    assert_eq!((pool.len(), dead.dropped()), (2, 1));
    pool.sweep(start + MAX_IDLE_AGE);
    assert_eq!((pool.len(), maker.dropped()), (1, 1));
    assert_eq!(id(pool.checkout(|key| *key == "b", start + MAX_IDLE_AGE)), Some(3));
}

#[test]
fn a_key_holds_so_many_and_no_more() {
    let (pool, maker) = (Pool::default(), Maker::new());
    for id in 0..=u32::try_from(MAX_IDLE).unwrap() {
        pool.park(maker.make("a", id), maker.born);
    }
    assert_eq!((pool.len(), maker.dropped()), (MAX_IDLE, 1));
    pool.park(maker.make("b", 0), maker.born);
    assert_eq!(pool.len(), MAX_IDLE + 1);
}

#[test]
fn unwanted_keys_go_and_a_closed_pool_keeps_nothing() {
    let (pool, maker) = (Pool::default(), Maker::new());
    pool.park(maker.make("a", 1), maker.born);
    pool.park(maker.make("b", 2), maker.born);
    pool.retain(|key| *key == "b");
    assert_eq!((pool.len(), maker.dropped()), (1, 1));
    pool.close();
    pool.park(maker.make("b", 3), maker.born);
    assert!(pool.is_empty());
    assert_eq!(maker.dropped(), 3);
}
