//! Tasks that wake themselves while they run, without the way round through the scheduler.
//!
//! hyper's server hands a request body over chunk by chunk, and asks for the next by waking its own task: the very task
//! that is running and takes the chunks. Left to the scheduler, every such wake-up puts the task in the run queue and
//! rouses a parked thread that steals it: a system call and a change of the core per chunk. So who wakes the task from
//! inside its own poll is noted here, and the task polled again at once.
//!
//! | woken | effect |
//! |---|---|
//! | by another thread, or between polls | the task is woken |
//! | by its own poll | it is polled again, up to [`ROUNDS`] times; then it is woken, so that others have their turn |
//! | by its own poll, for nothing | nothing; see [`hush`] |
//!
//! Must never: lose a wake-up, or keep a thread to itself.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Polls in a row: a body of a megabyte in the pieces it is read in.
const ROUNDS: usize = 32;

thread_local! {
    static POLLED: Cell<Polled> = const { Cell::new(Polled { echo: 0, heard: false }) };
}

/// What is being polled on this thread.
#[derive(Clone, Copy)]
struct Polled {
    /// The address of the [`Echo`] of its task; 0 for none.
    echo: usize,
    /// It has woken itself.
    heard: bool,
}

/// Does something, as part of a poll, that may wake the task that does it, and forgets that wake-up if `is_needless` says
/// so of the result. One from before still counts.
pub(super) fn hush<T>(act: impl FnOnce() -> T, is_needless: impl FnOnce(&T) -> bool) -> T {
    let before = POLLED.get();
    let result = act();
    if is_needless(&result) {
        POLLED.set(before);
    }
    result
}

/// Polls one task's future; see the module.
#[derive(Default)]
pub(super) struct Again {
    echo: Option<(Arc<Echo>, Waker)>,
}

/// What the future gets for a waker.
struct Echo {
    task: Waker,
}

impl Again {
    /// Polls until the future is ready, or waits for something that is not its own doing.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let (echo, waker) = self.echo_to(cx.waker());
        let mut inner = Context::from_waker(waker);
        for _ in 0..ROUNDS {
            let (polled, heard) = echo.listening(|| poll(&mut inner));
            if polled.is_ready() || !heard {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn echo_to(&mut self, task: &Waker) -> &(Arc<Echo>, Waker) {
        let old = self.echo.take().filter(|(echo, _)| echo.task.will_wake(task));
        self.echo.insert(old.unwrap_or_else(|| {
            let echo = Arc::new(Echo { task: task.clone() });
            (Arc::clone(&echo), Waker::from(echo))
        }))
    }
}

impl Echo {
    /// Runs a poll whose wake-ups from this thread are noted instead of passed on, and tells whether there were any. A poll
    /// inside a poll has its own.
    fn listening<T>(self: &Arc<Self>, poll: impl FnOnce() -> T) -> (T, bool) {
        let _outer = Outer(POLLED.replace(Polled { echo: self.address(), heard: false }));
        (poll(), POLLED.get().heard)
    }

    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

/// Restores what was polled before, also when a poll panics.
struct Outer(Polled);

impl Drop for Outer {
    fn drop(&mut self) {
        POLLED.set(self.0);
    }
}

impl Wake for Echo {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let polled = POLLED.get();
        if polled.echo == self.address() {
            POLLED.set(Polled { heard: true, ..polled });
        } else {
            self.task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn polls_and_wakes(mut poll: impl FnMut(&mut Context<'_>, usize) -> Poll<()>) -> (usize, usize) {
        let (counter, mut again, mut polls) = (Arc::new(Counter::default()), Again::default(), 0);
        let task = Waker::from(Arc::clone(&counter));
        let _ = again.poll(&mut Context::from_waker(&task), |cx| {
            polls += 1;
            poll(cx, polls)
        });
        (polls, counter.0.load(Ordering::Relaxed))
    }

    #[test]
    fn who_wakes_itself_is_polled_again_and_nobody_is_woken() {
        let seen = polls_and_wakes(|cx, polls| {
            if polls < 3 {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        assert_eq!(seen, (3, 0));
        assert_eq!(polls_and_wakes(|_, _| Poll::Pending), (1, 0));
        assert_eq!(polls_and_wakes(|_, _| Poll::Ready(())), (1, 0));
    }

    #[test]
    fn only_needless_wake_ups_are_hushed() {
        let wake = |cx: &mut Context<'_>, polls| {
            if polls == 1 {
                cx.waker().wake_by_ref();
            }
        };
        let needless = |is_needless: bool| {
            polls_and_wakes(|cx, polls| hush(|| (wake(cx, polls), Poll::Pending).1, |_| is_needless))
        };
        assert_eq!((needless(true), needless(false)), ((1, 0), (2, 0)));
        let before = polls_and_wakes(|cx, polls| {
            wake(cx, polls);
            hush(|| (cx.waker().wake_by_ref(), Poll::Pending).1, |_| true)
        });
        assert_eq!(before, (2, 0), "what was heard before counts");
    }

    #[test]
    fn who_never_stops_waking_itself_gives_way() {
        let seen = polls_and_wakes(|cx, _| {
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        assert_eq!(seen, (ROUNDS, 1));
    }

    #[test]
    fn wake_ups_from_elsewhere_and_from_after_the_poll_are_passed_on() {
        let mut kept = None;
        let seen = polls_and_wakes(|cx, _| {
            let waker = cx.waker().clone();
            std::thread::spawn(move || waker.wake()).join().unwrap();
            kept = Some(cx.waker().clone());
            Poll::Pending
        });
        assert_eq!(seen, (1, 1));

        let (counter, mut again, mut kept) = (Arc::new(Counter::default()), Again::default(), None);
        let task = Waker::from(Arc::clone(&counter));
        let polled: Poll<()> = again.poll(&mut Context::from_waker(&task), |cx| {
            kept = Some(cx.waker().clone());
            Poll::Pending
        });
        assert!(polled.is_pending());
        kept.unwrap().wake();
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    }

    /// Takes numbers from one side and hands them to the other, and wakes itself for no reason every now and then.
    async fn relay(mut from: tokio::sync::mpsc::Receiver<u32>, to: tokio::sync::mpsc::Sender<u32>) -> u64 {
        let mut sum = 0;
        while let Some(number) = from.recv().await {
            sum += u64::from(number);
            if number % 7 == 0 {
                let mut yielded = false;
                std::future::poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            // Nobody is left to hand it to once the last relay has gone.
            let _ = to.send(number).await;
        }
        sum
    }

    /// A lost wake-up would leave the chain standing for ever.
    #[test]
    fn wake_ups_between_tasks_on_many_threads_are_not_lost() {
        const NUMBERS: u32 = 3_000;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
        let sums = runtime.block_on(async {
            let (first, mut from) = tokio::sync::mpsc::channel(1);
            let mut relays = tokio::task::JoinSet::new();
            for _ in 0..16 {
                let (to, next) = tokio::sync::mpsc::channel(1);
                let mut relay = Box::pin(relay(std::mem::replace(&mut from, next), to));
                let mut again = Again::default();
                relays.spawn(std::future::poll_fn(move |cx| again.poll(cx, |cx| relay.as_mut().poll(cx))));
            }
            relays.spawn(async move {
                for number in 0..NUMBERS {
                    first.send(number).await.unwrap();
                }
                0
            });
            relays.spawn(async move {
                let mut wanted = 0;
                while let Some(number) = from.recv().await {
                    assert_eq!(number, wanted);
                    wanted += 1;
                }
                0
            });
            tokio::time::timeout(std::time::Duration::from_secs(60), relays.join_all()).await.unwrap()
        });
        let sum = u64::from(NUMBERS) * u64::from(NUMBERS - 1) / 2;
        assert_eq!(sums.iter().filter(|s| **s == sum).count(), 16);
    }

    #[test]
    fn a_task_woken_by_the_poll_of_another_is_woken() {
        let (counter, mut inner) = (Arc::new(Counter::default()), Again::default());
        let other = Waker::from(Arc::clone(&counter));
        let mut kept = None;
        let _: Poll<()> = inner.poll(&mut Context::from_waker(&other), |cx| {
            kept = Some(cx.waker().clone());
            Poll::Pending
        });
        let kept = kept.unwrap();
        let seen = polls_and_wakes(|_, _| {
            kept.wake_by_ref();
            Poll::Pending
        });
        assert_eq!((seen, counter.0.load(Ordering::Relaxed)), ((1, 0), 1));
    }
}
