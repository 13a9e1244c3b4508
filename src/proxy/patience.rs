//! The timer of a client connection: how long it may take to send a request head.
//!
//! hyper makes a timer for every head it waits for, and drops it when the head is there. Here they are all one [`Alarm`],
//! which stays set from one request to the next.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

use super::transport::Alarm;

/// The timer of one connection, which waits for one thing at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience(Arc<Mutex<Alarm>>);

/// Over at its deadline.
struct Wait {
    alarm: Arc<Mutex<Alarm>>,
    deadline: Instant,
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait { alarm: Arc::clone(&self.0), deadline: deadline.into() })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner).poll(self.deadline, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_wait_ends_at_its_own_deadline() {
        let (patience, start) = (Patience::default(), Instant::now());
        let long = patience.sleep(Duration::from_secs(30));
        assert!(futures_util::poll!(long).is_pending());
        for (seconds, passed) in [(40, 40), (5, 45), (0, 45)] {
            patience.sleep(Duration::from_secs(seconds)).await;
            assert_eq!(start.elapsed().as_secs(), passed);
        }
    }
}
