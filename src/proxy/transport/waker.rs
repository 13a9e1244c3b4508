//! Wake-ups of a request's task by its own upstream connection, without those that would be for nothing.
//!
//! Who drives a connection and takes its chunks in the same task gets two kinds of needless work:
//!
//! - Taking a chunk makes hyper wake the connection's task so that it sends the next. Here that is the task that is
//!   running, and it looks again before it sleeps: [`quietly`] drops the wake-up. Otherwise every event would cost a
//!   second, empty poll of the whole request.
//! - The server side asks for more right after every frame, two or three times per event. The [`Bell`] remembers
//!   whether anything has happened since the last look, so that such a question costs next to nothing.
//!
//! No wake-up from outside is ever lost: those of the network come from other threads or between polls, where nothing
//! is quiet.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs something whose wake-ups of the running task are not needed, because the task will look again anyway.
pub(super) fn quietly<T>(take: impl FnOnce() -> T) -> T {
    let _quiet = Quiet(QUIET.replace(true));
    take()
}

/// Restores what was before, also when something panics: a thread that stayed quiet would lose the wake-ups of all.
struct Quiet(bool);

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(self.0);
    }
}

/// A waker that passes on to a task and remembers that it was used. It stays the same while the task changes: that of a
/// connection is kept by its parts for as long as it lives, from one request to the next.
pub(crate) struct Bell {
    clapper: Arc<Clapper>,
    waker: Waker,
    /// As the clapper has it, to compare with.
    task: Waker,
}

struct Clapper {
    task: Mutex<Waker>,
    rung: AtomicBool,
}

impl Bell {
    /// A bell that has rung, for nobody.
    pub(crate) fn new() -> Self {
        let task = Waker::noop().clone();
        let clapper = Arc::new(Clapper { task: Mutex::new(task.clone()), rung: AtomicBool::new(true) });
        Self { waker: Waker::from(Arc::clone(&clapper)), clapper, task }
    }

    /// Rings for this task from now on, and tells whether it has rung since the last call. A change of the task counts.
    pub(crate) fn listen(&mut self, task: &Waker) -> bool {
        let is_new = !self.task.will_wake(task);
        if is_new {
            self.task.clone_from(task);
            // The old one is dropped when the lock is free again: what that does is for its task to say.
            let _old = std::mem::replace(&mut *self.clapper.task(), task.clone());
        }
        let rung = &self.clapper.rung;
        (rung.load(Ordering::Acquire) && rung.swap(false, Ordering::AcqRel)) || is_new
    }

    /// What to give to those who are to ring.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

impl Clapper {
    fn task(&self) -> MutexGuard<'_, Waker> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Clapper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !QUIET.get() {
            self.rung.store(true, Ordering::Release);
            // The lock is held meanwhile, since a copy would cost as much as waking does: that runs nothing of the task's
            // here, and on another thread the task waits for it at most as long as this takes.
            self.task().wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_bell_wakes_its_task_and_remembers() {
        let (counter, mut bell) = (Arc::new(Counter::default()), Bell::new());
        let task = Waker::from(Arc::clone(&counter));
        assert!(bell.listen(&task), "a new task has to look for itself");
        assert!(!bell.listen(&task));
        bell.waker().wake_by_ref();
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
        assert!(bell.listen(&task));
        assert!(!bell.listen(&task));
        assert!(bell.listen(Waker::noop()), "so has the next");
    }

    #[test]
    fn only_this_threads_wake_ups_are_dropped_while_quiet() {
        let (counter, mut bell) = (Arc::new(Counter::default()), Bell::new());
        let task = Waker::from(Arc::clone(&counter));
        bell.listen(&task);
        quietly(|| bell.waker().wake_by_ref());
        assert!(!bell.listen(&task));
        let elsewhere = bell.waker().clone();
        quietly(|| std::thread::spawn(move || elsewhere.wake()).join()).unwrap();
        assert!(bell.listen(&task));
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    }

    /// Two tasks on two threads have the bell in turn; a lost ring would leave them waiting for ever.
    #[test]
    fn no_ring_is_lost_while_tasks_take_turns() {
        const RINGS: usize = 20_000;
        let (sent, mut bell) = (Arc::new(AtomicUsize::new(0)), Bell::new());
        bell.listen(Waker::noop());
        let (seen_tx, seen_rx) = std::sync::mpsc::channel();
        let (ringer, count) = (bell.waker().clone(), Arc::clone(&sent));
        let ringing = std::thread::spawn(move || {
            for _ in 0..RINGS {
                count.fetch_add(1, Ordering::Relaxed);
                ringer.wake_by_ref();
                seen_rx.recv().unwrap();
            }
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        let (to_a, for_a) = tokio::sync::mpsc::channel(1);
        let (to_b, for_b) = tokio::sync::mpsc::channel(1);
        let taking_turns = async {
            let mut tasks = tokio::task::JoinSet::new();
            for (mut mine, theirs) in [(for_a, to_b), (for_b, to_a.clone())] {
                let (sent, seen) = (Arc::clone(&sent), seen_tx.clone());
                tasks.spawn(async move {
                    while let Some((mut bell, heard)) = mine.recv().await {
                        if heard < RINGS {
                            let ring = |cx: &mut std::task::Context<'_>| {
                                let rung = Bell::listen(&mut bell, cx.waker());
                                let is_new = rung && sent.load(Ordering::Relaxed) > heard;
                                if is_new { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                            };
                            std::future::poll_fn(ring).await;
                            seen.send(()).unwrap();
                        }
                        // The other one has gone when both have heard them all.
                        let is_over = theirs.send((bell, heard + 1)).await.is_err() || heard >= RINGS;
                        if is_over {
                            return;
                        }
                    }
                });
            }
            to_a.send((bell, 0)).await.unwrap();
            drop(to_a);
            tokio::time::timeout(std::time::Duration::from_secs(60), tasks.join_all()).await.unwrap();
        };
        runtime.block_on(taking_turns);
        ringing.join().unwrap();
    }

    #[test]
    fn a_panic_ends_the_quiet() {
        let (counter, mut bell) = (Arc::new(Counter::default()), Bell::new());
        bell.listen(&Waker::from(Arc::clone(&counter)));
        assert!(std::panic::catch_unwind(|| quietly(|| panic!("in the middle"))).is_err());
        bell.waker().wake_by_ref();
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    }
}
