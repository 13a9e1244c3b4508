//! The `tracing` layer: decides what is logged, builds the [`Record`], hands its lines to every place.
//!
//! What is logged:
//!
//! | from | at |
//! |---|---|
//! | this program | the configured level and above |
//! | libraries | warnings and errors only: their finer lines show header values that nobody masked |
//!
//! The request span is always on, whatever the level, so that a warning knows its request.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use jiff::fmt::temporal::DateTimePrinter;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::record::{Collector, REQUEST_SPAN, Record, RequestIdFinder, masked};
use super::render::{self, Style};
use super::ring::Ring;
use crate::config::Level;
use crate::domain::secret::Redactor;

/// What can be changed while the program runs.
#[derive(Debug)]
pub(super) struct Shared {
    level: AtomicU8,
    redactor: RwLock<Redactor>,
    ring: OnceLock<Ring>,
    /// Lines may go to the console.
    console: AtomicBool,
}

impl Shared {
    pub(super) fn new(level: Level, redactor: Redactor, console: bool) -> Self {
        Self {
            level: AtomicU8::new(index(level)),
            redactor: RwLock::new(redactor),
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
        *self.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
    }

    pub(super) fn ring(&self) -> Ring {
        self.ring.get_or_init(Ring::default).clone()
    }

    fn redactor(&self) -> Redactor {
        self.redactor.read().unwrap_or_else(PoisonError::into_inner).clone()
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
pub(super) struct LogLayer {
    pub(super) shared: Arc<Shared>,
    pub(super) sinks: Vec<Sink>,
}

/// The id of the request whose span this is, kept with the span.
struct RequestId(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_request_span(metadata) || *metadata.level() <= ceiling(metadata.target(), self.shared.filter())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Not below the level of the request span.
        Some(self.shared.filter().max(LevelFilter::INFO))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !is_request_span(attributes.metadata()) {
            return;
        }
        let mut finder = RequestIdFinder::default();
        attributes.record(&mut finder);
        if let (Some(request_id), Some(span)) = (finder.0, context.span(id)) {
            span.extensions_mut().insert(RequestId(request_id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let redactor = self.shared.redactor();
        let mut collector = Collector::new(&redactor);
        event.record(&mut collector);
        let Collector { message, fields, .. } = collector;
        let record = Record {
            timestamp: timestamp(),
            level: *event.metadata().level(),
            target: event.metadata().target().into(),
            message,
            request_id: request_id(event, &context).map(|id| masked(&redactor, id.into())),
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

fn request_id<S>(event: &Event<'_>, context: &Context<'_, S>) -> Option<String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    context.event_scope(event)?.find_map(|span| Some(span.extensions().get::<RequestId>()?.0.clone()))
}

/// Now, RFC 3339 in the system's zone.
pub(super) fn timestamp() -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let now = jiff::Zoned::now();
    PRINTER.timestamp_with_offset_to_string(&now.timestamp(), now.offset())
}
