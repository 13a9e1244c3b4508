//! Every fault as a constructor of [`Behaviour`], named after what it looks like from outside.
//!
//! Three kinds: answers (a whole response, if a bad one), breaks (a [`Stop`](super::Stop) somewhere), and slow, large or
//! oddly spelled answers. The catalogue of all of them under stable names is [`Fault::all`](super::Fault::all).

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use super::behaviour::{Behaviour, Coding, Drip, Encoding, How, Mark, Pace, Reply, SseStyle};
use super::usage::UsageStyle;

/// A page as proxies and maintenance hosts serve it.
const HTML: &str =
    "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>502</h1></body></html>\n";

/// Answers.
impl Behaviour {
    /// An error answer in Anthropic's shape.
    pub fn status(status: u16, kind: &'static str) -> Self {
        let message = Cow::Borrowed("Simulated failure");
        Self::healthy().reply(Reply::Error { status, kind: Cow::Borrowed(kind), message })
    }

    /// An HTML page with this status.
    pub fn html(status: u16) -> Self {
        Self::fixed(status, "text/html; charset=utf-8", HTML)
    }

    /// This body with this status and content type.
    pub fn fixed(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::healthy().reply(Reply::Fixed {
            status,
            content_type: Cow::Borrowed(content_type),
            body: body.into(),
        })
    }

    /// 529, the API's own overload answer.
    pub fn overloaded() -> Self {
        Self::status(529, "overloaded_error")
    }

    /// 429 without any hint when to come back.
    pub fn rate_limited() -> Self {
        Self::status(429, "rate_limit_error")
    }

    /// 429 with `retry-after` in seconds.
    pub fn retry_after(seconds: u64) -> Self {
        Self::rate_limited().header("retry-after", seconds.to_string())
    }

    /// 429 with an exhausted bucket that is filled again at `reset`.
    pub fn bucket_empty(reset: jiff::Timestamp) -> Self {
        Self::rate_limited()
            .header("anthropic-ratelimit-tokens-limit", "80000")
            .header("anthropic-ratelimit-tokens-remaining", "0")
            .header("anthropic-ratelimit-tokens-reset", format!("{reset:.0}"))
    }

    /// 429 of a subscription whose 5-hour window is used up until `reset`.
    pub fn window_used_up(reset: jiff::Timestamp) -> Self {
        let seconds = reset.as_second().to_string();
        Self::rate_limited()
            .header("anthropic-ratelimit-unified-status", "rejected")
            .header("anthropic-ratelimit-unified-5h-status", "rejected")
            .header("anthropic-ratelimit-unified-5h-reset", seconds.clone())
            .header("anthropic-ratelimit-unified-reset", seconds)
    }

    /// 413 as soon as the head is there, the upload unread.
    pub fn early_too_large() -> Self {
        Self { early: true, ..Self::status(413, "request_too_large") }
    }

    /// A redirect.
    pub fn redirect(location: &str) -> Self {
        Self::fixed(302, "", "").header("location", location)
    }

    /// A 200 whose JSON is an error object.
    pub fn error_object_in_200() -> Self {
        Self::status(200, "overloaded_error")
    }

    /// A 200 with no body at all.
    pub fn empty_body() -> Self {
        Self::fixed(200, "application/json", "")
    }

    /// A whole JSON message although a stream was asked for.
    pub fn document_for_stream() -> Self {
        Self::healthy().reply(Reply::Json)
    }

    /// No content, `end_turn`, no output tokens.
    pub fn empty_completion() -> Self {
        Self::healthy().content(|content| content.empty = true)
    }

    /// A refusal: an answer, not a failure.
    pub fn refusal() -> Self {
        Self::healthy().content(|content| content.stop_reason = Some(Cow::Borrowed("refusal")))
    }

    /// Bytes that are no HTTP response.
    pub fn garbage() -> Self {
        Self::healthy().reply(Reply::Raw(Bytes::from_static(b"\x16\x03\x01 this is not HTTP\r\n\r\n")))
    }
}

/// Breaks.
impl Behaviour {
    fn stops(at: Mark, how: How) -> Self {
        Self::healthy().stop(at, how)
    }

    /// The connection is accepted and nothing is ever read.
    pub fn silent_connection() -> Self {
        Self::stops(Mark::Accept, How::Silence)
    }

    /// The connection is reset as soon as it is accepted.
    pub fn reset_on_accept() -> Self {
        Self::stops(Mark::Accept, How::Reset)
    }

    /// Reading stops in the middle of the upload.
    pub fn stalled_upload(after: usize) -> Self {
        Self::stops(Mark::Upload(after), How::Silence)
    }

    /// The connection is reset in the middle of the upload.
    pub fn reset_in_upload(after: usize) -> Self {
        Self::stops(Mark::Upload(after), How::Reset)
    }

    /// The request is read and never answered.
    pub fn never_answers() -> Self {
        Self::stops(Mark::Request, How::Silence)
    }

    /// TCP reset instead of a response.
    pub fn reset_before_headers() -> Self {
        Self::stops(Mark::Request, How::Reset)
    }

    /// The connection is closed instead of a response.
    pub fn close_before_headers() -> Self {
        Self::stops(Mark::Request, How::Close)
    }

    /// TCP reset right behind the response head.
    pub fn reset_after_headers() -> Self {
        Self::stops(Mark::Headers, How::Reset)
    }

    /// The connection is closed right behind the response head.
    pub fn close_after_headers() -> Self {
        Self::stops(Mark::Headers, How::Close)
    }

    /// Nothing behind the response head.
    pub fn silence_after_headers() -> Self {
        Self::stops(Mark::Headers, How::Silence)
    }

    /// A stream (or JSON body) that ends in good form before its first byte.
    pub fn empty_stream() -> Self {
        Self::stops(Mark::Headers, How::End)
    }

    /// TCP reset at `mark`.
    pub fn reset_at(mark: Mark) -> Self {
        Self::stops(mark, How::Reset)
    }

    /// The connection is closed at `mark`.
    pub fn close_at(mark: Mark) -> Self {
        Self::stops(mark, How::Close)
    }

    /// Nothing more from `mark` on.
    pub fn silent_from(mark: Mark) -> Self {
        Self::stops(mark, How::Silence)
    }

    /// The body ends in good form at `mark`, without `message_stop`.
    pub fn truncated_at(mark: Mark) -> Self {
        Self::stops(mark, How::End)
    }

    /// An SSE `error` event of type `kind` behind `events` events.
    pub fn error_event(events: usize, kind: &'static str) -> Self {
        Self::stops(Mark::Events(events), How::Error(Cow::Borrowed(kind)))
    }

    /// An SSE `error` event behind a leading `ping`.
    pub fn error_event_after_ping(kind: &'static str) -> Self {
        Self::error_event(1, kind).content(|content| content.leading_ping = true)
    }

    /// An endless stream behind `events` events.
    pub fn drips(events: usize, kind: Drip, every: Duration) -> Self {
        Self::stops(Mark::Events(events), How::Drip(kind, every))
            .content(|content| content.thinking = Some(false))
    }

    /// Event number `event` (from 0) is broken JSON; the rest is fine.
    pub fn corrupt_event(event: usize) -> Self {
        Self::healthy().content(|content| content.corrupt_event = Some(event))
    }

    /// The connection is closed behind a complete answer that promised to keep it.
    pub fn closes_after_answer() -> Self {
        Self::stops(Mark::End, How::Close)
    }

    /// A complete answer; the next request on the same connection meets a close.
    pub fn closes_on_next_request() -> Self {
        Self::stops(Mark::NextRequest, How::Close)
    }

    /// A complete answer; the next request on the same connection meets a reset.
    pub fn resets_on_next_request() -> Self {
        Self::stops(Mark::NextRequest, How::Reset)
    }
}

/// Slow, large and oddly spelled answers.
impl Behaviour {
    /// Headers and `message_start` at once, the first content after `wait`.
    pub fn slow_first_token(wait: Duration) -> Self {
        Self::healthy().pace(Pace { first_token: wait, ..Pace::default() })
    }

    /// An answer of `bytes` or a little more.
    pub fn large(bytes: usize) -> Self {
        Self::healthy().deltas(bytes.div_ceil(4096), 4096)
    }

    /// Usage only in `message_delta`, as relays report it.
    pub fn relay_usage() -> Self {
        Self::healthy().content(|content| content.usage_style = UsageStyle::DeltaOnly)
    }

    /// Events spelled in this style.
    pub fn spelled(style: SseStyle) -> Self {
        Self::healthy().style(style)
    }

    /// Compressed with this coding if the request accepts it.
    pub fn encoded(coding: Coding) -> Self {
        Self::healthy().encoding(Encoding::Accepted(coding))
    }
}
