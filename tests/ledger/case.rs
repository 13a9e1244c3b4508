//! The mix of requests: what is asked, what the endpoints do with it, and when the client leaves.
//!
//! A case is a function of its number, so that simulators and expectations agree without talking. Its behaviours are met
//! one per attempt, in the order the attempts arrive anywhere; behind the last one everybody is healthy. Where usage must
//! be known to the byte at a cut or a cancel, the endpoint falls silent or closes behind a given event instead of racing
//! with the client.

use std::borrow::Cow;
use std::time::Duration;

use cc_forwarder::simulator::{
    Behaviour, Coding, Content, Drip, Encoding, Framing, How, Mark, Pace, SseStyle, Usage, UsageStyle, Writes,
};
use serde_json::json;

/// How a client treats its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Client {
    /// Reads it to the end.
    Stays,
    /// Leaves once so many events are there; 0: as soon as an endpoint has told something, with or without an answer.
    Leaves(usize),
}

/// One request of the mix.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub kind: &'static str,
    pub path: &'static str,
    pub stream: bool,
    pub client: Client,
    pub steps: Vec<Behaviour>,
}

/// Models asked for, in turn; see `expected.rs` for their prices.
pub(crate) const MODELS: [&str; 7] = [
    "probe-one",
    "probe-two-20260101",
    "claude-haiku-5-5",
    "claude-opus-4-8",
    "nobody-knows-1",
    "claude-haiku-4-5",
    "probe-one",
];

/// Sessions, in turn.
pub(crate) const SESSIONS: usize = 17;

pub(crate) fn model(number: usize) -> &'static str {
    MODELS[number / 3 % MODELS.len()]
}

pub(crate) fn session(number: usize) -> String {
    format!("00000000-0000-4000-8000-{:012}", number % SESSIONS)
}

pub(crate) fn user_agent(number: usize) -> String {
    format!("probe/{number:04}")
}

/// The number in a user agent.
pub(crate) fn number(user_agent: &str) -> Option<usize> {
    user_agent.strip_prefix("probe/")?.parse().ok()
}

impl Case {
    pub(crate) fn body(&self, number: usize) -> String {
        json!({
            "model": model(number), "max_tokens": 1000, "stream": self.stream,
            "messages": [{ "role": "user", "content": "x".repeat(number * 7 % 900 + 1) }],
        })
        .to_string()
    }

    /// The behaviour that attempt `attempt` (from 0) meets.
    pub(crate) fn step(&self, attempt: usize) -> Behaviour {
        self.steps.get(attempt).cloned().unwrap_or_else(plain)
    }
}

/// Twelve short deltas, no thinking: 1 `message_start`, 1 block start, 1 ping, then the deltas.
fn plain() -> Behaviour {
    Behaviour::healthy().deltas(12, 16).content(|content| content.thinking = Some(false))
}

/// An answer that says that much; different for every request, every kind of token among it.
fn says(number: usize) -> Usage {
    let n = number as u64;
    Usage {
        input: n * 31 % 5_003,
        cache_write_5m: n * 17 % 997,
        cache_write_1h: n * 13 % 1_009,
        cache_read: n * 7_919 % 150_011,
        output: n * 11 % 4_001 + 2,
        ..Usage::default()
    }
}

fn with(behaviour: Behaviour, change: impl FnOnce(&mut Content)) -> Behaviour {
    behaviour.content(change)
}

fn styled(behaviour: Behaviour, style: UsageStyle) -> Behaviour {
    with(behaviour, |content| content.usage_style = style)
}

const CODINGS: [Coding; 4] = [Coding::Gzip, Coding::Brotli, Coding::Deflate, Coding::Zstd];

/// An error answer whose body has a usage.
fn error_with_usage(status: u16, kind: &str, usage: Usage) -> Behaviour {
    let body = json!({
        "type": "error", "error": { "type": kind, "message": "Simulated failure" },
        "usage": { "input_tokens": usage.input, "output_tokens": usage.output },
    });
    Behaviour::fixed(status, "application/json", body.to_string()).usage(usage)
}

/// An event stream, whatever was asked for.
fn stream_with_usage(usage: Usage) -> Behaviour {
    let start = json!({ "type": "message_start", "message": { "usage": { "input_tokens": usage.input, "output_tokens": 1 } } });
    let delta = json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": usage.output } });
    let body = format!("event: message_start\ndata: {start}\n\nevent: message_delta\ndata: {delta}\n\n");
    Behaviour::fixed(200, "text/event-stream", body).usage(usage)
}

/// The kinds of requests, in turn.
pub(crate) const KINDS: usize = 43;

/// Requests from this number on take their time.
const SLOW: usize = 1_000;

/// Request `number` of the mix.
pub(crate) fn case(number: usize) -> Case {
    let (usage, coding) = (says(number), CODINGS[number / KINDS % CODINGS.len()]);
    let told = || plain().usage(usage);
    let stays =
        |kind, stream, steps| Case { kind, path: "/v1/messages", stream, client: Client::Stays, steps };
    let leaves =
        |kind, stream, events, steps| Case { client: Client::Leaves(events), ..stays(kind, stream, steps) };
    let whole = |kind, behaviour| stays(kind, true, vec![behaviour]);
    let small = Usage { input: 41, output: 7, ..Usage::default() };
    if number >= SLOW {
        return whole("slow", told().pace(Pace::every(Duration::from_millis(15))));
    }
    match number % KINDS {
        0 | 1 => whole("stream", told()),
        2 | 3 => stays("document", false, vec![told()]),
        4 => whole("coded stream", told().encoding(Encoding::Accepted(coding))),
        5 => stays("coded document", false, vec![told().encoding(Encoding::Forced(coding))]),
        6 => whole("usage in the delta alone", styled(told(), UsageStyle::DeltaOnly)),
        7 => whole("two cumulative deltas", styled(told(), UsageStyle::TwoDeltas)),
        8 => {
            let style = SseStyle { final_blank_line: false, crlf: number % 80 < 40, ..SseStyle::default() };
            whole("no last blank line", with(told().style(style), |content| content.no_message_stop = false))
        }
        9 => whole("carriage returns", told().style(SseStyle { crlf: true, ..SseStyle::default() })),
        10 => whole("byte by byte", told().writes(Writes::Bytes(1))),
        11 => whole(
            "data alone, no space",
            told().style(SseStyle { event_lines: false, space: false, ..SseStyle::default() }),
        ),
        12 => Case { path: "/v1/messages/count_tokens", ..stays("count", false, Vec::new()) },
        13 => Case { path: "/v1/models", ..stays("models", false, Vec::new()) },
        14 => {
            stays("document for a stream", true, vec![Behaviour::document_for_stream().usage(usage), told()])
        }
        15 => {
            whole("tiers", told().usage(Usage { cache_read: 0, input: 99_990 + number as u64 % 20, ..usage }))
        }
        16 => whole("batch", with(told(), |content| content.service_tier = Some(Cow::Borrowed("batch")))),
        17 => whole("in the US", with(told(), |content| content.inference_geo = Some(Cow::Borrowed("us")))),
        18 => stays(
            "batch in the US",
            false,
            vec![with(told(), |content| {
                content.service_tier = Some(Cow::Borrowed("batch"));
                content.inference_geo = Some(Cow::Borrowed("us"));
            })],
        ),
        19 => whole(
            "server tools",
            told().usage(Usage { web_searches: 3, web_fetches: 2, code_executions: 1, ..usage }),
        ),
        20 => stays("overloaded, then well", true, vec![Behaviour::overloaded(), told()]),
        21 => stays("reset, then well", false, vec![Behaviour::reset_before_headers(), told()]),
        22 => stays(
            "error before any content",
            true,
            vec![told().stop(Mark::Events(1), How::Error(Cow::Borrowed("overloaded_error"))), told()],
        ),
        23 => stays("cut before any content", true, vec![told().stop(Mark::Events(1), How::Close), told()]),
        24 => stays("truncated document", false, vec![told().stop(Mark::Bytes(90), How::Close), told()]),
        25 => whole("cut in the content", told().stop(Mark::Events(6), How::Close)),
        26 => whole("ended in the content", told().stop(Mark::Events(7), How::End)),
        27 => whole(
            "coded and cut",
            told().encoding(Encoding::Forced(coding)).stop(Mark::Events(8), How::Close),
        ),
        28 => whole(
            "error in the content",
            told().stop(Mark::Events(9), How::Error(Cow::Borrowed("api_error"))),
        ),
        29 => whole(
            "cut behind the delta",
            styled(told(), UsageStyle::TwoDeltas).stop(Mark::Events(17), How::Close),
        ),
        30 => leaves("leaves in the content", true, 5, vec![told().stop(Mark::Events(5), How::Silence)]),
        31 => leaves(
            "leaves a dripping stream",
            true,
            4,
            vec![told().stop(Mark::Events(4), How::Drip(Drip::Ping, Duration::from_millis(3)))],
        ),
        32 => leaves("leaves before the head", true, 0, vec![Behaviour::silence_after_headers()]),
        33 => {
            leaves("leaves behind message_start", true, 0, vec![told().stop(Mark::Events(1), How::Silence)])
        }
        34 => leaves(
            "leaves behind the delta",
            true,
            17,
            vec![styled(told(), UsageStyle::TwoDeltas).stop(Mark::Events(17), How::Silence)],
        ),
        35 => stays(
            "client's mistake with usage",
            false,
            vec![error_with_usage(400, "invalid_request_error", small)],
        ),
        36 => stays(
            "error with usage, then well",
            true,
            vec![error_with_usage(529, "overloaded_error", small), told()],
        ),
        37 => stays(
            "error object in a 200 with usage",
            false,
            vec![error_with_usage(200, "overloaded_error", small), told()],
        ),
        40 | 41 => {
            let nothing = Behaviour::empty_completion().usage(Usage { output: 0, input: 1_234, ..usage });
            stays("nothing said, then well", number.is_multiple_of(2), vec![nothing, told()])
        }
        42 => stays("stream for a document", false, vec![stream_with_usage(small), told()]),
        38 => whole(
            "another model answers",
            with(told(), |content| content.model = Some(Cow::Borrowed("probe-two"))),
        ),
        _ => stays(
            "until the close",
            number.is_multiple_of(2),
            vec![told().framing(Framing::UntilClose).pace(Pace::default())],
        ),
    }
}
