//! A time limit that is set far more often than it is reached.
//!
//! Setting a timer takes the lock that all timers share, and so does dropping it. Most limits here are moved before they
//! are reached: to the next piece of a body, or to the next request of a connection. So the timer stays where it is, and
//! when it rings too early it is set again.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
    /// Whom the timer wakes.
    wakes: Option<Waker>,
}

impl Alarm {
    /// Ready at `deadline`; wakes the task by then at the latest, and now and then before it.
    pub(crate) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let is_known = self.wakes.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.is_elapsed() && Instant::now() >= deadline {
                return Poll::Ready(());
            }
            if timer.is_elapsed() || timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            } else if is_known {
                return Poll::Pending;
            }
            // A task that has used up its turn would be put off, and the timer not be set.
            if pin!(unconstrained(timer.as_mut())).poll(cx).is_pending() {
                if !is_known {
                    self.wakes = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_its_last_deadline_however_often_that_was_moved() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        let pending = |alarm: &mut Alarm, deadline| {
            assert!(alarm.poll(deadline, &mut Context::from_waker(Waker::noop())).is_pending());
        };
        for seconds in [10, 12, 30] {
            pending(&mut alarm, start + seconds * SECOND);
        }
        poll_fn(|cx| alarm.poll(start + 30 * SECOND, cx)).await;
        assert_eq!(start.elapsed().as_secs(), 30, "later");
        for seconds in [90, 80, 60] {
            pending(&mut alarm, start + seconds * SECOND);
        }
        poll_fn(|cx| alarm.poll(start + 60 * SECOND, cx)).await;
        assert_eq!(start.elapsed().as_secs(), 60, "earlier");
        poll_fn(|cx| alarm.poll(start, cx)).await;
        assert_eq!(start.elapsed().as_secs(), 60, "in the past");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_polled_last_is_woken() {
        let (mut alarm, deadline) = (Alarm::default(), Instant::now() + SECOND);
        let tasks = [Arc::new(Counter::default()), Arc::new(Counter::default())];
        for task in &tasks {
            let waker = Waker::from(Arc::clone(task));
            assert!(alarm.poll(deadline, &mut Context::from_waker(&waker)).is_pending());
        }
        advance(2 * SECOND).await;
        tokio::task::yield_now().await;
        assert_eq!(tasks.map(|task| task.0.load(Ordering::Relaxed)), [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_used_up_its_turn_is_woken_in_time() {
        let (mut alarm, deadline) = (Alarm::default(), Instant::now() + SECOND);
        while tokio::task::coop::has_budget_remaining() {
            tokio::task::coop::consume_budget().await;
        }
        let rang = tokio::time::timeout(9 * SECOND, poll_fn(|cx| alarm.poll(deadline, cx))).await;
        assert_eq!((rang, Instant::now()), (Ok(()), deadline));
    }
}
