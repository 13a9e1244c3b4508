//! Keeping a stream's client company while its request waits in the queue (`request_suspend.keepalive: ping`).
//!
//! Normally a waiting client hears nothing until there is an answer, so that a failure can still be a proper HTTP error.
//! With the keepalive on, a streaming request that is suspended gets `200` and a `ping` at once, and a ping every
//! heartbeat interval. What the forward loop comes to is then passed on inside that stream: an answer's bytes as they
//! are, an error as one SSE `error` event.
//!
//! The head is gone before the endpoint is known, so the answer must come uncoded: a request that may end up here asks
//! for that.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame};
use tokio::sync::Notify;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::respond::{self, Aborted, ClientBody, PING_EVENT};
use crate::events::RequestId;

/// Pings at this pace when `streaming.heartbeat_interval` is off.
const DEFAULT_PACE: Duration = Duration::from_secs(15);

/// An error body larger than this is described, not passed on.
const MAX_ERROR: usize = 256 * 1024;

/// The forward loop of one request.
pub type Answering = Pin<Box<dyn Future<Output = Response<ClientBody>> + Send>>;

/// The answer, or, once `suspended` is told, a stream that keeps the client company until there is one.
pub async fn accompany(
    mut answering: Answering,
    suspended: Arc<Notify>,
    pace: Duration,
    id: RequestId,
) -> Response<ClientBody> {
    tokio::select! {
        biased;
        response = &mut answering => response,
        () = suspended.notified() => respond::with_id(opened(Company::new(answering, pace)), Some(id)),
    }
}

fn opened(company: Company) -> Response<ClientBody> {
    let mut response = Response::new(ClientBody::Accompanied(Box::new(company)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The body of such a stream.
pub struct Company {
    state: State,
    pings: Interval,
}

enum State {
    /// The forward loop runs.
    Waiting(Answering),
    /// Its answer is passed on.
    Passing(Box<ClientBody>),
    /// Its error is being collected into one event.
    Failing(Box<ClientBody>, Vec<u8>),
    Over,
}

impl Company {
    fn new(answering: Answering, pace: Duration) -> Self {
        let pace = if pace.is_zero() { DEFAULT_PACE } else { pace };
        // The first one at once: it opens the stream.
        let mut pings = interval_at(Instant::now(), pace);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { state: State::Waiting(answering), pings }
    }

    /// The next frame for the client.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        loop {
            match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Passing(body) => return Pin::new(body.as_mut()).poll_frame(cx),
                State::Failing(body, read) => match ready!(Pin::new(body.as_mut()).poll_frame(cx)) {
                    Some(Ok(frame)) => collect(read, &frame.into_data().unwrap_or_default()),
                    Some(Err(_)) | None => {
                        let event = error_event(read);
                        self.state = State::Over;
                        return Poll::Ready(Some(Ok(Frame::data(event))));
                    }
                },
                State::Waiting(answering) => match answering.as_mut().poll(cx) {
                    Poll::Ready(response) => self.state = entered(response),
                    Poll::Pending => {
                        ready!(self.pings.poll_tick(cx));
                        return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PING_EVENT)))));
                    }
                },
            }
        }
    }
}

fn entered(response: Response<ClientBody>) -> State {
    let (head, body) = response.into_parts();
    if head.status.is_success() {
        State::Passing(Box::new(body))
    } else {
        State::Failing(Box::new(body), Vec::new())
    }
}

/// What is too large for an error object is read to its end and not kept.
fn collect(read: &mut Vec<u8>, more: &[u8]) {
    if read.len() <= MAX_ERROR {
        read.extend_from_slice(more);
    }
}

/// The error as one event. An upstream's error that is no error object is described, not quoted.
fn error_event(body: &[u8]) -> Bytes {
    let shaped = crate::claude::wire::api_error(body).is_some();
    let data = match std::str::from_utf8(body) {
        Ok(text) if shaped => text.lines().collect::<Vec<_>>().join(" "),
        _ => respond::error_json("api_error", "The endpoint answered with an error.", None),
    };
    Bytes::from(format!("event: error\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_end_is_not_kept() {
        let mut read = Vec::new();
        for _ in 0..1000 {
            collect(&mut read, &[b'x'; 16 * 1024]);
        }
        assert!(read.len() <= MAX_ERROR + 16 * 1024, "{}", read.len());
        let event = error_event(&read);
        assert!(event.ends_with(b"}\n\n") && event.len() < 200, "{event:?}");
    }
}
