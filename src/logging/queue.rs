//! The way from the data path to a slow place: a bounded queue and a thread that writes.
//!
//! Logging never waits. When the queue is full, lines are dropped and counted, and the count is written in their place
//! as soon as the thread gets on.
//!
//! A place that cannot be written loses its lines, and nothing else: the thread takes an error of its writer for a reason
//! to forget what it was doing, be it the end that its guard waits for.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::record::{Record, Value};
use super::render::{self, Style};

/// Lines that may wait, a few MB at the usual length.
const LINES_WAITING: usize = 8192;

/// Starts a thread that writes lines to `inner`. Dropping the guard writes what is waiting, for a second at most.
pub(super) fn start<W: Write + Send + 'static>(
    name: &str,
    inner: W,
    style: Style,
) -> (NonBlocking, WorkerGuard) {
    start_with(name, inner, style, LINES_WAITING)
}

fn start_with<W: Write + Send + 'static>(
    name: &str,
    inner: W,
    style: Style,
    waiting: usize,
) -> (NonBlocking, WorkerGuard) {
    let dropped = Arc::new(OnceLock::new());
    let writer = Reporting { inner, style, dropped: Arc::clone(&dropped), reported: 0 };
    let (queue, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(waiting)
        .thread_name(name)
        .finish(writer);
    let _ = dropped.set(queue.error_counter());
    (queue, guard)
}

/// How late a line may come.
const GATHER: Duration = Duration::from_millis(5);

/// Writes lines, and before the next one how many were dropped. Never fails, see the module.
struct Reporting<W> {
    inner: W,
    style: Style,
    /// Known only after the queue exists, which needs the writer.
    dropped: Arc<OnceLock<ErrorCounter>>,
    reported: usize,
}

impl<W: Write> Reporting<W> {
    fn report(&mut self) {
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        if dropped > self.reported {
            let line = render::line(&dropped_record(dropped - self.reported), self.style);
            self.reported = dropped;
            let _ = self.inner.write_all(line.as_bytes());
        }
    }
}

impl<W: Write> Write for Reporting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.report();
        let _ = self.inner.write_all(line);
        Ok(line.len())
    }

    /// Called when the queue has run empty. The pause behind it lets lines gather: a thread that had to be woken for each
    /// would cost every request a system call.
    fn flush(&mut self) -> io::Result<()> {
        self.report();
        let _ = self.inner.flush();
        std::thread::sleep(GATHER);
        Ok(())
    }
}

fn dropped_record(count: usize) -> Record {
    Record {
        timestamp: super::subscriber::timestamp(),
        level: tracing::Level::WARN,
        target: module_path!().into(),
        message: "log lines were dropped because they came faster than they could be written".into(),
        request_id: None,
        fields: vec![("dropped", Value::Plain(count.into()))],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, sync_channel};

    use super::*;
    use crate::logging::render::Shape;

    /// Blocks in its first write until told to go on.
    struct Stuck {
        entered: std::sync::mpsc::SyncSender<()>,
        go: Receiver<()>,
        out: Arc<Mutex<String>>,
    }

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.entered.send(());
            // An error means the test let go for good.
            let _ = self.go.recv();
            self.out.lock().unwrap().push_str(std::str::from_utf8(line).unwrap());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A pipe that nobody reads any more.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_broken_place_does_not_disturb_the_thread() {
        let style = Style { shape: Shape::Text { colour: false }, limit: None };
        let dropped = Arc::new(OnceLock::new());
        let mut writer = Reporting { inner: io::BufWriter::new(Broken), style, dropped, reported: 0 };
        for line in [&b"short\n"[..], &[b'x'; 20_000]] {
            assert_eq!(writer.write(line).ok(), Some(line.len()));
            assert!(writer.flush().is_ok());
        }
    }

    #[test]
    fn a_stuck_place_costs_lines_not_time_and_the_loss_is_reported() {
        let (entered, has_entered) = sync_channel(100);
        let (let_go, go) = sync_channel::<()>(0);
        let out = Arc::new(Mutex::new(String::new()));
        let style = Style { shape: Shape::Text { colour: false }, limit: None };
        let (mut queue, guard) =
            start_with("log-test", Stuck { entered, go, out: Arc::clone(&out) }, style, 2);

        queue.write_all(b"first\n").unwrap();
        has_entered.recv().unwrap(); // The thread is stuck with it: the queue is empty and stays as we fill it.
        for line in ["second\n", "third\n", "lost\n", "lost\n"] {
            queue.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(queue.error_counter().dropped_lines(), 2);
        drop(let_go);
        drop(guard);

        let out = out.lock().unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!((lines[0], lines[2], lines[3]), ("first", "second", "third"));
        assert!(lines[1].contains(" WARN ") && lines[1].ends_with("dropped=2"), "{}", lines[1]);
    }
}
