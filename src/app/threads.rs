//! The threads everything runs on, and what they do when they run out of work.
//!
//! A thread without work sleeps until the system wakes it, and waking it is work for whoever has something for it: on
//! this machine an endpoint, a gateway or a client, several microseconds each time. Where events follow each other faster than
//! that, a thread that sleeps after each of them makes the others slow and gets its work in the smallest pieces. So a
//! thread in a hurry (see [`Pulse`]) first lets others run on its core, and looks for work once more before it sleeps.
//! Where nobody else wants the core this costs a few short system calls. Where programs compute, it means to wait behind them,
//! a millisecond or more each time; so a thread that is not in a hurry goes to sleep at once.
//!
//! Measured by `benches/end_to_end`, clients, forwarder and endpoint on two cores, fast streams: half as many calls that wait
//! for events, and a tenth to a quarter more events per second. Nothing changes for 256 streams of 50 events a second,
//! whether or not other programs keep both cores busy, nor for the fast streams where they do. Giving one turn always would
//! win a few per cent of small requests, and delay events by a millisecond where other programs compute.

use std::cell::Cell;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// Turns given to others before a thread sleeps. Its own sockets and tasks wait meanwhile, unless another thread takes them.
const TURNS: usize = 4;

/// The runtime all commands share.
///
/// # Errors
/// When the system refuses threads.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().on_thread_park(pause).build().context("cannot start the runtime")
}

thread_local! {
    static PULSE: Cell<Pulse> = const { Cell::new(Pulse::RESTED) };
}

/// What a thread does before it sleeps.
fn pause() {
    let mut pulse = PULSE.get();
    let hurried = pulse.beats(Instant::now());
    PULSE.set(pulse);
    if hurried {
        for _ in 0..TURNS {
            std::thread::yield_now();
        }
    }
}

/// How quickly a thread runs out of work again: a moving mean over about [`Pulse::SMOOTH`] times.
#[derive(Clone, Copy, Debug)]
struct Pulse {
    last: Option<Instant>,
    mean: Duration,
}

impl Pulse {
    /// A thread that has done nothing yet.
    const RESTED: Self = Self { last: None, mean: Self::LONGEST };
    /// Below this it is in a hurry: 10,000 times a second.
    const HURRY: Duration = Duration::from_micros(100);
    /// Pauses count for no more than this, so that a long one is soon forgotten.
    const LONGEST: Duration = Duration::from_millis(1);
    const SMOOTH: u32 = 8;

    /// Takes note that there is no work now, and tells whether the thread is in a hurry.
    fn beats(&mut self, now: Instant) -> bool {
        let since = self.last.map_or(Self::LONGEST, |last| now.saturating_duration_since(last));
        self.last = Some(now);
        self.mean = (self.mean * (Self::SMOOTH - 1) + since.min(Self::LONGEST)) / Self::SMOOTH;
        self.mean < Self::HURRY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `count` beats, one every `apart`, found the thread in a hurry.
    fn hurried(pulse: &mut Pulse, now: &mut Instant, count: usize, apart: Duration) -> usize {
        (0..count)
            .filter(|_| {
                *now += apart;
                pulse.beats(*now)
            })
            .count()
    }

    #[test]
    fn a_thread_is_in_a_hurry_once_its_work_keeps_coming_in_small_pieces() {
        let (mut pulse, mut now) = (Pulse::RESTED, Instant::now());
        assert!(!pulse.beats(now), "the first time tells nothing");
        let micros = Duration::from_micros;
        assert_eq!(hurried(&mut pulse, &mut now, 1_000, micros(101)), 0, "not quite 10,000 times a second");
        let quick = hurried(&mut pulse, &mut now, 1_000, micros(20));
        assert!(quick >= 990, "50,000 times a second: {quick}");
        assert_eq!(hurried(&mut pulse, &mut now, 1, Duration::from_secs(60)), 0, "a rest ends it at once");
        let again = hurried(&mut pulse, &mut now, 100, micros(20));
        assert!((50..100).contains(&again), "{again}");
    }
}
