//! Futures that are hardly ever ready, next to one that is polled all the time.
//!
//! A task that waits for several things polls all of them whenever one of them wakes it. The end of the program, which
//! every connection waits for, would be asked for several times in each request, under a lock each time.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::transport::Bell;

/// Polls its future only when that has rung. Not to be polled again once it was ready.
pub(super) struct Rarely<F> {
    future: Pin<Box<F>>,
    bell: Bell,
}

impl<F: Future> Rarely<F> {
    /// The same future, polled less often.
    pub(super) fn new(future: F) -> Self {
        Self { future: Box::pin(future), bell: Bell::new() }
    }
}

impl<F: Future> Future for Rarely<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, bell } = self.get_mut();
        if !bell.listen(cx.waker()) {
            return Poll::Pending;
        }
        future.as_mut().poll(&mut Context::from_waker(bell.waker()))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_when_it_has_rung_and_not_because_others_are() {
        let (tx, rx) = oneshot::channel();
        let (polls, mut rx) = (Cell::new(0), Box::pin(rx));
        let counted = poll_fn(|cx| {
            polls.set(polls.get() + 1);
            rx.as_mut().poll(cx)
        });
        let mut rarely = Rarely::new(counted);
        for _ in 0..3 {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut rarely).poll(cx))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(polls.get(), 1);
        let (sent, got) = tokio::join!(async { tx.send(7) }, rarely);
        assert_eq!((sent, got), (Ok(()), Ok(7)));
        assert_eq!(polls.get(), 2);
    }

    #[test]
    fn another_task_has_to_look_for_itself() {
        let polls = Cell::new(0);
        let mut rarely = Rarely::new(poll_fn(|_| {
            polls.set(polls.get() + 1);
            Poll::<()>::Pending
        }));
        let task = std::task::Waker::from(std::sync::Arc::new(Nobody));
        for waker in [&task, std::task::Waker::noop(), &task] {
            assert!(Pin::new(&mut rarely).poll(&mut Context::from_waker(waker)).is_pending());
        }
        assert_eq!(polls.get(), 3);
    }

    struct Nobody;

    impl std::task::Wake for Nobody {
        fn wake(self: std::sync::Arc<Self>) {}
    }
}
