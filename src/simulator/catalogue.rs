//! The catalogue: every fault under a stable name.
//!
//! What a client (or a proxy) can make of a fault is its [`Effect`], so that a suite can run over the catalogue and still
//! know what to expect.
//!
//! | effect | meaning |
//! |---|---|
//! | `Status` | a well-formed error answer; what it means depends on the status |
//! | `BeforeContent` | the exchange fails before any content: it can be repeated elsewhere unseen |
//! | `AfterContent` | content was delivered, then it failed |
//! | `Harmless` | unusual, but a whole answer: it must arrive as it is |

use std::time::Duration;

use super::behaviour::{Behaviour, Coding, Drip, Framing, Mark, SseStyle, Writes};
use super::usage::{Usage, UsageStyle};

/// What is left of an exchange when the fault has struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A well-formed error answer.
    Status,
    /// Fails before any content.
    BeforeContent,
    /// Fails after some content.
    AfterContent,
    /// A whole answer, spelled or sent in an unusual way.
    Harmless,
}

/// Which requests show the fault; others are answered as usual or fail in a way not described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Streaming requests.
    Stream,
    /// Non-streaming requests.
    Document,
    /// Both.
    Either,
}

/// A named fault.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Stable name: lower case, words joined by hyphens.
    pub name: &'static str,
    /// What is left of the exchange.
    pub effect: Effect,
    /// Which requests show it.
    pub asks: Asks,
    /// Whether nothing but a timer (or the client's own end) can notice it.
    pub needs_timer: bool,
    /// Behaviours for one request after another, round and round.
    pub steps: Vec<Behaviour>,
}

/// Events before any content: `message_start` alone.
const ONLY_START: Mark = Mark::Events(1);
/// Events with some content: start, block start, ping, two deltas.
const SOME_CONTENT: Mark = Mark::Events(5);
/// How often endless streams drip.
const DRIP_EVERY: Duration = Duration::from_millis(20);

fn fault(name: &'static str, effect: Effect, asks: Asks, behaviour: Behaviour) -> Fault {
    Fault { name, effect, asks, needs_timer: false, steps: vec![behaviour] }
}

impl Fault {
    /// The whole catalogue, in a stable order.
    pub fn all() -> Vec<Self> {
        [statuses(), early_breaks(), wrong_answers(), late_breaks(), oddities()].concat()
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|fault| fault.name == name)
    }

    fn timed(self) -> Self {
        Self { needs_timer: true, ..self }
    }
}

fn statuses() -> Vec<Fault> {
    let status = |name, behaviour| fault(name, Effect::Status, Asks::Either, behaviour);
    let reset = jiff::Timestamp::now() + Duration::from_secs(60);
    vec![
        status("status-302", Behaviour::redirect("http://127.0.0.1:9/elsewhere")),
        status("status-400", Behaviour::status(400, "invalid_request_error")),
        status("status-401", Behaviour::status(401, "authentication_error")),
        status("status-402", Behaviour::status(402, "billing_error")),
        status("status-403", Behaviour::status(403, "permission_error")),
        status("status-404", Behaviour::status(404, "not_found_error")),
        status("status-408", Behaviour::status(408, "timeout_error")),
        status("status-409", Behaviour::status(409, "conflict_error")),
        status("status-413", Behaviour::status(413, "request_too_large")),
        status("status-413-early", Behaviour::early_too_large()),
        status("status-422", Behaviour::status(422, "invalid_request_error")),
        status("status-429", Behaviour::rate_limited()),
        status("status-429-retry-after", Behaviour::retry_after(30)),
        status("status-429-bucket-empty", Behaviour::bucket_empty(reset)),
        status("status-429-window-used-up", Behaviour::window_used_up(reset)),
        status("status-429-do-not-retry", Behaviour::rate_limited().header("x-should-retry", "false")),
        status("status-500", Behaviour::status(500, "api_error")),
        status(
            "status-500-do-not-retry",
            Behaviour::status(500, "api_error").header("x-should-retry", "false"),
        ),
        status("status-502-html", Behaviour::html(502)),
        status("status-503", Behaviour::status(503, "api_error")),
        status("status-503-html", Behaviour::html(503)),
        status("status-503-retry-after", Behaviour::status(503, "api_error").header("retry-after", "1")),
        status("status-504", Behaviour::status(504, "timeout_error")),
        status("status-520", Behaviour::fixed(520, "text/plain", "error code: 520")),
        status("status-529", Behaviour::overloaded()),
    ]
}

fn early_breaks() -> Vec<Fault> {
    let early = |name, behaviour| fault(name, Effect::BeforeContent, Asks::Either, behaviour);
    let flapping = vec![
        Behaviour::reset_before_headers(),
        Behaviour::reset_before_headers(),
        Behaviour::healthy(),
        Behaviour::healthy(),
    ];
    vec![
        early("silent-connection", Behaviour::silent_connection()).timed(),
        early("reset-on-accept", Behaviour::reset_on_accept()),
        early("stalled-upload", Behaviour::stalled_upload(1)).timed(),
        early("reset-in-upload", Behaviour::reset_in_upload(1)),
        early("never-answers", Behaviour::never_answers()).timed(),
        early("reset-before-headers", Behaviour::reset_before_headers()),
        early("close-before-headers", Behaviour::close_before_headers()),
        early("garbage-instead-of-http", Behaviour::garbage()),
        early("silence-after-headers", Behaviour::silence_after_headers()).timed(),
        early("reset-after-headers", Behaviour::reset_after_headers()),
        early("close-after-headers", Behaviour::close_after_headers()),
        Fault { steps: flapping, ..early("flapping", Behaviour::healthy()) },
    ]
}

fn wrong_answers() -> Vec<Fault> {
    let stream = |name, behaviour| fault(name, Effect::BeforeContent, Asks::Stream, behaviour);
    let document = |name, behaviour| fault(name, Effect::BeforeContent, Asks::Document, behaviour);
    let either = |name, behaviour| fault(name, Effect::BeforeContent, Asks::Either, behaviour);
    vec![
        either("html-200", Behaviour::html(200)),
        either("empty-body", Behaviour::empty_body()),
        either("error-object-in-200", Behaviour::error_object_in_200()),
        either("empty-completion", Behaviour::empty_completion()),
        stream("empty-stream", Behaviour::empty_stream()),
        stream("document-for-stream", Behaviour::document_for_stream()),
        stream("error-event-first", Behaviour::error_event(0, "overloaded_error")),
        stream("api-error-event-first", Behaviour::error_event(0, "api_error")),
        stream("invalid-request-event-first", Behaviour::error_event(0, "invalid_request_error")),
        stream("error-event-after-ping", Behaviour::error_event_after_ping("overloaded_error")),
        stream("error-event-after-start", Behaviour::error_event(1, "overloaded_error")),
        stream("corrupt-message-start", Behaviour::corrupt_event(0)),
        stream("garbage-stream", Behaviour::fixed(200, "text/event-stream", &b"\xff\xfe\x00garbage\n\n"[..])),
        stream("silence-after-start", Behaviour::silent_from(ONLY_START)).timed(),
        stream("reset-after-start", Behaviour::reset_at(ONLY_START)),
        stream("close-after-start", Behaviour::close_at(ONLY_START)),
        stream("truncated-after-start", Behaviour::truncated_at(ONLY_START)),
        stream("endless-pings", Behaviour::drips(0, Drip::Ping, DRIP_EVERY)).timed(),
        stream("endless-pings-after-start", Behaviour::drips(1, Drip::Ping, DRIP_EVERY)).timed(),
        stream("endless-comments", Behaviour::drips(0, Drip::Comment, DRIP_EVERY)).timed(),
        document("half-document", Behaviour::truncated_at(Mark::Bytes(100))),
        document("reset-in-document", Behaviour::reset_at(Mark::Bytes(100))),
        document("close-in-document", Behaviour::close_at(Mark::Bytes(100))),
        document("silence-in-document", Behaviour::silent_from(Mark::Bytes(100))).timed(),
    ]
}

fn late_breaks() -> Vec<Fault> {
    let late = |name, behaviour| fault(name, Effect::AfterContent, Asks::Stream, behaviour);
    vec![
        late("reset-mid-stream", Behaviour::reset_at(SOME_CONTENT)),
        late("close-mid-stream", Behaviour::close_at(SOME_CONTENT)),
        late("reset-mid-event", Behaviour::reset_at(Mark::Bytes(1200))),
        late("close-mid-event", Behaviour::close_at(Mark::Bytes(1200))),
        late("truncated-mid-stream", Behaviour::truncated_at(SOME_CONTENT)),
        late("silence-mid-stream", Behaviour::silent_from(SOME_CONTENT)).timed(),
        late("error-event-mid-stream", Behaviour::error_event(5, "overloaded_error")),
        late("corrupt-delta", Behaviour::corrupt_event(4)),
        late("endless-deltas", Behaviour::drips(4, Drip::Delta, DRIP_EVERY)).timed(),
        late("endless-pings-mid-stream", Behaviour::drips(5, Drip::Ping, DRIP_EVERY)).timed(),
    ]
}

fn oddities() -> Vec<Fault> {
    let style = SseStyle::default();
    let odd = |name, asks, behaviour| fault(name, Effect::Harmless, asks, behaviour);
    let stream = |name, behaviour| odd(name, Asks::Stream, behaviour);
    let either = |name, behaviour| odd(name, Asks::Either, behaviour);
    let split = Usage {
        input: 3,
        cache_write_5m: 50,
        cache_write_1h: 70,
        cache_read: 11,
        output: 9,
        web_searches: 2,
        ..Usage::default()
    };
    let thinking = Behaviour::healthy().content(|content| content.thinking = Some(true));
    let bulk = Behaviour::healthy().deltas(20_000, 64);
    vec![
        stream("crlf", Behaviour::spelled(SseStyle { crlf: true, ..style })),
        stream("data-only", Behaviour::spelled(SseStyle { event_lines: false, ..style })),
        stream("no-space-after-colon", Behaviour::spelled(SseStyle { space: false, ..style })),
        stream("no-final-blank-line", Behaviour::spelled(SseStyle { final_blank_line: false, ..style })),
        stream("no-message-stop", Behaviour::healthy().content(|content| content.no_message_stop = true)),
        stream("leading-ping", Behaviour::healthy().content(|content| content.leading_ping = true)),
        stream("thinking", thinking),
        either("one-byte-writes", Behaviour::healthy().writes(Writes::Bytes(1))),
        either("http-1-0", Behaviour::healthy().framing(Framing::UntilClose)),
        either("content-length", Behaviour::healthy().framing(Framing::ContentLength)),
        either("chunked", Behaviour::healthy().framing(Framing::Chunked)),
        either("gzip", Behaviour::encoded(Coding::Gzip)),
        either("deflate", Behaviour::encoded(Coding::Deflate)),
        either("brotli", Behaviour::encoded(Coding::Brotli)),
        either("zstd", Behaviour::encoded(Coding::Zstd)),
        stream("relay-usage", Behaviour::relay_usage()),
        stream("two-message-deltas", Behaviour::healthy().content(|c| c.usage_style = UsageStyle::TwoDeltas)),
        either("split-usage", Behaviour::healthy().usage(split)),
        either("refusal", Behaviour::refusal()),
        either("slow-first-token", Behaviour::slow_first_token(Duration::from_millis(300))),
        odd("large-document", Asks::Document, Behaviour::large(20 << 20)),
        stream("huge-stream", bulk.writes(Writes::Blocks)),
        either("closes-after-answer", Behaviour::closes_after_answer()),
        either("closes-on-next-request", Behaviour::closes_on_next_request()),
        either("resets-on-next-request", Behaviour::resets_on_next_request()),
    ]
}
