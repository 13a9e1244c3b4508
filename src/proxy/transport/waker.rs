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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// A waker that passes on to a task and remembers that it was used. Starts as rung.
#[derive(Default)]
pub(super) struct Bell {
    clapper: Option<(Arc<Clapper>, Waker)>,
}

struct Clapper {
    task: Waker,
    rung: AtomicBool,
}

impl Bell {
    /// Rings for this task from now on, and tells whether it has rung since the last call. A change of the task counts.
    pub(super) fn listen(&mut self, task: &Waker) -> bool {
        match &self.clapper {
            Some((clapper, _)) if clapper.task.will_wake(task) => clapper.rung.swap(false, Ordering::AcqRel),
            _ => {
                let clapper = Arc::new(Clapper { task: task.clone(), rung: AtomicBool::new(false) });
                self.clapper = Some((Arc::clone(&clapper), Waker::from(clapper)));
                true
            }
        }
    }

    /// What to give to those who are to ring. It does nothing before the first [`Bell::listen`].
    pub(super) fn waker(&self) -> &Waker {
        self.clapper.as_ref().map_or(Waker::noop(), |(_, waker)| waker)
    }
}

impl Wake for Clapper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !QUIET.get() {
            self.rung.store(true, Ordering::Release);
            self.task.wake_by_ref();
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
        let (counter, mut bell) = (Arc::new(Counter::default()), Bell::default());
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
        let (counter, mut bell) = (Arc::new(Counter::default()), Bell::default());
        let task = Waker::from(Arc::clone(&counter));
        bell.listen(&task);
        quietly(|| bell.waker().wake_by_ref());
        assert!(!bell.listen(&task));
        let elsewhere = bell.waker().clone();
        quietly(|| std::thread::spawn(move || elsewhere.wake()).join()).unwrap();
        assert!(bell.listen(&task));
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panic_ends_the_quiet() {
        let (counter, mut bell) = (Arc::new(Counter::default()), Bell::default());
        bell.listen(&Waker::from(Arc::clone(&counter)));
        assert!(std::panic::catch_unwind(|| quietly(|| panic!("in the middle"))).is_err());
        bell.waker().wake_by_ref();
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    }
}
