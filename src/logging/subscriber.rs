//! The `tracing` subscriber: decides what is logged, builds the [`Record`], hands its lines to every place.
//!
//! What is logged:
//!
//! | from | at |
//! |---|---|
//! | this program | the configured level and above |
//! | libraries | warnings and errors only: their finer lines show header values that nobody masked |
//!
//! The request span is always on, whatever the level, so that a warning knows its request.
//!
//! It keeps no registry of spans: the only thing ever asked of one is its request's number, and that is the span's id.
//! A registry takes and gives back a place for each request and counts who holds it, some thirty atomic operations, to
//! remember a number that the caller has.

use std::cell::RefCell;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use jiff::fmt::temporal::DateTimePrinter;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber, span};
use tracing_appender::non_blocking::NonBlocking;

use super::record::{Collector, REQUEST_SPAN, Record, RequestFinder};
use super::render::{self, Style};
use super::ring::Ring;
use crate::config::Level;
use crate::domain::request_id::RequestId;
use crate::domain::secret::Redactor;

/// What can be changed while the program runs.
#[derive(Debug)]
pub(super) struct Shared {
    level: AtomicU8,
    redactor: ArcSwap<Redactor>,
    ring: OnceLock<Ring>,
    /// Lines may go to the console.
    console: AtomicBool,
}

impl Shared {
    pub(super) fn new(level: Level, redactor: Redactor, console: bool) -> Self {
        Self {
            level: AtomicU8::new(index(level)),
            redactor: ArcSwap::from_pointee(redactor),
            ring: OnceLock::new(),
            console: AtomicBool::new(console),
        }
    }

    pub(super) fn open_console(&self) {
        self.console.store(true, Ordering::Release);
    }

    pub(super) fn set_level(&self, level: Level) {
        self.level.store(index(level), Ordering::Release);
        tracing::callsite::rebuild_interest_cache();
    }

    pub(super) fn set_redactor(&self, redactor: Redactor) {
        self.redactor.store(Arc::new(redactor));
    }

    pub(super) fn ring(&self) -> Ring {
        self.ring.get_or_init(Ring::default).clone()
    }

    fn filter(&self) -> LevelFilter {
        FILTERS[usize::from(self.level.load(Ordering::Acquire))]
    }
}

const FILTERS: [LevelFilter; 5] =
    [LevelFilter::TRACE, LevelFilter::DEBUG, LevelFilter::INFO, LevelFilter::WARN, LevelFilter::ERROR];

fn index(level: Level) -> u8 {
    match level {
        Level::Trace => 0,
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

/// A place where lines go.
pub(super) struct Sink {
    pub(super) style: Style,
    pub(super) output: Output,
    /// It is the console, which may belong to somebody else.
    pub(super) console: bool,
}

/// How lines get there.
pub(super) enum Output {
    /// By a thread.
    Queue(NonBlocking),
    /// At once, into memory.
    Memory(Arc<Mutex<Vec<u8>>>),
}

impl Output {
    fn write(&self, line: &str) {
        match self {
            // A full queue counts what it drops; it never fails.
            Self::Queue(queue) => drop(queue.clone().write_all(line.as_bytes())),
            Self::Memory(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line.as_bytes());
            }
        }
    }
}

/// See the module.
pub(super) struct Logger {
    pub(super) shared: Arc<Shared>,
    pub(super) sinks: Vec<Sink>,
}

thread_local! {
    /// The spans that this thread is in, innermost last.
    static INSIDE: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

/// Looks at the spans that this thread is in; nothing while it ends and has forgotten them.
fn inside<T>(look: impl FnOnce(&mut Vec<Id>) -> T) -> Option<T> {
    INSIDE.try_with(|spans| look(&mut spans.borrow_mut())).ok()
}

/// The id of every span that is no request's. Those of requests are their numbers, of 32 bits, and one more: no id is 0.
const OTHER: u64 = u64::MAX;

fn id_of(request: RequestId) -> Id {
    Id::from_u64(u64::from(request.number()) + 1)
}

fn request_of(id: &Id) -> Option<RequestId> {
    u32::try_from(id.into_u64() - 1).ok().map(RequestId::from_number)
}

impl Subscriber for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_request_span(metadata) || *metadata.level() <= ceiling(metadata.target(), self.shared.filter())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Not below the level of the request span.
        Some(self.shared.filter().max(LevelFilter::INFO))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut finder = RequestFinder::default();
        if is_request_span(attributes.metadata()) {
            attributes.record(&mut finder);
        }
        finder.0.map_or_else(|| Id::from_u64(OTHER), id_of)
    }

    fn record(&self, _: &Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let redactor = self.shared.redactor.load();
        let mut collector = Collector::new(&redactor);
        event.record(&mut collector);
        let Collector { message, fields, .. } = collector;
        let record = Record {
            timestamp: timestamp(),
            level: *event.metadata().level(),
            target: event.metadata().target().into(),
            message,
            request_id: request(event),
            fields,
        };
        let console = self.shared.console.load(Ordering::Acquire);
        for sink in self.sinks.iter().filter(|sink| console || !sink.console) {
            sink.output.write(&render::line(&record, sink.style));
        }
        if let Some(ring) = self.shared.ring.get() {
            ring.record(&record);
        }
    }

    fn enter(&self, span: &Id) {
        inside(|spans| spans.push(span.clone()));
    }

    fn exit(&self, span: &Id) {
        inside(|spans| {
            // Spans may be left in another order than they were entered in.
            if let Some(place) = spans.iter().rposition(|entered| entered == span) {
                spans.remove(place);
            }
        });
    }
}

/// The request that an event belongs to: of the span it names, or else of the innermost that is a request's.
fn request(event: &Event<'_>) -> Option<RequestId> {
    match event.parent() {
        Some(span) => request_of(span),
        None if event.is_root() => None,
        None => inside(|spans| spans.iter().rev().find_map(request_of)).flatten(),
    }
}

fn is_request_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == REQUEST_SPAN && is_ours(metadata.target())
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix("cc_forwarder").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn ceiling(target: &str, configured: LevelFilter) -> LevelFilter {
    if is_ours(target) { configured } else { configured.min(LevelFilter::WARN) }
}

/// Now, RFC 3339 in the system's zone.
pub(super) fn timestamp() -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let now = jiff::Zoned::now();
    PRINTER.timestamp_with_offset_to_string(&now.timestamp(), now.offset())
}
